"""What waits for somebody in the demo: appeals in every state, and a message of which nobody knows whether it came."""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers import appeal, appeal_cases
from handlers.context import Desk, Talk
from handlers.state import State
from lessons.appeal import items
from lessons.model import Criterion
from lessons.scoring.result import Score
from storage import appeals, attempts, deliveries, people
from storage.database import Tx
from storage.models import Person

_REASONS = {
    Criterion.EMPATHY: "我一开口就说了他的难处，语气也是软的",
    Criterion.LEAD: "说完难处我就往下一步带了，还问了他先办哪样",
    Criterion.EXPLAIN: "为什么要这样，我用他听得懂的话讲了",
    Criterion.SOLUTION: "能办的我都讲了，还给了回话的时间",
    Criterion.EXPRESSION: "这几句不长也不硬，电话里说得出口",
}
_CASES = (
    (3, "成立 意思说到了，客户听得明白，该算做到"),
    (1, "不成立 这里还只是在复述规定，客户的急没有被接住"),
    (3, ""),
    (2, ""),
)
"""The appeals in order: the band of the answer, and how it is decided; the others wait."""

_FRESH = timedelta(days=4)  # older answers would have been appealed against long ago
_UNSURE = "平台没有答复，不确定送没送到"


async def leave(tx: Tx, desk: Desk, now: datetime, decider: str) -> None:
    """Let learners appeal against their last answers, and `decider` settle the first cases shortly before `now`.

    The result of a rejected one went out, but the platform gave no answer.
    """
    (judge,) = await people.named(tx, [decider])
    everybody = await people.learners(tx)
    for band, ruling in _CASES:
        case = await _filed(tx, desk, everybody, band, now)
        if case is None or not ruling:
            continue
        talk = await _talk(tx, desk, judge, now - timedelta(minutes=20))
        reply = await appeal_cases.addressed(talk, f"{case} {ruling}")
        assert reply is not None
        await deliveries.enqueue(tx, reply.others, now)
        if ruling.startswith("不"):
            await deliveries.doubt(tx, reply.others[0].key, _UNSURE, now)


async def _filed(tx: Tx, desk: Desk, everybody: list[Person], band: int, now: datetime) -> int | None:
    """The id of an appeal by the first of `everybody` whose last answer is fresh and of this band; they leave the list.

    None when there is nobody.
    """
    for person in everybody:
        last = next(iter(await attempts.recent(tx, person.id or 0, 1)), None)
        if last is None or last.band != band or now - last.created_at > _FRESH:
            continue
        found = items(Score.from_dict(last.score))
        number = next((number for number, item in enumerate(found, 1) if not item.fair), None)
        if number is not None:
            everybody.remove(person)
            talk = await _talk(tx, desk, person, last.created_at + timedelta(minutes=20))
            await appeal.dispute(talk, f"{number} {_REASONS[Criterion(found[number - 1].subject)]}")
            (row,) = await appeals.of_attempt(tx, last.id or 0)
            return row.id
    return None


async def _talk(tx: Tx, desk: Desk, person: Person, now: datetime) -> Talk:
    return Talk(tx, desk, person, await people.roles(tx, person.id or 0), State(), now)
