"""One thing that cleanup does: named, explained, skippable; and the table of all of them."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import Literal

Source = Literal["Image Builder", "Goldsmith"]


@dataclass(frozen=True)
class Rule:
    """A cleanup rule.

    ``script`` is POSIX sh that runs as the guest's root. Its ``"$@"`` is every home folder (root's, /etc/skel,
    those in /home and of /etc/passwd), ``$working`` is Image Builder's working directory, and prelude.sh's
    words are there: ``remove``, ``empty``, ``sweep``, ``blank``, ``edit``, ``claimed``. It must not ``exit``.
    ``flag`` is the name of Image Builder's skip file, "" where there is none. ``default`` is whether the rule runs
    unless it is skipped, or only when it is asked for. Rules run by ``order``, then by module and place in it.
    """

    name: str
    description: str
    source: Source
    script: str
    flag: str = ""
    default: bool = True
    order: int = 0


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return every rule of the modules in ``rules``, in the order they run."""
    package = importlib.import_module("goldsmith.trees.cleanup.rules")
    modules = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    families = [importlib.import_module(f"{package.__name__}.{name}").RULES for name in modules]
    return tuple(sorted((rule for family in families for rule in family), key=lambda rule: rule.order))
