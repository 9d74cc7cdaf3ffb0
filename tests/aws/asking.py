"""Operations asked without the wire's signatures, and parameters for them made from their models."""

from __future__ import annotations

import re
import traceback
from contextlib import contextmanager

from goldsmith.aws.dispatch import _render
from goldsmith.aws.errors import AwsError
from goldsmith.aws.models import find_operation, service_model
from goldsmith.aws.operations import REGISTRIES
from goldsmith.aws.refusing import render_refusal
from goldsmith.catalog.database import Database
from tests.aws.imagebuilder.documents import COMPONENT, POLICY

KINDS = (
    ("^component(BuildVersion|Version)?Arn$", "component"),
    ("^workflow(BuildVersion|Version)?Arn$", "workflow"),
    ("^image(BuildVersion|Version)?Arn$|^sourceImage$", "image-build"),
    ("^imageRecipeArn$", "image-recipe"),
    ("^containerRecipeArn$", "container-recipe"),
    ("^infrastructureConfigurationArn$", "infrastructure-configuration"),
    ("^distributionConfigurationArn$", "distribution-configuration"),
    ("^imagePipelineArn$", "image-pipeline"),
    ("^lifecyclePolicyArn$", "lifecycle-policy"),
    ("^lifecycleExecutionId$", "lifecycle-execution"),
    ("^workflowExecutionId$", "workflow-execution"),
    ("^stepExecutionId$", "workflow-step"),
    ("^resourceArn$", "image-build"),
    ("ImageId|^Images?$", "image"),
    ("Snapshot", "snapshot"),
    ("Volume", "volume"),
    ("InstanceProfile", "instance-profile"),
    ("InstanceId|^Instances$", "instance"),
    ("KeyName|KeyPair", "key-pair"),
    ("AutoScalingGroup", "auto-scaling-group"),
    ("GroupRuleId", "security-group-rule"),
    ("Group", "security-group"),
    ("LaunchTemplate", "launch-template"),
    ("Subnet", "subnet"),
    ("Vpc", "vpc"),
    ("ReportId", "image-usage-report"),
    ("^Identifier$", "retention-rule"),
    ("Role", "iam-role"),
    ("^(Name|Names|Path)$", "parameter"),
    ("Resource", "snapshot"),
)
"""Of which kind a member of a request is the id or name."""

HINTS = {
    "name": "hinted",
    "clientToken": "hinted-token",
    "semanticVersion": "1.0.0",
    "parentImage": "debian/12",
    "data": COMPONENT,
    "dockerfileTemplateData": "FROM {{{ imagebuilder:parentImage }}}",
    "instanceProfileName": "builder",
    "executionRole": "builder",
    "policy": POLICY % "100000000002",
    "region": "us-east-1",
    "repositoryName": "repository",
    "scheduleExpression": "rate(1 day)",
    "timezone": "UTC",
    "parentResourceId": "ami-00000000000000aaa",
    "Architecture": "x86_64",
    "Attribute": "launchPermission",
    "AvailabilityZone": "us-east-1a",
    "Description": "text",
    "DeviceName": "/dev/xvda",
    "InstanceType": "t3.nano",
    "IpProtocol": "tcp",
    "CidrIp": "10.0.0.0/8",
    "OperationType": "add",
    "PolicyDocument": "{}",
    "AssumeRolePolicyDocument": "{}",
    "SourceRegion": "us-east-1",
    "UserIds": "123456789012",
    "Version": "$Latest",
    "VirtualizationType": "hvm",
}
"""Values that operations take."""

TOKENS = re.compile(r"(Next|Client|next|client)?Token|[Dd]ryRun|Marker")


def answered_operations():
    """Return every operation that is answered, by service and name."""
    return [
        find_operation(service, name)
        for service, registry in REGISTRIES.items()
        for name in service_model(service).operation_names
        if registry.find(name)
    ]


class UndoingDatabase(Database):
    """A database of which every transaction is undone when it ends.

    ``before`` may change it at the beginning, ``after`` look at it at the end.
    """

    before = after = None

    @contextmanager
    def writing(self):
        with self.engine.connect().execution_options(goldsmith_writes=True) as connection:
            transaction = connection.begin()
            try:
                if self.before:
                    self.before(connection)
                yield connection
                if self.after:
                    self.after(connection)
            finally:
                if transaction.is_active:
                    transaction.rollback()

    reading = writing


def answer(dispatcher, caller, operation, parameters, region="us-east-1"):
    """Return an operation's answer as the wire would have it: its status and body, with all that is drawn alike."""
    try:
        result = dispatcher.call(caller, region, operation, parameters, "-")
        rendered = _render(operation, result, "-")
    except AwsError as refused:
        rendered = render_refusal(refused, operation.service, "-")
    except Exception:  # noqa: BLE001 - as the server does
        rendered = render_refusal(AwsError("InternalError", traceback.format_exc()[-400:]), operation.service, "-")
    return rendered.status, rendered.body


def kind_for(member):
    """Return the kind of thing that a member names, as its own name tells; "" for none."""
    return next((kind for words, kind in KINDS if re.search(words, member)), "")


class Maker:
    """Makes an operation's parameters: ``text`` gives a member's text; what is not required is drawn."""

    density = 0.3

    def __init__(self, draw, text):
        self.draw = draw
        self.text = text

    def parameters(self, operation):
        """Return parameters that the model lets pass, mostly."""
        shape = operation.model.input_shape
        self.density = self.draw.choice((0.0, 0.1, 0.5))
        return {} if shape is None else self._structure(shape, 0)

    def _structure(self, shape, depth):
        values = {}
        for name, member in shape.members.items():
            if TOKENS.fullmatch(name) and name not in shape.required_members:
                continue
            if name in shape.required_members or (depth < 3 and self.draw.random() < self.density):
                values[name] = self._value(member, name, depth)
        return values

    def _value(self, shape, name, depth):
        makers = {
            "structure": lambda: self.filter(shape) if shape.name == "Filter" else self._structure(shape, depth + 1),
            "list": lambda: [self._value(shape.member, name, depth + 1)],
            "map": lambda: {"a-key": self._value(shape.value, name, depth + 1)},
            "string": lambda: self.draw.choice(shape.enum) if shape.enum else self.text(name),
            "boolean": lambda: self.draw.random() < 0.5,
            "timestamp": lambda: "2030-01-01T00:00:00Z",
            "blob": lambda: b"AAAA",
        }
        number = max(float(shape.metadata.get("min", 1)), 1.0)
        return makers.get(shape.type_name, lambda: number if shape.type_name in {"float", "double"} else int(number))()

    def filter(self, shape):
        """Return a filter, in the words of the service that has the shape."""
        if "Name" in shape.members:
            names = (
                "image-id",
                "snapshot-id",
                "instance-id",
                "volume-id",
                "resource-id",
                "group-id",
                "name",
                "tag:hush",
            )
            return {"Name": self.draw.choice(names), "Values": [self.text("Id")]}
        names = (
            "name",
            "version",
            "description",
            "status",
            "type",
            "platform",
            "imageRecipeArn",
            "imageBuildVersionArn",
        )
        name = self.draw.choice(names)
        return {"name": name, "values": [self.text(name)]}


def fitting(name, text):
    """Return an ARN as a member takes it: without its build where it is a version's."""
    if name.endswith("VersionArn") and not name.endswith("BuildVersionArn"):
        return re.sub(r"(/[0-9]+\.[0-9]+\.[0-9]+)/[0-9]+$", r"\1", text)
    return text
