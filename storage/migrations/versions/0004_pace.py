"""pace

Revision: 0004
Follows: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("parts", sa.Integer(), nullable=False, server_default="0"))
        batch_op.create_index("ix_delivery_recipient_sent_at", ["recipient", "sent_at"], unique=False)
        batch_op.create_index("ix_delivery_kind_status", ["kind", "status"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_kind_status")
        batch_op.drop_index("ix_delivery_recipient_sent_at")
        batch_op.drop_column("parts")
