"""Answering: judging a reply, feedback, and what comes next; what one does after it lives in `after`."""

from __future__ import annotations

import re
from datetime import date

from bot.core.messages import Button, Message, hint, say
from handlers import cards, corrections, question
from handlers.context import Reply, Talk
from handlers.state import State
from lessons import appeal, feedback, ladder
from lessons.model import AnyLesson, Knowledge, Lesson
from lessons.scoring.result import BAND_NAMES, Flag, Score
from storage import assignments, attempts, deliveries
from storage.models import Assignment, Attempt

MOST_TRIES = 5
_NOT_AN_ANSWER = {Flag.EMPTY, Flag.TOO_SHORT, Flag.NO_CHINESE}
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_PICKED = re.compile(r"[。.、,，！!？?：:\s]|选|项|我|是|应该|答案|觉得|就")
_LOOKUP = re.compile(r"(?:我?想|帮我|怎么|哪里|给我)?(?:查|找|搜)(?:一?下|个|条)?[^您，。！？]{1,10}$")
_SMALL_TALK = {
    "好的", "收到", "谢谢", "知道了", "明白", "嗯", "嗯嗯", "哦", "在吗", "你好", "您好", "早", "早上好", "好", "行",
    "可以", "ok", "OK", "好滴", "辛苦了", "等一下", "稍等", "忙", "没空", "晚点", "晚点答", "哈哈", "测试",
}  # fmt: skip


async def answer(talk: Talk, text: str, *, sure: bool = False) -> Reply:
    """Judge a free text as the answer to the current question; the caller knows that there is one."""
    row = await question.current(talk)
    assert row is not None
    lesson = await question.lesson_of(talk, row)
    if lesson is None:
        await assignments.mark(talk.tx, [row.id or 0], assignments.MISSED)
        message = say("这道题的内容已经撤下，不用答了。", buttons=(cards.NEXT,))
        return Reply((message,), talk.state.but(question=None))
    if isinstance(lesson, Knowledge):
        return await _choose(talk, row, lesson, text)
    if not sure and _doubtful(text):
        return _ask_back(talk, row, lesson, text)
    score = talk.desk.scorer.score(lesson, text)
    if not sure and set(score.flags) & _NOT_AN_ANSWER:
        return _ask_back(talk, row, lesson, text)
    return await _judged(talk, row, lesson, text, score)


async def submit(talk: Talk, _words: str) -> Reply:
    """提交: the doubtful text was an answer after all."""
    if not talk.state.doubtful or await question.current(talk) is None:
        return Reply((say("现在没有等你确认的回答。", buttons=(cards.NEXT,)),), talk.state)
    return await answer(talk, talk.state.doubtful, sure=True)


def is_small_talk(text: str) -> bool:
    """Whether a text is what one says to a colleague rather than to this customer."""
    return text.strip().strip("。！!~～.…，, ") in _SMALL_TALK


def _doubtful(text: str) -> bool:
    return is_small_talk(text) or len(_CHINESE.findall(text)) < 4 or bool(_LOOKUP.match(text.strip()))


def _ask_back(talk: Talk, row: Assignment, lesson: AnyLesson, text: str) -> Reply:
    shown = text if len(text) <= 20 else text[:19] + "…"
    message = say(
        f"“{shown}”不太像对客户说的话，先没有计分。" if shown.strip() else "没有看到文字，先没有计分。",
        f"「{lesson.title}」还等着你：直接打字发来你会怎么接。",
        hint("就是想这么答，回复“提交”；想查话术，打“话术 关键词”；今天不方便，打“暂停”。"),
        buttons=(Button("提交", "提交"), Button("再看题目", "今日")),
    )
    return Reply((message,), talk.state.but(doubtful=text, question=row.id))


async def _choose(talk: Talk, row: Assignment, lesson: Knowledge, text: str) -> Reply:
    letters = "ABCDE"[: len(lesson.choices)]
    picked = _PICKED.sub("", text.strip().upper())
    picked = picked[0] if len(set(picked)) == 1 else picked
    if picked not in letters or len(picked) != 1:
        buttons = tuple(Button(letter, letter) for letter in letters)
        message = say(
            f"这道题回复字母 {letters[0]} 到 {letters[-1]} 就行。", hint("想查话术，打“话术 关键词”。"), buttons=buttons
        )
        return Reply((message,), talk.state.but(question=row.id))
    index = letters.index(picked)
    right = lesson.choices[index].right
    score = Score(lesson.id, 4 if right else 1, 100 if right else 25, {}, (), (), "choice-1")
    tries, card = await _record(talk, row, picked, score)
    body = feedback.choice(lesson, index)
    basis = feedback.basis(lesson.rules, talk.desk.catalogue.rules)
    lines = (*body.lines, *([hint(f"依据：{basis}")] if basis else []))
    more = await _what_next(talk, row, card, first=len(tries) == 1)
    message = Message(lines + tuple(hint(text) for text in more[0]), title=body.title, buttons=more[1])
    return Reply((message,), _after(talk, tries[-1], talk.state.opening))


