"""What cloud-init keeps of the instance it ran on."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule

RULES = (
    Rule(
        name="cloud-init-files",
        description=(
            "cloud-init's state and logs: /var/lib/cloud/*, /var/log/cloud-init.log, /var/log/cloud-init-output.log, "
            "/etc/sudoers.d/90-cloud-init-users, /etc/locale.conf."
        ),
        source="Image Builder",
        flag="skip_cleanup_cloudinit_files",
        script="""
remove /etc/sudoers.d/90-cloud-init-users /etc/locale.conf /var/log/cloud-init.log /var/log/cloud-init-output.log
empty /var/lib/cloud
""",
    ),
)
