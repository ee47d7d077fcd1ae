"""For trainers: campaigns from the chat, and the searches that found nothing."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta

from bot.core.messages import Button, Line, hint, say, strong
from handlers import campaigns
from handlers.context import Reply, Talk, title_of
from lessons.campaign import WEEKDAY_NAMES, Audience, CampaignSpec
from lessons.catalogue import digest
from lessons.model import TRACK_NAMES, Track
from storage import campaigns as rows
from storage import exams, people, templates
from storage.models import Campaign

STATUS_NAMES = {rows.DRAFT: "待批准", rows.RUNNING: "进行中", rows.PAUSED: "已暂停", rows.ENDED: "已结束"}
_GRADERS = {"offline": "离线评分", "judge": "判卷模型"}
_FROM = re.compile(r"从\s*((?:\d{4}-)?\d{1,2}-\d{1,2})")
_FOR = re.compile(r"(?:给|部门)\s*(\S+)")


async def campaign(talk: Talk, words: str) -> Reply:
    """活动 [新建|预览|批准|暂停|恢复|结束] …"""
    verb, _, rest = words.strip().partition(" ")
    if not verb:
        return await _list(talk)
    action = _ACTIONS.get(verb)
    if action is None:
        names = "、".join(_ACTIONS)
        message = say(f"活动后面可以跟：{names}。", hint("例如“活动 新建 无法满足的诉求 从 11-25”“活动 批准 编号”。"))
        return Reply((message,), talk.state)
    return await action(talk, rest.strip())


async def _list(talk: Talk) -> Reply:
    found = await rows.all_of(talk.tx)
    if not found:
        message = say(
            "还没有活动。",
            hint("打“活动 新建 主线名”，例如“活动 新建 合规柔性催收 从 11-25 给 部门名”。"),
            buttons=(Button("新建活动", "活动 新建"),),
        )
        return Reply((message,), talk.state)
    lines: list[Line] = []
    for row in found[:8]:
        lines.append(strong(f"{row.title}（{STATUS_NAMES[row.status]}）"))
        next_time = f"　{campaigns.when(talk.desk, row.next_at)}" if row.next_at else ""
        lines.append(Line(f"编号 {row.id}{next_time}"))
    lines.append(hint("看某一个打“活动 预览 编号”；新建打“活动 新建 主线名”。"))
    draft = next((row for row in found if row.status == rows.DRAFT), None)
    waits = (Button("看待批准的", f"活动 预览 {draft.id}"),) if draft is not None else ()
    buttons = (*waits, Button("新建活动", "活动 新建"))
    return Reply((say(*lines, title=f"活动｜{len(found)} 个", buttons=buttons),), talk.state)


async def _create(talk: Talk, words: str) -> Reply:
    start, department = _FROM.search(words), _FOR.search(words)
    name = _FOR.sub("", _FROM.sub("", words)).strip()
    track = next((track for track, title in TRACK_NAMES.items() if name and (name in title or name == track)), None)
    if track is None:
        tracks = [t for t in Track if talk.desk.catalogue.of_track(t)]
        lines = [Line(f"{TRACK_NAMES[t]}（{len(talk.desk.catalogue.of_track(t))} 题）") for t in tracks]
        buttons = tuple(Button(TRACK_NAMES[t], f"活动 新建 {TRACK_NAMES[t]}") for t in tracks)
        message = say(
            "想排哪条主线？", *lines, hint("例如“活动 新建 合规柔性催收 从 11-25 给 部门名”。"), buttons=buttons
        )
        return Reply((message,), talk.state)
    first = _day(start[1], talk.today) if start else talk.desk.calendar.next_working(talk.today)
    if first is None or first < talk.today:
        return Reply((say("开始日期写成“从 11-25”，不能早于今天。"),), talk.state)
    names = (department[1],) if department else ()
    unknown = await people.unknown_in_audience(talk.tx, names, ())
    if unknown:
        known = "、".join(d.name for d in (await people.departments(talk.tx)).values())
        return Reply((say(f"没有部门“{unknown[0]}”。现有部门：{known}。"),), talk.state)
    spec = CampaignSpec(
        id=await _free_id(talk, f"{track}-{first:%m%d}"),
        title=TRACK_NAMES[track] + (f"·{names[0]}" if names else ""),
        audience=Audience(everyone=not names, departments=names),
        track=track,
        starts_on=first,
    )
    row = await campaigns.create(talk.tx, spec, talk.person.name, talk.now, actor_id=talk.person_id)
    return await _shown(talk, row, "已建好，等另一位培训师或合规批准后开始。")


async def _free_id(talk: Talk, wanted: str) -> str:
    name, number = wanted, 1
    while await rows.get(talk.tx, name) is not None:
        number += 1
        name = f"{wanted}-{number}"
    return name


def _day(text: str, today: date) -> date | None:
    parts = [int(part) for part in text.split("-")]
    try:
        day = date(*parts) if len(parts) == 3 else date(today.year, *parts)
        passed = len(parts) == 2 and day < today - timedelta(days=180)  # 1-5 in December means next January
        return date(day.year + 1, day.month, day.day) if passed else day
    except ValueError:
        return None


async def _named(talk: Talk, words: str) -> Campaign | Reply:
    """The campaign that is meant: by id, else the one looked at last."""
    key = words or talk.state.draft or ""
    row = await rows.get(talk.tx, key) if key else None
    if row is None:
        found = await rows.all_of(talk.tx)
        near = [r for r in found if words and (words in r.id or words in r.title)]
        if len(near) == 1:
            return near[0]
        text = f"没有编号“{words}”的活动。" if words else "要说明是哪个活动，例如“活动 预览 编号”。"
        return Reply((say(text, hint("看编号打“活动”。"), buttons=(Button("活动", "活动"),)),), talk.state)
    return row


async def _preview(talk: Talk, words: str) -> Reply:
    row = await _named(talk, words)
    return row if isinstance(row, Reply) else await _shown(talk, row, "")


async def _shown(talk: Talk, row: Campaign, head: str) -> Reply:
    """A campaign with its calendar."""
    view = await campaigns.view(talk.tx, talk.desk, row)
    lines: list[Line] = [Line(head)] if head else []
    lines += [Line(f"编号 {row.id}"), Line(f"状态：{STATUS_NAMES[row.status]}　{view.audience}")]
    lines.append(Line(f"每次 {view.window} 之间推送，{view.deadline} 截止"))
    lines.append(strong(f"日历（共 {len(view.slots)} 次）"))
    for slot in view.slots[:8]:
        title = talk.desk.catalogue.lessons[slot.lesson_id].title
        lines.append(Line(f"{slot.day.month}月{slot.day.day}日 {WEEKDAY_NAMES[slot.day.weekday()]}　{title}"))
    if len(view.slots) > 8:
        last = view.slots[-1]
        lines.append(hint(f"……到 {last.day.month}月{last.day.day}日为止，节假日已跳过，调休上班日照推。"))
    if view.counts:
        answered, missed, still = (view.counts.get(key, 0) for key in ("answered", "missed", "open"))
        lines.append(Line(f"已答 {answered}，未答 {missed}，进行中 {still}"))
    lines += [hint(text) for text in view.notes]
    return Reply(
        (say(*lines, title=f"活动｜{row.title}", buttons=_buttons(row, talk.person_id)),), talk.state.but(draft=row.id)
    )


def _buttons(row: Campaign, reader: int) -> tuple[Button, ...]:
    """What the reader can do with a campaign now; one's own draft is for others to approve."""
    verbs = {rows.DRAFT: ("批准", "结束"), rows.RUNNING: ("暂停", "结束"), rows.PAUSED: ("恢复", "结束")}
    allowed = [verb for verb in verbs.get(row.status, ()) if verb != "批准" or row.created_by != reader]
    return tuple(Button(verb, f"活动 {verb} {row.id}") for verb in allowed)


