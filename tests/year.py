"""A bot at work for days or a whole year under a clock that jumps, with a vendor that fails; a seed decides the rest.

The tick, the courier, the chat commands and SQLite are the real ones. What is believed about working time is worked
out again from `tests/almanac.py`, at the very moment the vendor takes a message.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from sqlmodel import col, select

from bot import app
from bot.config import Settings
from bot.core.clock import SHANGHAI, ManualClock
from bot.core.errors import Ambiguous, Temporary
from bot.core.messages import Incoming, Kind, Message, say
from bot.delivery import Courier
from bot.delivery.turns import turns_of
from bot.library import ContentLibrary
from bot.platforms.base import Limits, Payload, Sent
from handlers.context import Desk
from lessons.campaign import Window
from storage import deliveries, people
from storage.database import Database
from storage.deliveries import Owed
from storage.models import Delivery, Identity, Inbox, Role
from tests import almanac
from tests.chat import World

SHIFTS = ((time(6), time(14)), (time(9), time(18)), (time(14), time(22)))
LESSONS = ("unmet-interest-waiver", "unmet-marketing-calls", "unmet-historic-records")
EDGES = ("05:59", "06:07", "09:12", "09:29", "11:58", "12:00", "13:29", "13:36", "13:59", "17:59", "18:00", "21:59")
REPLY = "您先别急，我这就帮您查这笔费用，十分钟内给您回电说清楚。"


@dataclass
class Worker:
    """Somebody as the test knows them: what they told the bot about their days."""

    id: int
    shift: tuple[time, time]
    away: list[tuple[str, date, date | None]] = field(default_factory=list)


@dataclass(frozen=True)
class Accepted:
    """One message as the vendor took it for one person, and how that moment stood to their working time."""

    who: str
    batch: str
    text: str
    standing: str
    at: datetime


@dataclass
class Vendor:
    """Accepts, is down, or accepts without saying so; a repeat of the same call shows nothing a second time."""

    clock: ManualClock
    dice: random.Random
    workers: dict[str, Worker] = field(default_factory=dict)
    name: str = "vendor"
    limits: Limits = Limits(1_000_000, 3, 1_000_000.0, person_per_minute=600, person_per_hour=10_000)
    repeat_safe: bool = True
    repeat_seconds: float = 3 * 3600.0
    down_until: datetime | None = None
    known: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)
    log: list[Accepted] = field(default_factory=list)

    def render(self, message: Message) -> list[Payload]:
        return [{"text": message.plain}]

    async def send(self, recipients: Sequence[str], payload: Payload) -> Sent:
        now, call = self.clock.now(), (payload["key"], tuple(recipients))
        down = self.down_until is not None and now < self.down_until
        if down and self.dice.random() < 0.8:
            raise Temporary("down")
        if call not in self.known:
            self.known[call] = f"m{len(self.known)}"
            batch = payload["key"].rpartition(".")[0]
            for who in recipients:
                worker = self.workers[who]
                found = almanac.standing(now, worker.shift, worker.away)
                self.log.append(Accepted(who, batch, payload["text"], found, now))
        if down:
            raise Ambiguous("no answer")
        return Sent(self.known[call])

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass
class Life:
    """The bot, its people and the dice."""

    world: World
    vendor: Vendor
    courier: Courier
    dice: random.Random
    workers: list[Worker] = field(default_factory=list)
    replies: int = 0

    @classmethod
    async def begin(cls, database: Database, opened: tuple[ContentLibrary, Desk], first: date, seed: int) -> Life:
        dice, clock = random.Random(seed), ManualClock(datetime.combine(first, time(0, 20), tzinfo=SHANGHAI))
        settings = replace(Settings(), rest_after=20)
        library, desk = opened
        program = app.build(settings, clock, database, (library, replace(desk, settings=settings)))
        vendor = Vendor(clock, dice)
        courier = Courier(database, {vendor.name: vendor}, clock, turns_of(database), gate=program.courier.gate)
        life = cls(World(program, database, clock), vendor, courier, dice)
        for number, shift in enumerate((*SHIFTS, *SHIFTS, SHIFTS[1])):
            await life.hire(number, shift)
        return life

    async def hire(self, number: int, shift: tuple[time, time]) -> None:
        roles = (Role.MANAGER,) if number == 6 else ()
        friend = await self.world.person(
            f"员工{number}", f"{number % 3}组", *roles, shift_start=shift[0], shift_end=shift[1]
        )
        worker = Worker(friend.id, shift)
        async with self.world.database.transaction() as tx:
            identity = (await tx.scalars(select(Identity).where(Identity.person_id == friend.id))).one()
            identity.platform = self.vendor.name
        self.workers.append(worker)
        self.vendor.workers[str(friend.id)] = worker

    async def campaign(self, day: date) -> None:
        """One that asks every day from `day` on, in a window of its own."""
        start = self.dice.randrange(0, 22 * 60)
        end = start + self.dice.randrange(2, 90)
        window = Window(start=_clock(start), end=_clock(end))
        deadline = _clock(min(end + self.dice.randrange(30, 700), 23 * 60 + 58))
        await self.world.campaign(
            *LESSONS, repeat=True, starts_on=day, ends_on=day + timedelta(days=60), window=window, deadline=deadline,
            reminders=(),
        )  # fmt: skip

    async def says(self, worker: Worker, text: str) -> None:
        self.replies += 1
        incoming = Incoming(self.vendor.name, str(worker.id), f"in{self.replies}", Kind.TEXT, text)
        await self.world.program.dispatcher.receive(incoming)

    async def chance(self) -> None:
        """What may happen at any moment: words, leave, a pause, another shift, a notice, the vendor down."""
        worker, today, now = self.dice.choice(self.workers), self.world.today, self.world.clock.now()
        match self.dice.randrange(20):
            case 0 | 1 | 2:
                await self.says(worker, self.dice.choice([REPLY, "话术 退费", "我的"]))
            case 4:
                days = self.dice.randrange(1, 6)
                word, kind = self.dice.choice([("请假", "leave"), ("暂停", "pause")])
                await self.says(worker, f"{word} {days}天")
                worker.away = [(kind, today, today + timedelta(days=days - 1))]
            case 5:
                await self.says(worker, "恢复")
                worker.away = []
            case 6:
                worker.shift = self.dice.choice(SHIFTS)
                async with self.world.database.transaction() as tx:
                    start, end = worker.shift
                    await people.change(tx, worker.id, shift_start=start, shift_end=end)
            case 7:
                owed = Owed(f"notice:{now.isoformat()}", worker.id, "notice", say(f"通知 {now.isoformat()}"), now)
                async with self.world.database.transaction() as tx:
                    await deliveries.enqueue(tx, [owed], now)
            case 8:
                length = self.dice.choice([0.02, 0.5, 3, 20])
                self.vendor.down_until = now + timedelta(hours=length * self.dice.random())

    async def day(self, day: date, looks: int) -> None:
        """One day, looked at so many times: when something changes in the shifts, and one time by chance."""
        edges = [60 * int(edge[:2]) + int(edge[3:]) for edge in self.dice.sample(EDGES, looks - 1)]
        for minute in sorted({self.dice.randrange(1, 1439), *edges}):
            moment = datetime.combine(day, time(), tzinfo=SHANGHAI) + timedelta(minutes=minute)
            self.world.clock.set(max(moment, self.world.clock.now()))
            await self.chance()
            await self.world.program.ticker.run_once()
            while await self.courier.run_once():
                pass

    async def check(self) -> Counter[str]:
        """Everything the vendor took lay where it may, once, and carries the right stamp; returns kinds by count."""
        async with self.world.database.reading() as tx:
            rows = list(await tx.scalars(select(Delivery)))
            inbox = list(await tx.scalars(select(Inbox).where(col(Inbox.stamp) == "")))
        assert not inbox, "every reply is stamped"
        by_call: dict[tuple[str, str | None], list[Delivery]] = {}
        for row in rows:
            by_call.setdefault((row.recipient, row.batch), []).append(row)
        seen: Counter[int | None] = Counter()
        kinds: Counter[str] = Counter()
        for taken in self.vendor.log:
            (row,) = by_call[taken.who, taken.batch]
            seen[row.id] += 1
            kinds[row.kind] += 1
            asked = row.kind == "answer" and taken.standing != "inside"
            assert asked or taken.standing == "inside", (row.kind, taken)
            to_repeat = row.status == "due" and row.owner is not None  # nobody knows yet; the same call comes again
            assert to_repeat or row.status in {"sent", "unknown"}, (row.status, taken)
            if row.kind != "answer" or row.tries == 1:  # a repeated answer has the stamp of its last call
                assert row.stamp == (f"asked-{taken.standing}" if asked else "inside"), taken
        assert set(seen.values()) <= {1}, "nothing is shown twice"
        assert all(seen[row.id] for row in rows if row.status == "sent"), "what is called sent was taken"
        assert not [row.error for row in rows if row.status == "failed"]
        return kinds


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
