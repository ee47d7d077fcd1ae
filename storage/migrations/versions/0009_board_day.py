"""board day: an answer knows on whose day's board it may count, and one index holds all that a board reads

Revision: 0009
Follows: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_KNOWN = """
UPDATE attempt SET board_day = (
    SELECT question.day FROM assignment AS question
    WHERE question.id = attempt.assignment_id AND question.reason = 'campaign' AND question.status = 'answered'
) WHERE number = 1
"""
_COLUMNS = ["person_id", "board_day", "withdrawn_at", "copied", "trial", "points"]


def upgrade() -> None:
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.add_column(sa.Column("board_day", sa.Date(), nullable=True))
    op.execute(_KNOWN)
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index("ix_attempt_board", _COLUMNS, unique=False)


def downgrade() -> None:
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_index("ix_attempt_board")
        batch_op.drop_column("board_day")
