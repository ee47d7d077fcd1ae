"""The demo organisation: three departments, thirty people in all roles, past and present campaigns. All invented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from bot.demo.history import DAILY, DRAFT, PAST, play
from handlers import campaigns as campaign_actions
from handlers.context import Desk
from lessons.campaign import Audience, CampaignSpec
from lessons.model import Track
from storage import campaigns as rows
from storage import people
from storage.database import Tx
from storage.models import Department, Identity, Person, Role

_FIRST_LESSON = "unmet-refund-all-fees"
_WEEKS = 4

_DEPARTMENTS = ("客服中心", "贷后管理部", "城东支行")
_LEARNERS = (
    ("林小满", "蒋雨桐", "许家宁", "郭子昂", "孟晓棠", "方以安", "叶青禾", "秦朗", "唐果", "沈若溪"),
    ("陈默", "马思远", "高远", "田甜", "丁一凡", "韩雪松", "潘玥", "罗一鸣"),
    ("孙立春", "顾念", "白露", "冯川", "江小鱼"),
)
_MANAGERS = (("周敏", None), ("宋岚", 0), ("魏国栋", 1))


@dataclass(frozen=True)
class _Role:
    name: str
    role: Role
    blurb: str


_STAFF = (
    _Role("何静", Role.TRAINER, "排课、看落空的查询"),
    _Role("吴越", Role.TRAINER, "另一位培训师，排了一期等人批准"),
    _Role("梁正", Role.COMPLIANCE, "消保合规，也能批准活动"),
    _Role("赵工", Role.OPERATOR, "看消息送达与内容状态"),
)
CAST = (
    ("林小满", "客服中心学员，今天有题等着"),
    ("陈默", "贷后管理部学员"),
    ("周敏", "主管，看三个部门的周榜"),
    ("何静", "培训师，有申诉等她看"),
    ("吴越", "培训师，排了一期等人批准"),
    ("赵工", "运维，有一条消息等他定"),
)
ROLE_NAMES = {
    Role.LEARNER: "学员",
    Role.MANAGER: "主管",
    Role.TRAINER: "培训师",
    Role.COMPLIANCE: "合规",
    Role.OPERATOR: "运维",
}


async def seed(tx: Tx, desk: Desk, now: datetime) -> None:
    """Fill an empty database with the organisation and its past weeks."""
    today = desk.calendar.today(now)
    monday = today - timedelta(days=today.weekday(), weeks=_WEEKS)
    await _organisation(tx, now - timedelta(weeks=_WEEKS + 1))
    await _campaigns(tx, desk, today, monday, now)
    await play(tx, desk, monday, today, now, frozenset())


async def _organisation(tx: Tx, now: datetime) -> None:
    root = await people.department_named(tx, "演示银行")
    groups = [await people.department_named(tx, name, root) for name in _DEPARTMENTS]
    for number, (group, names) in enumerate(zip(groups, _LEARNERS, strict=True)):
        for place, name in enumerate(names):
            await _person(tx, name, f"{number + 1}{place + 1:02}", group, now, learns=True)
    for place, (name, index) in enumerate(_MANAGERS):
        home = root if index is None else groups[index]
        person = await _person(tx, name, f"8{place + 1:02}", home, now)
        await people.grant(tx, person.id or 0, Role.MANAGER, home.id)
    for place, member in enumerate(_STAFF):
        person = await _person(tx, member.name, f"9{place + 1:02}", root, now)
        await people.grant(tx, person.id or 0, member.role)
    await _exceptions(tx, now)


async def _exceptions(tx: Tx, now: datetime) -> None:
    """Somebody on leave, somebody off the boards: boards must cope with both."""
    away, shy = await people.named(tx, ["韩雪松"]), await people.named(tx, ["沈若溪"])
    first = now.date() + timedelta(weeks=_WEEKS)
    await people.add_absence(tx, away[0].id or 0, "leave", first, first + timedelta(days=24), now)
    await people.change(tx, shy[0].id or 0, on_boards=False)


async def _person(tx: Tx, name: str, number: str, home: Department, now: datetime, *, learns: bool = False) -> Person:
    person = Person(name=name, staff_no=f"D{number}", department_id=home.id or 0, learns=learns, created_at=now)
    tx.add(person)
    await tx.flush()
    tx.add(Identity(platform="web", external_id=str(person.id), person_id=person.id or 0))
    await tx.flush()
    return person


async def _campaigns(tx: Tx, desk: Desk, today: date, monday: date, now: datetime) -> None:
    """What ran in the past weeks, what runs now, and one that waits for approval."""
    trainers = {person.name: person.id or 0 for person in await people.named(tx, ["何静", "吴越"])}
    yesterday = today - timedelta(days=1)
    past = CampaignSpec(
        id=PAST, title="合规柔性催收·上期", audience=Audience(everyone=True), track=Track.COLLECTION,
        starts_on=monday, ends_on=yesterday, repeat=True,
    )  # fmt: skip
    unmet = [lesson.id for lesson in desk.catalogue.situations(Track.UNMET)]
    current = CampaignSpec(
        id=DAILY, title="每日一题·无法满足的诉求", audience=Audience(everyone=True), starts_on=today,
        repeat=True, lessons=tuple(sorted(unmet, key=lambda key: (key != _FIRST_LESSON, key))),
    )  # fmt: skip
    draft = CampaignSpec(
        id=DRAFT, title="消保知识·贷后专场", audience=Audience(departments=("贷后管理部",)),
        track=Track.KNOWLEDGE, days=("tue", "thu"), starts_on=today + timedelta(days=7),
    )  # fmt: skip
    for spec in (past, current, draft):
        await campaign_actions.create(tx, spec, "吴越", now, actor_id=trainers["吴越"])
    ended = await rows.get(tx, past.id)
    running = await rows.get(tx, current.id)
    assert ended is not None
    assert running is not None
    await rows.change(tx, ended, status=rows.ENDED, approved_by=trainers["何静"], approved_at=now)
    before_window = desk.calendar.at(today, time(0, 1))
    await campaign_actions.approve(tx, desk, running, "何静", trainers["何静"], before_window)
