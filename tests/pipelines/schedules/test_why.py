from __future__ import annotations

from functools import partial

import pytest

from goldsmith.catalog.resources import Resource
from goldsmith.pipelines.engine.states import in_state
from goldsmith.pipelines.schedules import package_updates
from goldsmith.pipelines.schedules.causes import Causes, Newer
from goldsmith.pipelines.schedules.why import FIRST, last_image, why_build
from goldsmith.trees.distributions import debian
from tests.pipelines.schedules.conftest import NGINX, REGION
from tests.trees.mirror import packages, serve_mirror

HELLO = "schemaVersion: 1.0\nphases: [{name: build, steps: [{name: greet, action: ExecuteBash, inputs: {commands: [echo %s]}}]}]\n"
BOOTSTRAP = {"kind": "bootstrap", "reference": "debian/12", "written": "debian/12", "image_arn": ""}
PINNED = f"arn:aws:imagebuilder:{REGION}:aws:component/nginx/1.0.0/1"


@pytest.fixture
def why(house):
    """Ask why the pipeline would build now."""

    def ask() -> Causes:
        pipeline = house.world.every("image-pipeline")[0]
        with house.world.catalog(house.account, REGION, writes=False) as catalog:
            last = last_image(catalog, pipeline)
        return why_build(house.world, pipeline, last)

    return ask


@pytest.fixture
def built(house):
    """Build the pipeline's image in a moment, made of what a test says."""

    def build(parent=BOOTSTRAP, components=(PINNED,), because=None):
        arn = house.ask("StartImagePipelineExecution", imagePipelineArn=house.arn("image-pipeline/web"))[
            "imageBuildVersionArn"
        ]
        return house.finish(arn, parent=dict(parent), components=list(components), because=because).id

    return build


def component(house, version, word):
    asked = {"name": "hello", "semanticVersion": version, "platform": "Linux", "data": HELLO % word}
    return str(house.ask("CreateComponent", **asked)["componentBuildVersionArn"])


def base_image(house, version, state="AVAILABLE", ami="ami-0123456789abcdef0"):
    arn = house.arn(f"image/base/{version}")
    amis = [{"region": REGION, "image": ami}]
    document = {"arn": arn, "name": "base", "version": version, "outputResources": {"amis": amis}}
    image = Resource(arn, "image-build", house.account, REGION, f"base/{version.partition('/')[0]}", document=document)
    with house.world.catalog(house.account, REGION) as catalog:
        catalog.add(in_state(image, state).knowing(parent=BOOTSTRAP))
    return arn


def test_a_pipeline_without_an_image_builds(house, why):
    house.recipe()
    house.pipeline()
    assert why() == Causes(always=FIRST)


def test_nothing_newer_is_no_reason(house, why, built):
    house.recipe()
    house.pipeline()
    built()
    assert why() == Causes()
    assert not why()


def test_a_component_within_its_wildcard(house, why, built):
    first = component(house, "1.0.0", "one")
    house.recipe(components=(house.arn("component/hello/1.x.x"), NGINX))
    house.pipeline()
    built(components=[first, PINNED])
    component(house, "2.0.0", "other")
    assert not why()
    component(house, "1.0.0", "two")
    assert why() == Causes(components=(Newer("hello", "1.0.0/1", "1.0.0/2"),))
    component(house, "1.1.0", "three")
    assert why().components == (Newer("hello", "1.0.0/1", "1.1.0/1"),)


def test_a_version_without_its_build_means_the_newest_build_and_a_pinned_build_never_changes(house, why, built):
    first = component(house, "1.0.0", "one")
    house.recipe(components=(house.arn("component/hello/1.0.0"), PINNED))
    house.pipeline()
    built(components=[first, PINNED])
    component(house, "1.0.0", "two")
    assert why().components == (Newer("hello", "1.0.0/1", "1.0.0/2"),)
    house.recipe("2.0.0", components=(first,))
    built(components=[first])
    assert not why()


def test_a_component_that_is_gone_is_told_and_is_no_reason(house, why, built):
    first = component(house, "1.0.0", "one")
    house.recipe(components=(house.arn("component/hello/x.x.x"),))
    house.pipeline()
    built(components=[first])
    with house.world.catalog(house.account, REGION) as catalog:
        catalog.remove(catalog.own("component", first))
    assert not why()
    assert "component/hello/x.x.x could not be looked up" in str(why())


def test_a_newer_parent_image_that_is_available(house, why, built):
    old = base_image(house, "1.0.0/1")
    house.recipe(parent=house.arn("image/base/1.x.x"))
    house.pipeline()
    built({"kind": "ami", "reference": "ami-0123456789abcdef0", "image_arn": old, "written": "x"})
    base_image(house, "1.1.0/1", "TESTING")
    base_image(house, "2.0.0/1")
    base_image(house, "1.2.0/1", "DEPRECATED")
    assert not why()
    new = base_image(house, "1.0.0/2")
    assert why() == Causes(parent=(Newer(house.arn("image/base/1.x.x"), old, new),))


