"""docs/cleanup.md is what the rules declare."""

from __future__ import annotations

from pathlib import Path

from goldsmith.trees.cleanup import all_rules, cleanup_reference

PAGE = Path(__file__).parents[2] / "docs" / "cleanup.md"


def test_the_page_is_generated_from_the_rules():
    assert PAGE.read_text() == cleanup_reference(), (
        "Write it again: python -c 'from goldsmith.trees.cleanup import cleanup_reference; "
        'print(cleanup_reference(), end="")\' >docs/cleanup.md'
    )


def test_every_rule_has_a_name_of_its_own_and_an_explanation():
    names = [rule.name for rule in all_rules()]
    assert len(names) == len(set(names))
    assert all(len(rule.description) > 20 for rule in all_rules())


def test_image_builders_flags_are_all_there():
    assert {rule.flag for rule in all_rules()} - {""} == {
        "skip_cleanup_cloudinit_files",
        "skip_cleanup_instance_files",
        "skip_cleanup_ssh_files",
        "skip_cleanup_instance_log_files",
        "skip_cleanup_toe_files",
        "skip_cleanup_ssm_log_files",
    }
