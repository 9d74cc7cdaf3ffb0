from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.documents.arns import Arn, ArnError, slug_of
from goldsmith.documents.versions import VersionPattern

HEAD = "arn:aws:imagebuilder:eu-central-1:123456789012"


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}:component/my-component/1.0.0",
        f"{HEAD}:component/my-component/1.0.0/7",
        f"{HEAD}:component/my-component/1.x.x",
        f"{HEAD}:image/my_image/x.x.x",
        f"{HEAD}:image-recipe/a/1.0.0",
        f"{HEAD}:container-recipe/a/1.0.x",
        f"{HEAD}:infrastructure-configuration/a",
        f"{HEAD}:distribution-configuration/a",
        f"{HEAD}:image-pipeline/a",
        f"{HEAD}:lifecycle-policy/a",
        f"{HEAD}:workflow/build/a/1.0.0/1",
        "arn:aws:imagebuilder:us-west-2:aws:workflow/test/test-image/x.x.x",
        "arn:aws-cn:imagebuilder:cn-north-1:aws:component/update-linux/x.x.x",
        "arn:aws:imagebuilder:us-west-2:aws-marketplace:component/a/1.0.0",
        "arn:aws:imagebuilder:us-west-2:third-party:component/a/1.0.0",
    ],
)
def test_every_kind_is_written_as_it_is_read(text):
    assert str(Arn.parse(text)) == text


def test_the_parts_of_an_arn():
    arn = Arn.parse(f"{HEAD}:workflow/distribution/my-flow/2.0.0/3")
    assert arn == Arn(
        "workflow", "my-flow", VersionPattern((2, 0, 0), 3), "eu-central-1", "123456789012", "aws", "distribution"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("arn:aws:ec2:a:b:c/d", "is not an ARN of Image Builder"),
        (f"{HEAD}:widget/a", "is of the kind 'widget'"),
        (f"{HEAD}:component/a", "has no valid version"),
        (f"{HEAD}:component/A b/1.0.0", "has no valid name after component/"),
        (f"{HEAD}:component/a/x.1.0", "has an x before a number"),
        (f"{HEAD}:image-recipe/a/1.0.0/1", "has a build; image-recipe has none"),
        (f"{HEAD}:image-pipeline/a/1.0.0", "has a version; image-pipeline has none"),
        (f"{HEAD}:workflow/a/1.0.0", "has no type of workflow"),
        ("arn:aws:imagebuilder:us-west-2:third-party:image/a/1.0.0", "where an account's 12 digits stand"),
        ("arn:aws:imagebuilder:us-west-2:1234:image/a/1.0.0", "where an account's 12 digits stand"),
    ],
)
def test_what_is_no_arn(text, said):
    with pytest.raises(ArnError) as caught:
        Arn.parse(text)
    assert said in caught.value.message
    assert caught.value.mend


def test_slugs():
    assert slug_of("My Web_Server 2") == "my-web-server-2"


@settings(deadline=None)
@given(st.text() | st.from_regex(r"arn:aws:imagebuilder:[a-z]+:[0-9a-z-]*:[a-z-]*/.*"))
def test_any_text_is_an_arn_or_an_error(text):
    with suppress(ArnError):
        assert str(Arn.parse(text))
