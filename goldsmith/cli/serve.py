"""`goldsmith init` and `goldsmith serve`: the catalogue's beginning, and its APIs on a port."""

from __future__ import annotations

import configparser
import ipaddress
import os
import socket
import sys
from pathlib import Path

from goldsmith.aws.cloud import Cloud
from goldsmith.catalog.accounts import all_accounts, create_access_key, create_account, find_account
from goldsmith.cli.output import UsageError, print_json
from goldsmith.pipelines.home import Home

PORT = 8580
PROFILE = "goldsmith"
ADMINISTRATOR = "admin"
LOCK = "serve.lock"
LONGEST_HEADERS = 64 * 1024
"""Bytes of a request's line and headers; httptools, uvicorn's other parser, knows no bound."""

MOST_CONNECTIONS = 1024
"""Connections and requests at once; more are told to come again (503)."""


def initialise(*, account: str, number: str, profile: str, endpoint: str, as_json: bool) -> None:
    """Make the catalogue, its first account and an AWS profile that signs for it; what is there already stays."""
    home = Home.default().ready()
    cloud = Cloud(home)
    cloud.database.prepare()
    with cloud.database.writing() as connection:
        accounts = all_accounts(connection)
        if accounts and find_account(connection, account) is None:
            raise UsageError(
                f"The catalogue in {home.path} already has the account {accounts[0].name}.",
                mend=f"`goldsmith account add {account}` adds another.",
            )
        first = accounts[0] if accounts else create_account(connection, account, number=number)
        made = create_access_key(connection, cloud.vault, first, ADMINISTRATOR, "admin")
        written = write_profile(profile, made.key_id, made.secret, cloud.settings.default_region, endpoint)
    cloud.close()
    if as_json:
        print_json({"account": first.id, "name": first.name, "profile": profile, "endpoint": endpoint})
        return
    print(f"The catalogue is in {home.path}, and its first account is {first.name} ({first.id}).")
    print(f"The AWS profile {profile} in {written} signs for it.")
    print(
        "Serve the APIs:  goldsmith serve\n"
        f"Then, elsewhere: aws --profile {profile} --endpoint-url {endpoint} ec2 describe-images --owners self"
    )


def serve(*, host: str, port: int, certificate: str, key: str) -> None:
    """Serve the APIs until ended; without TLS only on loopback. Raises UsageError otherwise."""
    import uvicorn

    from goldsmith.aws.app import application
    from goldsmith.aws.imagebuilder.service import ImageBuilder
    from goldsmith.aws.resuming import resume
    from goldsmith.aws.upkeep import Upkeep, resume_instances
    from goldsmith.machines.instances.locks import take

    if bool(certificate) != bool(key):
        raise UsageError("TLS takes both a certificate and its key.", mend="Give --tls-certificate and --tls-key.")
    if not certificate and not _is_loopback(host):
        raise UsageError(
            f"{host} is not a loopback address, and without TLS whoever is in between can read what is answered.",
            mend="Give --tls-certificate and --tls-key, or serve on 127.0.0.1.",
        )
    _require_free(host, port)
    cloud = Cloud.open(Home.default())
    alone = take(cloud.home.path / LOCK, patience=0)
    if alone is None:
        raise UsageError(
            f"Another server has {cloud.home.path}: two would both take up what is pending.",
            mend="End it first, or give this one another GOLDSMITH_HOME.",
        )
    resume_instances(cloud)
    resume(cloud)
    builder = ImageBuilder(cloud)
    scheme = "https" if certificate else "http"
    services = "EC2, EBS, Image Builder, STS, SSM, IAM and Auto Scaling"
    print(f"Goldsmith serves {services} at {scheme}://{host}:{port}", file=sys.stderr)
    try:
        uvicorn.run(
            application(cloud, Upkeep(cloud), builder),
            host=host,
            port=port,
            ssl_certfile=certificate or None,
            ssl_keyfile=key or None,
            http="h11",
            h11_max_incomplete_event_size=LONGEST_HEADERS,
            limit_concurrency=MOST_CONNECTIONS,
            log_level="warning",
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=10,
        )
    finally:
        cloud.close()
        os.close(alone)
    if left := len(builder.left):
        print(f"{left} {'build goes' if left == 1 else 'builds go'} on when it serves again.", file=sys.stderr)
        sys.stderr.flush()
        os._exit(0)  # their threads would go on, and their sandboxes end with this process


def _require_free(host: str, port: int) -> None:
    """Raise UsageError when nobody can listen there, before anything is promised."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError as refused:
            raise UsageError(
                f"Nobody can listen on {host}, port {port}: {refused.strerror}.", mend="Choose another with --port."
            ) from refused


def write_profile(name: str, key_id: str, secret: str, region: str, endpoint: str) -> Path:
    """Write a profile to AWS's own files, which others cannot read; return the credentials file."""
    credentials = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")).expanduser()
    config = Path(os.environ.get("AWS_CONFIG_FILE", "~/.aws/config")).expanduser()
    _set(credentials, name, {"aws_access_key_id": key_id, "aws_secret_access_key": secret})
    section = name if name == "default" else f"profile {name}"
    _set(config, section, {"region": region, "output": "json", "endpoint_url": endpoint})
    return credentials


def _set(file: Path, section: str, values: dict[str, str]) -> None:
    parser = configparser.RawConfigParser(default_section="")
    parser.read(file)
    if not parser.has_section(section):
        parser.add_section(section)
    for key, value in values.items():
        parser.set(section, key, value)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    arriving = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(arriving, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        parser.write(out)
    arriving.replace(file)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
