"""帮助, the welcome, and what to say when nothing else fits."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from bot.core.messages import Button, Line, hint, say, strong
from handlers import cards, drill, question
from handlers.context import Command, Reply, Talk
from storage.models import Role

_FOR_ALL = {"话术", "更多", "收藏", "排行", "练习"}
_ROLE_HEADS = {
    Role.LEARNER: "学员",
    Role.MANAGER: "主管",
    Role.TRAINER: "培训师",
    Role.COMPLIANCE: "合规",
    Role.OPERATOR: "运维",
}


async def overview(talk: Talk, commands: Sequence[Command]) -> Reply:
    """What this person can type, and what typing does right now."""
    if await drill.current(talk) is not None:
        now = "现在在演练：直接打字就是回客户；“退出演练”能停下。"
    elif await question.current(talk) is not None:
        now = "现在有一道题开着：直接打字就是作答。"
    else:
        now = "现在没有待答的题：直接打字就是查话术。"
    lines: list[Line] = [strong(now)]
    for role, head in _ROLE_HEADS.items():
        mine = [command for command in commands if command.role is role and _useful(talk, command)]
        if mine:
            lines.append(strong(head) if role is not Role.LEARNER else hint("指令"))
            lines += [
                Line(f"{command.name}{' ' + command.takes if command.takes else ''}：{command.about}")
                for command in mine
            ]
    buttons = (Button("今日", "今日"), Button("话术", "话术"), Button("我的", "我的"))
    return Reply((say(*lines, title="帮助", buttons=buttons),), talk.state)


async def greet(talk: Talk) -> Reply:
    """The first words to somebody new."""
    message = say(
        f"你好，{talk.person.name}，我是接话教练。",
        "每个工作日给你一位着急的客户，你像平时那样打字接话，我马上告诉你哪句接住了、哪句还能更好，再给你一个例答。三分钟就够。",
        "客户在线等的时候，打“话术 关键词”，马上有能用的话。",
        hint("只在你的上班时间找你，随时可以“暂停”“请假”。练得怎么样只有你自己看得到。"),
        buttons=(Button("先来一题", "练习"), Button("查话术", "话术"), cards.HELP),
    )
    return Reply((message,), talk.state)


def _useful(talk: Talk, command: Command) -> bool:
    """Whether 帮助 lists a command; people who do not learn need only what concerns templates and boards."""
    if command.role is Role.LEARNER and Role.LEARNER not in talk.roles:
        return command.name in _FOR_ALL
    return command.role in talk.roles


def nearest(text: str, commands: Sequence[Command]) -> list[str]:
    """The commands a mistyped word may have meant, the closest first; they begin with the same character."""
    words = {word: command.name for command in commands for word in command.words if word[0] == text[:1]}
    close = difflib.get_close_matches(text, words, n=3, cutoff=0.5)
    return list(dict.fromkeys(words[word] for word in close))


def did_you_mean(text: str, close: Sequence[str]) -> tuple[Line, tuple[Button, ...]]:
    return Line(f"没有“{text}”这个指令，是不是想打：{'、'.join(close)}？"), tuple(Button(c, c) for c in close)
