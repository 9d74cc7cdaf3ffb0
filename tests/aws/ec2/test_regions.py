"""Regions and zones."""

from __future__ import annotations

import pytest

from goldsmith.aws.ec2.regions import zone_id


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("us-east-1", "use1-az2"),
        ("ap-northeast-3", "apne3-az2"),
        ("us-gov-west-1", "usgw1-az2"),
        ("cn-northwest-1", "cnnw1-az2"),
    ],
)
def test_zone_ids_are_formed_as_on_aws(region, expected):
    assert zone_id(region, f"{region}b") == expected


def test_a_region_of_no_such_form_has_zone_ids_too():
    assert zone_id("home", "homea") != zone_id("cellar", "cellara")
