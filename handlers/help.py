"""帮助, the welcome, and what to say when nothing else fits."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from bot.core.messages import Button, Line, hint, say, strong
from handlers import cards, drill, question
from handlers.context import Command, Reply, Talk
from storage.models import Role

_FIRST = {
    Role.LEARNER: ("今日", "话术", "我的"),
    Role.TRAINER: ("申诉队列", "活动", "话术"),
    Role.COMPLIANCE: ("申诉队列", "工时", "话术"),
    Role.OPERATOR: ("状态", "重发", "话术"),
    Role.MANAGER: ("团队", "周榜", "晨会"),
}
"""What somebody reaches for first; who has several roles, by the first of these."""

_FOR_ALL = {"话术", "更多", "收藏", "排行", "练习"}


async def overview(talk: Talk, commands: Sequence[Command], about: str = "") -> Reply:
    """What typing does right now and what this person can type of `commands`, those they may use; `帮助 话术` says
    how one of them is used."""
    mine = [command for command in commands if _useful(talk, command)]
    learns = Role.LEARNER in talk.roles
    mine.sort(key=lambda command: command.role is Role.LEARNER and not learns)  # one's own work first
    first = next((words for role, words in _FIRST.items() if role in talk.roles), _FIRST[Role.LEARNER])
    if about:
        chosen = [command for command in mine if about in (*command.words, command.group)]
        if chosen:
            buttons = _buttons([command.name for command in chosen[:3]])
            usage = (_usage(command) for command in chosen)
            return Reply((say(*usage, title=f"帮助｜{about}", buttons=buttons),), talk.state)
    lines: list[Line] = [strong(await _typing(talk))]
    for group in dict.fromkeys(command.group for command in mine):
        names = (f"{command.name} {command.takes}".strip() for command in mine if command.group == group)
        lines += [hint(group), Line("　".join(names))]
    lines.append(hint("想知道某一个怎么用，打“帮助 话术”这样。"))
    return Reply((say(*lines, title="帮助", buttons=_buttons(first)),), talk.state)


def _buttons(words: Sequence[str]) -> tuple[Button, ...]:
    return tuple(Button(word, word) for word in words)


async def _typing(talk: Talk) -> str:
    if await drill.current(talk) is not None:
        return "现在在演练：直接打字就是回客户；“退出演练”能停下。"
    if await question.current(talk) is not None:
        return "现在有一道题开着：直接打字就是作答。"
    return "现在没有待答的题：直接打字就是查话术。"


def _usage(command: Command) -> Line:
    others = f"（也可以打{'、'.join(command.words[1:])}）" if command.words[1:] else ""
    return Line(f"{command.name}{' ' + command.takes if command.takes else ''}：{command.about}{others}")


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
    return command.role is not Role.LEARNER or Role.LEARNER in talk.roles or command.name in _FOR_ALL


def nearest(text: str, commands: Sequence[Command]) -> list[str]:
    """The commands a mistyped word may have meant, the closest first; they begin with the same character."""
    words = {word: command.name for command in commands for word in command.words if word[0] == text[:1]}
    close = difflib.get_close_matches(text, words, n=3, cutoff=0.5)
    return list(dict.fromkeys(words[word] for word in close))


def did_you_mean(text: str, close: Sequence[str]) -> tuple[Line, tuple[Button, ...]]:
    return Line(f"没有“{text}”这个指令，是不是想打：{'、'.join(close)}？"), tuple(Button(c, c) for c in close)
