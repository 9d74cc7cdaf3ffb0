"""What Alembic runs: the steps, on the connection that `upgrade` gives."""

from __future__ import annotations

from alembic import context

from goldsmith.catalog.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
