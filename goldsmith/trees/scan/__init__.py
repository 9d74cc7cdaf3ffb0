"""An independent look at a cleaned tree, for what is left in it that no image may carry."""

from goldsmith.trees.scan.finding import Finding, LeftoversError, ScanReport
from goldsmith.trees.scan.run import RULES_DIGEST, scan, suspects

__all__ = ["RULES_DIGEST", "Finding", "LeftoversError", "ScanReport", "scan", "suspects"]
