from __future__ import annotations

import json
from dataclasses import replace

import pytest

from goldsmith.catalog.images import Disk, Image, ImageNotFoundError, ImageStore


def an_image(name="web", version="1.0.0", build=1, created="2026-01-01T00:00:00Z", plan="p"):
    return Image(
        name=name,
        version=version,
        build=build,
        status="AVAILABLE",
        created=created,
        parent_image="debian/12",
        plan=plan,
        disk_bytes=1 << 30,
        disks=(Disk("qcow2", f"{name}.qcow2", "11", 5),),
    )


@pytest.fixture
def store(tmp_path):
    return ImageStore(tmp_path / "images")


def published(store, image):
    with store.draft() as draft:
        (draft / image.disks[0].file).write_bytes(b"disk!")
        return store.publish(draft, image)


def test_a_published_image_is_found_by_name_version_wildcard_and_build(store):
    for version, build in (("1.0.0", 1), ("1.0.0", 2), ("1.2.0", 1), ("2.0.0", 1)):
        published(store, an_image(version=version, build=build))
    assert store.find("web").reference == "web/2.0.0/1"
    assert store.find("web/1.x.x").reference == "web/1.2.0/1"
    assert store.find("web/1.0.0").reference == "web/1.0.0/2"
    assert store.find("web/1.0.0/1").build == 1


def test_an_unknown_image_is_refused_with_what_there_is(store):
    published(store, an_image())
    with pytest.raises(ImageNotFoundError, match="no image named wbe") as refused:
        store.find("wbe")
    assert "web" in refused.value.mend
    with pytest.raises(ImageNotFoundError, match=r"no version 9\.x\.x"):
        store.find("web/9.x.x")


def test_a_draft_that_is_not_published_leaves_nothing(store):
    with store.draft() as draft:
        (draft / "half").write_bytes(b"x")
    assert list(store.folder.iterdir()) == []


def test_a_draft_is_no_image_until_it_is_published(store):
    with store.draft() as draft:
        (draft / "image.json").write_text(json.dumps({}))
        assert store.all() == []


def test_a_taken_build_number_gives_way_to_the_next(store):
    published(store, an_image(build=1))
    folder = published(store, an_image(build=1, plan="other"))
    assert folder.name == "2"
    assert store.find("web/1.0.0/2").plan == "other"
    assert store.find("web/1.0.0/2").build == 2


def test_the_newest_image_of_a_plan_is_the_one_that_is_found(store):
    published(store, an_image(plan="a", created="2026-01-01T00:00:00Z"))
    published(store, replace(an_image(plan="a", build=2), created="2026-02-01T00:00:00Z"))
    assert store.with_plan("a").build == 2
    assert store.with_plan("b") is None


def test_drafts_of_killed_builds_are_swept_and_running_ones_are_not(store):
    abandoned = store.folder / ".draft-dead"
    abandoned.mkdir()
    with store.draft() as running:
        assert store.sweep() == [abandoned]
        assert running.is_dir()
