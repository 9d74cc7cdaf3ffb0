"""Files that belong to one instance and not to an image."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule

RULES = (
    Rule(
        name="instance-files",
        description=(
            "What a running instance makes: /etc/hostname, /etc/.updated, /var/.updated, /etc/aliases.db, "
            "/var/lib/misc/postfix.aliasesdb-stamp, /var/lib/postfix/master.lock, /var/spool/postfix/pid/master.pid, "
            "/var/cache/yum/x86_64/2/.gpgkeyschecked.yum. A hostname that the recipe claims stays."
        ),
        source="Image Builder",
        flag="skip_cleanup_instance_files",
        script="""
claimed /etc/hostname || remove /etc/hostname
remove /etc/.updated /etc/aliases.db /var/lib/misc/postfix.aliasesdb-stamp /var/lib/postfix/master.lock \\
    /var/spool/postfix/pid/master.pid /var/.updated /var/cache/yum/x86_64/2/.gpgkeyschecked.yum
""",
    ),
)
