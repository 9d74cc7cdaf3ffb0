"""Temporary files, crash dumps and swap."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule

RULES = (
    Rule(
        name="var-tmp",
        description="Everything in /var/tmp.",
        source="Image Builder",
        order=50,
        script='if [ "$working" = /var/tmp ]; then sweep /var/tmp ! -path "/var/tmp/TOE_*"; else empty /var/tmp; fi',
    ),
    Rule(
        name="temporary-files",
        description="Everything in /tmp; AWSTOE's folders are left to their own rule.",
        source="Goldsmith",
        order=50,
        script='if [ "$working" = /tmp ]; then sweep /tmp ! -path "/tmp/TOE_*"; else empty /tmp; fi',
    ),
    Rule(
        name="working-directory-flags",
        description="Image Builder's flags in the working directory: perform_cleanup and skip_cleanup_*.",
        source="Goldsmith",
        order=90,
        script='remove "$working"/perform_cleanup "$working"/skip_cleanup_*',
    ),
    Rule(
        name="crash-dumps",
        description="/var/crash/*, /var/lib/systemd/coredump/*, /var/lib/systemd/pstore/*, /core and /core.*.",
        source="Goldsmith",
        script="""
empty /var/crash /var/lib/systemd/coredump /var/lib/systemd/pstore
for core in /core /core.[0-9]*; do
    if [ -f "$core" ]; then remove "$core"; fi
done
""",
    ),
    Rule(
        name="swap",
        description=(
            "Swap and hibernation files of the build: /swapfile and /swap.img when /etc/fstab does not name them, "
            "/etc/initramfs-tools/conf.d/resume, /var/lib/systemd/hibernate-resume*."
        ),
        source="Goldsmith",
        script="""
for swap in /swapfile /swap.img; do
    if present "$swap" && ! grep -qs "^[[:space:]]*$swap[[:space:]]" /etc/fstab; then remove "$swap"; fi
done
claimed /etc/initramfs-tools/conf.d/resume || remove /etc/initramfs-tools/conf.d/resume
remove /var/lib/systemd/hibernate-resume*
""",
    ),
)
