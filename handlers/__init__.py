"""What the bot does for a message or a tick: the whole behaviour on one screen.

Handlers take plain data and a transaction and return data; they never send.
"""

from __future__ import annotations

import re

from bot.core.messages import Button, Kind, Message, hint, say
from handlers import (
    after,
    appeal,
    appeal_cases,
    appeal_notices,
    boards,
    cards,
    care,
    drill,
    groups,
    help,
    huddle,
    learn,
    leave,
    ledger,
    login,
    manager,
    operator,
    progress,
    question,
    search,
    ticks,
    trainer,
)
from handlers.context import Command, Reply, Talk, Tick
from lessons.model import Lesson
from storage.models import Role

COMMANDS: tuple[Command, ...] = (
    Command(("今日", "下一题", "看题", "做题"), question.today, "每天一题", "看今天的题"),
    Command(("再答", "再试", "重答"), after.again, "每天一题", "把刚答的题再答一次"),
    Command(("例答", "看例答"), after.models, "每天一题", "看刚答那题的例答"),
    Command(("撤回",), after.take_back, "每天一题", "两分钟内撤回刚才的回答"),
    Command(("申诉",), appeal.dispute, "每天一题", "对点评的哪一项有异议", takes="[序号 一句话理由]"),
    Command(("练习", "练一题"), question.practise, "加练", "自己加练一题", takes="[题名]"),
    Command(("错题", "错题本", "错题集"), question.mistakes, "加练", "会再回来的题", takes="[序号]"),
    Command(("演练", "陪练"), drill.offer, "加练", "和会还嘴的客户过几招", takes="[序号]"),
    Command(("退出演练",), drill.leave, "加练", "先停下这场演练"),
    Command(("话术", "hs"), search.search, "查话术", "客户在线时查能说的话", takes="关键词", free=True),
    Command(("更多",), search.more, "查话术", "再看几条话术"),
    Command(("收藏",), search.keep, "查话术", "收藏正在看的话术", takes="[序号]"),
    Command(("我的",), progress.mine, "我", "连续天数和各项走势"),
    Command(("排行", "榜单", "周榜"), manager.ranking, "我", "上一周的情况", takes="[本周]"),
    Command(("暂停",), leave.pause, "时间", "停发一阵", takes="[3天]"),
    Command(("请假",), leave.leave, "时间", "这几天不推也不计", takes="[3天 或 11-25 到 11-27]"),
    Command(("恢复",), leave.back, "时间", "提前回来"),
    Command(("提醒", "提醒时间"), leave.remind_at, "时间", "几点以后推给我", takes="9:40"),
    Command(("退出排行",), leave.off_boards, "我", "榜单不显示我的名字"),
    Command(("加入排行",), leave.on_boards, "我", "重新出现在榜单"),
    Command(("提交",), learn.submit, "每天一题", "确认上一句就是回答"),
    Command(("算了", "先不答"), after.never_mind, "每天一题", "先不答了"),
    Command(
        ("团队", "谁没答", "没答的人", "落后的人"), manager.team, "主管", "今天谁答了、没答的原因", role=Role.MANAGER
    ),
    Command(("晨会",), huddle.show, "主管", "上一周的一个缺口和三分钟对练", role=Role.MANAGER),
    Command(
        ("活动",),
        trainer.campaign,
        "培训",
        "排课：列表、新建、预览、批准、暂停、恢复、结束",
        takes="[…]",
        role=Role.TRAINER,
    ),
    Command(("落空",), trainer.misses, "培训", "查不到的话术", role=Role.TRAINER),
    Command(("申诉队列",), appeal_cases.queue, "培训", "等着定的申诉", role=Role.TRAINER),
    Command(("判卷",), trainer.grading, "培训", "评分器在哪些题上通过了考试", role=Role.TRAINER),
    Command(
        ("工时",),
        ledger.report,
        "合规",
        "工时账：推送是不是都在工作时间里",
        takes="[月份]",
        role=Role.MANAGER,
        also=frozenset({Role.COMPLIANCE}),
    ),
    Command(("状态",), operator.status, "运维", "消息与内容的运行情况", role=Role.OPERATOR),
    Command(("重发",), operator.send_again, "运维", "不确定送没送到的消息", takes="[全部 或 编号]", role=Role.OPERATOR),
    Command(
        ("登录",),
        login.link,
        "网页",
        "一个只能用一次的网页登录链接",
        role=Role.OPERATOR,
        also=frozenset({Role.MANAGER, Role.TRAINER, Role.COMPLIANCE}),
    ),
)

TICKS: tuple[Tick, ...] = (
    Tick("close_overdue", ticks.close_overdue),
    Tick("fire_campaigns", ticks.fire_campaigns),
    Tick("offer_returns", ticks.offer_returns),
    Tick("remind", ticks.remind),
    Tick("weekly_boards", boards.weekly),
    Tick("appeals", appeal_notices.remind),
    Tick("group_huddles", groups.huddles),
    Tick("group_boards", groups.boards),
)

