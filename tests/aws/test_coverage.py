"""docs/api-coverage.md is what the code answers, and that is all that was asked for."""

from __future__ import annotations

import re
from pathlib import Path

from goldsmith.aws.coverage import render
from goldsmith.aws.models import service_model
from goldsmith.aws.operations import REGISTRIES

PAGE = Path(__file__).parents[2] / "docs" / "api-coverage.md"


def test_the_page_is_what_the_code_says():
    assert PAGE.read_text() == render(), "make reference"


def test_every_function_answers_an_operation_of_the_model():
    for service, registry in REGISTRIES.items():
        registry.find("")
        names = {re.sub(r"[^a-z]", "", name.lower()) for name in service_model(service).operation_names}
        unknown = [name for name in registry.answering if name.replace("_", "") not in names]
        assert not unknown, service
