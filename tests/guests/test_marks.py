from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from goldsmith.guests.marks import MarkedEnd, MarkedOutput

if TYPE_CHECKING:
    from goldsmith.guests.process import Stream


def takes_the_end(output: MarkedOutput, chunk: bytes) -> bool:
    try:
        output.take("stderr", chunk)
    except MarkedEnd:
        return True
    return False


def note(output: MarkedOutput, kind: str, number: int) -> bytes:
    return f"\0{output.token} {kind} {number}\0".encode()


@given(st.binary(max_size=80), st.binary(max_size=80), st.lists(st.integers(1, 90), max_size=12))
def test_the_commands_bytes_pass_and_the_notes_do_not(before: bytes, after: bytes, cuts: list[int]) -> None:
    seen: list[bytes] = []
    output = MarkedOutput(lambda _stream, chunk: seen.append(chunk))
    text = note(output, "pid", 42) + before + b"\0" + after + note(output, "end", 3)
    output.take("stdout", note(output, "end", 3))
    edges = [0, *accumulate(cuts), len(text)]
    chunks = [text[begun:ended] for begun, ended in pairwise(edges) if begun < len(text)]
    assert [takes_the_end(output, chunk) for chunk in chunks].count(True) == 1
    assert bytes(output.text["stderr"]) == b"".join(seen) == before + b"\0" + after
    assert (output.process_id, output.exit_code) == (42, 3)


def test_output_is_passed_on_as_it_comes() -> None:
    seen: list[tuple[Stream, bytes]] = []
    output = MarkedOutput(lambda stream, chunk: seen.append((stream, chunk)))
    output.take("stdout", b"half a line")
    assert seen == [("stdout", b"half a line")]


def test_what_comes_after_the_end_is_not_the_commands() -> None:
    output = MarkedOutput()
    output.take("stdout", b"mine" + note(output, "end", 0) + b"a daemon's")
    output.take("stdout", b" and more")
    assert bytes(output.text["stdout"]) == b"mine"
