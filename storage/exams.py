"""How graders did on the gold replies of lessons."""

from __future__ import annotations

from sqlmodel import col, select

from storage.database import Tx
from storage.models import Exam
from storage.statements import insert_new


async def find(tx: Tx, grader: str, digest: str) -> Exam | None:
    return (await tx.scalars(select(Exam).where(Exam.grader == grader, Exam.digest == digest))).first()


async def put(tx: Tx, exam: Exam) -> None:
    """Keep a result; another replica may have been faster, and then theirs stands."""
    await tx.execute(insert_new(tx, Exam).values(**exam.model_dump(exclude={"id"})))


async def newest(tx: Tx, lesson_id: str | None = None, limit: int = 200) -> list[Exam]:
    """The latest results, of one lesson or of all."""
    query = select(Exam).order_by(col(Exam.id).desc()).limit(limit)
    if lesson_id is not None:
        query = query.where(Exam.lesson_id == lesson_id)
    return list((await tx.scalars(query)).all())