async def _judged(talk: Talk, row: Assignment, lesson: Lesson, text: str, score: Score) -> Reply:
    score = await corrections.known(talk, row, lesson, text, score)
    opening = feedback.opening_of(score, text, talk.state.opening)
    trial = talk.desk.scorer.trial(lesson, score)
    tries, card = await _record(talk, row, text, score, trial=trial)
    review = feedback.review(lesson, score, text, opening, talk.desk.catalogue.rules)
    notes, buttons = await _what_next(talk, row, card, first=len(tries) == 1)
    waits = [other for other in await talk.waiting() if other.id != row.id]
    again: tuple[Button, ...] = () if len(tries) >= MOST_TRIES else (cards.AGAIN,)
    messages: tuple[Message, ...]
    notes = [*([feedback.TRIAL] if trial else []), *_compared(tries, row), *notes]
    if again:
        typing = "作答还开着的那道题" if waits else "查话术"
        notes.append(f"想换个说法，回复“再答”；不回复“再答”，打字就是{typing}。")
    ending = tuple(hint(note) for note in [*notes, f"{talk.desk.scorer.label(score)}；两分钟内可“撤回”。"])
    models = feedback.models(lesson) if len(tries) == 1 else None
    buttons = (cards.APPEAL, *buttons) if appeal.disputable(score) else buttons
    if models is None:
        again += (Button("看例答", "例答"),)
        messages = (Message(review.lines + ending, title=review.title, buttons=(*again, *buttons)),)
    else:
        last = Message(models.lines + ending, title=models.title, buttons=(*again, *buttons))
        messages = (review, last)
    return Reply(messages, _after(talk, tries[-1], opening))


def _compared(tries: list[Attempt], row: Assignment) -> list[str]:
    """What the earlier tries were, in one sentence."""
    if len(tries) == 1:
        late = row.status == assignments.MISSED
        return ["这题已过截止时间，这次算练习。"] if late else []
    first, best = tries[0], max(tries, key=lambda t: (t.withdrawn_at is None, not t.copied, t.points))
    was = "已撤回" if first.withdrawn_at else f"{BAND_NAMES[first.band]} {first.points} 分"
    counts, shown = ("", "") if row.reason == "own" else ("（计分）", "（展示用）")
    last = [f"这题练了 {MOST_TRIES} 次，够扎实了，换一道吧。"] if len(tries) >= MOST_TRIES else []
    return [f"首答 {was}{counts}，最好一次 {BAND_NAMES[best.band]} {best.points} 分{shown}。", *last]


def _after(talk: Talk, attempt: Attempt, opening: int) -> State:
    return talk.state.but(
        question=None, doubtful="", attempt=attempt.id, attempt_at=talk.now.isoformat(), opening=opening
    )


async def _record(
    talk: Talk, row: Assignment, text: str, score: Score, *, trial: bool = False
) -> tuple[list[Attempt], ladder.Card | None]:
    """Store the try; the first one closes the question and moves the ladder, unless its points do not count.

    Returns all tries, this one last, and where the lesson then stands on the ladder.
    """
    before = await attempts.of_assignment(talk.tx, row.id or 0)
    attempt = await attempts.add(
        talk.tx,
        Attempt(
            assignment_id=row.id or 0,
            person_id=talk.person_id,
            lesson_id=row.lesson_id,
            digest=row.digest,
            number=len(before) + 1,
            text=text,
            band=score.band,
            points=score.points,
            score=score.to_dict(),
            scorer=score.scorer,
            copied=Flag.COPIED in score.flags,
            trial=trial,
            created_at=talk.now,
            board_day=attempts.board_day(row, len(before) + 1),
        ),
    )
    talk.person.unanswered = 0
    if not before:
        if row.status == assignments.OPEN:
            row.status, row.answered_at = assignments.ANSWERED, talk.now
        await deliveries.cancel_owed(talk.tx, talk.person_id, ["reminder"])
    return [*before, attempt], await _climb(talk, row, None if before or trial else score.band)


async def _climb(talk: Talk, row: Assignment, band: int | None) -> ladder.Card | None:
    """Where the lesson stands on the ladder; a first answer, in `band`, moves it."""

    def after(day: date, steps: int) -> date:
        return talk.desk.calendar.next_working(day, steps=steps)

    card = await assignments.card(talk.tx, talk.person_id, row.lesson_id)
    held = ladder.Card(card.step, card.passes, card.due_on) if card is not None else None
    moved = ladder.answered(held, band, talk.today, after) if band is not None else None
    if moved is None or moved == held:
        return held
    await assignments.put_card(talk.tx, talk.person_id, row.lesson_id, moved, talk.now)
    return moved


async def _what_next(
    talk: Talk, row: Assignment, card: ladder.Card | None, *, first: bool
) -> tuple[list[str], tuple[Button, ...]]:
    """What comes after this answer: when the lesson returns, and whether something else waits today."""
    notes: list[str] = []
    if card is not None and card.due_on is not None and card.due_on > talk.today:
        notes.append(f"这题{'进了错题' if first else '在错题里'}，{card.due_on.month}月{card.due_on.day}日再来一次。")
    elif card is not None and card.due_on is None:
        notes.append("这题连过两次，从错题里毕业了。")
    more = await question.has_more(talk, excluding=row.id)
    return notes, ((cards.NEXT,) if more else (cards.MINE,))
