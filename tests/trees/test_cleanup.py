"""Cleanup in real guests: what goes, what stays, what is refused."""

from __future__ import annotations

import pytest

from goldsmith.trees.cleanup import CleanupError, all_rules, clean

from .cleanup_tree import base_in_workspace, quoted, tree_from

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def base():
    with base_in_workspace() as made:
        yield made


@pytest.fixture
def tree(base):
    with tree_from(*base) as fresh:
        yield fresh


REMOVED = {
    "cloud-init-files": [
        "/etc/sudoers.d/90-cloud-init-users",
        "/etc/locale.conf",
        "/var/log/cloud-init.log",
        "/var/log/cloud-init-output.log",
        "/var/lib/cloud/instances/i-1/user-data.txt",
        "/var/lib/cloud/.hidden",
    ],
    "instance-files": [
        "/etc/hostname",
        "/etc/.updated",
        "/etc/aliases.db",
        "/var/.updated",
        "/var/lib/misc/postfix.aliasesdb-stamp",
        "/var/lib/postfix/master.lock",
        "/var/spool/postfix/pid/master.pid",
        "/var/cache/yum/x86_64/2/.gpgkeyschecked.yum",
    ],
    "ssh-host-keys": ["/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ed25519_key.pub", "/etc/ssh/ssh_host_dsa_key"],
    "ssh-authorized-keys": [
        "/root/.ssh/authorized_keys",
        "/home/ann/.ssh/authorized_keys",
        "/home/two words/.ssh/authorized_keys2",
        "/var/lib/postgresql/.ssh/authorized_keys",
    ],
    "ssh-user-keys": ["/root/.ssh/id_ed25519", "/home/ann/.ssh/known_hosts.old"],
    "instance-logs": ["/var/log/audit/audit.log", "/var/log/boot.log", "/var/log/dmesg", "/var/log/cron"],
    "ssm-logs": ["/var/log/amazon/ssm/errors.log"],
    "journal": ["/var/log/journal/0123/system.journal", "/var/lib/rsyslog/imjournal.state"],
    "sysstat-logs": ["/var/log/sa/sa01"],
    "logs": ["/var/log/syslog.1", "/var/log/apt/term.log.2.gz"],
    "toe-files": ["/tmp/TOE_2026-01-01/console.log", "/tmp/TOE_x"],
    "image-builder-service": ["/tmp/imagebuilder_service/crontab_installed"],
    "random-seed": ["/var/lib/systemd/random-seed"],
    "host-identity": ["/var/lib/systemd/credential.secret", "/etc/nvme/hostid"],
    "agent-identity": ["/var/lib/amazon/ssm/registration", "/etc/salt/pki/minion/minion.pem"],
    "dhcp-leases": ["/var/lib/dhclient/dhclient-eth0.lease", "/var/lib/dhcp/dhclient.eth0.leases"],
    "persistent-net-rules": ["/etc/udev/rules.d/70-persistent-net.rules"],
    "var-tmp": ["/var/tmp/a file", "/var/tmp/.hidden/deep/er"],
    "temporary-files": ["/tmp/new\nline", "/tmp/-rf"],
    "crash-dumps": ["/var/crash/x.crash", "/var/lib/systemd/coredump/core.zst", "/core.12"],
    "swap": ["/swapfile", "/etc/initramfs-tools/conf.d/resume"],
    "apt-lists": ["/var/lib/apt/lists/deb.debian.org_InRelease", "/var/cache/apt/pkgcache.bin"],
    "package-archives": ["/var/cache/apt/archives/nginx.deb", "/var/cache/apt/archives/partial/x.deb"],
    "user-caches": ["/root/.cache/pip/wheel", "/home/ann/.npm/_cacache/x"],
    "package-database-backups": ["/var/lib/dpkg/status-old", "/var/backups/dpkg.status.0"],
    "cloud-credentials": ["/root/.aws/credentials", "/home/ann/.azure/token", "/home/ann/.config/gcloud/x", "/root/.kube/config"],
    "git-credentials": ["/root/.git-credentials", "/home/ann/.config/gh/hosts.yml", "/home/ann/.netrc"],
    "registry-credentials": ["/root/.docker/config.json", "/home/ann/.config/containers/auth.json"],
    "package-credentials": ["/root/.pypirc", "/home/ann/.cargo/credentials.toml"],
    "database-credentials": ["/var/lib/postgresql/.pgpass"],
    "secret-stores": ["/root/.gnupg/private-keys-v1.d/x.key"],
    "shell-histories": ["/root/.bash_history", "/home/ann/.zsh_history", "/var/lib/postgresql/.sh_history"],
    "tool-histories": ["/root/.python_history", "/root/.lesshst", "/home/ann/.viminfo", "/var/lib/postgresql/.psql_history"],
    "installer-records": ["/root/anaconda-ks.cfg"],
    "mail": ["/var/mail/root"],
    "account-backups": ["/etc/shadow-"],
    "configuration-leftovers": ["/etc/nginx/nginx.conf.dpkg-old", "/etc/hosts~", "/etc/.fstab.swp"],
    "policy-rc.d": ["/usr/sbin/policy-rc.d"],
}  # fmt: skip