def test_a_parameter_with_another_image(house, why, built):
    put = partial(house.ask, "PutParameter", "ssm", Name="/golden/base", Type="String", Overwrite=True)
    put(Value="ami-0123456789abcdef0")
    house.recipe(parent="ssm:/golden/base")
    house.pipeline()
    built({"kind": "ami", "reference": "ami-0123456789abcdef0", "image_arn": "", "written": "ssm:/golden/base"})
    assert not why()
    put(Value="ami-0fedcba9876543210")
    assert why().parent == (Newer("ssm:/golden/base", "ami-0123456789abcdef0", "ami-0fedcba9876543210"),)
    house.ask("DeleteParameter", "ssm", Name="/golden/base")
    assert not why()
    assert "ssm:/golden/base could not be looked up" in str(why())


def test_a_newer_version_of_the_recipe(house, why, built):
    old = house.recipe()
    house.pipeline()
    built()
    new = house.recipe("1.0.1")
    assert why() == Causes(recipe=(Newer("recipe", old, new),))


class TestPackages:
    @pytest.fixture
    def mirror(self, house, tmp_path, monkeypatch):
        """Serve an archive of bookworm as the one that this host's apt sources name."""
        with serve_mirror() as server:
            sources = tmp_path / "apt"
            sources.mkdir()
            lines = f"deb {server.uri} bookworm main\ndeb {server.uri}-security bookworm-security main\n"
            (sources / "sources.list").write_text(lines)
            monkeypatch.setattr(package_updates, "debian", partial(debian, sources=sources))
            for suite in ("bookworm", "bookworm-updates"):
                server.publish(suite, packages(openssl="3.0.9-1", nginx="1.22.1-9", zlib="1:1.2"))
            self.secure(server, zlib="1:1.2")
            yield server

    @staticmethod
    def secure(server, **versions):
        server.publish("bookworm-security", packages(**versions))
        for path in [path for path in server.files if "bookworm-security" in path]:
            server.files[path.replace("/debian/", "/debian-security/")] = server.files.pop(path)

    def image(self, house, built, **facts):
        house.recipe()
        house.pipeline()
        arn = built(**facts)
        house.packages(arn, {"openssl": "3.0.9-1", "nginx": "1.22.1-9+local", "own": "1", "zlib": "1:1.2"})

    def test_a_security_update_is_a_reason_and_named(self, house, why, built, mirror):
        self.image(house, built)
        assert not why()
        self.secure(mirror, openssl="3.0.11-1~deb12u1", zlib="1:1.2", unused="9")
        assert why() == Causes(packages=(Newer("openssl", "3.0.9-1", "3.0.11-1~deb12u1"),))
        assert str(why()) == "newer packages in the archives: openssl 3.0.9-1 → 3.0.11-1~deb12u1"

    def test_what_a_build_did_not_take_up_is_no_reason_again(self, house, why, built, mirror):
        self.secure(mirror, openssl="3.0.11-1~deb12u1")
        because = Causes(packages=(Newer("openssl", "3.0.8-1", "3.0.11-1~deb12u1"),)).as_json()
        self.image(house, built, because={"due": 1.0, **because})
        assert not why()
        assert why().passed_over == (Newer("openssl", "3.0.9-1", "3.0.11-1~deb12u1"),)
        again = built(because={"due": 2.0, **why().as_json()})
        house.packages(again, {"openssl": "3.0.9-1"})
        assert not why()
        self.secure(mirror, openssl="3.0.11-1~deb12u2")
        assert why().packages == (Newer("openssl", "3.0.9-1", "3.0.11-1~deb12u2"),)

    def test_an_image_on_another_image_has_the_archives_of_the_first(self, house, why, built, mirror):
        base = base_image(house, "1.0.0/1")
        house.recipe(parent=base)
        house.pipeline()
        arn = built({"kind": "ami", "reference": "ami-0123456789abcdef0", "image_arn": base, "written": base})
        house.packages(arn, {"openssl": "3.0.8-1"})
        assert [each.name for each in why().packages] == ["openssl"]

    @pytest.mark.parametrize(
        ("system", "known"), [("Debian GNU/Linux 12 (bookworm)", True), ("Ubuntu 22.04", False), ("", False)]
    )
    def test_an_imported_image_is_what_was_collected_of_it(self, house, why, built, mirror, system, known):
        house.recipe()
        house.pipeline()
        arn = built({"kind": "ami", "reference": "ami-0123456789abcdef0", "image_arn": "", "written": "x"})
        with house.world.catalog(house.account, REGION) as catalog:
            catalog.save(catalog.own("image-build", arn).having(osVersion=system))
        house.packages(arn, {"openssl": "3.0.8-1"})
        assert bool(why().packages) == known

    def test_an_archive_that_does_not_answer_is_told_and_is_no_reason(self, house, why, built, mirror):
        self.image(house, built)
        mirror.files.clear()
        assert not why()
        assert "the package archives could not be looked at: The package archive answered 404" in str(why())

    def test_many_packages_are_counted_in_the_line(self):
        many = tuple(Newer(f"p{number}", "1", "2") for number in range(9))
        assert str(Causes(packages=many)).endswith("p4 1 → 2 and 4 more")


def test_causes_survive_json():
    newer = (Newer("a", "1", "2"),)
    causes = Causes("", newer, newer, newer, newer, newer, ("p",))
    assert Causes.from_json({"due": 3.0, **causes.as_json()}) == causes
    assert Causes.from_json({}) == Causes()


@pytest.mark.network
def test_debians_own_archives(house, why, built):
    house.recipe()
    house.pipeline()
    house.packages(built(), {"openssl": "3.0.9-1", "base-files": "99"})
    assert [each.name for each in why().packages] == ["openssl"]
