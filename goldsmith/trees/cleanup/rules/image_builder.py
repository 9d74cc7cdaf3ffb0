"""What Image Builder's own tools leave: the task orchestrator's logs and its service folder."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule

RULES = (
    Rule(
        name="toe-files",
        description="AWSTOE's folders and files, TOE_* in the working directory.",
        source="Image Builder",
        flag="skip_cleanup_toe_files",
        script='remove "$working"/TOE_*',
    ),
    Rule(
        name="image-builder-service",
        description=(
            "The folder /tmp/imagebuilder_service. Its file ssm_installed (naming snap, yum, rpm or dpkg) has the "
            "SSM agent removed that was installed for the build, crontab_installed the cron package; delete these "
            "files to keep them."
        ),
        source="Image Builder",
        script="""
service=/tmp/imagebuilder_service
if [ -f "$service/ssm_installed" ]; then
    manager=
    read -r manager <"$service/ssm_installed"
    case $manager in
        snap) snap remove amazon-ssm-agent ;;
        yum) yum -y remove amazon-ssm-agent ;;
        rpm) rpm --erase amazon-ssm-agent ;;
        dpkg) dpkg --purge amazon-ssm-agent ;;
    esac >&2 || say ! amazon-ssm-agent
fi
if [ -f "$service/crontab_installed" ] && command -v yum >/dev/null; then
    yum -y remove cronie >&2 || say ! cronie
fi
remove "$service"
""",
    ),
)
