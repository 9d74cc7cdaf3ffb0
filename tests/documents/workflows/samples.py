"""Workflow documents for tests."""

from __future__ import annotations

EVERYTHING = """\
name: everything
description: All that the language has.
schemaVersion: 1.0
parameters:
  - {name: kind, type: string, default: t3.micro, description: Which.}
  - {name: count, type: integer, default: 3}
  - {name: wanted, type: boolean, default: yes}
  - {name: types, type: stringList, default: [a, b]}
  - {name: given, type: string}
steps:
  - name: Launch
    action: LaunchInstance
    description: Launch it.
    onFailure: Abort
    rollbackEnabled.$: $.parameters.wanted
    timeoutSeconds: 900
    waitSeconds: 5
    retry: {maxAttempts: 3, backoffSeconds: 0}
    inputs:
      waitFor: ssmAgent
      healthCheck: RUNNING
      instanceTypesOverride:
        - "$.parameters.kind"
        - t3.small
  - name: Run_it
    action: RunCommand
    rollbackEnabled: false
    if:
      - and:
          - stringEquals: AMI
            value: $.imagebuilder.imageType
          - or:
              - numberGreaterThan: 2
                value: $.parameters.count
              - not:
                  - booleanEquals: true
                    value: "$.parameters.wanted"
    inputs:
      instanceId: $.stepOutputs.Launch.instanceId
      documentName: AWS-RunShellScript
      parameters:
        commands:
          - |
            echo {{ $.parameters.given }} of {{$.imagebuilder.imageName}}
            jq $.parameters.untouched
        files.$: $.parameters.types
  - name: Wait
    action: WaitForAction
    onFailure: Continue
    inputs:
      payload: '{"said": "{{ $.stepOutputs.Run_it.output[0] }}"}'
  - name: Create
    action: CreateImage
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
outputs:
  - {name: ImageId, value: $.stepOutputs.Create.imageId}
  - {name: First, value: "{{ $.stepOutputs.Run_it.output[0] }} and more"}
"""


def with_steps(*steps: str, head: str = "") -> str:
    """Return a document of steps, each given as flow YAML without braces."""
    return f"schemaVersion: 1.0\n{head}steps:\n" + "".join(f"  - {{{step}}}\n" for step in steps)


LAUNCH = "name: Launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}"
