"""What can go wrong with blocks and the maps of them."""

from __future__ import annotations

from goldsmith.errors import GoldsmithError


class BlockError(GoldsmithError):
    """A store, a map or a block that cannot be used as it is."""


class BlockMissingError(BlockError):
    """A block or a map that the store does not have."""


class BlockDamagedError(BlockError):
    """A block or a map whose bytes are not those that its name promises."""
