"""Blocks of snapshots that are being uploaded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "uploads",
        sa.Column("snapshot", sa.String(length=512), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("put", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot", "index"),
    )
