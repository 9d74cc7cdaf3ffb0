"""Writing down what was done."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule

RULES = (
    Rule(
        name="sync",
        description=(
            "Writes the guest's disks out, as Image Builder does at its end. Off unless asked for: a tree on "
            "overlayfs has "
            "nothing to lose, a machine whose disk is captured next has."
        ),
        source="Image Builder",
        default=False,
        order=100,
        script="sync",
    ),
)
