"""Clients of Image Builder, and resources to begin with."""

from __future__ import annotations

import pytest

from goldsmith.pipelines.engine.states import in_state
from tests.aws.imagebuilder.documents import COMPONENT


@pytest.fixture
def builder(served):
    return served.client("imagebuilder")


@pytest.fixture
def of_account(served):
    """Return the client of another account."""
    return lambda account, **more: served.client("imagebuilder", account=account, **more)


@pytest.fixture
def parts():
    """Make what a pipeline needs, once by name: a component, a recipe and an infrastructure configuration."""

    def make(builder, name, version="1.0.0", **recipe):
        component = builder.create_component(
            name=f"{name} component", semanticVersion=version, platform="Linux", data=COMPONENT
        )["componentBuildVersionArn"]
        made = builder.create_image_recipe(
            name=f"{name} recipe",
            semanticVersion=version,
            parentImage="debian/12",
            components=[{"componentArn": component}],
            **recipe,
        )
        infrastructure = builder.create_infrastructure_configuration(
            name=f"{name} infrastructure", instanceProfileName="builder"
        )
        return {
            "imageRecipeArn": made["imageRecipeArn"],
            "infrastructureConfigurationArn": infrastructure["infrastructureConfigurationArn"],
        }

    return make


@pytest.fixture
def reach(served):
    """Bring an image's record to a state, as the engine would."""

    def change(arn, status, account="acme", **members):
        with served.cloud.catalog(served.account_id(account), "us-east-1") as catalog:
            image = catalog.own("image-build", arn)
            catalog.save(in_state(image, status).having(**members))

    return change
