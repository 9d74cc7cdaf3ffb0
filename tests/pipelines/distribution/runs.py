"""An image's build, as tests of its distribution need one."""

from __future__ import annotations

from goldsmith.pipelines.image_run import ImageRun, PinnedParent

ARN = "arn:aws:imagebuilder:us-east-1:100000000001:image/golden/1.2.3/4"


def a_run(**changes):
    """Return the fourth build of golden 1.2.3."""
    known = {
        "arn": ARN,
        "account": "100000000001",
        "region": "us-east-1",
        "name": "Golden",
        "slug": "golden",
        "version": "1.2.3",
        "build": 4,
        "date_time": "2022-07-28T01:14:17.416Z",
        "kind": "AMI",
        "platform": "Linux",
        "recipe": {"name": "Golden", "description": "From the recipe", "amiTags": {"Team": "recipe", "From": "recipe"}},
        "infrastructure": {},
        "parent": PinnedParent("bootstrap", "debian/12", "debian/12"),
        "components": (),
    }
    return ImageRun(**{**known, **changes})


def distributing(*distributions):
    """Return a distribution configuration of those regions."""
    return {"name": "everywhere", "timeoutMinutes": 720, "distributions": list(distributions)}