async def _approve(talk: Talk, words: str) -> Reply:
    row = await _named(talk, words)
    if isinstance(row, Reply):
        return row
    refusal = await campaigns.approve(talk.tx, talk.desk, row, talk.person.name, talk.person_id, talk.now)
    if refusal:
        return Reply((say(refusal),), talk.state)
    return await _shown(talk, row, "已批准，按日历开始。")


@dataclass(frozen=True)
class _Change:
    """Pausing, resuming and ending differ only in these words."""

    allowed: tuple[str, ...]
    status: str
    done: str
    sure: str = ""  # what cannot be undone is asked about once

    async def __call__(self, talk: Talk, words: str) -> Reply:
        confirmed = words.endswith("确认")
        row = await _named(talk, words.removesuffix("确认").strip())
        if isinstance(row, Reply):
            return row
        if row.status not in self.allowed:
            return Reply((say(f"「{row.title}」{STATUS_NAMES[row.status]}，现在不能这样做。"),), talk.state)
        if self.sure and not confirmed:
            buttons = (Button("确认结束", f"活动 结束 {row.id} 确认"), Button("算了", f"活动 预览 {row.id}"))
            return Reply((say(f"「{row.title}」{self.sure}", buttons=buttons),), talk.state.but(draft=row.id))
        await campaigns.set_status(talk.tx, talk.desk, row, self.status, talk.person.name, talk.person_id, talk.now)
        return await _shown(talk, row, self.done)


