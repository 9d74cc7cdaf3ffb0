"""Templates, references and registries of containers: what is read from people."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from goldsmith.oci.reference import Reference, ReferenceFault, require_repository, require_tag
from goldsmith.pipelines.builders.containers.archives import archive_place, container_archive
from goldsmith.pipelines.builders.containers.registry import Registry
from goldsmith.pipelines.builders.containers.template import render
from goldsmith.pipelines.home import Home
from goldsmith.pipelines.workflows.action import ActionFailedError

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("debian", "docker.io/library/debian:latest"),
        ("amazonlinux:2023", "docker.io/library/amazonlinux:2023"),
        ("team/app", "docker.io/team/app:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("127.0.0.1:5000/team/app:1.0.0-1", "127.0.0.1:5000/team/app:1.0.0-1"),
        (f"ghcr.io/a/b@{DIGEST}", f"ghcr.io/a/b@{DIGEST}"),
        (f"ghcr.io/a/b:1@{DIGEST}", f"ghcr.io/a/b@{DIGEST}"),
        ("oci://127.0.0.1:5000/app:1", "127.0.0.1:5000/app:1"),
        ("docker://debian", "docker.io/library/debian:latest"),
    ],
)
def test_references_are_read_as_docker_does(text, read):
    assert str(Reference.parse(text)) == read


@pytest.mark.parametrize("text", ["", "a b", "A", "../x", "x:", "x\nRUN evil", "dir:/etc", "-x", "a/../b", "x" * 600])
def test_other_texts_are_no_references(text):
    with pytest.raises(ReferenceFault, match="no name of a container image"):
        Reference.parse(text)


@given(st.text(st.sampled_from("aA1.:/@-_ \n$"), max_size=24))
def test_what_is_read_is_one_word_and_reads_again(text):
    try:
        found = Reference.parse(text)
    except ReferenceFault:
        return
    assert not set(str(found)) & set(" \n$")
    assert Reference.parse(str(found)) == found


def test_regions_of_ecr_and_loopback_are_known():
    assert Reference.parse("123456789012.dkr.ecr.eu-west-1.amazonaws.com/web").ecr_region == "eu-west-1"
    assert Reference.parse("ghcr.io/web/x").ecr_region == ""
    assert Reference.parse("localhost:5000/x").is_loopback
    assert Reference.parse("127.0.0.2:5000/x").is_loopback
    assert not Reference.parse("10.0.0.1:5000/x").is_loopback
    assert not Reference.parse("debian").is_loopback


def test_repositories_and_tags_are_those_that_registries_take():
    assert require_repository("team/app-1") == "team/app-1"
    assert require_tag("1.0.0-1") == "1.0.0-1"
    for name in ("../x", "/x", "x/", "Team", ""):
        with pytest.raises(ReferenceFault, match="repository"):
            require_repository(name)
    for tag in ("../x", "a/b", ".x", "", "x" * 129):
        with pytest.raises(ReferenceFault, match="is no tag"):
            require_tag(tag)


def test_placeholders_are_filled_with_or_without_blanks():
    template = (
        "FROM {{{imagebuilder:parentImage}}}\n{{{ imagebuilder:environments }}}\n{{{ imagebuilder:components}}}\n"
    )
    first, second, third = render(template, parent="p:1", token="t").splitlines()
    assert (first, second) == ("FROM p:1", "")
    assert json.loads(third.removeprefix("RUN "))[-1] == "t"
    assert render(template, parent="p:1") == "FROM p:1\n\n\n"
    assert render("{{{ imagebuilder:other }}}", parent="p:1") == "{{{ imagebuilder:other }}}"


def test_a_registry_has_a_place_for_each_account(tmp_path):
    assert Registry(url="https://r.example/{account}/").place("1") == "r.example/1"
    assert Registry(url="http://127.0.0.1:5000").is_plain
    for url in ("r.example", "ftp://r.example", "https://user:word@r.example", "https://"):
        with pytest.raises(ValidationError, match="a registry is"):
            Registry(url=url)
    logins = tmp_path / "auth.json"
    logins.write_text("{}")
    assert Registry(url="https://r.example", auth=str(logins)).logins() == b"{}"


def test_only_kept_images_of_the_account_are_parents(tmp_path):
    home = Home(tmp_path)
    kept = archive_place(home, "1", "us-east-1", "team/app", "latest")
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert container_archive(home, "1", "us-east-1", kept) == kept
    link = kept.with_name("link.tar")
    link.symlink_to("/etc/passwd")
    for account, file in (("2", kept), ("1", link), ("1", kept.with_name("none.tar"))):
        with pytest.raises(ActionFailedError, match="none of the container images that are kept here"):
            container_archive(home, account, "us-east-1", file)
