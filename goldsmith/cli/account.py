"""`goldsmith account`: accounts, and the keys with which their users sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.aws.cloud import Cloud
from goldsmith.catalog.accounts import (
    AccountError,
    access_keys,
    all_accounts,
    create_access_key,
    create_account,
    find_account,
    revoke_access_key,
    set_organization,
)
from goldsmith.cli.output import print_json, print_table
from goldsmith.cli.serve import write_profile
from goldsmith.pipelines.home import Home

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from goldsmith.catalog.accounts import Account


def add_account(name: str, *, number: str, organization: str, units: list[str]) -> None:
    """Add an account."""
    cloud = Cloud.open(Home.default())
    with cloud.database.writing() as connection:
        made = create_account(connection, name, number=number)
        set_organization(connection, made, organization, tuple(units))
    print(f"The account {made.name} is {made.id}. Give it a key: goldsmith account key {made.name}")


def list_accounts(*, as_json: bool) -> None:
    """Print every account."""
    cloud = Cloud.open(Home.default())
    with cloud.database.reading() as connection:
        found = all_accounts(connection)
    if as_json:
        print_json([{"id": each.id, "name": each.name, "organization": each.organization} for each in found])
        return
    print_table(("ACCOUNT", "NAME", "ORGANISATION"), [(each.id, each.name, each.organization or "-") for each in found])


def make_key(name: str, *, user: str, role: str, profile: str, endpoint: str, as_json: bool) -> None:
    """Make an access key of an account's user; this is the only time that its secret is shown."""
    cloud = Cloud.open(Home.default())
    with cloud.database.writing() as connection:
        made = create_access_key(connection, cloud.vault, _require(connection, name), user, role)  # type: ignore[arg-type]
    if profile:
        write_profile(profile, made.key_id, made.secret, cloud.settings.default_region, endpoint)
        print(f"The AWS profile {profile} signs as {made.user} ({made.role}) of {made.account.name}.")
        return
    if as_json:
        print_json({"AccessKeyId": made.key_id, "SecretAccessKey": made.secret, "UserName": user, "Role": role})
        return
    print(f"aws_access_key_id = {made.key_id}\naws_secret_access_key = {made.secret}")


def list_keys(name: str, *, as_json: bool) -> None:
    """Print an account's keys, without their secrets."""
    cloud = Cloud.open(Home.default())
    with cloud.database.reading() as connection:
        found = access_keys(connection, _require(connection, name))
    if as_json:
        print_json(
            [{"AccessKeyId": key, "UserName": user, "Role": role, "Active": on} for key, user, role, on in found]
        )
        return
    rows = [(key, user, role, "active" if on else "revoked") for key, user, role, on in found]
    print_table(("KEY", "USER", "ROLE", "STATE"), rows)


def revoke(key: str) -> None:
    """Make a key useless from now on."""
    cloud = Cloud.open(Home.default())
    with cloud.database.writing() as connection:
        revoke_access_key(connection, key)
    print(f"{key} is revoked, and every session that was made with it.")


def _require(connection: Connection, name: str) -> Account:
    found = find_account(connection, name)
    if found is None:
        raise AccountError(f"There is no account {name}.", mend="`goldsmith account list` shows them.")
    return found
