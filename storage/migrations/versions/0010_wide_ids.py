"""wide ids: the tables that grow every day count with 64 bits, which SQLite does anyway

Revision: 0010
Follows: 0009
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_IDS = ("assignment", "attempt", "lookup", "inbox", "delivery")
_OTHERS = (("attempt", "assignment_id"), ("appeal", "attempt_id"))


def upgrade() -> None:
    _change("bigint")


def downgrade() -> None:
    _change("integer")


def _change(kind: str) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in _IDS:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN id TYPE {kind}")
        op.execute(f"ALTER SEQUENCE {table}_id_seq AS {kind}")
    for table, column in _OTHERS:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind}")
