"""The tags by which what was published is found again."""

from __future__ import annotations

CONTENT_TAG = "goldsmith:content"
"""A digest of the disk and of the key that enciphers it."""

IMAGE_TAG = "goldsmith:image"
"""The image's reference here, as web-server/1.0.2/1."""
