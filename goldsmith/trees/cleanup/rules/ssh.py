"""Keys that let somebody in, and keys that say who a machine is."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule

FLAG = "skip_cleanup_ssh_files"

RULES = (
    Rule(
        name="ssh-host-keys",
        description=(
            "The SSH server's host keys: /etc/ssh/ssh_host_*_key and .pub. An instance makes its own at first boot."
        ),
        source="Image Builder",
        flag=FLAG,
        script="remove /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub /etc/ssh/ssh_host_*_key-cert.pub",
    ),
    Rule(
        name="ssh-authorized-keys",
        description="authorized_keys and authorized_keys2 in .ssh of root and of every home.",
        source="Image Builder",
        flag=FLAG,
        script='for home; do remove "$home"/.ssh/authorized_keys "$home"/.ssh/authorized_keys2; done',
    ),
    Rule(
        name="ssh-user-keys",
        description=(
            "Users' own SSH keys and the hosts they met: .ssh/id_*, .ssh/*.pem, .ssh/known_hosts* in every home."
        ),
        source="Goldsmith",
        script='for home; do remove "$home"/.ssh/id_* "$home"/.ssh/*.pem "$home"/.ssh/known_hosts*; done',
    ),
)
