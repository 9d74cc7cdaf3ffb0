"""What a build leaves behind and an image must not carry: rules that remove it, in one pass inside the guest."""

from goldsmith.trees.cleanup.records import Outcome
from goldsmith.trees.cleanup.reference import cleanup_reference
from goldsmith.trees.cleanup.rule import Rule, all_rules
from goldsmith.trees.cleanup.run import CleanupError, CleanupReport, clean

__all__ = ["CleanupError", "CleanupReport", "Outcome", "Rule", "all_rules", "clean", "cleanup_reference"]
