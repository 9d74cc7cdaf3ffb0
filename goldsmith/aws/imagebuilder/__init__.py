"""The Image Builder API."""