KEPT = [
    "/etc/nginx/nginx.conf",
    "/etc/ssh/sshd_config",
    "/home/ann/.bashrc",
    "/home/ann/.ssh/config",
    "/home/ann/.docker/daemon.json",
    "/var/www/index.html",
    "/var/lib/postgresql/base/1",
    "/var/lib/dpkg/status",
    "/var/cache/apt/archives/partial",
]


def plant(tree):
    tree.write_all([*(path for paths in REMOVED.values() for path in paths), *KEPT[:-1]])


def outcome(report, rule):
    return next(outcome for outcome in report.outcomes if outcome.rule == rule)


def test_each_rule_removes_its_paths_and_says_so(tree):
    plant(tree)
    report = clean(tree.guest)
    for rule, paths in REMOVED.items():
        said = outcome(report, rule).removed
        for path in paths:
            assert any(path == gone or path.startswith(gone + "/") for gone in said), (rule, path, said)
    assert tree.there(path for paths in REMOVED.values() for path in paths) == set()
    assert tree.there(KEPT) == set(KEPT)
    assert report.performed
    assert report.removed > 80
    assert not tree.has("/tmp/perform_cleanup")
    assert tree.sh("ls -A /tmp /var/tmp") == "/tmp:\n\n/var/tmp:\n"


def test_a_second_cleanup_finds_nothing_and_writes_nothing(tree):
    plant(tree)
    clean(tree.guest)
    before = tree.sh("find / -xdev ! -path '/tmp*' -printf '%p %i %T@ %m\n'")
    again = clean(tree.guest)
    assert {o.rule: (o.removed, o.reset) for o in again.outcomes if o.removed or o.reset} == {}
    assert tree.sh("find / -xdev ! -path '/tmp*' -printf '%p %i %T@ %m\n'") == before


@pytest.mark.parametrize("rule", ["ssh-authorized-keys", "temporary-files", "logs", "shell-histories"])
def test_a_rule_skipped_by_name_leaves_its_paths_and_no_others(tree, rule):
    plant(tree)
    report = clean(tree.guest, skip=frozenset({rule}))
    assert tree.there(path for paths in REMOVED.values() for path in paths) == set(REMOVED[rule])
    assert outcome(report, rule).skipped == "skipped by name"
    assert report.skipped == {rule, "changed-configuration", "sync"}


@pytest.mark.parametrize("flag", sorted({rule.flag for rule in all_rules()} - {""}))
@pytest.mark.parametrize(("how", "working"), [("file", "/tmp"), ("file", "/srv/build er"), ("argument", "/var/tmp")])
def test_image_builders_skip_flags(tree, flag, how, working):
    plant(tree)
    tree.write(f"{working}/TOE_here/x")
    if how == "file":
        tree.write(f"{working}/{flag}", "")
    skip = frozenset({flag}) if how == "argument" else frozenset()
    report = clean(tree.guest, working_directory=working, skip=skip)
    for rule in all_rules():
        if rule.flag == flag and rule.name != "toe-files":
            assert tree.there(REMOVED[rule.name]) == set(REMOVED[rule.name])
            assert flag in outcome(report, rule.name).skipped
    assert tree.has(f"{working}/TOE_here/x") == (flag == "skip_cleanup_toe_files")
    assert not tree.has("/root/.bash_history")
    assert not tree.has(f"{working}/{flag}")


