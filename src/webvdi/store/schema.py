"""The tables, as the newest migration leaves them (a test compares the two)."""

import sqlalchemy as sa

HEAD = "0001"
"""The newest revision in ``migrations/versions``."""

metadata = sa.MetaData()

machines = sa.Table(
    "machines",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("key", sa.String, nullable=False, unique=True),
    sa.Column("name", sa.String, nullable=False, unique=True),
    sa.Column("phase", sa.String, nullable=False),
    sa.Column("wanted", sa.JSON, nullable=False),
    sa.Column("source", sa.JSON, nullable=False),
    sa.Column("spec", sa.JSON(none_as_null=True)),
    sa.Column("files", sa.JSON(none_as_null=True)),
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

journal = sa.Table(
    "journal",
    metadata,
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
    sa.Index("journal_by_machine", "machine", "number"),
)

# No foreign key to machines: a link may also lead to a fixed display, which has no record.
shares = sa.Table(
    "shares",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("machine", sa.String, nullable=False),
    sa.Column("control", sa.Boolean, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("token_hash", sa.String, nullable=False, unique=True),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
    sa.Column("used", sa.Integer, nullable=False),
    sa.Column("revoked", sa.Float),
    sa.Index("shares_by_machine", "machine"),
)

images = sa.Table(
    "images",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("format", sa.String, nullable=False),
    sa.Column("size_bytes", sa.Integer, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
)

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("size_bytes", sa.Integer, nullable=False),
    sa.Column("touched", sa.Float, nullable=False),
    sa.Column("image", sa.String),
)
