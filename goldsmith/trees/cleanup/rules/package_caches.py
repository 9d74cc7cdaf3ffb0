"""Package managers' caches: an instance fetches its own, and fresher."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule

RULES = (
    Rule(
        name="apt-lists",
        description=(
            "apt's package lists, /var/lib/apt/lists/*, and the indexes built from them, /var/cache/apt/*.bin."
        ),
        source="Goldsmith",
        script="""
sweep /var/lib/apt/lists ! -path /var/lib/apt/lists/lock ! -path /var/lib/apt/lists/partial
remove /var/cache/apt/*.bin
""",
    ),
    Rule(
        name="package-archives",
        description="Downloaded packages: /var/cache/apt/archives, /var/cache/yum, /var/cache/dnf, /var/cache/zypp.",
        source="Goldsmith",
        script="""
sweep /var/cache/apt/archives ! -path /var/cache/apt/archives/lock ! -path /var/cache/apt/archives/partial
sweep /var/cache/yum ! -name .gpgkeyschecked.yum -type f
empty /var/cache/dnf /var/cache/libdnf5 /var/cache/zypp
""",
    ),
    Rule(
        name="user-caches",
        description="Caches of tools run during the build (pip, npm, go, cargo …): .cache and .npm in every home.",
        source="Goldsmith",
        script="""
for home; do
    remove "$home"/.cache "$home"/.npm/_cacache "$home"/.npm/_logs "$home"/.npm/_npx \\
        "$home"/.npm/_update-notifier-last-checked
done
""",
    ),
    Rule(
        name="package-database-backups",
        description=(
            "Old copies that package tools keep of their databases: /var/lib/dpkg/*-old, /var/cache/debconf/*-old, "
            "/var/backups/*, and ldconfig's aux-cache."
        ),
        source="Goldsmith",
        script="""
remove /var/lib/dpkg/*-old /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache
empty /var/backups
""",
    ),
)
