"""The actions of workflow steps, after AWS's guide, "Supported step actions for your workflow document" (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.documents.workflows.action_rule import ActionRule, Input, Output

if TYPE_CHECKING:
    from goldsmith.documents.workflows.step import Stage

MINUTE = 60
HOUR = 3600
DAY = 86400

_NOT_DISTRIBUTION: tuple[Stage, ...] = ("BUILD", "TEST")
_DISTRIBUTION: tuple[Stage, ...] = ("DISTRIBUTION",)

_INSTANCE = Input("instanceId", "text", "The id of the instance.", required=True)
_COMMAND = (
    Output("runCommandId", "text", "The id of the command that ran."),
    Output("status", "text", "How the command ended."),
    Output("output", "text", "What the command wrote."),
)
_REGION = Input("region", "text", "The region.", required=True)
_DISTRIBUTED = Input("distributedImages", "list", "What DistributeImage gave out.", required=True)
_LAUNCH_PERMISSION = Input(
    "launchPermission",
    "map",
    "Who may launch the AMI.",
    fields=(
        Input("userIds", "texts", "Accounts."),
        Input("userGroups", "texts", "Groups: all."),
        Input("organizationArns", "texts", "Organisations."),
        Input("organizationalUnitArns", "texts", "Organisational units."),
    ),
)
_DISTRIBUTIONS = Input(
    "distributions",
    "list",
    "Where to; the attached distribution configuration when left out.",
    fields=(
        _REGION,
        Input("name", "text", "The AMI's name there."),
        Input("description", "text", "The AMI's description there."),
        Input("targetAccountIds", "texts", "The accounts that get a copy."),
        Input("amiTags", "map", "The AMI's tags there."),
        Input("kmsKeyId", "text", "The key that encrypts the copy."),
    ),
)
_ATTRIBUTES = Input(
    "attributes",
    "list",
    "What to change where; the attached distribution configuration when left out.",
    fields=(_REGION, _LAUNCH_PERMISSION),
)
_CONFIGURATIONS = Input(
    "configurations",
    "list",
    "What to configure where; the attached distribution configuration when left out.",
    fields=(
        _REGION,
        Input("licenseConfigurationArns", "texts", "Licence configurations."),
        Input("launchTemplateConfigurations", "any", "Launch templates that get a version with the AMI."),
        Input("s3ExportConfiguration", "any", "The bucket and format of an exported disk."),
        Input("fastLaunchConfigurations", "any", "Fast launching of Windows."),
        Input("ssmParameterConfigurations", "any", "Parameters that get the AMI's id."),
    ),
)
_REGISTERED = (
    Input("architecture", "text", "x86_64 or another.", choices=("i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac")),
    Input("blockDeviceMapping", "list", "The AMI's disks, in EC2's own spelling."),
    Input("bootMode", "text", "How it boots.", choices=("legacy-bios", "uefi", "uefi-preferred")),
    Input("description", "text", "The AMI's description."),
    Input("enaSupport", "flag", "Whether it has the driver of the network adapter."),
    Input("imageLocation", "text", "The manifest of an instance-store AMI."),
    Input("imdsSupport", "text", "v2.0 to require tokens.", choices=("v2.0",)),
    Input("includeSnapshotTags", "flag", "Whether the snapshot's tags go to the AMI."),
    Input("kernelId", "text", "The kernel's id."),
    Input("ramdiskId", "text", "The RAM disk's id."),
    Input("rootDeviceName", "text", "The root disk's device name."),
    Input("sriovNetSupport", "text", "simple for enhanced networking."),
    Input("tpmSupport", "text", "v2.0 for a TPM.", choices=("v2.0",)),
    Input("uefiData", "text", "The UEFI variable store, in Base64."),
    Input("virtualizationType", "text", "hvm or paravirtual.", choices=("hvm", "paravirtual")),
)

_ALL = (
    ActionRule(
        "ApplyImageConfigurations",
        "Updates launch templates and parameters, exports the disk and does what else a distribution asks for.",
        6 * HOUR,
        12 * HOUR,
        (_DISTRIBUTED, _CONFIGURATIONS),
        (Output("configuredImages", "list", "Each AMI, its region, status and step."),),
        _DISTRIBUTION,
    ),
    ActionRule(
        "BootstrapInstanceForContainer",
        "Makes an instance ready to build containers.",
        60 * MINUTE,
        12 * HOUR,
        (_INSTANCE,),
        _COMMAND,
    ),
    ActionRule(
        "CollectImageMetadata",
        "Notes the operating system and the packages.",
        30 * MINUTE,
        12 * HOUR,
        (_INSTANCE,),
        (
            Output("osVersion", "text", "The operating system and its version."),
            Output("associationId", "text", "The id of the inventory."),
        ),
        rollback="removes what it made to collect them",
    ),
    ActionRule(
        "CollectImageScanFindings",
        "Notes what scanners found.",
        120 * MINUTE,
        12 * HOUR,
        (_INSTANCE,),
        _COMMAND,
        ("TEST",),
    ),
    ActionRule(
        "CreateImage",
        "Makes an AMI of a running instance.",
        12 * HOUR,
        3 * DAY,
        (_INSTANCE,),
        (Output("imageId", "text", "The AMI's id."),),
    ),
    ActionRule(
        "CreateImageFromIso",
        "Makes an AMI of what was installed from an ISO.",
        12 * HOUR,
        12 * HOUR,
        (_INSTANCE,),
        (
            Output("amiName", "text", "The AMI's name."),
            Output("snapshotId", "text", "The root disk's snapshot."),
            Output("architecture", "text", "The architecture."),
        ),
    ),
    ActionRule(
        "DistributeContainerImage",
        "Pushes the container image to its registries.",
        120 * MINUTE,
        12 * HOUR,
        (_INSTANCE,),
        (
            Output("status", "text", "How it ended."),
            Output("succeededRegions", "list", "Regions that have it."),
            Output("failedRegions", "list", "Regions that do not."),
        ),
        _DISTRIBUTION,
    ),
    ActionRule(
        "DistributeImage",
        "Copies the AMI to regions and accounts.",
        6 * HOUR,
        12 * HOUR,
        (_DISTRIBUTIONS,),
        (Output("distributedImages", "list", "Each copy: its region, name, amiId, accountId, status and step."),),
        _DISTRIBUTION,
    ),
    ActionRule(
        "ExecuteComponents",
        "Runs the recipe's components: build and validate phases in BUILD, test phases in TEST.",
        12 * HOUR,
        24 * HOUR,
        (_INSTANCE,),
        _COMMAND,
        _NOT_DISTRIBUTION,
    ),
    ActionRule(
        "ExecuteStateMachine",
        "Runs a state machine and waits for its end.",
        6 * HOUR,
        24 * HOUR,
        (
            Input("stateMachineArn", "text", "The state machine's ARN.", required=True),
            Input("input", "json", "What the state machine gets; {} when left out."),
        ),
        (
            Output("executionArn", "text", "The execution's ARN."),
            Output("output", "text", "What the execution gave out."),
        ),
    ),
    ActionRule(
        "LaunchInstance",
        "Launches an instance as the infrastructure configuration says and waits until it can be used.",
        75 * MINUTE,
        12 * HOUR,
        (
            Input("waitFor", "text", "What to wait for.", required=True, choices=("ssmAgent",)),
            Input(
                "healthCheck",
                "text",
                "Which state to wait for; STATUS_CHECK_PASSED when left out.",
                choices=("STATUS_CHECK_PASSED", "RUNNING"),
            ),
            Input("imageIdOverride", "text", "The AMI; the base image in BUILD, the output AMI in TEST."),
            Input("instanceTypesOverride", "texts", "Instance types, tried in their order."),
        ),
        (Output("instanceId", "text", "The id of the instance."),),
        rollback="terminates the instance, unless terminateInstanceOnFailure is false",
    ),
    ActionRule(
        "ModifyImageAttributes",
        "Lets others launch the copies of the AMI.",
        120 * MINUTE,
        180 * MINUTE,
        (_DISTRIBUTED, _ATTRIBUTES),
        (Output("modifiedImages", "list", "Each AMI, its region, status and step."),),
        _DISTRIBUTION,
    ),
    ActionRule(
        "RegisterImage",
        "Registers an AMI of snapshots.",
        9 * HOUR,
        12 * HOUR,
        _REGISTERED,
        (Output("imageId", "text", "The AMI's id."),),
    ),
    ActionRule(
        "RunCommand",
        "Runs an SSM document on an instance.",
        12 * HOUR,
        12 * HOUR,
        (
            _INSTANCE,
            Input("documentName", "text", "The document, as AWS-RunShellScript.", required=True),
            Input("parameters", "textLists", "The document's parameters, a list of texts each."),
            Input("documentVersion", "text", "The document's version; $DEFAULT when left out."),
        ),
        (*_COMMAND[:2], Output("output", "list", "What each of the document's plugins wrote.")),
    ),
    ActionRule("RunSysPrep", "Runs Sysprep on Windows.", 60 * MINUTE, 12 * HOUR, (_INSTANCE,), _COMMAND),
    ActionRule("SanitizeInstance", "Cleans up what no image may hold.", 60 * MINUTE, 12 * HOUR, (_INSTANCE,), _COMMAND),
    ActionRule(
        "TerminateInstance",
        "Terminates an instance.",
        30 * MINUTE,
        12 * HOUR,
        (_INSTANCE, Input("waitForTermination", "flag", "Whether to wait until it is gone.")),
    ),
    ActionRule(
        "WaitForAction",
        "Waits until somebody resumes or stops the workflow.",
        3 * DAY,
        7 * DAY,
        (
            Input("snsTopicArn", "text", "The topic that is told."),
            Input("lambdaFunctionName", "text", "The function that is told."),
            Input("payload", "json", "What they are told."),
        ),
        (
            Output("action", "text", "RESUME or STOP."),
            Output("reason", "text", "What was said with it."),
        ),
        waits_for_people=True,
    ),
    ActionRule(
        "WaitForSSMAgent",
        "Waits until commands can be run on an instance.",
        60 * MINUTE,
        3 * HOUR,
        (_INSTANCE,),
        (Output("status", "text", "How it ended."),),
    ),
)

ACTIONS: dict[str, ActionRule] = {rule.name: rule for rule in _ALL}

AMI_DISTRIBUTION = ("DistributeImage", "ModifyImageAttributes", "ApplyImageConfigurations")
CONTAINER_DISTRIBUTION = "DistributeContainerImage"