_HELP = ("帮助", "help", "?", "？", "菜单")
_ALLOWED = {Role.TRAINER: {Role.TRAINER, Role.COMPLIANCE}}
_MOST_CHARACTERS = 2000
_NUMBER = re.compile(r"\d{1,4}")


def find(text: str) -> tuple[Command, str] | None:
    """The command a text means, with the words after it; None for free text.

    A command is its word alone, or its word, a space and more. Only 话术 may be followed without a space, and only by
    something short, so that an answer that happens to begin with a command's word stays an answer.
    """
    word, _, rest = text.strip().replace("\u3000", " ").partition(" ")
    for command in COMMANDS:
        if word.lower() in command.words and (not rest or command.takes):
            return command, rest.strip()
        if command.free and not rest:
            for name in command.words:
                if word.lower().startswith(name) and name != "hs" and len(word) <= len(name) + 12:
                    return command, word[len(name) :].strip("：:，, ")
    return None


def may(talk: Talk, command: Command) -> bool:
    allowed = _ALLOWED.get(command.role, {command.role}) | command.also
    return bool(talk.roles & allowed) or command.role is Role.LEARNER


async def subject(talk: Talk, kind: Kind, text: str) -> Lesson | None:
    """The lesson that this text will probably be scored against; only used to score it ahead of time."""
    if kind is not Kind.TEXT or len(text) <= 3 or find(text) is not None or search.can_pick(talk.state, text.strip()):
        return None
    run = await drill.current(talk)
    if run is not None:
        course = await drill.course_of(talk, run)
        return course.lesson if course is not None else None
    row = await question.current(talk)
    lesson = await question.lesson_of(talk, row) if row is not None else None
    return lesson if isinstance(lesson, Lesson) else None


async def respond(talk: Talk, kind: Kind, text: str) -> Reply:
    """Answer one message or event of one person."""
    if kind is Kind.SUBSCRIBE:
        return await help.greet(talk)
    if kind in (Kind.ENTER, Kind.UNSUBSCRIBE):
        return Reply((), talk.state)
    if kind is Kind.OTHER:
        message = say("我现在只看得懂文字。语音可以先转成文字再发。", buttons=(cards.HELP,))
        return Reply((message,), talk.state)
    return await _text(talk, text.strip())


async def _text(talk: Talk, text: str) -> Reply:
    if len(text) > _MOST_CHARACTERS:
        message = say(
            f"这段有 {len(text)} 个字，太长了，没有计分也没有查。",
            hint(f"给客户的话三四句就够，最多 {_MOST_CHARACTERS} 字。"),
        )
        return Reply((message,), talk.state)
    word, _, about = text.partition(" ")
    if word.lower() in _HELP:
        return await help.overview(talk, [each for each in COMMANDS if may(talk, each)], about.strip())
    cry = care.own_distress(text)
    if cry is not None:
        return await care.answer(talk, cry)
    found = find(f"{talk.state.listed} {text}" if talk.state.listed and _NUMBER.fullmatch(text) else text)
    if found is not None:
        command, words = found
        if not may(talk, command):
            return Reply((_not_yours(command),), talk.state)
        return await command.run(talk, words)
    if search.can_pick(talk.state, text):
        return await search.pick(talk, text)
    run = await drill.current(talk)
    if run is not None and text:
        return drill.aside(talk) if learn.is_small_talk(text) else await drill.reply(talk, run, text)
    if await question.current(talk) is None:
        return await _free(talk, text)
    close = _close_commands(talk, text) if len(text) <= 4 and not learn.is_small_talk(text) else []
    if close:
        line, buttons = help.did_you_mean(text, close)
        note = hint("题还开着：要把它当作回答，回复“提交”。")
        return Reply((say(line, note, buttons=buttons),), talk.state.but(doubtful=text))
    return await learn.answer(talk, text)


async def _free(talk: Talk, text: str) -> Reply:
    """No question is open: a mistyped command, or a search."""
    if not text:
        return Reply((say("没有看到文字。", buttons=(cards.HELP,)),), talk.state)
    if learn.is_small_talk(text):
        message = say("在呢。现在没有待答的题，打字就是查话术。", buttons=(Button("今日", "今日"), cards.HELP))
        return Reply((message,), talk.state)
    word = text.split(" ", maxsplit=1)[0]
    close = _close_commands(talk, word) if 1 < len(word) <= 5 else []
    reply = await search.free(talk, text)
    if close and not reply.state.results:
        line, buttons = help.did_you_mean(word, close)
        return Reply((say(line, hint("要查话术打“话术 关键词”。"), buttons=(*buttons, cards.HELP)),), reply.state)
    return reply


def _close_commands(talk: Talk, word: str) -> list[str]:
    return help.nearest(word, [command for command in COMMANDS if may(talk, command)])


def _not_yours(command: Command) -> Message:
    return say(f"“{command.name}”要有相应角色才能用。", hint("需要的话请管理员开通。"), buttons=(cards.HELP,))
