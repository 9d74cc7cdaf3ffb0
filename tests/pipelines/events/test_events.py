"""Events reach webhooks: signed, once under one id, after failures, after a kill, and never at a build's cost."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import signal
import subprocess
import sys

import pytest

from goldsmith.pipelines.events.event import IMAGE_STATE_CHANGE, state_change
from goldsmith.pipelines.events.events import Events
from goldsmith.pipelines.events.webhook import Webhook

SECRET = "0123456789abcdef-secret"
ARN = "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1"


def hook(receiver, **more):
    return Webhook.model_validate({"url": f"{receiver.url}/hook?key=hush", "secret": SECRET, **more})


def tell(events, status="AVAILABLE", account="123456789012"):
    events.emit(IMAGE_STATE_CHANGE, [ARN], state_change("TESTING", status), account=account, region="us-east-1")


def statuses(receiver):
    return [json.loads(body)["detail"]["state"]["status"] for _, body in receiver.got]


def test_an_event_is_posted_once_with_a_signature_that_the_secret_makes(home, clock, receiver):
    events = Events(home, [hook(receiver)], clock)
    tell(events)
    assert events.deliver_due() == 1
    assert events.deliver_due() == 0
    ((headers, body),) = receiver.got
    (logged,) = events.log.read()
    assert json.loads(body) == logged.event
    assert headers["X-Goldsmith-Event-Id"] == logged.event["id"]
    stamp, signature = (part.partition("=")[2] for part in headers["X-Goldsmith-Signature"].split(","))
    assert int(stamp) == int(clock.now)
    wanted = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(signature, wanted)


@pytest.mark.parametrize("status", [500, 404, 307, 301])
def test_what_fails_is_tried_again_after_longer_and_longer_and_no_redirect_is_followed(home, clock, receiver, status):
    receiver.answers = [status] * 3
    events = Events(home, [hook(receiver)], clock)
    tell(events)
    tried = []
    for _ in range(60):
        if events.deliver_due():
            break
        tried.append(len(receiver.got))
        clock.now += 1
    assert receiver.got[-1][0]["X-Goldsmith-Attempt"] == "4"
    assert [tried.count(number) for number in (1, 2, 3)] == [5, 10, 20]
    assert len({body for _, body in receiver.got}) == 1
    assert len({headers["X-Goldsmith-Event-Id"] for headers, _ in receiver.got}) == 1


def test_an_event_that_nobody_takes_for_a_day_is_given_up_and_logged_without_the_secret(home, clock, receiver, caplog):
    receiver.answers = [503] * 1000
    events = Events(home, [hook(receiver)], clock)
    tell(events)
    for _ in range(30 * 60):
        events.deliver_due()
        clock.now += 60
    attempts = len(receiver.got)
    assert 25 < attempts < 40
    assert "given up after a day" in caplog.text
    assert "hush" not in caplog.text
    assert SECRET not in caplog.text
    clock.now += 86400
    events.deliver_due()
    assert len(receiver.got) == attempts


def test_one_webhook_that_is_away_keeps_nothing_from_another_and_gets_all_in_the_end(home, clock, receiver):
    class Away:
        url = "http://127.0.0.1:1"

    events = Events(home, [hook(Away), hook(receiver)], clock)
    for status in ("AVAILABLE", "FAILED"):
        tell(events, status)
    assert events.deliver_due() == 2
    assert statuses(receiver) == ["AVAILABLE", "FAILED"]


def test_only_what_is_wanted_comes(home, clock, receiver):
    wanted = {"detail": {"state": {"status": ["FAILED"]}}}
    events = Events(home, [hook(receiver, events=[wanted], accounts=["123456789012"])], clock)
    tell(events, "AVAILABLE")
    tell(events, "FAILED")
    tell(events, "FAILED", account="999999999999")
    assert events.deliver_due() == 1
    assert statuses(receiver) == ["FAILED"]


def test_a_new_webhook_gets_what_happens_from_now_on_and_an_old_one_what_happened_while_nobody_served(
    home, clock, receiver
):
    teller = Events(home, [], clock)
    tell(teller, "BUILDING")
    Events(home, [hook(receiver)], clock)
    clock.now += 1
    tell(teller, "TESTING")
    later = Events(home, [hook(receiver)], clock)
    assert later.deliver_due() == 1
    assert statuses(receiver) == ["TESTING"]


def test_what_belongs_to_a_webhook_that_is_set_no_more_goes(home, clock, receiver):
    Events(home, [hook(receiver)], clock)
    assert list((home.path / "events" / "webhooks").iterdir())
    Events(home, [], clock).deliver_due()
    assert not list((home.path / "events" / "webhooks").iterdir())


def test_the_secret_is_in_no_file_and_no_text(home, clock, receiver):
    events = Events(home, [hook(receiver)], clock)
    receiver.answers = [500]
    tell(events)
    events.deliver_due()
    assert SECRET not in repr(hook(receiver)) + str(hook(receiver))
    for file in home.path.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


def test_telling_never_raises_into_a_build(home, clock, caplog):
    home.path.joinpath("events").write_text("in the way")
    tell(Events(home, [], clock))
    assert "could not be told" in caplog.text
    caplog.clear()
    Events(home, [], clock).emit("x", ["a"], {"no": object()}, account="1", region="r")
    assert "could not be told" in caplog.text


DELIVERER = """
import json, os, sys
from pathlib import Path
from goldsmith.pipelines.events.events import Events
from goldsmith.pipelines.events.webhook import Webhook
from goldsmith.pipelines.home import Home
home, url, secret, cut = sys.argv[1:]
events = Events(Home(Path(home)), [Webhook(url=url, secret=secret)], lambda: 1_795_000_000.0)
if cut != "-":
    from goldsmith.pipelines.events import outbox
    calls = {"n": 0}
    def counted(name, function):
        def run(*arguments, **named):
            calls["n"] += 1
            if calls["n"] == int(cut):
                os.kill(os.getpid(), 9)
            return function(*arguments, **named)
        return run
    outbox.Outbox._write = counted("_write", outbox.Outbox._write)
    Path.unlink = counted("unlink", Path.unlink)
    Path.replace = counted("replace", Path.replace)
    outbox.os.fsync = counted("fsync", os.fsync)
    from goldsmith.pipelines.events import events as telling
    telling.post = counted("post", telling.post)
