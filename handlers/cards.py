"""The cards that more than one handler shows: a question, and how to go on."""

from __future__ import annotations

from bot.core.messages import Button, Line, Message, hint, quote, strong
from lessons.model import TRACK_NAMES, AnyLesson, Knowledge, Lesson, Template

HELP = Button("帮助", "帮助")
AGAIN = Button("再答一次", "再答")
NEXT = Button("下一题", "今日")
MINE = Button("我的", "我的")

_HEADS = {"campaign": "今日一题", "review": "回炉一题", "own": "练一题"}


def question(lesson: AnyLesson, reason: str, deadline: str) -> Message:
    """A question as everybody who is asked sees it; the same text for all, so that it can be sent in one call."""
    head = _HEADS.get(reason, "今日一题")
    title = f"{head}｜{lesson.title}"
    if isinstance(lesson, Knowledge):
        letters = [Button(letter, letter) for letter in "ABCDE"[: len(lesson.choices)]]
        options = [Line(f"{letter}. {choice.text}") for letter, choice in zip("ABCDE", lesson.choices, strict=False)]
        lines = [Line(lesson.context), strong(lesson.question), *options, hint(f"回复字母作答，{deadline}前都算。")]
        return Message(tuple(lines), title=title, buttons=tuple(letters))
    lines = [
        hint(f"{TRACK_NAMES[lesson.track]} · 约 {lesson.minutes} 分钟"),
        Line(lesson.context),
        strong(f"{lesson.customer.name}说："),
        quote(lesson.customer.says),
        *limits(lesson),
        strong("你会怎么接？像平时说话那样，直接打字发来。"),
        hint(f"{deadline}前都算。现在打字就是作答；要查话术，打“话术 关键词”。"),
    ]
    return Message(tuple(lines), title=title, buttons=(HELP,))


def limits(lesson: Lesson) -> list[Line]:
    """What the learner may grant here and what not, as every employee knows it at work."""
    can = [Line("你能办的：" + "；".join(lesson.authority.can) + "。")] if lesson.authority.can else []
    cannot = "；".join(limit.text for limit in lesson.authority.cannot)
    return [*can, hint(f"不能：{cannot}。")] if cannot else can


def template_brief(number: int, template: Template, why: str) -> list[Line]:
    """One search hit in three lines."""
    words = template.text if len(template.text) <= 42 else template.text[:41] + "…"
    return [strong(f"{number}. {template.title}"), Line(words), hint(why)]


def template_full(template: Template, basis: str, *, kept: bool) -> Message:
    """A whole template: the words first, then when, what to avoid, and on what it rests."""
    lines = [
        quote(template.text),
        Line(f"何时用：{template.when}"),
        Line(f"别说：{template.avoid}"),
        Line(f"依据：{template.basis}" + (f"；{basis}" if basis else "")),
    ]
    keep = Button("取消收藏", "收藏") if kept else Button("收藏", "收藏")
    return Message(tuple(lines), title=f"话术｜{template.title}", buttons=(keep, Button("更多", "更多")))
