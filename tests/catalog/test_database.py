"""The catalogue's database: made, brought up to date, written by several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, update

from goldsmith.catalog import migrations
from goldsmith.catalog.accounts import AccountError, create_account
from goldsmith.catalog.database import SCHEMA, Database, DatabaseError
from goldsmith.catalog.tables import ACCOUNTS, METADATA


@pytest.fixture
def database(tmp_path):
    made = Database.in_folder(tmp_path)
    made.prepare()
    yield made
    made.close()


def test_the_newest_step_is_the_schema_that_is_looked_for():
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA


def test_the_steps_lead_to_the_tables(database):
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_preparing_again_changes_nothing(database):
    with database.writing() as connection:
        create_account(connection, "acme")
    database.prepare()
    with database.reading() as connection:
        assert connection.execute(select(ACCOUNTS.c.name)).scalars().all() == ["acme"]


def test_what_raises_is_undone(database):
    with pytest.raises(AccountError), database.writing() as connection:
        create_account(connection, "acme"), create_account(connection, "acme")
    with database.reading() as connection:
        assert connection.execute(select(ACCOUNTS)).first() is None


def test_writers_wait_for_each_other_and_lose_nothing(database):
    with database.writing() as connection:
        create_account(connection, "acme", organization="0")

    def add_one(_):
        with database.writing() as connection:
            number = int(connection.execute(select(ACCOUNTS.c.organization)).scalar_one())
            connection.execute(update(ACCOUNTS).values(organization=str(number + 1)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(40)))
    with database.reading() as connection:
        assert connection.execute(select(ACCOUNTS.c.organization)).scalar_one() == "40"


def test_a_database_that_is_none_is_told(tmp_path):
    (tmp_path / "catalog.sqlite").mkdir()
    with pytest.raises(DatabaseError, match="cannot be opened"):
        Database.in_folder(tmp_path).prepare()
