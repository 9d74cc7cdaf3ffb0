"""How a finished image is scanned: ``imageScanningConfiguration`` (6.4)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from goldsmith.documents.shape import NonEmpty, Shape, refuse


class EcrConfiguration(Shape):
    """The repository that a container image is scanned in."""

    repository_name: NonEmpty | None = None
    container_tags: tuple[NonEmpty, ...] = ()


class ScanResultCondition(Shape):
    """The findings that fail an image: those above the label."""

    maximum_severity_label: Literal["INFORMATIONAL", "LOW", "MEDIUM", "HIGH"]
    fix_available: bool = True


class ImageScanningConfiguration(Shape):
    """Whether and how an image is scanned."""

    image_scanning_enabled: bool = False
    ecr_configuration: EcrConfiguration | None = None
    image_scanning_types: Annotated[
        tuple[Literal["TEST_INSTANCE_CVE", "ON_DEMAND_AMI_CVE"], ...], Field(min_length=1, max_length=1)
    ] = ("TEST_INSTANCE_CVE",)
    scan_result_condition: ScanResultCondition | None = None

    @model_validator(mode="after")
    def _condition_needs_type(self) -> Self:
        if self.scan_result_condition and self.image_scanning_types != ("ON_DEMAND_AMI_CVE",):
            raise refuse("takes a scanResultCondition only with imageScanningTypes: [ON_DEMAND_AMI_CVE]")
        return self
