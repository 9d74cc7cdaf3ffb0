"""How a finished image is tested: ``imageTestsConfiguration`` (6.4) and the local addition to it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from goldsmith.documents.shape import Shape

Firmware = Literal["uefi", "bios"]


class ImageTestsConfiguration(Shape):
    """``timeoutMinutes`` bounds all tests together; ``firmware``, a local addition, is what the disk boots with."""

    image_tests_enabled: bool = True
    timeout_minutes: Annotated[int, Field(ge=60, le=1440)] = 720
    firmware: Annotated[tuple[Firmware, ...], Field(min_length=1)] = ("uefi",)
