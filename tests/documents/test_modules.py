from __future__ import annotations

import pytest

from goldsmith.documents.modules.inventory import MODULES
from goldsmith.documents.parser import parse_component

from .samples import document, step_faults

VALID = {
    "AppendFile": "[{path: /a, content: b, encoding: UTF-16-le}]",
    "Assert": "{fileExists: /a}",
    "CopyFile": "[{source: /a/*, destination: /b/, overwrite: false}]",
    "CopyFolder": "[{source: /a/*, destination: /b/}]",
    "CreateFile": "[{path: /a, owner: root, group: root, permissions: 0644, content: }]",
    "CreateFolder": "[{path: /a, permissions: '755', overwrite: 'false'}]",
    "CreateSymlink": "[{path: /a, target: /b, force: true}]",
    "DeleteFile": "[{path: /a/*}]",
    "DeleteFolder": "[{path: /a, force: true}]",
    "ExecuteBash": "{commands: [ls, 3]}",
    "ExecuteBinary": "{path: ls, arguments: [-l]}",
    "ExecuteDocument": "{document: a.yml, document-s3-bucket-owner: '123456789012', phases: build}",
    "ExecutePowerShell": "{file: a.ps1}",
    "InstallMSI": "{path: a.msi, properties: {A: b}, reboot: skip}",
    "ListFiles": "[{path: /a, fileNamePattern: '*.txt', recursive: yes}]",
    "MoveFile": "[{source: 'C:\\a\\b*', destination: 'C:\\c'}]",
    "MoveFolder": "[{source: /a, destination: /b}]",
    "ReadFile": "[{path: /a, printFileContent: true}]",
    "Reboot": "{delaySeconds: 60}",
    "S3Download": "[{source: 's3://b/k', destination: /a, expectedBucketOwner: '1', overwrite: true}]",
    "S3Upload": "[{source: /a/*, destination: 's3://b', recurse: true}]",
    "SetFileEncoding": "[{path: /a, encoding: utf32-BE}]",
    "SetFileOwner": "[{path: /a, owner: 1000}]",
    "SetFilePermissions": "[{path: /a, permissions: 766}]",
    "SetFolderOwner": "[{path: /a, owner: a, group: b, recursive: false}]",
    "SetFolderPermissions": "[{path: /a, permissions: '1777'}]",
    "SetRegistry": "[{path: 'HKLM:', name: a, value: [b, c], type: MULTI_SZ}]",
    "UninstallMSI": "[{path: a.msi}, {path: b.msi}]",
    "UpdateOS": "{include: [a], exclude: [b]}",
    "WebDownload": "[{source: 'HTTPS://a/b', destination: /c/, checksum: ab, algorithm: md5}]",
}


def test_every_module_of_the_guide_is_declared_and_documented():
    assert set(MODULES) == set(VALID)
    for module in MODULES.values():
        assert module.description.endswith(".")
        assert module.platforms
        assert all(each.description.endswith(".") for each in (*module.inputs, *module.outputs))


@pytest.mark.parametrize("name", VALID)
def test_valid_inputs(name):
    assert step_faults(f"{{name: One, action: {name}, inputs: {VALID[name]}}}") == []


@pytest.mark.parametrize("name", [name for name, module in MODULES.items() if module.shape in {"map", "list"}])
def test_a_map_is_no_list_and_a_list_no_map(name):
    inputs = VALID[name]
    swapped = f"[{inputs}]" if MODULES[name].shape == "map" else inputs[1:-1]
    expected = f"{name}'s inputs must be a {MODULES[name].shape}, but is a"
    assert expected in step_faults(f"{{name: One, action: {name}, inputs: {swapped}}}")[0]


