"""Accounts, and the access keys with which their users sign."""

from __future__ import annotations

import re
import secrets
import string
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from goldsmith.catalog.tables import ACCESS_KEYS, ACCOUNTS, RESOURCES
from goldsmith.catalog.vault import VaultError
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from goldsmith.catalog.vault import Vault

Role = Literal["reader", "launcher", "builder", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""What a user may do, each more than the one before."""

KEY_CHARACTERS = string.ascii_uppercase + "234567"
SECRET_CHARACTERS = string.ascii_letters + string.digits + "+/"
SESSION = "session"


class AccountError(GoldsmithError):
    """An account, user or role that is not there, or cannot be."""


@dataclass(frozen=True)
class Account:
    """An account: whose images, instances and templates are kept apart from everybody else's."""

    id: str
    name: str
    organization: str = ""
    organizational_units: tuple[str, ...] = ()

    @property
    def grantees(self) -> tuple[str, ...]:
        """Under which names something can be shared with this account, besides "all"."""
        organization = (self.organization,) if self.organization else ()
        return (self.id, *organization, *self.organizational_units)


@dataclass(frozen=True)
class Credential:
    """Who signs with an access key, and its secret; ``expires`` is seconds since the epoch, or None."""

    key_id: str
    secret: str
    account: Account
    user: str
    role: Role
    expires: float | None = None

    @property
    def arn(self) -> str:
        """The caller's ARN: a user, or an assumed role."""
        if self.user.startswith("assumed-role/"):
            return f"arn:aws:sts::{self.account.id}:{self.user}"
        return f"arn:aws:iam::{self.account.id}:user/{self.user}"


def create_account(connection: Connection, name: str, *, number: str = "", organization: str = "") -> Account:
    """Add an account under ``number`` (12 digits, drawn if empty). Raises AccountError when it is taken."""
    number = number or "".join(secrets.choice(string.digits[1:]) for _ in range(12))
    if not re.fullmatch(r"[0-9]{12}", number):
        raise AccountError(f"{number!r} is no account id.", mend="An account id is 12 digits.")
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
        raise AccountError(f"{name!r} is no account name.", mend="Use letters, digits, dots, dashes and underscores.")
    try:
        connection.execute(
            insert(ACCOUNTS).values(
                id=number, name=name, organization=organization, organizational_units=[], created=time.time()
            )
        )
    except IntegrityError as taken:
        raise AccountError(
            f"There is already an account {name} or {number}.", mend="`goldsmith account list` shows them."
        ) from taken
    return Account(number, name, organization)


def set_organization(connection: Connection, account: Account, organization: str, units: tuple[str, ...]) -> None:
    """Put an account in an organisation and organisational units, by their ARNs."""
    connection.execute(
        update(ACCOUNTS)
        .where(ACCOUNTS.c.id == account.id)
        .values(organization=organization, organizational_units=list(units))
    )


def find_account(connection: Connection, name: str) -> Account | None:
    """Return the account of that name or id."""
    row = connection.execute(select(ACCOUNTS).where((ACCOUNTS.c.id == name) | (ACCOUNTS.c.name == name))).first()
    return _account(row) if row else None


def all_accounts(connection: Connection) -> list[Account]:
    """Return every account, the oldest first."""
    return [_account(row) for row in connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.created))]


def create_access_key(connection: Connection, vault: Vault, account: Account, user: str, role: Role) -> Credential:
    """Make a pair of access key id and secret for a user; this is the only time that the secret is shown."""
    if role not in ROLES:
        raise AccountError(f"There is no role {role!r}.", mend=f"Choose from: {', '.join(ROLES)}.")
    if not re.fullmatch(r"[A-Za-z0-9+=,.@_-]{1,64}", user):
        raise AccountError(f"{user!r} is no user name.", mend="Use letters, digits and +=,.@_-.")
    key_id = "AKIA" + "".join(secrets.choice(KEY_CHARACTERS) for _ in range(16))
    secret = "".join(secrets.choice(SECRET_CHARACTERS) for _ in range(40))
    connection.execute(
        insert(ACCESS_KEYS).values(
            id=key_id,
            account=account.id,
            user=user,
            role=role,
            secret=vault.seal(f"access key {key_id}", secret.encode()),
            active=True,
            created=time.time(),
        )
    )
    return Credential(key_id, secret, account, user, role)


def revoke_access_key(connection: Connection, key_id: str) -> None:
    """Make a key useless from now on, and the sessions that were made with it."""
    done = connection.execute(update(ACCESS_KEYS).where(ACCESS_KEYS.c.id == key_id).values(active=False))
    if not done.rowcount:
        raise AccountError(f"There is no access key {key_id}.", mend="`goldsmith account keys` shows them.")


def access_keys(connection: Connection, account: Account) -> list[tuple[str, str, Role, bool]]:
    """Return an account's keys: id, user, role, whether it is active."""
    table = ACCESS_KEYS
    found = connection.execute(select(table).where(table.c.account == account.id).order_by(table.c.created))
    return [(row.id, row.user, row.role, row.active) for row in found]


def find_credential(connection: Connection, vault: Vault, key_id: str, token: str) -> Credential | None:
    """Return who has the access key, or the session that ``token`` proves; None for neither."""
    if token:
        return _session(connection, vault, key_id, token)
    row = connection.execute(select(ACCESS_KEYS).where(ACCESS_KEYS.c.id == key_id, ACCESS_KEYS.c.active)).first()
    account = find_account(connection, row.account) if row else None
    if row is None or account is None:
        return None
    secret = vault.unseal(f"access key {key_id}", row.secret).decode()
    return Credential(key_id, secret, account, row.user, row.role)


def start_session(vault: Vault, origin: Credential, *, user: str, role: Role, seconds: int) -> tuple[Credential, str]:
    """Return temporary credentials and their token, which says itself whose it is and until when."""
    key_id = "ASIA" + "".join(secrets.choice(KEY_CHARACTERS) for _ in range(16))
    expires = float(int(time.time()) + seconds)
    token = vault.seal_text(
        SESSION,
        {
            "key": key_id,
            "origin": origin.key_id,
            "account": origin.account.id,
            "user": user,
            "role": role,
            "expires": expires,
        },
    )
    return Credential(key_id, vault.derive(SESSION, key_id), origin.account, user, role, expires), token


def _session(connection: Connection, vault: Vault, key_id: str, token: str) -> Credential | None:
    try:
        said = vault.unseal_text(SESSION, token)
    except VaultError:
        return None
    account = find_account(connection, said["account"])
    origin = said["origin"]
    if said["key"] != key_id or account is None or not _still_good(connection, origin):
        return None
    return Credential(key_id, vault.derive(SESSION, key_id), account, said["user"], said["role"], said["expires"])


def _still_good(connection: Connection, origin: str) -> bool:
    """Tell whether the key that a session was made with has not been revoked, or its role is still there."""
    table, roles = ACCESS_KEYS.c, RESOURCES.c
    if origin.startswith("AROA"):
        there = select(roles.id).where(roles.kind == "iam-role", roles.id == origin)
    else:
        there = select(table.id).where(table.id == origin, table.active)
    return connection.execute(there).first() is not None


def _account(row: Row[tuple[object, ...]]) -> Account:
    return Account(row.id, row.name, row.organization, tuple(row.organizational_units))
