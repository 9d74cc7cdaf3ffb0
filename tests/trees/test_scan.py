"""The scan finds what is left, where it is, and never says the secret; a package's own files are no findings."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pickle
import random
import string
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goldsmith.trees.cleanup import all_rules
from goldsmith.trees.scan.digest import RULES_DIGEST
from goldsmith.trees.scan.files import CHUNK, OVERLAP
from goldsmith.trees.scan.finding import LeftoversError
from goldsmith.trees.scan.places import _FULL_FILES, _NAMES
from goldsmith.trees.scan.run import scan, suspects
from goldsmith.trees.scan.secrets import AFTER, BEFORE

FIXED = random.Random(6)  # noqa: S311 - test data


def letters(count, alphabet=string.ascii_letters + string.digits):
    return "".join(FIXED.choices(alphabet, k=count))


def jwt():
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")  # noqa: E731
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': 'build'})}.{letters(43)}"


PEM_BODY = "\n".join(letters(64) for _ in range(12))


def pem(kind=""):
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{PEM_BODY}\n-----END {kind}PRIVATE KEY-----\n"


PEM = pem()

PUTTY = f"""\
PuTTY-User-Key-File-3: ssh-ed25519
Encryption: none
Comment: x
Public-Lines: 1
{letters(64)}
Private-Lines: 1
{letters(48)}
"""

SECRETS = {
    "private-key": [
        PEM,
        pem("OPENSSH "),
        pem("RSA ").replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\n", 1),
        pem("EC ").replace("\n", "\r\n"),
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n{PEM_BODY}\n",
        json.dumps({"private_key": PEM}),
        PUTTY,
        "AGE-SECRET-KEY-1" + letters(58, string.ascii_uppercase + string.digits),
    ],
    "aws-access-key": [
        f"aws_access_key_id = AKIA{letters(16, 'ABCDEFG234567')}\naws_secret_access_key = {letters(40)}\n",
        f'AWS_SECRET_ACCESS_KEY="{letters(40)}"\n',
        f'{{"AccessKeyId": "ASIA{letters(16, "ABCDEFG234567")}", "SecretAccessKey": "{letters(40)}"}}',
    ],
    "github-token": ["ghp_" + letters(36), "ghs_" + letters(36), "github_pat_" + letters(22) + "_" + letters(59)],
    "gitlab-token": ["glpat-" + letters(20)],
    "slack-token": ["xoxb-" + letters(40), "hooks.slack.com/services/T0123ABCD/B0123ABCD/" + letters(24)],
    "stripe-key": ["sk_live_" + letters(24)],
    "google-key": ["AIza" + letters(35), "GOCSPX-" + letters(28)],
    "npm-token": ["npm_" + letters(36)],
    "pypi-token": ["pypi-AgEIcHlwaS5vcmc" + letters(100)],
    "docker-token": ["dckr_pat_" + letters(27)],
    "registry-login": [json.dumps({"auths": {"r": {"auth": base64.b64encode(b"ann:hunter2").decode()}}}, indent=2)],
    "json-web-token": [jwt()],
    "cloud-credentials": [
        json.dumps({"client_id": "x", "refresh_token": "1//0" + letters(60)}),
        "AccountName=a;AccountKey=" + letters(86) + "==",
    ],
    "vault-token": ["hvs." + letters(40)],
    "digitalocean-token": ["dop_v1_" + letters(64, "0123456789abcdef")],
    "tailscale-key": ["tskey-auth-" + letters(30)],
    "sendgrid-key": ["SG." + letters(22) + "." + letters(43)],
    "hugging-face-token": ["hf_" + letters(34, string.ascii_letters)],
    "language-model-key": ["sk-ant-api03-" + letters(90)],
}

EVERY_SECRET = [(rule, text) for rule, texts in SECRETS.items() for text in texts]

PLACES = {
    "ssh-host-keys": "/etc/ssh/ssh_host_ed25519_key",
    "ssh-authorized-keys": "/home/ann/.ssh/authorized_keys",
    "ssh-user-keys": "/var/lib/jenkins/.ssh/id_rsa",
    "shell-histories": "/root/.bash_history",
    "tool-histories": "/opt/app/.psql_history",
    "cloud-credentials": "/root/.aws/credentials",
    "git-credentials": "/home/ann/.netrc",
    "registry-credentials": "/root/.docker/config.json",
    "package-credentials": "/root/.pypirc",
    "database-credentials": "/root/.my.cnf",
    "secret-stores": "/root/.gnupg/private-keys-v1.d/0A.key",
    "cloud-init-files": "/var/lib/cloud/instance/user-data.txt",
    "instance-logs": "/var/log/audit/audit.log",
    "ssm-logs": "/var/log/amazon/ssm/errors.log",
    "journal": "/var/log/journal/01/system.journal",
    "sysstat-logs": "/var/log/sa/sa01",
    "logs": "/var/log/dpkg.log",
    "random-seed": "/var/lib/systemd/random-seed",
    "host-identity": "/etc/nvme/hostnqn",
    "agent-identity": "/var/lib/amazon/ssm/registration",
    "dhcp-leases": "/var/lib/dhcp/dhclient.eth0.leases",
    "persistent-net-rules": "/etc/udev/rules.d/70-persistent-net.rules",
    "resolv-conf": "/etc/resolv.conf",
    "apt-lists": "/var/lib/apt/lists/deb.debian.org_dists_bookworm_InRelease",
    "package-archives": "/var/cache/apt/archives/nginx_1_amd64.deb",
    "package-database-backups": "/var/lib/dpkg/status-old",
    "user-caches": "/root/.cache/pip/x",
    "account-backups": "/etc/shadow-",
    "configuration-leftovers": "/etc/nginx/nginx.conf.dpkg-old",
    "policy-rc.d": "/usr/sbin/policy-rc.d",
    "apt-sources": "/etc/apt/auth.conf.d/x.conf",
    "installer-records": "/root/anaconda-ks.cfg",
    "mail": "/var/mail/root",
    "crash-dumps": "/var/crash/x.crash",
    "swap": "/swapfile",
    "var-tmp": "/var/tmp/x",
    "temporary-files": "/tmp/x",
    "image-builder-service": "/tmp/imagebuilder_service",
    "toe-files": "/tmp/TOE_x",
    "machine-id": "/etc/machine-id",
    "instance-files": "/etc/hostname",
}


def write(root, path, data="left over\n"):
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return file


def rules_of(report):
    return {finding.rule for finding in report.findings}


@pytest.mark.parametrize(("rule", "text"), EVERY_SECRET)
def test_each_secret_is_found_with_its_line_and_not_repeated(tmp_path, rule, text):
    write(tmp_path, "/opt/app/settings", f"first\nsecond\n\nvalue: {text}\n")
    report = scan(tmp_path)
    finding = next(f for f in report.findings if f.rule == rule)
    assert finding.path == "/opt/app/settings"
    assert finding.line >= 4
    told = str(LeftoversError(report))
    longest = max(text.replace('"', " ").replace("\\n", " ").split(), key=len)
    assert longest not in told
    assert longest[-12:] not in told
    assert "/opt/app/settings" in told


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    secret=st.sampled_from(EVERY_SECRET),
    before=st.one_of(
        st.binary(max_size=3000),
        st.integers(min_value=-9000, max_value=9000).map(lambda shift: b"\x00" * (CHUNK + shift)),
    ),
    after=st.binary(max_size=200),
    name=st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40),
)
def test_a_secret_is_found_wherever_it_is_planted(tmp_path, secret, before, after, name):
    rule, text = secret
    folder = tmp_path / "usr/local"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"f-{name}"
    file.write_bytes(before + b"\n" + text.encode() + b"\n" + after)
    try:
        found = {(finding.path, finding.rule) for finding in scan(tmp_path).findings}
        assert (f"/usr/local/f-{name}", rule) in found
    finally:
        file.unlink()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=5000), path=st.sampled_from(["/etc/passwd", "/etc/shadow", "/etc/apt/sources.list", "/opt/x",
    "/etc/machine-id", "/var/lib/dpkg/status", "/var/lib/dpkg/info/x.md5sums", "/root/.npmrc", "/etc/fstab"]))  # fmt: skip
def test_any_bytes_anywhere_never_crash_it(tmp_path, data, path):
    write(tmp_path, "/opt/key", PEM)
    write(tmp_path, path, data)
    scan(tmp_path)
    scan(tmp_path, [path, "/opt/key"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=20000))
def test_random_bytes_are_no_secret(tmp_path, data):
    write(tmp_path, "/opt/random", data)
    assert scan(tmp_path).findings == ()


@pytest.mark.parametrize("inside", [1, 5, 10, 27, 35, 60, 200, 500])
@pytest.mark.parametrize("chunks", [1, 2])
def test_a_secret_across_the_end_of_a_chunk_is_found_once(tmp_path, inside, chunks):
    end = chunks * CHUNK - (chunks - 1) * OVERLAP
    write(tmp_path, "/opt/large", b"\n" * (end - inside) + PEM.encode() + b"\n" * CHUNK)
    (finding,) = scan(tmp_path).findings
    assert (finding.rule, finding.line) == ("private-key", end - inside + 1)


def test_no_pattern_spans_more_than_a_chunk_repeats():
    assert BEFORE + AFTER < OVERLAP < CHUNK


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\0-----END PRIVATE KEY-----\0ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "-----BEGIN RSA PRIVATE KEY-----\n" + "A" * 64 + "\n",
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
        "ghp_" + "x" * 36,
        "ghp_short",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.AAAAAAAAAAAAAAAAAAAAAAAAAA",
        "eyJub3QiOi1qc29u.eyJub3QiOi1qc29u.AAAAAAAAAAAAAAAAAAAAAAAAAA",
        '{"auth": "https"}',
        "task-ant-hill sk-proj-short",
        "-----BEGIN PUBLIC KEY-----\n" + PEM_BODY,
    ],
)
def test_what_only_looks_like_a_secret(tmp_path, text):
    write(tmp_path, "/usr/share/x", text)
    assert scan(tmp_path).findings == ()


@pytest.mark.parametrize(("rule", "path"), PLACES.items())
def test_each_place_is_found_names_its_cleanup_rule_and_can_be_skipped_or_allowed(tmp_path, rule, path):
    write(tmp_path, path)
    report = scan(tmp_path)
    assert [(f.path, f.rule, f.cleanup) for f in report.findings] == [(path, rule, rule)]
    assert rule in LeftoversError(report).mend
    assert scan(tmp_path, None, frozenset({rule})).findings == ()
    assert scan(tmp_path, None, frozenset(), (path,)).findings == ()
    assert scan(tmp_path, [path]).findings == report.findings


def test_every_place_rule_is_a_cleanup_rule_and_is_tried_here():
    assert set(_FULL_FILES) | set(_NAMES) <= {rule.name for rule in all_rules()}
    assert set(_FULL_FILES) | set(_NAMES) <= set(PLACES)


LAYER = st.dictionaries(
    st.sampled_from(["/opt/a", "/opt/b", "/etc/c.conf", "/usr/d", "/root/.bash_history"]),
    st.sampled_from(["", "nothing", PEM, "AKIA" + "Q" * 16 + " in aws_secret_access_key", f"x\n{PEM}"]),
)


@given(st.lists(LAYER, min_size=1, max_size=4))
def test_what_the_layers_are_suspected_of_is_all_that_need_be_read(layers):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        suspected = set()
        for number, layer in enumerate(layers):
            (folder / str(number)).mkdir()
            for path, text in layer.items():
                write(folder / str(number), path, text)
                write(folder / "tree", path, text)
            suspected |= set(suspects(folder / str(number)))
        (folder / "tree").mkdir(exist_ok=True)
        assert scan(folder / "tree", sorted(suspected)).findings == scan(folder / "tree").findings


def test_a_secret_that_another_layer_hid_is_suspected_all_the_same(tmp_path):
    write(tmp_path, "/opt/app/key", PEM)
    assert suspects(tmp_path) == ("/opt/app/key",)


def test_places_are_looked_at_whatever_changed_and_contents_only_where_it_did(tmp_path):
    write(tmp_path, "/root/.bash_history")
    write(tmp_path, "/opt/old", PEM)
    write(tmp_path, "/opt/new", PEM)
    assert {f.path for f in scan(tmp_path, ["/opt/new", "/gone", "/root"]).findings} == {
        "/root/.bash_history",
        "/opt/new",
    }


@pytest.mark.parametrize(
    ("passwd", "shadow", "rules"),
    [
        ("root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/:/bin/sh\n", "root:*:::::::\nann:$y$x:::::::\n", set()),
        ("root:x:0:0::/root:/bin/sh\n", "root:!:::::::\n", set()),
        ("root:x:0:0::/root:/bin/sh\n", "root:$6$a$b:::::::\n", {"locked-root"}),
        ("root:x:0:0::/root:/bin/sh\n", "root:!$6$a$b:::::::\n", {"locked-root"}),
        ("root:x:0:0::/root:/bin/sh\n", "root::::::::\n", {"locked-root"}),
        ("root::0:0::/root:/bin/sh\n", "", {"account-without-password"}),
        ("root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/:/bin/sh\n", "ann::::::::\n", {"account-without-password"}),
        ("packer:x:1000:1000::/home/packer:/bin/sh\n", "", {"build-accounts"}),
        ("toor:x:0:0::/root:/bin/sh\n", "", {"second-root"}),
    ],
)
def test_accounts(tmp_path, passwd, shadow, rules):
    write(tmp_path, "/etc/passwd", passwd)
    write(tmp_path, "/etc/shadow", shadow)
    report = scan(tmp_path)
    assert rules_of(report) == rules
    assert "$6$" not in str(LeftoversError(report))


def test_accounts_that_are_not_listed(tmp_path):
    write(
        tmp_path, "/etc/passwd", "ann:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\nnobody:x:65534:1::/:/bin/sh\n"
    )
    report = scan(tmp_path, None, frozenset(), (), frozenset({"ann"}))
    assert [(f.line, f.excerpt, f.rule) for f in report.findings] == [(2, "account bob", "build-accounts")]


@pytest.mark.parametrize(
    ("path", "line", "rule"),
    [
        ("/etc/apt/sources.list", "deb https://ann:hunter2@apt.example.com/ stable main", "apt-sources"),
        ("/etc/apt/sources.list.d/x.list", "deb [trusted=yes] file:/mirror ./", "apt-sources"),
        ("/etc/apt/sources.list.d/x.sources", "URIs: http://127.0.0.1:3142/debian", "apt-sources"),
        ("/etc/apt/apt.conf.d/00x", 'Acquire::http::Proxy "http://10.0.0.1:3128";', "apt-proxy"),
        ("/etc/apt/apt.conf", 'Acquire { http { Proxy "http://p"; }; };', "apt-proxy"),
        ("/etc/pip.conf", "index-url = https://ann:hunter2@pypi.example.com/simple", "url-passwords"),
        ("/home/ann/.gitconfig", '[url "https://ann:hunter2@git.example.com/"]', "url-passwords"),
        ("/home/ann/.gitconfig", "\textraheader = AUTHORIZATION: basic aHVudGVyMg==", "git-credentials"),
        ("/root/.npmrc", "//npm.example.com/:_authToken=hunter2", "package-credentials"),
        ("/etc/hosts", "127.0.1.1 builder", "hosts"),
        ("/etc/iscsi/initiatorname.iscsi", "InitiatorName=iqn.1993-08.org.debian:01:abc", "host-identity"),
    ],
)
def test_settings(tmp_path, path, line, rule):
    write(tmp_path, path, f"# a comment\n{line}\n")
    report = scan(tmp_path)
    assert [(f.path, f.rule, f.line) for f in report.findings] == [(path, rule, 2)]
    assert "hunter2" not in str(LeftoversError(report))


def test_stock_settings_are_no_findings(tmp_path):
    write(tmp_path, "/etc/apt/sources.list", "deb [signed-by=/x@y] http://deb.debian.org/debian bookworm main\n")
    write(tmp_path, "/etc/apt/apt.conf.d/70x", '// Acquire::http::Proxy "x";\nAPT::Periodic "1";\n')
    write(tmp_path, "/etc/hosts", "127.0.0.1 localhost\n")
    write(tmp_path, "/etc/machine-id", "")
    write(tmp_path, "/etc/fstab", "/swapfile none swap sw 0 0\n")
    write(tmp_path, "/swapfile")
    write(tmp_path, "/root/.ssh/authorized_keys", "")
    (tmp_path / "root/.bash_history").symlink_to("/dev/null")
    (tmp_path / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    assert scan(tmp_path).findings == ()


def test_a_debian_packages_own_key_is_public_until_it_is_changed(tmp_path):
    path = "/usr/lib/x/test.pem"
    write(tmp_path, path, PEM)
    write(tmp_path, "/etc/x/example.key", PEM)
    digest = hashlib.md5(PEM.encode(), usedforsecurity=False).hexdigest()
    write(tmp_path, "/var/lib/dpkg/info/x.md5sums", f"{digest}  lib/x/test.pem\n")
    write(tmp_path, "/var/lib/dpkg/status", f"Package: x\nConffiles:\n /etc/x/example.key {digest}\n")
    assert scan(tmp_path).findings == ()
    write(tmp_path, path, PEM + "x")
    assert [f.path for f in scan(tmp_path).findings] == [path]


def test_a_python_packages_own_key_and_its_compiled_form_are_public(tmp_path):
    site = "/usr/local/lib/python3.11/dist-packages"
    source = f'KEY = """{PEM}"""\n'
    write(tmp_path, f"{site}/pkg/keys.py", source)
    write(tmp_path, f"{site}/pkg/__pycache__/keys.cpython-311.pyc", b"\xa7\r\r\n" + PEM.encode())
    digest = base64.urlsafe_b64encode(hashlib.sha256(source.encode()).digest()).decode().rstrip("=")
    write(tmp_path, f"{site}/pkg-1.dist-info/RECORD", f"pkg/keys.py,sha256={digest},{len(source)}\n")
    assert scan(tmp_path).findings == ()
    write(tmp_path, f"{site}/pkg/__pycache__/keys.cpython-311.pyc", b"\xa7\r\r\nghp_" + letters(36).encode())
    assert [f.rule for f in scan(tmp_path).findings] == ["github-token"]


def test_links_pipes_and_holes(tmp_path):
    outside = write(tmp_path, "/outside/secret", PEM)
    root = tmp_path / "root"
    (root / "opt").mkdir(parents=True)
    (root / "opt/link").symlink_to(outside)
    (root / "opt/folder").symlink_to(outside.parent)
    (root / "opt/loop").symlink_to("loop")
    os.mkfifo(root / "opt/pipe")
    (root / "var/lib").mkdir(parents=True)
    (root / "var/lib/dpkg").symlink_to(outside.parent)
    (root / "etc").symlink_to(outside.parent)
    with (root / "opt/huge").open("wb") as huge:
        huge.seek(1 << 40)
        huge.write(PEM.encode())
    everything = [f"/opt/{name}" for name in ("link", "folder/secret", "loop", "pipe", "huge")]
    for only in (None, everything):
        assert [f.path for f in scan(root, only).findings if f.line != 1 << 40] == ["/opt/huge"]


def test_a_skipped_credential_rule_keeps_the_secret_and_a_skipped_log_rule_does_not(tmp_path):
    write(tmp_path, "/etc/ssh/ssh_host_rsa_key", PEM)
    write(tmp_path, "/var/log/app.log", PEM)
    report = scan(tmp_path, None, frozenset({"ssh-host-keys", "logs"}))
    assert [(f.path, f.rule) for f in report.findings] == [("/var/log/app.log", "private-key")]


def test_names_that_are_not_text_are_told_in_print(tmp_path):
    (tmp_path / "opt").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/opt/\xff\n")).write_text(PEM)
    report = scan(tmp_path)
    assert "\\xff" in report.findings[0].path
    str(LeftoversError(report)).encode()
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301 - our own


def test_a_file_of_nothing_but_suspicions_is_finished_and_told_briefly(tmp_path):
    write(tmp_path, "/opt/many", ("ghp_" + letters(36) + "\n") * 5000 + "PRIVATE KEY" * 50000)
    report = scan(tmp_path)
    assert len(report.findings) == 100
    assert "50 more" in LeftoversError(report).message


def test_the_rules_have_a_digest():
    assert len(RULES_DIGEST) == 64
