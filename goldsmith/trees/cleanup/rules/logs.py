"""Logs: what happened during the build is nobody's business later."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule

RULES = (
    Rule(
        name="instance-logs",
        description="/var/log/audit/audit.log, /var/log/boot.log, /var/log/dmesg, /var/log/cron.",
        source="Image Builder",
        flag="skip_cleanup_instance_log_files",
        script="remove /var/log/audit/audit.log /var/log/boot.log /var/log/dmesg /var/log/cron",
    ),
    Rule(
        name="ssm-logs",
        description="The SSM agent's logs: /var/log/amazon/ssm, whole.",
        source="Image Builder",
        flag="skip_cleanup_ssm_log_files",
        script="remove /var/log/amazon/ssm",
    ),
    Rule(
        name="journal",
        description="Everything in /var/log/journal, and rsyslog's place in it, /var/lib/rsyslog/imjournal.state.",
        source="Image Builder",
        script="empty /var/log/journal; remove /var/lib/rsyslog/imjournal.state",
    ),
    Rule(
        name="sysstat-logs",
        description="System activity records: /var/log/sa/sa*, /var/log/sysstat/sa*.",
        source="Image Builder",
        script="remove /var/log/sa/sa* /var/log/sysstat/sa*",
    ),
    Rule(
        name="logs",
        description=(
            "Every other file below /var/log: rotated ones are removed (*.gz, *.xz, *.bz2, *.zst, *.old, "
            "*.N), the rest "
            "are cut to nothing where they stand, because services expect them with their owner and mode."
        ),
        source="Goldsmith",
        script=r"""
if [ -d /var/log ] && ! [ -L /var/log ]; then
    find /var/log -xdev -type f \
        ! -path '/var/log/journal/*' ! -path '/var/log/amazon/ssm/*' ! -path '/var/log/cloud-init*.log' \
        ! -path /var/log/audit/audit.log ! -path /var/log/boot.log ! -path /var/log/dmesg ! -path /var/log/cron \
        \( \( \( -name '*.gz' -o -name '*.xz' -o -name '*.bz2' -o -name '*.zst' -o -name '*.old' \
            -o -name '*.[0-9]' -o -name '*.[0-9][0-9]' -o -links +1 \) \
            \( -delete -printf '-%p\0' -o -printf '!%p\0' \) \) \
        -o -size +0 -printf '~%p\0' -exec truncate -s 0 -- {} + \) >&3 || say ! /var/log
fi
""",
    ),
)
