"""What cloud.yml may say of a webhook."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from goldsmith.pipelines.events.webhook import Webhook

SECRET = "0123456789abcdef"


@pytest.mark.parametrize(
    "url", ["https://hooks.example/x?y=z", "http://127.0.0.1:9000/x", "http://localhost/x", "http://[::1]:80/"]
)
def test_https_and_this_host_are_allowed(url):
    assert Webhook(url=url, secret=SECRET).host


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "http://10.0.0.1/",
        "ftp://hooks.example/",
        "https:///x",
        "https://user:word@hooks.example/",
        "https://hooks.example:port/",
        "//hooks.example/",
        "http://127.0.0.1.hooks.example/",
    ],
)
def test_others_are_not(url):
    with pytest.raises(ValidationError, match="webhook"):
        Webhook(url=url, secret=SECRET)


def test_plain_http_to_others_is_there_for_who_says_so():
    assert Webhook(url="http://10.0.0.1/", secret=SECRET, allow_http=True).host == "10.0.0.1"


@pytest.mark.parametrize("wrong", [{"secret": "short"}, {"accounts": ["me"]}, {"events": [{}]}, {"color": "red"}])
def test_what_is_wrong_is_refused_without_telling_the_secret(wrong):
    with pytest.raises(ValidationError) as refused:
        Webhook.model_validate({"url": "https://hooks.example/", "secret": SECRET, **wrong})
    assert SECRET not in str(refused.value)
    assert "short" not in str([fault["msg"] for fault in refused.value.errors()])


def test_cloud_yml_has_webhooks_each_url_once(tmp_path):
    from goldsmith.aws.settings import Settings, SettingsError

    hook = (
        "  - {url: 'https://hooks.example/', secret: 0123456789abcdef, events: ['*State Change', {account: ['1']}]}\n"
    )
    (tmp_path / "cloud.yml").write_text(f"webhooks:\n{hook}")
    (found,) = Settings.load(tmp_path).webhooks
    assert found.wants({"detail-type": "EC2 Image Builder Image State Change"})
    (tmp_path / "cloud.yml").write_text(f"webhooks:\n{hook}{hook}")
    with pytest.raises(SettingsError, match="same URL"):
        Settings.load(tmp_path)
    (tmp_path / "cloud.yml").write_text("webhooks:\n  - {url: 'http://elsewhere/', secret: 0123456789abcdef}\n")
    with pytest.raises(SettingsError, match="takes https") as refused:
        Settings.load(tmp_path)
    assert "0123456789abcdef" not in str(refused.value)