def test_nothing_is_cleaned_without_the_guard(tree):
    plant(tree)
    report = clean(tree.guest, create_guard=False)
    assert not report.performed
    assert tree.has("/root/.ssh/authorized_keys")
    assert report.skipped == {rule.name for rule in all_rules()}
    tree.write("/tmp/perform_cleanup", "")
    assert clean(tree.guest, create_guard=False).performed
    assert not tree.has("/root/.ssh/authorized_keys")


def test_logs_keep_their_place_owner_and_mode(tree):
    tree.write("/var/log/nginx/access.log", "1.2.3.4 GET /\n")
    tree.sh("chmod 640 /var/log/nginx/access.log")
    report = clean(tree.guest)
    assert tree.sh("stat -c '%a %s' /var/log/nginx/access.log") == "640 0\n"
    assert outcome(report, "logs").reset == ("/var/log/nginx/access.log",)


def test_a_log_that_is_another_name_of_a_file_does_not_take_the_file_with_it(tree):
    tree.sh("ln /etc/passwd /var/log/tricky.log; ln -s /etc/shadow /var/log/linked.log")
    clean(tree.guest)
    assert "root:x:0:0" in tree.read("/etc/passwd")
    assert "root:*" in tree.read("/etc/shadow")


def test_links_are_removed_or_left_and_never_followed(tree):
    tree.sh("""
        mkdir -p /srv/precious/ssh && touch /srv/precious/file
        ln -s /srv/precious /root/.aws && ln -s /srv/precious /tmp/link && ln -s / '/var/tmp/all of it'
        ln -s loop /home/loop && ln -s /srv/precious /var/crash
        mkdir /home/b && ln -s /srv/precious/file /home/b/.bash_history
    """)
    clean(tree.guest)
    assert tree.has("/srv/precious/file")
    assert tree.has("/var/crash")
    assert not any(
        tree.has(path) for path in ("/root/.aws", "/tmp/link", "/var/tmp/all of it", "/home/b/.bash_history")
    )


def test_hostile_names_are_only_names(tree):
    for name in ("$(touch owned)", "a'b\"c", "`id`", "*", " ", "new\nline", "-delete"):
        tree.write(f"/home/{name}/.bash_history")
        tree.write(f"/tmp/{name}")
        tree.write(f"/etc/{name}.dpkg-old")
        tree.write(f"/etc/apt/apt.conf.d/{name}", 'Acquire::http::Proxy "http://p:3128";\n')
    clean(tree.guest)
    assert tree.sh("find / -xdev -name owned") == ""
    assert (
        tree.sh("find / -xdev \\( -name .bash_history -o -name '*.dpkg-old' -o -path '/etc/apt/apt.conf.d/*' \\)") == ""
    )


def test_what_cannot_be_removed_fails_the_build_by_name(tree):
    tree.sh("mkdir -p /root/.aws/stuck && : >/root/.aws/stuck/f")
    tree.write("/usr/bin/rm", b"#!/bin/sh\nexit 1\n", mode=0o755)
    with pytest.raises(CleanupError) as caught:
        clean(tree.guest)
    assert "Failed to delete /root/.aws (cleanup rule cloud-credentials)" in caught.value.message
    assert outcome(caught.value.report, "cloud-credentials").failed == ("/root/.aws",)


def test_a_guest_without_find_is_refused_with_what_it_lacks(tree):
    tree.sh("rm /usr/bin/find /usr/bin/grep")
    tree.write("/tmp/x")
    with pytest.raises(CleanupError):
        clean(tree.guest)


def test_machine_identity(tree):
    tree.write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    tree.write("/var/lib/dbus/machine-id", "0123456789abcdef0123456789abcdef\n")
    tree.write("/etc/iscsi/initiatorname.iscsi", "## comment\nInitiatorName=iqn.1993-08.org.debian:01:abc\n")
    clean(tree.guest)
    assert tree.read("/etc/machine-id") == ""
    assert tree.read("/var/lib/dbus/machine-id") == ""
    assert tree.read("/etc/iscsi/initiatorname.iscsi") == "## comment\nGenerateName=yes\n"


