"""After an answer: once more, the model answers, taking it back, leaving it."""

from __future__ import annotations

from bot.core.messages import Button, hint, quote, say, strong
from handlers import cards, drill, question
from handlers.context import Reply, Talk
from handlers.learn import MOST_TRIES
from lessons import feedback
from lessons.model import Knowledge, Lesson
from storage import appeals, assignments, attempts

_UNDO_SECONDS = 120


async def again(talk: Talk, _words: str) -> Reply:
    """再答: open the last answered question once more."""
    row = await attempts.last_assigned(talk.tx, talk.person_id)
    if row is None:
        return Reply((say("还没有答过题，先来一道？", buttons=(Button("练一题", "练习"),)),), talk.state)
    tries = await attempts.of_assignment(talk.tx, row.id or 0)
    if len(tries) >= MOST_TRIES:
        return Reply((say(f"这题已经练了 {MOST_TRIES} 次，换一道更有收获。", buttons=(cards.NEXT,)),), talk.state)
    lesson = await question.lesson_of(talk, row)
    if lesson is None:
        return Reply((say("这道题的内容已经撤下。"),), talk.state)
    if isinstance(lesson, Knowledge):
        return Reply((cards.question(lesson, "own", "今天结束"),), talk.state.asking(row.id, talk.now))
    message = say(
        f"好，「{lesson.title}」再来一次。",
        strong(f"{lesson.customer.name}说："),
        quote(lesson.customer.says),
        hint("现在打字就是作答。首答计分，这次和首答比，展示较好的一次；照抄例答不算。"),
        buttons=(Button("先不答", "算了"),),
    )
    return Reply((message,), talk.state.asking(row.id, talk.now))


async def never_mind(talk: Talk, _words: str) -> Reply:
    """算了: leave the second try or the drill; an unanswered question stays open."""
    if await drill.current(talk) is not None:
        return await drill.leave(talk, "")
    row = await question.current(talk)
    if row is not None and row.status == assignments.OPEN and row.reason == "own":
        await assignments.mark(talk.tx, [row.id or 0], assignments.WITHDRAWN)
        row = None
    if row is not None and row.status == assignments.OPEN:
        message = say(
            "没关系，题先放着，今天什么时候答都行。", hint("在答之前，打字仍然是作答；查话术打“话术 关键词”。")
        )
    else:
        message = say("好，先不答了。现在打字就是查话术。")
    return Reply((message,), talk.state.but(question=None, doubtful=""))


async def models(talk: Talk, _words: str) -> Reply:
    """例答: the good and the bad answer of the question answered last."""
    row = await attempts.last_assigned(talk.tx, talk.person_id)
    lesson = await question.lesson_of(talk, row) if row is not None else None
    shown = feedback.models(lesson) if isinstance(lesson, Lesson) else None
    if shown is None:
        return Reply((say("例答要先答完题才能看，自己想过再对照，记得更牢。", buttons=(cards.NEXT,)),), talk.state)
    return Reply((shown.with_buttons(cards.AGAIN, cards.MINE),), talk.state)


async def take_back(talk: Talk, _words: str) -> Reply:
    """撤回: within two minutes an answer counts nowhere."""
    run = await drill.current(talk)
    if run is not None:
        return await drill.take_back(talk, run)
    if not talk.state.can_take_back(talk.now, _UNDO_SECONDS):
        text = (
            "现在没有可以撤回的回答。"
            if talk.state.attempt is None
            else "已经过了两分钟，撤不回来了；想改就“再答”一次。"
        )
        return Reply((say(text, buttons=(cards.AGAIN,) if talk.state.attempt else ()),), talk.state)
    attempt = await attempts.get(talk.tx, talk.state.attempt or 0)
    if attempt is None or attempt.withdrawn_at is not None:
        return Reply((say("这次已经撤回过了。"),), talk.state.but(attempt=None))
    dropped = await appeals.void(talk.tx, attempt.id or 0)
    await attempts.withdraw(talk.tx, attempt, talk.now)
    lines = ["已撤回，这次不计分。" + ("对它的申诉也一起作废了。" if dropped else "")]
    if attempt.number == 1:
        row = await assignments.get(talk.tx, attempt.assignment_id)
        if row is not None and row.reason != "review":
            await assignments.drop_card(talk.tx, talk.person_id, attempt.lesson_id)
        lines.append("点评已经看过，再答算练习。")
    words = attempt.text if 1 < len(attempt.text) <= 12 else ""
    buttons = (cards.AGAIN, *([Button(f"查“{words}”", f"话术 {words}")] if words else []))
    return Reply((say(*lines, buttons=buttons),), talk.state.but(attempt=None, question=None, doubtful=""))
