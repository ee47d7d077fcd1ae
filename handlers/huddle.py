"""晨会: a card to read aloud in the morning meeting: last week's one gap, three minutes of practice, a model answer.

It names nobody and quotes no learner; the example is the lesson's own model answer.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from bot.core.messages import Button, Line, Message, hint, quote, say, strong
from handlers.context import Desk, Reply, Talk
from handlers.manager import week_of
from lessons.boards import K
from lessons.gap import Gap, weakest
from lessons.model import Criterion, Lesson, Method
from storage import boards, people
from storage.database import Tx

_WORDS = {
    Criterion.EMPATHY: ("先接住情绪", "客户话音刚落我们就讲规定，那口气没有人接。"),
    Criterion.LEAD: ("把话带到解决上", "情绪接住了，接下来怎么走，没有领着客户往前一步。"),
    Criterion.EXPLAIN: ("把原因讲得顺耳", "道理没有错，客户听见的却只是“规定就这样”。"),
    Criterion.SOLUTION: ("给一条走得通的路", "讲了不能办什么，没讲能办什么、什么时候有回音。"),
    Criterion.EXPRESSION: ("把话说短、说软", "意思到了，句子却长、字眼却硬，客户听着费劲。"),
}
"""Each criterion as words for a team, and what its gap sounds like."""

_STEADY = 0.85  # from here on it is no gap


async def show(talk: Talk, _words: str) -> Reply:
    """晨会: the card of a manager's own departments."""
    scope = await people.managed_by(talk.tx, talk.person_id)
    message = await card(talk.tx, talk.desk, talk.today, scope)
    if message is None:
        message = say(f"上一周答题的不足 {K} 位，拼不出晨会卡。", hint("凑够了人，打“晨会”随时能看。"))
    return Reply((message.with_buttons(Button("周榜", "排行"), Button("团队今天", "团队")),), talk.state)


async def card(tx: Tx, desk: Desk, day: date, scope: Collection[int] | None = None) -> Message | None:
    """The card of the week before `day` for some departments, or for all; None when too few people answered."""
    lessons = {lesson.id: lesson for lesson in desk.catalogue.situations() if _playable(lesson)}
    first, last = week_of(day)
    answered, tries = await boards.tries(tx, first, last, lessons, scope)
    gap = weakest(tries, answered)
    if gap is None:
        return None
    return written(gap, lessons[gap.lesson_id], f"晨会｜{day.month}月{day.day}日")


def _playable(lesson: Lesson) -> bool:
    """Whether a lesson has an example, and is nothing that a team should act in a meeting, such as a life at risk."""
    return lesson.answers is not None and Method.SAFETY_FIRST not in lesson.methods


def written(gap: Gap, lesson: Lesson, title: str) -> Message:
    """The card in the order of the meeting: what to look at, who plays whom, and at last the example."""
    assert lesson.answers is not None
    who, point = lesson.customer.name, lesson.points.get(gap.criterion)
    aim = point.want if point else _WORDS[gap.criterion][0]
    return Message(
        (
            *_aloud(gap),
            strong(f"三分钟对练「{lesson.title}」"),
            Line(f"请两位同事：一位演{who}，一位接话，其余的人听。"),
            Line(f"1. 半分钟，{who}开口：{lesson.customer.says}"),
            Line(f"2. 一分钟，用自己的话接。只盯一件事：{aim.rstrip('。')}。"),
            Line("3. 一分半，听的人各说一句“哪句最管用”，再念例答，挑一句带走。"),
            strong("例答"),
            quote(lesson.answers.good.text),
        ),
        title=title,
    )


def _aloud(gap: Gap) -> tuple[Line, Line]:
    """The gap as a team leader would say it."""
    words, sounds = _WORDS[gap.criterion]
    times = round(gap.rate * 10)
    if gap.rate >= _STEADY:
        often = "几乎次次做到" if times == 10 else f"十次里做到 {times} 次"
        return strong(f"上一周各项都稳，今天把“{words}”再练顺"), Line(f"这一项{often}。")
    share = f"十次里做到 {times} 次" if times else "十次里还做不到一次"
    return strong(f"上一周最该补的：{words}"), Line(f"{share}。{sounds}")
