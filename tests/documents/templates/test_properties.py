"""CloudFormation's properties as the API's parameters, by botocore's own model."""

from __future__ import annotations

import botocore.session
import pytest

from goldsmith.documents.composing import compose
from goldsmith.documents.nodes import plain
from goldsmith.documents.source import DocumentError
from goldsmith.documents.templates.properties import as_parameters
from goldsmith.documents.templates.template import TAGS

MODEL = botocore.session.get_session().get_service_model("imagebuilder")


def texts(value):
    if isinstance(value, dict):
        return {key: texts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [texts(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def read(operation, text, **more):
    node = compose(text, "t.yml", tags=TAGS)
    shape = MODEL.operation_model(operation).input_shape
    return as_parameters(texts(plain(node)), shape, node, **more)


@pytest.mark.parametrize(
    ("operation", "text", "parameters"),
    [
        (
            "CreateComponent",
            "{Name: c, Version: 1.0.0, Platform: Linux, Data: x, SupportedOsVersions: [Debian], Tags: {A: b}}",
            {
                "name": "c",
                "semanticVersion": "1.0.0",
                "platform": "Linux",
                "data": "x",
                "supportedOsVersions": ["Debian"],
                "tags": {"A": "b"},
            },
        ),
        (
            "CreateImageRecipe",
            (
                "{Name: r, Version: 1.0.0, ParentImage: p, BlockDeviceMappings: [{DeviceName: /dev/xvda, "
                "Ebs: {VolumeSize: 20, DeleteOnTermination: true}}], Components: [{ComponentArn: a, "
                "Parameters: [{Name: P, Value: [v]}]}], AdditionalInstanceConfiguration: {SystemsManagerAgent: "
                "{UninstallAfterBuild: false}}}"
            ),
            {
                "name": "r",
                "semanticVersion": "1.0.0",
                "parentImage": "p",
                "blockDeviceMappings": [
                    {"deviceName": "/dev/xvda", "ebs": {"volumeSize": 20, "deleteOnTermination": True}}
                ],
                "components": [{"componentArn": "a", "parameters": [{"name": "P", "value": ["v"]}]}],
                "additionalInstanceConfiguration": {"systemsManagerAgent": {"uninstallAfterBuild": False}},
            },
        ),
        (
            "CreateInfrastructureConfiguration",
            (
                "{Name: i, InstanceProfileName: p, Logging: {S3Logs: {S3BucketName: b, S3KeyPrefix: k}}, "
                "InstanceMetadataOptions: {HttpTokens: required, HttpPutResponseHopLimit: 2}, ResourceTags: {a-B: c}}"
            ),
            {
                "name": "i",
                "instanceProfileName": "p",
                "logging": {"s3Logs": {"s3BucketName": "b", "s3KeyPrefix": "k"}},
                "instanceMetadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 2},
                "resourceTags": {"a-B": "c"},
            },
        ),
        (
            "CreateDistributionConfiguration",
            (
                "{Name: d, Distributions: [{Region: r, AmiDistributionConfiguration: {Name: 'n', AmiTags: {Name: x}, "
                "LaunchPermissionConfiguration: {UserIds: ['012345678901'], UserGroups: all}}, "
                "SsmParameterConfigurations: [{ParameterName: /p, DataType: text}]}]}"
            ),
            {
                "name": "d",
                "distributions": [
                    {
                        "region": "r",
                        "amiDistributionConfiguration": {
                            "name": "n",
                            "amiTags": {"Name": "x"},
                            "launchPermission": {"userIds": ["012345678901"], "userGroups": ["all"]},
                        },
                        "ssmParameterConfigurations": [{"parameterName": "/p", "dataType": "text"}],
                    }
                ],
            },
        ),
        (
            "CreateLifecyclePolicy",
            (
                "{Name: l, ExecutionRole: r, ResourceType: AMI_IMAGE, PolicyDetails: [{Action: {Type: DELETE, "
                "IncludeResources: {Amis: true}}, Filter: {Type: AGE, Value: 6, Unit: MONTHS, RetainAtLeast: 1}}], "
                "ResourceSelection: {Recipes: [{Name: r, SemanticVersion: x.x.x}]}}"
            ),
            {
                "name": "l",
                "executionRole": "r",
                "resourceType": "AMI_IMAGE",
                "policyDetails": [
                    {
                        "action": {"type": "DELETE", "includeResources": {"amis": True}},
                        "filter": {"type": "AGE", "value": 6, "unit": "MONTHS", "retainAtLeast": 1},
                    }
                ],
                "resourceSelection": {"recipes": [{"name": "r", "semanticVersion": "x.x.x"}]},
            },
        ),
        (
            "CreateWorkflow",
            "{Name: w, Version: 1.0.0, Type: BUILD, Uri: 's3://b/k'}",
            {"name": "w", "semanticVersion": "1.0.0", "type": "BUILD", "uri": "s3://b/k"},
        ),
    ],
)
def test_properties_become_parameters(operation, text, parameters):
    assert read(operation, text) == parameters


def test_every_fault_is_told_at_its_place():
    text = (
        "Name: r\nVersion: 1.0.0\nParentImge: p\nBlockDeviceMappings:\n  - Ebs: {VolumeSize: big}\nComponents: {a: b}\n"
    )
    with pytest.raises(DocumentError) as refused:
        read("CreateImageRecipe", text)
    assert [str(fault) for fault in refused.value.faults] == [
        "t.yml:1:1: This resource needs ParentImage.",
        "t.yml:3:13: This resource has no property 'ParentImge'. Did you mean ParentImage?",
        "t.yml:5:23: BlockDeviceMappings[0].Ebs.VolumeSize must be a whole number, but is 'big'.",
        "t.yml:6:13: Components[0] has no property 'a'.",
        "t.yml:6:13: Components[0] needs ComponentArn.",
    ]


def test_what_is_ignored_is_no_fault():
    text = "{ImageRecipeArn: r, InfrastructureConfigurationArn: i, DeletionSettings: {ExecutionRole: x}}"
    assert read("CreateImage", text, ignored=("deletionsettings",)) == {
        "imageRecipeArn": "r",
        "infrastructureConfigurationArn": "i",
    }