_ACTIONS: dict[str, Callable[[Talk, str], Awaitable[Reply]]] = {
    "新建": _create,
    "预览": _preview,
    "批准": _approve,
    "暂停": _Change((rows.RUNNING,), rows.PAUSED, "已暂停，不再推新题；已经推出去的照常作答。"),
    "恢复": _Change((rows.PAUSED,), rows.RUNNING, "已恢复，从下一个推送日接着来。"),
    "结束": _Change(
        (rows.DRAFT, rows.RUNNING, rows.PAUSED),
        rows.ENDED,
        "已结束。",
        "结束后不能再开，只能重新建。只想停一阵用“暂停”。",
    ),
}


async def misses(talk: Talk, _words: str) -> Reply:
    """落空: the searches that found nothing in the last 30 days."""
    found = await templates.misses(talk.tx, talk.now - timedelta(days=30))
    if not found:
        return Reply((say("最近 30 天没有查不到的话术。"),), talk.state)
    lines = [Line(f"{words}（{times} 次）") for words, times in found]
    return Reply((say(*lines, hint("这些是一线真想查却没有的，适合补话术。"), title="落空的查询"),), talk.state)


async def grading(talk: Talk, _words: str) -> Reply:
    """判卷: how the graders did in their exams; only where they passed do points count."""
    rows = await exams.newest(talk.tx)
    now = {digest(lesson) for lesson in talk.desk.catalogue.situations()}
    current = [row for row in rows if row.digest in now]
    if not current:
        return Reply((say("还没有考过。有人答过的题，评分器会先拿例句考一遍。"),), talk.state)
    lines: list[Line] = []
    for grader in dict.fromkeys(row.grader for row in current):
        own = [row for row in current if row.grader == grader]
        name = _GRADERS.get(grader.split("-")[0], grader)
        lines.append(strong(f"{name}：考了 {len(own)} 题，通过 {sum(row.passed for row in own)} 题"))
        for row in own:
            if not row.passed:
                title = title_of(talk.desk.catalogue.lessons.get(row.lesson_id), row.lesson_id)
                lines.append(Line(f"没通过：{title}，{row.asked} 条例句对上 {row.agreed} 条"))
        lines.append(hint(grader))
    lines.append(hint("对上八成、没有一条差过一档才算通过；没通过的题只给点评，分数不计。改例句或要点后会重考。"))
    return Reply((say(*lines, title="判卷"),), talk.state)