@pytest.mark.parametrize(
    "name", [name for name, module in MODULES.items() if any(each.required for each in module.inputs)]
)
def test_required_inputs(name):
    shape = "{}" if MODULES[name].shape == "map" else "[{}]"
    faults = step_faults(f"{{name: One, action: {name}, inputs: {shape}}}")
    required = [each.name for each in MODULES[name].inputs if each.required]
    assert sorted(fault.partition(": ")[2] for fault in faults) == sorted(
        f"{name} needs the input {each}." for each in required
    )


@pytest.mark.parametrize(
    ("action", "inputs", "said"),
    [
        ("ExecuteBash", "{commands: ls}", "ExecuteBash's commands must be a list, but is text."),
        ("ExecuteBash", "{commands: []}", "ExecuteBash's commands is an empty list."),
        (
            "ExecuteBash",
            "{commands: [echo: hi]}",
            (
                "Each of ExecuteBash's commands must be text, but is a map."
                " Quote the whole line: a colon and a space in it make it a map."
            ),
        ),
        ("ExecutePowerShell", "{commands: [a], file: b}", "ExecutePowerShell takes either commands or file."),
        ("ExecutePowerShell", "{}", "ExecutePowerShell takes either commands or file."),
        (
            "S3Download",
            "[{source: /a, destination: /b}]",
            "S3Download's source must be an address like s3://bucket/key, but is '/a'.",
        ),
        (
            "S3Upload",
            "[{source: /a, destination: /b}]",
            "S3Upload's destination must be an address like s3://bucket/key, but is '/b'.",
        ),
        (
            "WebDownload",
            "[{source: 'ftp://a', destination: /b}]",
            "WebDownload's source must be an http:// or https:// address, but is 'ftp://a'.",
        ),
        (
            "WebDownload",
            "[{source: 'http://a', destination: /b, checksum: c}]",
            "WebDownload takes checksum and algorithm together or neither.",
        ),
        (
            "WebDownload",
            "[{source: 'http://a', destination: /b, checksum: c, algorithm: SHA257}]",
            "WebDownload's algorithm must be one of MD5, SHA1, SHA256, SHA512, but is 'SHA257'. Did you mean SHA256?",
        ),
        (
            "WebDownload",
            "[{source: 'http://a', destination: /b, overwrite: maybe}]",
            "WebDownload's overwrite must be true or false, but is 'maybe'.",
        ),
        (
            "CreateFile",
            "[{path: /a, permissions: rwx}]",
            "CreateFile's permissions must be an octal mode such as \"0644\", but is 'rwx'.",
        ),
        ("CreateFile", "[{path: }]", "CreateFile's path must be text, but is left empty."),
        ("CreateFile", "[{path: [a]}]", "CreateFile's path must be text, but is a list."),
        ("CopyFile", "[{source: /a/*/b, destination: /c/}]", "source may hold * only in its last segment."),
        (
            "CopyFile",
            "[{source: /a/*, destination: /c}]",
            "With * in the source the destination must be a folder: end it with /.",
        ),
        ("DeleteFile", "[{path: '/*/b'}]", "path may hold * only in its last segment."),
        ("Reboot", "{delaySeconds: soon}", "Reboot's delaySeconds must be a whole number, but is 'soon'."),
        (
            "ExecuteDocument",
            "{document: a, parameters: [{name: b}]}",
            "Each of ExecuteDocument's parameters needs a value.",
        ),
        ("ListFiles", "[{path: /a, recurse: true}]", "ListFiles has no key 'recurse'. Did you mean recursive?"),
    ],
)
def test_faulty_inputs(action, inputs, said):
    faults = step_faults(f"{{name: One, action: {action}, inputs: {inputs}}}")
    assert said in [fault.partition(": ")[2] for fault in faults]


def test_text_stays_as_it_was_written():
    step = (
        "  - {name: One, action: CreateFile, inputs: [{path: 1.10, content: yes, permissions: 0644, overwrite: no}]}\n"
    )
    read = parse_component(document(step), "doc.yml").phases[0].steps[0].inputs
    assert read == [{"path": "1.10", "content": "yes", "permissions": "0644", "overwrite": False}]
