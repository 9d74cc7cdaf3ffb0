from __future__ import annotations

import pytest

from goldsmith.documents.component import ForEachLoop, ForLoop
from goldsmith.documents.parser import parse_component

from .samples import document, step_faults


def loop(text):
    read = parse_component(document(f"  - {{name: One, action: Reboot, loop: {text}}}\n"), "doc.yml")
    return read.phases[0].steps[0].loop


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{for: {start: 0, end: 4, updateBy: 2}}", ForLoop(0, 4, 2)),
        ("{name: down, for: {start: 4, end: -4, updateBy: -1}}", ForLoop(4, -4, -1, "down")),
        ("{for: {start: 1, end: 1, updateBy: 5}}", ForLoop(1, 1, 5)),
        ("{forEach: [a, 2, '{{ b }}']}", ForEachLoop(("a", "2", "{{ b }}"))),
        ("{forEach: {list: 'a,b'}}", ForEachLoop("a,b", ",")),
        ("{forEach: {list: '{{ b }}', delimiter: '\\n'}}", ForEachLoop("{{ b }}", "\n")),
        ('{forEach: {list: a, delimiter: "\\t"}}', ForEachLoop("a", "\t")),
        ("{forEach: {list: a, delimiter: ' '}}", ForEachLoop("a", " ")),
    ],
)
def test_loops(text, expected):
    assert loop(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{for: {start: 0, end: 4, updateBy: -1}}", "A loop from 0 to 4 by -1 would never end."),
        ("{for: {start: 4, end: 0, updateBy: 1}}", "A loop from 4 to 0 by 1 would never end."),
        ("{for: {start: 0, end: 0, updateBy: 0}}", "A loop from 0 to 0 by 0 would never end."),
        ("{for: {start: 0, end: 4}}", "for has no updateBy."),
        ("{for: {start: '{{ a }}', end: 4, updateBy: 1}}", "start must be a whole number, but is '{{ a }}'."),
        ("{for: {start: 0, stop: 4, updateBy: 1}}", "for has no key 'stop'."),
        ("{forEach: []}", "forEach has no items."),
        (
            "{forEach: [{a: b}]}",
            "Each item of forEach must be text, but is a map. Quote the whole line: a colon and a space in it make it a map.",
        ),
        ("{forEach: {delimiter: ','}}", "forEach has no list."),
        (
            "{forEach: {list: a, delimiter: '|'}}",
            "delimiter must be one of . , ; : - _ or a space, a tab or a new line, but is '|'.",
        ),
        ("{forEach: {list: a, delimeter: ','}}", "forEach has no key 'delimeter'. Did you mean delimiter?"),
        ("{foreach: [a]}", "A loop has no key 'foreach'. Did you mean forEach?"),
        ("{name: only}", "A loop has either for or forEach."),
        ("{for: {start: 0, end: 1, updateBy: 1}, forEach: [a]}", "A loop has either for or forEach."),
        (
            "{name: a b, forEach: [a]}",
            "A loop's name 'a b' must have 3 to 128 letters, digits, hyphens or underscores.",
        ),
    ],
)
def test_faulty_loops(text, said):
    faults = step_faults(f"{{name: One, action: Reboot, loop: {text}}}")
    assert said in [fault.partition(": ")[2] for fault in faults]
