"""A tap on a card: whether it still counts, and what the card says from then on.

The answer is a message for the response: its title is the card's new face, its lines say why the tap does not count.
"""

from __future__ import annotations

import re
from datetime import timedelta

from bot.core.masking import mask
from bot.core.messages import Message, say
from handlers import drill, question, search
from handlers.context import Talk
from lessons.model import Knowledge
from storage import deliveries

LIFE = timedelta(hours=72)  # after that a card is history; WeCom changes no card after it either (WC90240)
_LETTER = re.compile(r"[A-Z]")


async def judge(talk: Talk, address: tuple[str, str], card: str, says: str) -> Message | None:
    """What becomes of a card that was sent to `address` (platform, external id) and now tapped on `says`.

    None: the tap counts and the card stays as it is, as a list does.
    """
    found = await deliveries.of_call(talk.tx, *address, card)
    label = next((b.label for b in found[1].buttons if mask(b.says) == says), None) if found else None
    if found is None or label is None:
        return _refused("已失效", f"这张卡片认不出来了。直接打字“{says}”就行。")
    row, message = found
    if row.sent_at is not None and talk.now - row.sent_at > LIFE:
        return _refused("已过期", f"这张卡片放了三天多，不再管用了。还需要的话，直接打字{_typed(says)}。")
    if _LETTER.fullmatch(says):
        return await _letter(talk, message, says)
    if says.isdigit():
        stale = not _listed_now(talk, message, says)
        return _refused("已过", "后来又查过别的，这份清单的序号变了。往下看最近一份，或者再查一次。") if stale else None
    if any(button.says.isdigit() for button in message.buttons):
        return None
    return _chosen(label)


def again(first: tuple[Message, ...], says: str) -> Message:
    """The answer to a tap on another button of a card that is settled. `first` is what the first tap made of it."""
    face = first[0].title if first else "已选"
    if _LETTER.fullmatch(says):
        return _refused(face, "这道题已经选过了，一题只选一次。想再试，打“再答”。")
    return _refused(face, f"这张卡片已经用过了。要“{says}”，直接打这几个字就行。")


async def _letter(talk: Talk, message: Message, says: str) -> Message:
    """A letter answers one question and no other, and never the customer of a drill."""
    if await drill.current(talk) is not None:
        return _refused("演练中没有选", "演练还开着，先没有选。打“退出演练”，再打“今日”重新看题。")
    return _chosen(says) if await _asks_now(talk, message) else _refused("已过", "这道题已经过了，不能再选。")


async def _asks_now(talk: Talk, message: Message) -> bool:
    """Whether the choice question of a card is the one that is open."""
    row = await question.current(talk)
    lesson = await question.lesson_of(talk, row) if row is not None else None
    return isinstance(lesson, Knowledge) and message.title.endswith(f"｜{lesson.title}")


def _listed_now(talk: Talk, message: Message, number: str) -> bool:
    """Whether a number stands for the same template in the list at hand as on the card."""
    if not search.can_pick(talk.state, number):
        return False
    template = talk.desk.catalogue.templates.get(talk.state.results[int(number) - 1])
    return template is not None and any(line.text == f"{number}. {template.title}" for line in message.lines)


def _typed(says: str) -> str:
    return "“今日”看现在的题" if _LETTER.fullmatch(says) else f"“{says}”"


def _chosen(label: str) -> Message:
    return Message((), title=f"已选：{label}")


def _refused(face: str, why: str) -> Message:
    return say(why, title=face)