events.deliver_due()
"""


@pytest.mark.parametrize("cut", range(1, 17))
def test_a_server_killed_at_any_moment_of_a_delivery_leaves_no_event_behind(home, clock, receiver, cut):
    one = hook(receiver)
    events = Events(home, [one], clock)
    tell(events, "AVAILABLE")
    tell(events, "FAILED")
    argv = [sys.executable, "-c", DELIVERER, str(home.path), one.url, SECRET]
    killed = subprocess.run([*argv, str(cut)], check=False)
    assert killed.returncode == -signal.SIGKILL
    subprocess.run([*argv, "-"], check=True)
    ids = [headers["X-Goldsmith-Event-Id"] for headers, _ in receiver.got]
    assert set(ids) == {each.event["id"] for each in events.log.read()}
    assert len(ids) <= 3, "at most what was on its way is sent again, under the same id"
    (pending,) = (home.path / "events" / "webhooks").glob("*/pending")
    assert not list(pending.iterdir())


def test_two_processes_do_not_deliver_to_one_webhook_at_once(home, clock, receiver):
    events = Events(home, [hook(receiver)], clock)
    tell(events)
    (folder,) = (home.path / "events" / "webhooks").iterdir()
    import fcntl

    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert Events(home, [hook(receiver)], clock).deliver_due() == 0
        assert not receiver.got
    assert events.deliver_due() == 1


def test_nothing_that_was_logged_shows_where_a_webhook_is(home, clock, caplog):
    caplog.set_level(logging.DEBUG, "goldsmith")
    events = Events(home, [Webhook(url="http://127.0.0.1:1/very-secret-path", secret=SECRET)], clock)
    tell(events)
    assert events.deliver_due() == 0
    assert "very-secret-path" not in caplog.text
