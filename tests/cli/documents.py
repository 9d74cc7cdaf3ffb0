"""What the tests of the command line are given to read."""

from __future__ import annotations

GOOD = """\
name: greeter
description: Says hello.
schemaVersion: 1.0
parameters:
  - Greeting: {type: string, default: Hello}
phases:
  - name: build
    steps:
      - name: Greet
        action: ExecuteBash
        inputs: {commands: ['echo "{{ Greeting }}" | tee /etc/greeting']}
  - name: validate
    steps:
      - name: Look
        action: ExecuteBash
        inputs: {commands: ['grep -q "{{ Greeting }}" /etc/greeting']}
"""

BAD = """\
name: bad
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: One
        action: ExecuteBsh
        inputs: {commands: ['{{ build.Two.outputs.stdout }}']}
      - name: One
        action: ExecuteBash
        inputs: {comands: ['x']}
        onFailure: Abrt
"""

BAD_FAULTS = [
    "bad.yml:7:17: There is no action 'ExecuteBsh'. Did you mean ExecuteBash?",
    "bad.yml:8:30: {{ build.Two.outputs.stdout }}: phase build has no step 'Two'.",
    "bad.yml:9:9: Step One is there twice; first in line 6.",
    "bad.yml:11:17: ExecuteBash needs the input commands.",
    "bad.yml:11:18: ExecuteBash has no key 'comands'. Did you mean commands?",
    "bad.yml:12:20: onFailure must be Abort, Continue or Ignore, but is 'Abrt'. Did you mean Abort?",
]


def failing(command: str = "echo it broke >&2; exit 3", phase: str = "build") -> str:
    """A component with one step, Break, which runs the command."""
    return (
        "name: failing\nschemaVersion: 1.0\n"
        f"phases: [{{name: {phase}, steps: [{{name: Break, action: ExecuteBash, inputs: {{commands: ['{command}']}}}}]}}]\n"
    )


def pipeline(*components: str, parent: str = "debian/12", more: str = "") -> str:
    """A pipeline of these components whose image is not booted; components begin in line 6, column 23."""
    listed = "".join(f"    - componentArn: {component}\n" for component in components)
    return (
        "name: plain\nimageRecipe:\n  name: plain\n  semanticVersion: 1.0.0\n"
        f"  parentImage: {parent}\n  components:\n{listed}"
        f"imageTestsConfiguration: {{imageTestsEnabled: false}}\n{more}"
    )