@pytest.mark.parametrize("left", ["", "$6$salt$hash", "!$6$salt$hash", "x"])
def test_root_is_locked_and_its_hash_is_gone(tree, left):
    tree.write("/etc/shadow", f"root:{left}:1:0:99999:7:::\nann:$6$keep:1:0:99999:7:::\n", mode=0o640)
    tree.write("/etc/passwd", "root::0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n")
    clean(tree.guest)
    assert tree.read("/etc/shadow") == "root:*:1:0:99999:7:::\nann:$6$keep:1:0:99999:7:::\n"
    assert tree.read("/etc/passwd").startswith("root:x:0:0")
    assert tree.sh("stat -c %a /etc/shadow") == "640\n"


@pytest.mark.parametrize("locked", ["*", "!", "!*", "!!"])
def test_a_locked_root_is_left_as_it_is(tree, locked):
    tree.write("/etc/shadow", f"root:{locked}:1:0:99999:7:::\n")
    assert outcome(clean(tree.guest), "locked-root").reset == ()
    assert tree.read("/etc/shadow") == f"root:{locked}:1:0:99999:7:::\n"


def with_accounts(tree, *names):
    passwd, shadow, group = tree.read("/etc/passwd"), tree.read("/etc/shadow"), tree.read("/etc/group")
    for number, name in enumerate(names, start=1000):
        passwd += f"{name}:x:{number}:{number}::/home/{name}:/bin/sh\n"
        shadow += f"{name}:!:1:0:99999:7:::\n"
        group += f"{name}:x:{number}:\n"
        tree.write(f"/home/{name}/file")
    for path, text in (("/etc/passwd", passwd), ("/etc/shadow", shadow), ("/etc/group", group)):
        tree.write(path, text)


def test_build_accounts_go_and_a_components_own_stay(tree):
    with_accounts(tree, "packer", "deploy")
    clean(tree.guest)
    assert "packer" not in tree.read("/etc/passwd") + tree.read("/etc/shadow")
    assert not tree.has("/home/packer")
    assert "deploy:x:1001" in tree.read("/etc/passwd")
    assert tree.has("/home/deploy/file")


def test_accounts_that_the_parent_did_not_have_go_unless_kept(tree):
    with_accounts(tree, "admin", "deploy", "builder")
    report = clean(tree.guest, baseline_users=frozenset({"admin"}), keep_users=frozenset({"deploy"}))
    assert [line.split(":")[0] for line in tree.read("/etc/passwd").splitlines()[-2:]] == ["admin", "deploy"]
    assert not tree.has("/home/builder")
    assert "/home/builder" in outcome(report, "build-accounts").removed
    assert "postgres" in tree.read("/etc/passwd")


def test_an_account_whose_home_is_not_its_own_does_not_take_it_along(tree):
    tree.write("/etc/passwd", tree.read("/etc/passwd") + "packer:x:1000:1000::/home/../etc:/bin/sh\n")
    clean(tree.guest)
    assert "packer" not in tree.read("/etc/passwd")
    assert tree.has("/etc/passwd")


