"""One of everything that Image Builder has, for tests of all services at once."""

from __future__ import annotations

import uuid
from functools import partial

from goldsmith.catalog.resources import Resource
from goldsmith.pipelines.engine.states import in_state
from goldsmith.pipelines.lifecycle.records import add_execution
from tests.aws.imagebuilder.documents import COMPONENT, POLICY, WORKFLOW

TEMPLATE = "FROM {{{ imagebuilder:parentImage }}}"
OUT = {"name": "web {{ imagebuilder:buildDate }}"}


def furnish(cloud, account, now, secret, ask):
    """Make one resource of each kind in an account that ``ask`` calls operations for."""
    tags = {secret: secret}
    make = partial(ask, "imagebuilder", tags=tags, description=secret)
    versioned = partial(make, semanticVersion="1.0.0")
    infrastructure = make("CreateInfrastructureConfiguration", **_named(secret, "infra"), instanceProfileName="builder")
    distributions = [{"region": "us-east-1", "amiDistributionConfiguration": OUT}]
    distribution = make("CreateDistributionConfiguration", **_named(secret, "dist"), distributions=distributions)
    component = versioned("CreateComponent", **_named(secret, "component"), platform="Linux", data=COMPONENT)
    workflow = versioned("CreateWorkflow", **_named(secret, "workflow"), type="BUILD", data=WORKFLOW)
    recipe = versioned(
        "CreateImageRecipe",
        **_named(secret, "recipe"),
        parentImage="debian/12",
        components=[{"componentArn": component["componentBuildVersionArn"]}],
    )
    container = versioned(
        "CreateContainerRecipe",
        **_named(secret, "container"),
        containerType="DOCKER",
        parentImage="debian:12",
        targetRepository={"service": "ECR", "repositoryName": "web"},
        dockerfileTemplateData=TEMPLATE,
    )
    parts = {
        name: made[name]
        for name, made in (
            ("imageRecipeArn", recipe),
            ("infrastructureConfigurationArn", infrastructure),
            ("distributionConfigurationArn", distribution),
        )
    }
    own = [{"workflowArn": workflow["workflowBuildVersionArn"]}]
    pipeline = make("CreateImagePipeline", **_named(secret, "pipe"), **parts, workflows=own, executionRole="role")
    make(
        "CreateLifecyclePolicy",
        **_named(secret, "policy"),
        executionRole="role",
        resourceType="AMI_IMAGE",
        policyDetails=[{"action": {"type": "DELETE"}, "filter": {"type": "COUNT", "value": 3}}],
        resourceSelection={"tagMap": tags},
    )
    for title, made in (("Component", component), ("ImageRecipe", recipe), ("ContainerRecipe", container)):
        arn = next(iter(each for name, each in made.items() if name.endswith("Arn")))
        member = {"Component": "componentArn"}.get(title, f"{title[0].lower()}{title[1:]}Arn")
        ask("imagebuilder", f"Put{title}Policy", **{member: arn}, policy=POLICY % "999999999999")
    start = partial(ask, "imagebuilder", "StartImagePipelineExecution", imagePipelineArn=pipeline["imagePipelineArn"])
    built = [start(clientToken=f"{secret}-{number}")["imageBuildVersionArn"] for number in range(3)]
    with cloud.catalog(account, "us-east-1") as catalog:
        for arn, state in zip(built, ("AVAILABLE", "FAILED"), strict=False):
            catalog.save(in_state(catalog.own("image-build", arn), state, secret))
        _describe_build(catalog, built[0], now, secret)


def _named(secret, what):
    return {"name": f"{secret}-{what}", "clientToken": what}


def _describe_build(catalog, arn, now, secret):
    """Add what is known of a build besides its record."""
    run, step = (f"{kind}-{uuid.uuid5(uuid.NAMESPACE_URL, secret)}" for kind in ("wf", "step"))
    execution = {
        "workflowBuildVersionArn": "arn:aws:imagebuilder:us-east-1:aws:workflow/build/build-image/1.0.0/1",
        "workflowExecutionId": run,
        "imageBuildVersionArn": arn,
        "type": "BUILD",
        "status": "RUNNING",
        "message": secret,
        "totalStepCount": 1,
        "startTime": "2027-01-15T08:00:00.000Z",
    }
    waiting = {
        **{name: execution[name] for name in ("workflowBuildVersionArn", "workflowExecutionId", "startTime")},
        "imageBuildVersionArn": arn,
        "stepExecutionId": step,
        "name": secret,
        "action": "WaitForAction",
        "status": "RUNNING",
        "inputs": "{}",
    }
    finding = {
        "awsAccountId": catalog.account.id,
        "imageBuildVersionArn": arn,
        "severity": "HIGH",
        "title": secret,
        "packageVulnerabilityDetails": {"vulnerabilityId": "CVE-1"},
    }
    packages = {"packages": [{"packageName": secret, "packageVersion": "1.0"}]}
    rows = (
        ("workflow-execution", run, arn, "RUNNING", execution, {}),
        ("workflow-step", step, run, "RUNNING", waiting, {"waiting": True}),
        ("image-packages", arn, "", "", packages, {}),
        ("image-finding", f"{secret}-finding", arn, "HIGH", finding, {}),
    )
    for kind, identifier, name, state, document, inner in rows:
        catalog.add(Resource(identifier, kind, catalog.account.id, catalog.region, name, state, now, document, inner))
    add_execution(catalog, arn, now)
