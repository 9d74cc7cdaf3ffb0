"""What the build machine's network wrote down."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule

RULES = (
    Rule(
        name="dhcp-leases",
        description=(
            "Leases of dhclient, dhcpcd, NetworkManager: /var/lib/dhclient/dhclient*.lease, /var/lib/dhcp/*.lease*, "
            "/var/lib/dhcpcd/*.lease*, /var/lib/NetworkManager/*.lease with its secret_key and seen networks."
        ),
        source="Image Builder",
        script="""
remove /var/lib/dhclient/dhclient*.lease /var/lib/dhclient/dhclient*.leases /var/lib/dhcp/*.lease* \\
    /var/lib/dhcpcd/*.lease* /var/lib/dhcpcd5/*.lease* /var/lib/dhcpcd/duid /var/lib/dhcpcd/secret \\
    /var/lib/NetworkManager/*.lease /var/lib/NetworkManager/secret_key /var/lib/NetworkManager/seen-bssids \\
    /var/lib/NetworkManager/timestamps
""",
    ),
    Rule(
        name="persistent-net-rules",
        description="udev's names for the build machine's network cards: /etc/udev/rules.d/7*-persistent-net*.rules.",
        source="Goldsmith",
        script="remove /etc/udev/rules.d/7*-persistent-net*.rules",
    ),
    Rule(
        name="resolv-conf",
        description=(
            "Name servers of the build: a regular file /etc/resolv.conf is cut to nothing for the instance's "
            "own network to "
            "fill. A link, as systemd-resolved has it, or a file that the recipe claims stays."
        ),
        source="Goldsmith",
        script="claimed /etc/resolv.conf || blank /etc/resolv.conf",
    ),
    Rule(
        name="hosts",
        description=(
            "Lines of /etc/hosts that name the build machine: those for 127.0.1.1, Debian's address for a "
            "machine's own "
            "name. Every other line stays."
        ),
        source="Goldsmith",
        script=r"""
if ! claimed /etc/hosts; then
    edit '^[[:space:]]*127\.0\.1\.1[[:space:]]' '/^[[:space:]]*127\.0\.1\.1[[:space:]]/d' /etc/hosts
fi
""",
    ),
)
