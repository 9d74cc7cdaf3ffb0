"""The catalogue's tables: accounts and their keys, every resource, who may see it, and its tags."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, Index, Integer, LargeBinary, MetaData, String, Table

METADATA = MetaData()

NAME = String(2048).with_variant(String(2048, collation="C"), "postgresql")
"""Names are in the order of their characters in every database, so that an index finds what begins with a prefix."""

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("id", String(12), primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("organization", String(255), nullable=False, default=""),
    Column("organizational_units", JSON, nullable=False, default=list),
    Column("created", Float, nullable=False),
)
"""``organization`` and ``organizational_units`` are ARNs, as launch permissions name them."""

ACCESS_KEYS = Table(
    "access_keys",
    METADATA,
    Column("id", String(128), primary_key=True),
    Column("account", String(12), nullable=False, index=True),
    Column("user", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("active", Boolean, nullable=False, default=True),
    Column("created", Float, nullable=False),
)
"""``secret`` is sealed with the vault's key, which is not in the database."""

RESOURCES = Table(
    "resources",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("id", String(512), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("account", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("name", NAME, nullable=False, default=""),
    Column("state", String(64), nullable=False, default=""),
    Column("created", Float, nullable=False),
    Column("document", JSON, nullable=False),
    Column("inner", JSON, nullable=False),
    Index("resources_id", "kind", "id", "region", unique=True),
    Index("resources_name", "kind", "region", "name", "account"),
    Index("resources_owner", "kind", "region", "account", "position"),
    Index("resources_owned_name", "kind", "region", "account", "name"),
    sqlite_autoincrement=True,
)
"""``document`` is AWS's shape of the resource; ``inner`` is what only we know of it.

A ``position`` is given once, in the order in which resources are made: lists are in its order.
"""

SHARES = Table(
    "shares",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("grantee", String(255), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("region", String(64), nullable=False),
    Index("shares_grantee", "kind", "region", "grantee", "position"),
)
"""``position`` is the resource's; ``grantee`` is an account's id, the ARN of an organisation or organisational unit,
or one of the names that mean everybody."""

TAGS = Table(
    "tags",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("account", String(12), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("value", String(256), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("region", String(64), nullable=False),
    Index("tags_key", "account", "region", "key", "value", "position"),
)
"""Tags belong to the account that made them: on a shared image each account has its own."""

USES = Table(
    "uses",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("target", String(512), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("region", String(64), nullable=False),
    Column("account", String(12), nullable=False),
    Index("uses_target", "target", "kind", "region", "position"),
)
"""Which resources are made of which: an image of its snapshots, an instance of its image. ``kind`` and ``account``
are those of the resource at ``position``."""

TOKENS = Table(
    "tokens",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("region", String(64), primary_key=True),
    Column("operation", String(128), primary_key=True),
    Column("token", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("answer", JSON, nullable=False),
    Column("created", Float, nullable=False),
)
"""Client tokens seen, with what was asked (a SHA-256) and what was answered."""

UPLOADS = Table(
    "uploads",
    METADATA,
    Column("snapshot", String(512), primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("put", Float, nullable=False),
)
"""The blocks of snapshots that are being uploaded: their SHA-256 digests, and when each was put."""
