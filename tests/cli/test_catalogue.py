"""The catalogue's commands, as installed: accounts, keys, listings and their refusals."""

from __future__ import annotations

import configparser
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

GOLDSMITH = str(Path(sys.executable).with_name("goldsmith"))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in a home of its own; return its exit code, output and errors."""
    for name, value in (
        ("GOLDSMITH_HOME", tmp_path / "home"),
        ("AWS_SHARED_CREDENTIALS_FILE", tmp_path / "aws" / "credentials"),
        ("AWS_CONFIG_FILE", tmp_path / "aws" / "config"),
    ):
        monkeypatch.setenv(name, str(value))

    def command(*words):
        done = subprocess.run([GOLDSMITH, *words], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    return command


def test_init_makes_an_account_and_a_profile_that_only_its_owner_reads(run, tmp_path):
    code, said, _ = run("init", "--account", "acme", "--account-id", "111122223333")
    assert code == 0
    assert "acme (111122223333)" in said
    file = tmp_path / "aws" / "credentials"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    profile = configparser.ConfigParser()
    profile.read(file)
    secret = profile["goldsmith"]["aws_secret_access_key"]
    database = b"".join(part.read_bytes() for part in (tmp_path / "home").glob("catalog.sqlite*"))
    assert profile["goldsmith"]["aws_access_key_id"].encode() in database
    assert secret.encode() not in database
    assert stat.S_IMODE((tmp_path / "home" / "keys" / "vault.key").stat().st_mode) == 0o600


def test_init_leaves_other_profiles_as_they_are(run, tmp_path):
    file = tmp_path / "aws" / "credentials"
    file.parent.mkdir()
    file.write_text("[default]\naws_access_key_id = THEIRS\n")
    run("init")
    assert "THEIRS" in file.read_text()
    assert "[goldsmith]" in file.read_text()


def test_without_a_catalogue_the_way_to_one_is_told(run):
    for words in (("images", "--amis"), ("instances",), ("run", "x"), ("account", "list"), ("serve", "--port", "1")):
        code, _, said = run(*words)
        assert code == 1
        assert "goldsmith init" in said, words


def test_accounts_and_keys(run):
    run("init", "--account", "acme")
    assert run("account", "add", "partner", "--account-id", "444455556666")[0] == 0
    assert "partner" in run("account", "list")[1]
    made = json.loads(run("account", "key", "partner", "--user", "ci", "--role", "reader", "--json")[1])
    assert made["Role"] == "reader"
    assert run("account", "revoke", made["AccessKeyId"])[0] == 0
    keys = json.loads(run("account", "keys", "partner", "--json")[1])
    assert [(key["UserName"], key["Active"]) for key in keys] == [("ci", False)]
    code, _, said = run("account", "key", "partner", "--role", "king")
    assert code == 1
    assert "reader, launcher, builder, admin" in said
    code, _, said = run("account", "keys", "nobody")
    assert code == 1
    assert "There is no account nobody" in said


def test_empty_listings_say_what_to_do(run):
    run("init")
    assert "Launch one: goldsmith run IMAGE" in run("instances")[1]
    assert "no AMIs" in run("images", "--amis")[1]
    assert "Nobody shares" in run("images", "--shared")[1]
    assert "no public AMIs" in run("images", "--public")[1]
    assert json.loads(run("snapshots", "--json")[1]) == []


def test_names_that_lead_nowhere_are_told(run):
    run("init")
    code, _, said = run("ssh", "web")
    assert (code, "There is no instance web here" in said) == (2, True)
    code, _, said = run("run", "web")
    assert (code, "There is no image web here" in said) == (2, True)
    code, _, said = run("run")
    assert (code, "nothing to run" in said) == (2, True)


def test_only_loopback_is_served_without_tls(run):
    run("init")
    code, _, said = run("serve", "--host", "192.0.2.1")
    assert code == 2
    assert "--tls-certificate" in said


def test_wrong_settings_are_told_whole(run, tmp_path):
    run("init")
    (tmp_path / "home" / "cloud.yml").write_text("regionz: {}\ninstance_memory: lots\n")
    code, _, said = run("instances")
    assert code == 1
    assert "regionz" in said
    assert "instance_memory" in said
