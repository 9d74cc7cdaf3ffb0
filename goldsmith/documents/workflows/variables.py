"""The variables below ``$.imagebuilder`` (5.2), and what each is."""

from __future__ import annotations

VARIABLES = {
    "cloudWatchLogGroup": "The name of the log group.",
    "cloudWatchLogStream": "The name of the log stream, as 1.0.0/1.",
    "collectImageMetadata": "Whether the build instance's metadata are to be collected.",
    "collectImageScanFindings": "Whether the test instance's scan findings are to be collected.",
    "dateTime": "When the build began, in ISO 8601.",
    "imageBuildNumber": "The build's number.",
    "imageId": "The id of the AMI that the image is built on.",
    "imageName": "The image's name.",
    "imageType": "AMI or DOCKER.",
    "imageVersionNumber": "The image's version, as 1.0.0.",
    "instanceProfileName": "The name of the instance profile.",
    "platform": "Linux, Windows or MacOS.",
    "s3Logs": "Where logs are uploaded: s3BucketName and s3KeyPrefix.",
    "securityGroups": "The ids of the instances' security groups.",
    "sourceImageARN": "The ARN of the image's build version.",
    "subnetId": "The id of the instances' subnet.",
    "terminateInstanceOnFailure": "Whether an instance is terminated when its workflow fails.",
    "workflowPhase": "Build, Test or Distribution.",
    "workingDirectory": "The folder that components work in.",
}
