from __future__ import annotations

import pytest

from goldsmith.documents.kind import kind_of

from .samples import EVERYTHING


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (EVERYTHING, "component"),
        ("phases: []", "component"),
        ("schemaVersion: 1.0\nphaes: []", "component"),
        ("schemaVersion: 1.0\nphases:\n\t- broken", "component"),
        ("name: a\nimageRecipe: {}", "pipeline"),
        ("name: a\nimageRecpie: {}", "pipeline"),
        ("name: a\nimageRecipe: {{ broken", "pipeline"),
        ("schemaVersion: 1.0\nsteps: []", "other"),
        ("name: a\nsemanticVersion: 1.0.0", "other"),
        ("[]", "other"),
        ("", "other"),
        ("\x00", "other"),
    ],
)
def test_kinds(text, kind):
    assert kind_of(text) == kind
