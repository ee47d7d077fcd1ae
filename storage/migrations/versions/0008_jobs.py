"""jobs

Revision: 0008
Follows: 0007
"""

from __future__ import annotations

from importlib import resources

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("queued_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index("ix_delivery_batch", ["batch"], unique=False)
    op.create_table(
        "rate",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("next_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rate")),
    )
    if op.get_bind().dialect.name == "postgresql":
        _queue()


def _queue() -> None:
    """procrastinate's own tables (3.10.0, pinned), in a schema of their own."""
    statements = (resources.files("procrastinate") / "sql" / "schema.sql").read_text(encoding="utf-8")
    op.execute(sa.text("CREATE SCHEMA jobs"))
    op.execute(sa.text("SET LOCAL search_path TO jobs"))
    cursor = op.get_bind().connection.cursor()
    cursor.execute(statements)
    cursor.close()
    op.execute(sa.text("SET LOCAL search_path TO DEFAULT"))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text("DROP SCHEMA jobs CASCADE"))
    op.drop_table("rate")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_batch")
        batch_op.drop_column("queued_until")
