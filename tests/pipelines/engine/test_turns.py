"""Turns: so many at once, those who came first before others, and one that is lent is another's."""

from __future__ import annotations

import threading

import pytest

from goldsmith.pipelines.engine.turns import Turns


def go_on():
    """Whoever waits waits on."""


def test_so_many_have_a_turn_and_the_others_come_in_their_order():
    turns, order, first, queued = Turns(1, go_on), [], threading.Event(), []

    def work(number):
        with turns.taken():
            order.append(number)

    with turns.taken():
        for number in range(5):
            thread = threading.Thread(target=work, args=(number,))
            thread.start()
            queued.append(thread)
            while len(turns._waiting) <= number and thread.is_alive():
                first.wait(0.001)
        assert order == []
    for thread in queued:
        thread.join(10)
    assert order == [0, 1, 2, 3, 4]


def test_a_wait_ends_by_what_its_look_raises():
    class EndError(Exception):
        pass

    def leave():
        raise EndError

    turns = Turns(0, leave)
    with pytest.raises(EndError), turns.taken():
        pass
    assert not turns._waiting


def test_who_waits_for_people_lets_another_work_and_comes_back():
    turns, said = Turns(1, go_on), []
    other = threading.Thread(target=lambda: _take(turns, said))
    with turns.taken():
        with turns.lent():
            other.start()
            other.join(10)
            assert said == ["had a turn"]
        assert turns._free == 0


def _take(turns, said):
    with turns.taken():
        said.append("had a turn")
