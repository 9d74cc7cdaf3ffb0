"""The page docs/cleanup.md, written from the rules' own declarations."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule, all_rules

_INTRODUCTION = """\
# Cleanup

After a recipe's build and validate phases, and before the tree is sealed into a disk, Goldsmith cleans it
with the rules below, then has an independent scan look at what is left. This page is written from the rules'
declarations.

A pipeline file says what is to be otherwise:

```yaml
cleanup:
  skip: [logs, skip_cleanup_ssh_files]    # rules, or Image Builder's flags, that are left out
  enable: [changed-configuration]         # rules that are off by default
  accounts: remove                        # people's accounts that the parent did not have; else they are kept
  allow: ["/opt/app/tests/*.pem"]         # paths that the scan lets be
```

A flag's empty file in the working directory (`/tmp` unless the recipe says otherwise) works as in Image Builder.
As there, nothing is cleaned when the file `perform_cleanup` is missing from the working directory; a build makes
that file itself unless user data is overridden.

A path that a rule had to remove and that is still there afterwards fails the build with `Failed to delete …`.

Image Builder overwrites files with `shred` before it removes them, because its snapshot copies the disk's
blocks. Here the disk is made afterwards from the files that are left, so removed ones were never on it, and
removing is enough.

Two kinds of rule know what a recipe wants: a configuration file that the recipe claims is left as it is, and
so is every other configuration that a component wrote; "reset to the package's own" means the build's own
traces (name servers, proxies, mirrors, leftovers of upgrades), not a component's work. The rule
`changed-configuration` is the strict reading, for those who want it.
"""


def cleanup_reference() -> str:
    """Return the reference of all cleanup rules as Markdown."""
    flagged = [rule for rule in all_rules() if rule.source == "Image Builder"]
    own = [rule for rule in all_rules() if rule.source == "Goldsmith"]
    return "\n".join(
        [
            _INTRODUCTION,
            *_table("Image Builder's rules", flagged),
            *_table("Goldsmith's further rules", own),
        ]
    )


def _table(title: str, rules: list[Rule]) -> list[str]:
    return [f"## {title}", "", "| Rule | Skip flag | What it does |", "|---|---|---|", *map(_row, rules), ""]


def _row(rule: Rule) -> str:
    off = "" if rule.default else " (off unless enabled)"
    flag = f"`{rule.flag}`" if rule.flag else "none"
    return f"| `{rule.name}`{off} | {flag} | {_escaped(rule.description)} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("~", "\\~").replace("_", "\\_")
