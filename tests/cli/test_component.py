from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .documents import BAD, BAD_FAULTS, GOOD, failing

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Goldsmith

SUMMARY = {
    "executionId",
    "status",
    "failedStepCount",
    "executedStepCount",
    "ignoredFailedStepCount",
    "skippedStepCount",
    "failureMessage",
    "logUrl",
}
"""The keys of awstoe's own summary (4.10)."""


def test_the_managed_components_are_listed(goldsmith: Goldsmith) -> None:
    listed = json.loads(goldsmith("component", "list", "--json").stdout)
    names = [each["name"] for each in listed]
    assert {"nginx", "update-linux", "hardening"} <= set(names)
    assert all(each["version"] and each["description"] for each in listed)
    rows = goldsmith("component", "list").stdout.splitlines()
    assert [row.split()[0] for row in rows[1:]] == names


def test_valid_documents_get_awstoe_s_answer(goldsmith: Goldsmith) -> None:
    goldsmith.write("good.yml", GOOD)
    done = goldsmith("component", "validate", "good.yml")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "validationStatus": "success",
        "message": "Document(s) [good.yml] is/are valid.",
    }


def test_faulty_documents_get_awstoe_s_answer_and_each_fault_a_line(goldsmith: Goldsmith) -> None:
    goldsmith.write("good.yml", GOOD)
    goldsmith.write("bad.yml", BAD)
    done = goldsmith("component", "validate", "--documents", "good.yml,bad.yml")
    assert done.returncode == 1
    assert done.stderr.splitlines() == BAD_FAULTS
    assert json.loads(done.stdout) == {"validationStatus": "failed", "message": "\n".join(BAD_FAULTS)}


def test_a_blocked_module_is_a_fault(goldsmith: Goldsmith) -> None:
    goldsmith.write("good.yml", GOOD)
    done = goldsmith("component", "validate", "good.yml", "--blocked-action-modules", "ExecuteBash")
    assert done.returncode == 1
    assert "good.yml:9:9: The module ExecuteBash is blocked." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("validate",), 1, "There is no document to validate."),
        (("run",), 2, "There is no document to run."),
        (("run", "nope.yml"), 2, "nope.yml cannot be read: No such file or directory."),
        (("run", "god.yml"), 2, "Did you mean good.yml?"),
        (("run", "nginz"), 2, "There is no managed component nginz.\n  Did you mean nginx?"),
        (("run", "nginx/7.x.x"), 2, "The managed component nginx has no version 7.x.x.\n  There are: 1.0.0."),
        (("run", "good.yml", "--parameters", "Greeting"), 2, "is not of the form name=value."),
        (("run", "good.yml", "--parent", "debian/9"), 2, "There is no 'debian/9' to bootstrap."),
        (("run", "good.yml", "--parent", "./none.raw"), 2, "none.raw cannot be read: No such file or directory."),
        (("run", "good.yml", "--config", "run.json"), 2, "run.json cannot be read"),
    ],
)
def test_refusals_are_sentences(goldsmith: Goldsmith, arguments: tuple[str, ...], code: int, said: str) -> None:
    goldsmith.write("good.yml", GOOD)
    done = goldsmith("component", *arguments)
    assert done.returncode == code
    assert said in done.stderr


def test_a_faulty_document_is_not_run(goldsmith: Goldsmith) -> None:
    goldsmith.write("bad.yml", BAD)
    done = goldsmith("component", "run", "bad.yml")
    assert done.returncode == 2
    assert [line.rpartition("/")[2] for line in done.stderr.splitlines()] == BAD_FAULTS


@pytest.mark.sandbox
@pytest.mark.network
class TestRun:
    """On a parent that is a root archive: the sandbox is real."""

    def run(self, goldsmith: Goldsmith, root_tar: Path, *arguments: str) -> tuple[int, dict[str, object], str]:
        done = goldsmith("component", "run", *arguments, "--parent", str(root_tar))
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout), done.stderr

    def test_a_run_prints_awstoe_s_summary_and_keeps_its_logs(self, goldsmith: Goldsmith, root_tar: Path) -> None:
        goldsmith.write("good.yml", GOOD)
        code, summary, told = self.run(goldsmith, root_tar, "good.yml", "--parameters", "Greeting=Servus")
        assert code == 0
        assert summary.keys() == SUMMARY
        assert (summary["status"], summary["executedStepCount"], summary["failureMessage"]) == ("success", 2, "")
        assert "\n  Servus\n" in told
        assert "Servus" in (goldsmith.folder / str(summary["logUrl"]) / "console.log").read_text()

    def test_phases_and_the_log_folder_are_chosen(self, goldsmith: Goldsmith, root_tar: Path) -> None:
        goldsmith.write("good.yml", GOOD)
        (goldsmith.folder / "logs").mkdir()
        code, summary, told = self.run(goldsmith, root_tar, "good.yml", "--phases", "build", "--log-directory", "logs")
        assert (code, summary["executedStepCount"]) == (0, 1)
        assert "validate:" not in told
        assert str(summary["logUrl"]).startswith("logs/TOE_")

    def test_a_failing_step_is_awstoe_s_failure(self, goldsmith: Goldsmith, root_tar: Path) -> None:
        goldsmith.write("failing.yml", failing())
        code, summary, told = self.run(goldsmith, root_tar, "failing.yml")
        assert code == 1
        assert (summary["status"], summary["failedStepCount"]) == ("failed", 1)
        assert "failing.yml failed!" in str(summary["failureMessage"])
        for line in ("Phase: build", "Step: Break", "Action: ExecuteBash", "Stderr: it broke"):
            assert line in told.splitlines()

    def test_a_configuration_file_names_documents_and_values(self, goldsmith: Goldsmith, root_tar: Path) -> None:
        goldsmith.write("good.yml", GOOD)
        documents = [{"path": "good.yml", "parameters": [{"name": "Greeting", "value": "Moin, moin"}]}]
        goldsmith.write("run.json", json.dumps({"documents": documents, "phases": "build"}))
        code, summary, told = self.run(goldsmith, root_tar, "--config", "run.json")
        assert (code, summary["status"]) == (0, "success")
        assert "\n  Moin, moin\n" in told

    def test_what_a_run_writes_stays_in_its_sandbox(self, goldsmith: Goldsmith, root_tar: Path) -> None:
        goldsmith.write("good.yml", GOOD)
        goldsmith.write("look.yml", failing("test ! -e /etc/greeting"))
        assert self.run(goldsmith, root_tar, "good.yml")[0] == 0
        assert self.run(goldsmith, root_tar, "look.yml")[0] == 0
        assert not (goldsmith.home / "work").exists() or not list((goldsmith.home / "work").iterdir())

    def test_a_phase_that_no_document_has_runs_nothing_and_says_so(self, goldsmith: Goldsmith, root_tar: Path) -> None:
        goldsmith.write("good.yml", GOOD)
        code, summary, told = self.run(goldsmith, root_tar, "good.yml", "--phases", "biuld")
        assert (code, summary["executedStepCount"]) == (0, 0)
        assert "Nothing was run: no document has a phase biuld." in told
