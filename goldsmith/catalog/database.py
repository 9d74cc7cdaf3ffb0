"""The catalogue's database: SQLite in the home by default, PostgreSQL by a URL."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, inspect
from sqlalchemy.exc import OperationalError

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

PATIENCE = 30
"""Seconds that a writer waits for another to finish."""


SCHEMA = "0002"
"""The newest step of goldsmith/catalog/migrations."""


class DatabaseError(GoldsmithError):
    """The catalogue's database cannot be used."""


class Database:
    """Connections to the catalogue; a transaction each."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)

    @classmethod
    def in_folder(cls, folder: Path) -> Database:
        """Open the SQLite database in ``folder``; `prepare` makes it."""
        return cls(f"sqlite:///{folder / 'catalog.sqlite'}")

    def prepare(self) -> None:
        """Make the tables, or bring them to this version. Raises DatabaseError when the database cannot be used."""
        try:
            if self._version() != SCHEMA:
                from goldsmith.catalog.migrations import upgrade  # noqa: PLC0415 - Alembic takes long to load

                upgrade(self.engine)
        except OperationalError as refused:
            raise DatabaseError(
                f"The catalogue {self.engine.url.render_as_string()} cannot be opened: {refused.orig}.",
                mend="Check that its folder is there and may be written, or its server runs.",
            ) from refused

    def _version(self) -> str:
        """Return the schema's version that the database has, empty for none."""
        with self.reading() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return ""
            return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or "")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the catalogue."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes appear together, or not at all when the block raises.

        There is one writer at a time, so that what it looked up is so until it has written; readers never wait.
        """
        with self.engine.connect().execution_options(goldsmith_writes=True) as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("LOCK TABLE alembic_version IN EXCLUSIVE MODE")  # SQLite: BEGIN IMMEDIATE
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, isolation_level="REPEATABLE READ")
    engine = create_engine(url, connect_args={"timeout": PATIENCE, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-32768"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes the lock at once: two that upgrade from reading would refuse each other.
        writes = connection.get_execution_options().get("goldsmith_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