def test_apt_keeps_its_sources_without_the_builds_mirrors_logins_and_proxies(tree):
    tree.write(
        "/etc/apt/sources.list",
        "deb http://deb.debian.org/debian bookworm main\ndeb [trusted=yes] file:/mirror bookworm main\n"
        "deb http://127.0.0.1:3142/debian bookworm main\ndeb https://ann:hunter2@apt.example.com/ stable main\n",
    )
    tree.write(
        "/etc/apt/sources.list.d/two.sources",
        "Types: deb\nURIs: http://deb.debian.org/debian\nSuites: bookworm\nComponents: main\n\n"
        "Types: deb\nURIs: copy:/media/build\nSuites: ./\n\n"
        "Types: deb\nURIs: https://ann:hunter2@apt.example.com/\nSuites: stable\nComponents: main\n",
    )
    tree.write("/etc/apt/sources.list.d/only.sources", "Types: deb\nURIs: http://localhost/x\nSuites: ./\n")
    tree.write("/etc/apt/auth.conf.d/x.conf", "machine apt.example.com login ann password hunter2\n")
    tree.write("/etc/apt/apt.conf.d/00proxy", '# build\nAcquire::http::Proxy "http://10.0.0.1:3128";\n')
    tree.write("/etc/apt/apt.conf.d/01mixed", 'Acquire { http { Proxy "http://p/"; Timeout "9"; }; };\nAPT::X "1";\n')
    tree.write("/etc/apt/apt.conf.d/02note", "// no Proxy here\nAPT::Y 1;\n")
    tree.write("/etc/apt/apt.conf.d/03own", 'Acquire::https::Proxy "http://company:3128";\n')
    clean(tree.guest, claimed=frozenset({"/etc/apt/apt.conf.d/03own"}))
    assert tree.read("/etc/apt/sources.list") == (
        "deb http://deb.debian.org/debian bookworm main\ndeb https://apt.example.com/ stable main\n"
    )
    assert tree.read("/etc/apt/sources.list.d/two.sources") == (
        "Types: deb\nURIs: http://deb.debian.org/debian\nSuites: bookworm\nComponents: main\n\n"
        "Types: deb\nURIs: https://apt.example.com/\nSuites: stable\nComponents: main\n"
    )
    assert not tree.has("/etc/apt/sources.list.d/only.sources")
    assert not tree.has("/etc/apt/auth.conf.d/x.conf")
    assert not tree.has("/etc/apt/apt.conf.d/00proxy")
    assert tree.read("/etc/apt/apt.conf.d/01mixed") == 'Acquire { http {  Timeout "9"; }; };\nAPT::X "1";\n'
    assert tree.read("/etc/apt/apt.conf.d/02note") == "// no Proxy here\nAPT::Y 1;\n"
    assert "company" in tree.read("/etc/apt/apt.conf.d/03own")


def test_the_builds_network_traces_go_and_the_recipes_own_configuration_stays(tree):
    for path in ("/etc/resolv.conf", "/etc/hostname"):
        tree.write(path, "build\n")
    tree.write("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 builder\n10.0.0.5 database\n")
    clean(tree.guest)
    assert tree.read("/etc/resolv.conf") == ""
    assert not tree.has("/etc/hostname")
    assert tree.read("/etc/hosts") == "127.0.0.1 localhost\n10.0.0.5 database\n"
    own = frozenset({"/etc/resolv.conf", "/etc/hostname", "/etc/hosts"})
    for path in own:
        tree.write(path, "127.0.1.1 mine\n")
    clean(tree.guest, claimed=own)
    assert all(tree.read(path) == "127.0.1.1 mine\n" for path in own)


def test_configuration_loses_its_logins_and_nothing_else(tree):
    tree.write("/root/.npmrc", "registry=https://npm.example.com/\n//npm.example.com/:_authToken=npm_secret\n")
    tree.write("/etc/pip.conf", "[global]\nindex-url = https://ann:hunter2@pypi.example.com/simple\n")
    tree.write("/root/.gitconfig", '[user]\n\tname = A\n[http]\n\textraheader = "Authorization: Basic eDp5"\n')
    tree.write("/var/cache/debconf/passwords.dat", "Name: mysql/root\nValue: hunter2\n", mode=0o600)
    clean(tree.guest)
    assert tree.read("/root/.npmrc") == "registry=https://npm.example.com/\n"
    assert tree.read("/etc/pip.conf") == "[global]\nindex-url = https://pypi.example.com/simple\n"
    assert tree.read("/root/.gitconfig") == "[user]\n\tname = A\n[http]\n"
    assert tree.sh("stat -c '%a %s' /var/cache/debconf/passwords.dat") == "600 0\n"


def test_a_swap_file_that_fstab_names_stays(tree):
    tree.write("/swapfile")
    tree.write("/etc/fstab", "/swapfile none swap sw 0 0\n")
    clean(tree.guest)
    assert tree.has("/swapfile")


@pytest.mark.parametrize("names", [{"skip": frozenset({"ssh-hostkeys"})}, {"enable": frozenset({"ssh-hostkeys"})}])
def test_a_name_that_no_rule_has_is_refused_with_the_near_one(tree, names):
    with pytest.raises(CleanupError) as caught:
        clean(tree.guest, **names)
    assert "ssh-host-keys" in caught.value.mend


def test_a_working_directory_with_quotes_is_only_a_path(tree):
    working = '/srv/it\'s "here"; touch x'
    tree.write(f"{working}/TOE_1/x")
    clean(tree.guest, working_directory=working)
    assert not tree.has(f"{working}/TOE_1")
    assert tree.sh(f"ls -A {quoted(working)}") == ""
