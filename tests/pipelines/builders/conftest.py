from __future__ import annotations

import pytest

from goldsmith.aws.cloud import Cloud
from goldsmith.aws.imagebuilder.world import CloudWorld
from goldsmith.catalog.accounts import create_account
from goldsmith.pipelines.builders.live import close_all
from goldsmith.pipelines.home import Home

from .steps import ACCOUNT


@pytest.fixture(scope="session")
def world(home, cache):
    """A cloud with one account; its layers and packages outlive a run of the tests."""
    made = Home(home / "builders")
    made.path.mkdir(mode=0o711)
    for name in ("packages", "builders-layers"):
        (cache / name).mkdir(exist_ok=True)
    made.packages.symlink_to(cache / "packages")
    made.layers.symlink_to(cache / "builders-layers")
    cloud = Cloud(made)
    cloud.database.prepare()
    with cloud.database.writing() as connection:
        create_account(connection, "builders", number=ACCOUNT)
    yield CloudWorld(cloud)
    close_all()
    for instance in cloud.instances.ids():
        cloud.instances.remove(instance)
    cloud.close()
