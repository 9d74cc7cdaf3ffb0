"""Documents that the tests of this room share."""

from __future__ import annotations

from goldsmith.documents.parser import parse_component
from goldsmith.documents.source import DocumentError

EVERYTHING = """\
name: Everything
description: Every part of the language at once.
schemaVersion: 1.0
disableLogging: false
constants:
  - Port: {type: string, value: 8080}
parameters:
  - Url:
      type: string
      default: https://example.com/a.tar.gz
      description: What to fetch.
  - Mode: {type: string, default: fast, allowedValues: [fast, slow]}
phases:
  - name: build
    disableLogging: true
    steps:
      - name: Fetch
        action: WebDownload
        timeoutSeconds: 600
        maxAttempts: 3
        onFailure: Continue
        inputs:
          - source: '{{ Url }}'
            destination: /opt/a.tar.gz
            checksum: '{{ env:SUM }}'
            algorithm: sha256
            overwrite: '{{ Mode }}'
      - name: Unpack
        action: ExecuteBash
        disableLogging: true
        if:
          and:
            - binaryExists: tar
            - not: {folderExists: /opt/a}
            - or:
                - numberGreaterThan: 80
                  value: '{{ Port }}'
                - patternMatches: ^f
                  value: '{{ Mode }}'
          then: Execute
          else: Abort
        inputs:
          commands:
            - tar -C /opt -xf {{ build.Fetch.outputs.destination }}
            - |
              for i in {{ .Values.untouched }} {{ unknown }}; do
                echo "${i}" {{ context:date }} {{ aws:imds:placement/region }}
              done
      - name: Each
        action: ExecuteBinary
        loop:
          name: names
          forEach: [one, '{{ Mode }}']
        inputs:
          path: /bin/echo
          arguments: ['{{ names.value }}', '{{ loop.index }}', 12]
      - name: Nested
        action: ExecuteDocument
        loop: {for: {start: 3, end: 1, updateBy: -1}}
        inputs:
          document: s3://bucket/doc.yml
          phases: build
          parameters: [{name: Mode, value: slow}]
  - name: validate
    steps:
      - name: Check
        action: Assert
        inputs:
          stringEquals: '{{ build.Fetch.inputs[0].destination }}'
          value: /opt/a.tar.gz
      - name: Restart
        action: Reboot
      - name: Split
        action: ListFiles
        loop: {forEach: {list: 'a;b', delimiter: ;}}
        inputs: [{path: /opt, recursive: true}]
"""


def document(steps: str, head: str = "") -> str:
    """Return a document whose build phase has these steps, each line indented by the caller."""
    return f"schemaVersion: 1.0\n{head}phases:\n- name: build\n  steps:\n{steps}"


def faults_of(text: str) -> list[str]:
    """Return what is wrong with a document, one line a fault."""
    try:
        parse_component(text, "doc.yml")
    except DocumentError as error:
        return [str(fault) for fault in error.faults]
    return []


def step_faults(step: str) -> list[str]:
    """Return what is wrong with a step, written as one flow mapping that starts in line 5, column 5."""
    return faults_of(document(f"  - {step}\n"))
