"""Leftovers by their place. Each rule has the name of the cleanup rule that should have removed the file.

Written from the file-system hierarchy's side, matching every path of the tree, and sharing nothing with the cleanup's
shell, so that a mistake there shows here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import re2

if TYPE_CHECKING:
    from goldsmith.trees.scan.files import Entry

_FULL_FILES = {
    "ssh-host-keys": r"^/etc/ssh/ssh_host_[^/]*$|^/etc/dropbear/dropbear_[^/]*_host_key$",
    "ssh-authorized-keys": r"/\.ssh/authorized_keys[^/]*$|^/etc/ssh/authorized_keys(\.d)?(/|$)",
    "ssh-user-keys": r"/\.ssh/(id_[^/]*|identity|known_hosts[^/]*|[^/]*\.pem)$",
    "shell-histories": (
        r"/\.((bash|sh|ash|dash|ksh|mksh|zsh|tcsh|csh|fish)_?history|zhistory|histfile|history)$"
        r"|/fish/fish_history$|/PSReadLine/[^/]*$|/nushell/history\.[^/]*$"
    ),
    "tool-histories": (
        r"/\.([a-z]+_history|[a-z_]+_?hist|lesshst|viminfo|Rhistory|wget-hsts|dbshell|selected_editor|Xauthority"
        r"|ICEauthority|sudo_as_admin_successful)$|/wget-hsts$|/profile_default/history\.sqlite$"
    ),
    "cloud-credentials": (
        r"/\.(aws|azure|kube|oci|aliyun)/.|/\.config/(gcloud|doctl|hcloud|linode-cli|openstack|rclone)/."
        r"|/\.(boto|s3cfg|passwd-s3fs|vault-token|databrickscfg|terraformrc)$|/credentials\.tfrc\.json$"
        r"|/\.pulumi/credentials\.json$"
    ),
    "git-credentials": (
        r"/\.git-credentials$|/\.config/git/credentials$|/\.config/gh/hosts\.ya?ml$|/\.config/hub$"
        r"|/glab-cli/config\.yml$|/[._]netrc$|/\.authinfo(\.gpg)?$|^/etc/git-credentials$"
    ),
    "registry-credentials": (
        r"/\.docker/config\.json$|/\.dockercfg$|/containers/auth\.json$|^/var/lib/kubelet/config\.json$"
    ),
    "package-credentials": r"/\.pypirc$|/\.gem/credentials$|/\.cargo/credentials(\.toml)?$|/\.?composer/auth\.json$",
    "database-credentials": r"/\.(pgpass|my\.cnf|mylogin\.cnf)$|^/var/cache/debconf/passwords\.dat$",
    "secret-stores": r"/\.gnupg/(private-keys-v1\.d/.|secring\.gpg$)|/\.password-store/.|/\.local/share/keyrings/.",
    "cloud-init-files": (
        r"^/var/lib/cloud/.|^/var/log/cloud-init[^/]*\.log$|^/etc/sudoers\.d/90-cloud-init-users$|^/etc/locale\.conf$"
    ),
    "instance-logs": r"^/var/log/(audit/audit\.log|boot\.log|dmesg|cron)$",
    "ssm-logs": r"^/var/log/amazon/ssm/",
    "journal": r"^/var/log/journal/.|imjournal\.state$",
    "sysstat-logs": r"^/var/log/(sa|sysstat)/sa",
    "logs": r"^/var/log/.",
    "random-seed": r"/random-seed$",
    "host-identity": r"^/var/lib/systemd/credential\.secret$|^/etc/nvme/host(nqn|id)$",
    "agent-identity": r"^/var/lib/(amazon/ssm|puppet/ssl|waagent|tailscale)/.|^/etc/salt/(pki/minion/.|minion_id$)",
    "dhcp-leases": (
        r"^/var/lib/(dhclient|dhcp|dhcpcd5?|NetworkManager)/[^/]*\.leases?$|^/var/lib/NetworkManager/secret_key$"
    ),
    "persistent-net-rules": r"^/etc/udev/rules\.d/7[^/]*-persistent-net[^/]*\.rules$",
    "resolv-conf": r"^/etc/resolv\.conf$",
    "apt-lists": (
        r"^/var/lib/apt/lists/[^/]*_(InRelease|Release|Packages|Sources|Translation-)|^/var/cache/apt/[^/]*\.bin$"
    ),
    "package-archives": r"^/var/cache/(apt/archives|yum|dnf|libdnf5|zypp)/.*\.(deb|rpm)$",
    "package-database-backups": r"^/var/lib/dpkg/[^/]*-old$|^/var/cache/debconf/[^/]*-old$|^/var/backups/.",
    "user-caches": r"^(/root|/home/[^/]*)/(\.cache|\.npm/(_cacache|_logs|_npx))/.",
    "account-backups": r"^/etc/(passwd|shadow|group|gshadow|subuid|subgid)-$",
    "configuration-leftovers": r"^/etc/.*(\.(dpkg|ucf)-[a-z]+|\.rpm(save|new|orig)|~|/\.[^/]*\.sw[nop])$",
    "policy-rc.d": r"^/usr/sbin/policy-rc\.d$",
    "apt-sources": r"^/etc/apt/auth\.conf(\.d/.|$)",
    "installer-records": r"(-ks|/preseed)\.cfg$|^/(root/)?autoinst\.xml$|^/var/log/(installer|anaconda)/",
    "mail": r"^/var/(spool/)?mail/.|^/var/spool/(exim4/input|postfix/(maildrop|active|incoming|deferred|hold))/.",
    "crash-dumps": r"^/var/crash/.|^/var/lib/systemd/(coredump|pstore)/.|^/core(\.[0-9]+)?$",
    "swap": r"^/etc/initramfs-tools/conf\.d/resume$|^/var/lib/systemd/hibernate-resume",
}
"""Regular files with something in them."""

_NAMES = {
    "var-tmp": r"^/var/tmp/[^/]*$",
    "image-builder-service": r"^/tmp/imagebuilder_service$",
    "temporary-files": r"^/tmp/[^/]*$",
}
"""Anything at all, empty files and links included."""


def _compiled(table: dict[str, str]) -> list[tuple[str, re.Pattern[str]]]:
    return [(rule, re.compile(pattern, re.DOTALL)) for rule, pattern in table.items()]


def _fast(table: dict[str, str]) -> re2.Pattern[bytes]:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.dot_nl = True
    options.never_capture = True
    return re2.compile("|".join(f"(?:{pattern})" for pattern in table.values()).encode(), options)


_FILES = _compiled(_FULL_FILES)
_ANY = _compiled(_NAMES)
_FAST = _fast(_FULL_FILES | _NAMES)

_TOE = re.compile(r"/TOE_[^/]*$")


def place_rule(entry: Entry, *, empty: bool) -> str:
    """Return the name of the rule that an entry breaks by being where it is, or "" when it breaks none."""
    for rule, pattern in _ANY:
        if pattern.search(entry.path):
            return "toe-files" if _TOE.search(entry.path) else rule
    if entry.kind == "file" and not empty:
        for rule, pattern in _FILES:
            if pattern.search(entry.path):
                return rule
    return ""


def may_break_a_rule(encoded: bytes) -> bool:
    """Whether a path is worth the exact look: one pass of a fast pattern."""
    return _FAST.search(encoded) is not None
