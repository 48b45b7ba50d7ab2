"""The first tables: machines and their journal, shares, images and uploads."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "machines",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("key", sa.String, nullable=False, unique=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
        sa.Column("phase", sa.String, nullable=False),
        sa.Column("wanted", sa.JSON, nullable=False),
        sa.Column("source", sa.JSON, nullable=False),
        sa.Column("spec", sa.JSON),
        sa.Column("files", sa.JSON),
        sa.Column("directory", sa.String),
        sa.Column("images", sa.JSON, nullable=False),
        sa.Column("autostart", sa.Integer),
        sa.Column("at_shutdown", sa.String, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("start", sa.Boolean, nullable=False),
        sa.Column("failure", sa.Text, nullable=False),
        sa.Column("exit_noted", sa.String, nullable=False),
    )
    op.create_table(
        "journal",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column(
            "machine",
            sa.String,
            sa.ForeignKey("machines.id", ondelete="CASCADE", name="journal_machine"),
            nullable=False,
        ),
        sa.Column("when", sa.Float, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("journal_by_machine", "journal", ["machine", "number"])
    op.create_table(
        "shares",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("machine", sa.String, nullable=False),
        sa.Column("control", sa.Boolean, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("token_hash", sa.String, nullable=False, unique=True),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("revoked", sa.Float),
    )
    op.create_index("shares_by_machine", "shares", ["machine"])
    op.create_table(
        "images",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("format", sa.String, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("touched", sa.Float, nullable=False),
        sa.Column("image", sa.String),
    )
