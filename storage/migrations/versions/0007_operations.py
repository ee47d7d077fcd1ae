"""operations: indexes by which the nightly clean-up finds contents that nobody needs any more

Revision: 0007
Follows: 0006
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("content", schema=None) as batch_op:
        batch_op.create_index("ix_content_created_at", ["created_at"], unique=False)
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index("ix_delivery_content_created_at", ["content", "created_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_content_created_at")
    with op.batch_alter_table("content", schema=None) as batch_op:
        batch_op.drop_index("ix_content_created_at")
