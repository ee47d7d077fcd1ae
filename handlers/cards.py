"""The cards that more than one handler shows: a question, and how to go on."""

from __future__ import annotations

from datetime import datetime

from bot.core.messages import Button, Line, Message, hint, quote, say, strong
from lessons.model import TRACK_NAMES, AnyLesson, Knowledge, Lesson, Template

HELP = Button("帮助", "帮助")
AGAIN = Button("再答一次", "再答")
NEXT = Button("下一题", "今日")
MINE = Button("我的", "我的")
APPEAL = Button("申诉", "申诉")

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


def reminder(title: str, until: datetime) -> Message:
    """One friendly line about an open question; `until` is local."""
    return say(
        f"今天的题「{title}」还等着你，三分钟就够，{until:%H:%M} 前都算。",
        hint("今天不方便就打“暂停 1天”，没有关系。"),
        buttons=(Button("看题", "今日"), Button("今天先不答", "暂停 1天")),
    )


def rest(times: int) -> Message:
    """After so many questions in a row without an answer."""
    return say(
        f"连着 {times} 次没等到你，想必最近很忙，题目先停下来，不打扰你。",
        "想继续的时候打“恢复”，话术随时能查。",
        buttons=(Button("恢复", "恢复"), HELP),
    )


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
