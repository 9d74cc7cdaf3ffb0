"""The agent's channel with an agent on its other end that says what a test wants; a real one is in test_life.py."""

from __future__ import annotations

import json
import socket
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from goldsmith.machines.instances import guest_agent
from goldsmith.machines.instances.guest_agent import GuestAgent

if TYPE_CHECKING:
    from collections.abc import Iterator

OPENED = {"event": "VSERPORT_CHANGE", "data": {"id": "agent", "open": True}}


class Agent:
    """Answers as `replies` says: None for silence, else what a command returns."""

    def __init__(self) -> None:
        self.ours, self._theirs = socket.socketpair()
        self.asked: list[str] = []
        self.replies: dict[str, Any] = {"guest-fsfreeze-freeze": {"return": 2}, "guest-fsfreeze-thaw": {"return": 2}}
        self.thread = Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        with self._theirs, self._theirs.makefile("rb") as lines:
            for line in lines:
                order = json.loads(line.lstrip(b"\xff"))
                command = order["execute"]
                self.asked.append(command)
                if command == "guest-sync-delimited":
                    answer = b"\xff" + json.dumps({"return": order["arguments"]["id"]}).encode()
                elif self.replies[command] is None:
                    continue
                else:
                    answer = json.dumps(self.replies[command]).encode()
                self._theirs.sendall(answer + b"\n")


@pytest.fixture
def peer() -> Iterator[Agent]:
    agent = Agent()
    yield agent
    agent.ours.close()
    agent.thread.join()


def test_nothing_is_asked_of_an_agent_that_is_not_there() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        agent = GuestAgent(ours)
        assert not agent.answers()
        assert not agent.freeze()
        agent.thaw()
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)


def test_a_guest_freezes_and_thaws(peer: Agent) -> None:
    agent = GuestAgent(peer.ours)
    agent.hear(OPENED)
    assert agent.freeze()
    agent.thaw()
    assert [command for command in peer.asked if "sync" not in command] == [
        "guest-fsfreeze-freeze",
        "guest-fsfreeze-thaw",
    ]


@pytest.mark.parametrize("reply", [{"error": {"desc": "no"}}, {"return": 0}, {}, None])
def test_a_guest_that_does_not_freeze_is_thawed_all_the_same(
    peer: Agent, reply: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guest_agent, "FREEZE_LIMIT", 0.2)
    peer.replies["guest-fsfreeze-freeze"] = reply
    agent = GuestAgent(peer.ours)
    agent.hear(OPENED)
    assert not agent.freeze()
    agent.thaw()
    assert "guest-fsfreeze-thaw" in peer.asked
    assert agent.answers(), "what came late is passed over"


def test_what_no_agent_says_is_no_answer() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        agent = GuestAgent(ours)
        agent.hear(OPENED)
        theirs.sendall(b"\x00[1]\nnull\n{\n" + b"x" * 5000 + b"\n")
        theirs.shutdown(socket.SHUT_WR)
        assert not agent.answers()


def test_an_agent_goes_with_the_guests_reset(peer: Agent) -> None:
    agent = GuestAgent(peer.ours)
    agent.hear(OPENED)
    agent.hear({"event": "RESET", "data": {"guest": True}})
    assert not agent.answers()
