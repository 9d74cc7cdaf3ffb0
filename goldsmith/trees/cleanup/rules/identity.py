"""What makes one machine that machine: two instances of an image must not share it."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule

RULES = (
    Rule(
        name="machine-id",
        description=(
            "/etc/machine-id is left as an empty file, which systemd fills at first boot; "
            "/var/lib/dbus/machine-id, where it is a copy, becomes a link to it."
        ),
        source="Image Builder",
        script="""
if [ -L /etc/machine-id ]; then remove /etc/machine-id; fi
blank /etc/machine-id
present /etc/machine-id || printf '' >/etc/machine-id || say ! /etc/machine-id
if [ -f /var/lib/dbus/machine-id ] && ! [ -L /var/lib/dbus/machine-id ]; then
    remove /var/lib/dbus/machine-id
    ln -s /etc/machine-id /var/lib/dbus/machine-id
fi
""",
    ),
    Rule(
        name="random-seed",
        description=(
            "/var/lib/systemd/random-seed, /var/lib/urandom/random-seed, and a seed in the ESP's loader folder."
        ),
        source="Image Builder",
        script="""
remove /var/lib/systemd/random-seed /var/lib/urandom/random-seed /boot/efi/loader/random-seed \\
    /efi/loader/random-seed /boot/loader/random-seed
""",
    ),
    Rule(
        name="host-identity",
        description=(
            "Identities that packages generate when installed: systemd's credential.secret, NVMe's hostnqn "
            "and hostid, "
            "iSCSI's initiator name (made again at its first start)."
        ),
        source="Goldsmith",
        script="""
remove /var/lib/systemd/credential.secret /etc/nvme/hostnqn /etc/nvme/hostid
iscsi=/etc/iscsi/initiatorname.iscsi
if [ -f "$iscsi" ] && ! claimed "$iscsi"; then
    edit '^[[:space:]]*InitiatorName[[:space:]]*=' \\
        's/^[[:space:]]*InitiatorName[[:space:]]*=.*/GenerateName=yes/I' "$iscsi"
fi
""",
    ),
    Rule(
        name="agent-identity",
        description=(
            "Registrations of management agents, with which every instance would claim to be the build machine: "
            "SSM, Salt minion, Puppet, Chef, Tailscale, ZeroTier, Azure's agent, AWS CodeDeploy."
        ),
        source="Goldsmith",
        script="""
empty /var/lib/amazon/ssm /etc/salt/pki/minion /etc/puppetlabs/puppet/ssl /var/lib/puppet/ssl /var/lib/waagent \\
    /var/lib/tailscale
remove /etc/salt/minion_id /etc/chef/client.pem /etc/chef/validation.pem /var/lib/zerotier-one/identity.secret \\
    /var/lib/zerotier-one/identity.public /etc/codedeploy-agent/conf/codedeploy.onpremises.yml
""",
    ),
)
