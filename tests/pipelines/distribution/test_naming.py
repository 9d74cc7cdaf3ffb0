"""Names and tags of AMIs: placeholders, defaults, and that nothing else is touched."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.pipelines.distribution.naming import (
    distributed_name,
    distributed_tags,
    fill,
    output_description,
    output_name,
    output_tags,
)
from tests.pipelines.distribution.runs import ARN, a_run, distributing

DATE = "2022-07-28T01-14-17.416Z"
moments = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("a {{ imagebuilder:buildDate }} b", f"a {DATE} b"),
        ("{{imagebuilder:buildDate}}", DATE),
        ("{{imagebuilder:buildDate:yyyyMMHHss}}", "2022070117"),
        ("{{ imagebuilder:buildDate:yyyy-MM-dd }}", "2022-07-28"),
        ("{{ imagebuilder:buildVersion }}-{{imagebuilder:buildVersion}}", "1.2.3/4-1.2.3/4"),
        ("{{ imagebuilder:other }} {{ $.x }}", "{{ imagebuilder:other }} {{ $.x }}"),
        ("{{ buildDate }}", "{{ buildDate }}"),
    ],
)
def test_placeholders_are_filled(template, filled):
    assert fill(template, a_run()) == filled


def test_the_default_name_is_the_images_and_the_date():
    assert output_name(a_run()) == f"Golden {DATE}"


def test_a_long_name_makes_room_for_the_date():
    name = output_name(a_run(name="n" * 128))
    assert len(name) == 128
    assert name.endswith(f"n {DATE}")


def test_the_build_regions_entry_names_the_output():
    west = {"region": "us-west-2", "amiDistributionConfiguration": {"name": "West {{ imagebuilder:buildDate }}"}}
    here = {
        "region": "us-east-1",
        "amiDistributionConfiguration": {
            "name": "Here {{ imagebuilder:buildDate:yyyy }}",
            "description": "Told",
            "amiTags": {"Team": "dist", "When": "{{ imagebuilder:buildDate:yyyy }}", "CreatedBy": "me"},
        },
    }
    run = a_run(distribution=distributing(west, here))
    assert output_name(run) == "Here 2022"
    assert output_description(run) == "Told"
    assert output_tags(run) == {
        "Team": "dist",
        "From": "recipe",
        "When": "2022",
        "CreatedBy": "EC2 Image Builder",
        "Ec2ImageBuilderArn": ARN,
    }
    assert output_name(a_run(distribution=distributing(west))) == f"Golden {DATE}"
    assert output_description(a_run(distribution=distributing(west))) == "From the recipe"


def test_a_time_elsewhere_is_told_in_utc():
    assert fill("{{imagebuilder:buildDate}}", a_run(date_time="2022-07-28T03:14:17.416+02:00")) == DATE
    assert fill("{{imagebuilder:buildDate}}", a_run(date_time="2022-07-28T01:14:17.416")) == DATE


@given(st.text())
def test_text_without_placeholders_stays(text):
    if "imagebuilder:build" not in text:
        assert fill(text, a_run()) == text


@given(moments, st.text(alphabet=" \t\n", max_size=3), st.text(alphabet=" \t\n", max_size=3))
def test_every_date_is_a_part_of_an_amis_name_and_sorts_as_time_does(moment, before, after):
    run = a_run(date_time=moment.isoformat())
    name = distributed_name(run, "x-{{" + before + "imagebuilder:buildDate" + after + "}}")
    assert re.fullmatch(r"x-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z", name)
    later = a_run(date_time=moment.replace(year=9999, month=12, day=31).isoformat())
    assert distributed_name(later, "x-{{imagebuilder:buildDate}}") > name


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_the_services_tags_are_always_there(tags):
    given_tags = distributed_tags(a_run(), tags)
    assert given_tags["CreatedBy"] == "EC2 Image Builder"
    assert given_tags["Ec2ImageBuilderArn"] == ARN
    assert set(given_tags) == {*tags, "CreatedBy", "Ec2ImageBuilderArn"}
