"""工时: the working-time ledger (工时清白账), how what was sent and written stands to people's working time.

Counts only, never a name. Every message carries the stamp it got when it happened; nothing is worked out afterwards.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from bot.core.messages import Line, Message, hint, say, strong, warn
from handlers import hours
from handlers.context import Desk, Reply, Talk
from handlers.hours import House
from storage import hours as times
from storage import ledger, people
from storage.database import Tx
from storage.models import Person, Role

REASONS = {
    hours.QUIET: "午间免打扰",
    hours.OUTSIDE: "班次之外",
    hours.FREE: "休息日",
    hours.PAUSE: "暂停",
    hours.LEAVE: "请假",
}
"""Why a push would not lie inside working time, in the order they are listed."""

_KINDS = {
    "challenge": "题目",
    "reminder": "提醒",
    "board": "周榜",
    "notice": "通知",
    "alarm": "运维告警",
    "care": "关怀提醒",
}
_MONTH = re.compile(r"^(?:(\d{4})\s*[-/.年]\s*)?(\d{1,2})\s*月?$")


async def stamp_of(tx: Tx, desk: Desk, person: Person, moment: datetime) -> str:
    """The stamp of what a person wrote at `moment`."""
    known = await times.of(tx, person, desk.calendar.today(moment) - timedelta(days=1))
    return hours.stamp(House.of(desk), known.awake, moment, asked=True)


@dataclass
class Account:
    """One department's month, or several departments' together. The counters are by stamp."""

    pushes: Counter[str] = field(default_factory=Counter)
    on_call: Counter[str] = field(default_factory=Counter)
    replies: Counter[str] = field(default_factory=Counter)
    unsure: int = 0
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)  # (stamp, kind) of pushes that were not inside

    def add(self, counts: Iterable[ledger.Count]) -> None:
        for each in counts:
            if each.kind == "reply":
                self.replies[each.stamp] += each.messages
            elif each.kind in hours.ON_CALL:
                self.on_call[each.stamp] += each.messages
            else:
                self.pushes[each.stamp] += each.messages
                self.unsure += each.messages if each.unsure else 0
                if each.stamp in REASONS:
                    self.kinds[each.stamp, each.kind] += each.messages

    @property
    def sent(self) -> int:
        """Pushes that carry a stamp."""
        return self.pushes.total() - self.unstamped

    @property
    def unstamped(self) -> int:
        return self.pushes[""]

    @property
    def exceptions(self) -> int:
        return sum(self.pushes[reason] for reason in REASONS)

    @property
    def written(self) -> int:
        """Replies that carry a stamp."""
        return self.replies.total() - self.replies[""]

    @property
    def asked(self) -> int:
        """What people wrote outside working time, by themselves."""
        return self.written - self.replies[hours.INSIDE]


def month_of(words: str, today: date) -> date | None:
    """The first day of 2026-11, 2026年11月, 11月, 上月 or of this month; None when it cannot be read.

    A month without a year is the latest of that name that has begun.
    """
    words = words.strip()
    if words in {"", "本月", "这个月"}:
        return today.replace(day=1)
    if words in {"上月", "上个月"}:
        return (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    found = _MONTH.match(words)
    if found is None or not 1 <= int(found[2]) <= 12:
        return None
    year, month = int(found[1] or today.year), int(found[2])
    if found[1] is None and month > today.month:
        year -= 1
    return date(year, month, 1) if 2000 <= year <= 2100 else None


async def month(tx: Tx, desk: Desk, first: date, department_ids: Collection[int] | None = None) -> dict[int, Account]:
    """The account of each department with any message in the month that begins on `first`."""
    until = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    span = desk.calendar.at(first, time()), desk.calendar.at(until, time())
    found: dict[int, Account] = {}
    counts = [*await ledger.pushes(tx, *span, department_ids), *await ledger.replies(tx, *span, department_ids)]
    for each in counts:
        found.setdefault(each.department_id, Account()).add([each])
    return found


def together(accounts: Iterable[Account]) -> Account:
    whole = Account()
    for each in accounts:
        for name in ("pushes", "on_call", "replies", "kinds"):
            getattr(whole, name).update(getattr(each, name))
        whole.unsure += each.unsure
    return whole


def proof(account: Account, first: date) -> str:
    """One sentence that may be read out as it is."""
    name = f"{first.year} 年 {first.month} 月"
    if not account.sent:
        return f"{name}没有推送。"
    if not account.exceptions:
        return f"{name}推送 {account.sent} 条，全部在收信人的工作时间内。"
    return f"{name}推送 {account.sent} 条，其中 {account.exceptions} 条不在收信人的工作时间内，原因如上，需要查明。"


async def report(talk: Talk, words: str) -> Reply:
    """工时 [月份]: compliance sees everybody, managers their departments."""
    first = month_of(words, talk.today)
    if first is None:
        return Reply((say("哪个月？打“工时 11月”或“工时 2026-10”，只打“工时”看本月。"),), talk.state)
    scope = None if Role.COMPLIANCE in talk.roles else await people.managed_by(talk.tx, talk.person_id)
    accounts = await month(talk.tx, talk.desk, first, scope)
    tree = await people.departments(talk.tx)
    names = {key: tree[key].name for key in accounts if key in tree}
    return Reply((statement(accounts, names, first),), talk.state)


def statement(accounts: dict[int, Account], names: dict[int, str], first: date) -> Message:
    """A month in the chat: the whole, what stands out, each department in a line, the proof."""
    whole = together(accounts.values())
    lines: list[Line] = [strong(f"推送 {whole.sent} 条，工作时间内 {whole.pushes[hours.INSIDE]} 条")]
    listed = [(reason, pair, count) for reason in REASONS for pair, count in whole.kinds.items() if pair[0] == reason]
    lines += [warn(f"{REASONS[reason]}：{_KINDS.get(pair[1], pair[1])} {count} 条") for reason, pair, count in listed]
    lines.append(Line(f"来信 {whole.written} 条，工作时间外自己来的 {whole.asked} 条"))
    if len(accounts) > 1:
        lines += [
            _line(names.get(key, "已撤的部门"), accounts[key]) for key in sorted(accounts, key=names.__contains__)
        ]
    lines.append(strong(proof(whole, first)))
    lines += [hint(text) for text in _notes(whole)]
    return say(*lines, title=f"工时账｜{first.year} 年 {first.month} 月")


def _line(name: str, account: Account) -> Line:
    text = f"{name}：推送 {account.sent}，例外 {account.exceptions}，来信 {account.written}"
    return warn(text) if account.exceptions else Line(text)


def _notes(account: Account) -> list[str]:
    found = ["下班后自己来练、来查的，回复随问随到，不算推送。"]
    if account.on_call:
        outside = account.on_call.total() - account.on_call[hours.INSIDE] - account.on_call[""]
        found.append(f"值守消息（运维告警、关怀提醒）{account.on_call.total()} 条，工作时间外 {outside} 条，不等上班。")
    if account.unsure:
        found.append(f"其中 {account.unsure} 条不确定是否送达，按已发出算。")
    if account.unstamped:
        found.append(f"另有 {account.unstamped} 条是记账以前发的，没有盖章，不在上面。")
    return found
