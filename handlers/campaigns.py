"""What can be done with a campaign, the same from chat, command line and file; every change leaves an audit row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handlers.context import Desk
from lessons.campaign import CampaignSpec, Slot, fires_at, next_slot, parse, slots
from storage import assignments, audit, people
from storage import campaigns as rows
from storage.database import Tx
from storage.models import Campaign, Role


async def create(tx: Tx, spec: CampaignSpec, actor: str, now: datetime, *, actor_id: int | None = None) -> Campaign:
    """A draft; it sends nothing until somebody else approves it."""
    row = Campaign(
        id=spec.id,
        title=spec.title,
        status=rows.DRAFT,
        spec=spec.model_dump(mode="json"),
        created_by=actor_id,
        created_at=now,
    )
    await rows.add(tx, row)
    await audit.write(tx, now, actor, "campaign.create", row.id, actor_id=actor_id, spec=row.spec)
    return row


async def approve(tx: Tx, desk: Desk, row: Campaign, actor: str, actor_id: int, now: datetime) -> str | None:
    """Start a draft. Returns why not, in words for the person, or None when it runs now."""
    if row.status != rows.DRAFT:
        return f"「{row.title}」不在待批准状态。"
    if row.created_by == actor_id:
        return "自己建的活动要请另一位培训师或合规来批准，这是为了多一双眼睛。"
    if not await people.roles(tx, actor_id) & {Role.TRAINER, Role.COMPLIANCE}:
        return "批准活动需要培训师或合规角色。"
    spec = parse(row.spec)
    first = next_slot(spec, spec.lesson_ids(desk.catalogue), desk.calendar, now)
    if first is None:
        return "这个活动的日子都过去了，改一下开始日期再建一个。"
    next_at = fires_at(spec, first.day, desk.calendar)
    await rows.change(tx, row, status=rows.RUNNING, approved_by=actor_id, approved_at=now, next_at=next_at)
    await audit.write(tx, now, actor, "campaign.approve", row.id, actor_id=actor_id, next_at=next_at.isoformat())
    return None


async def set_status(
    tx: Tx, desk: Desk, row: Campaign, status: str, actor: str, actor_id: int | None, now: datetime
) -> None:
    """Pause, resume or end; resuming goes on with the next day of the calendar and sends nothing twice."""
    next_at = None
    if status == rows.RUNNING:
        spec = parse(row.spec)
        slot = next_slot(spec, spec.lesson_ids(desk.catalogue), desk.calendar, now)
        next_at = fires_at(spec, slot.day, desk.calendar) if slot else None
        status = status if slot else rows.ENDED
    before = row.status
    await rows.change(tx, row, status=status, next_at=next_at)
    await audit.write(tx, now, actor, "campaign.status", row.id, actor_id=actor_id, before=before, after=status)


@dataclass(frozen=True)
class View:
    """A campaign for reading: its calendar and how it stands."""

    slots: tuple[Slot, ...]
    audience: str
    window: str
    deadline: str
    counts: dict[str, int]
    notes: tuple[str, ...]


async def view(tx: Tx, desk: Desk, row: Campaign) -> View:
    """What preview shows; the notes say what may surprise: other campaigns on the same days, unknown years."""
    spec = parse(row.spec)
    found = tuple(slots(spec, spec.lesson_ids(desk.catalogue), desk.calendar))
    audience = spec.audience
    reached = await people.audience(
        tx, everyone=audience.everyone, names=audience.departments, tags=audience.tags, staff_nos=audience.people
    )
    scope = "全体学员" if audience.everyone else "、".join((*audience.departments, *audience.tags, *audience.people))
    notes = []
    for other in await rows.running(tx):
        if other.id != row.id:
            theirs = parse(other.spec)
            days = {slot.day for slot in slots(theirs, theirs.lesson_ids(desk.catalogue), desk.calendar)}
            shared = len(days & {slot.day for slot in found})
            if shared:
                cap = desk.settings.daily_cap
                notes.append(f"与「{other.title}」有 {shared} 天重叠；超过每人每天 {cap} 题的顺延。")
    unknown = sorted({slot.day.year for slot in found if not desk.calendar.known(slot.day.year)})
    if unknown:
        years = "、".join(str(year) for year in unknown)
        notes.append(f"{years} 年的放假安排还没有公布，先按周一到周五算；公布后升级节假日包或写进本地日历文件。")
    return View(
        slots=found,
        audience=f"{scope}（{len(reached)} 人）",
        window=f"{spec.window.start}–{spec.window.end}",
        deadline=spec.deadline,
        counts=await assignments.campaign_counts(tx, row.id),
        notes=tuple(notes),
    )


def when(desk: Desk, moment: datetime | None) -> str:
    """`下次 11月23日 09:03`, or that there is none."""
    if moment is None:
        return "没有排下一次"
    local = desk.calendar.local(moment)
    return f"下次 {local.month}月{local.day}日 {local:%H:%M}"
