"""An AMI of the caller's own, as the operations that change one look it up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.aws.ec2.ids import require_form, seen
from goldsmith.aws.errors import AwsError
from goldsmith.catalog.uses import RECYCLED

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource

DEREGISTERED = "deregistered"


def own_image(call: Call, identifier: str) -> Resource:
    """Return an AMI that the caller owns.

    Raises AwsError for a malformed id, for an AMI that the caller cannot see, for one that is another's, and for one
    that was deregistered.
    """
    require_form("image", identifier)
    if was_deregistered(call.catalog, identifier):
        raise unavailable(identifier)
    image = seen(call, "image", identifier)
    if image.account != call.account.id:
        raise AwsError("AuthFailure", f"Not authorized for image:{identifier}")
    return image


def was_deregistered(catalog: Catalog, identifier: str) -> bool:
    """Tell whether the caller had such an AMI: clients that poll for its end take an empty list for it."""
    image = catalog.own("image", identifier) or catalog.own(f"{RECYCLED}image", identifier)
    return image is not None and (image.state == DEREGISTERED or image.kind != "image")


def unavailable(identifier: str) -> AwsError:
    """Return the refusal for an AMI that is there no more, or not for use."""
    return AwsError("InvalidAMIID.Unavailable", f"The image id '[{identifier}]' is no longer available")
