"""Chat with the bot in a test: `await alice.says("…")`, `alice.hears("…")`, `await world.at("09:30")`."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from bot import app
from bot.config import Settings
from bot.core.clock import ManualClock
from bot.core.messages import Incoming, Kind, Message
from bot.library import ContentLibrary
from handlers import campaigns as actions
from handlers.context import Desk
from lessons.campaign import Audience, CampaignSpec
from storage import campaigns as campaign_rows
from storage import chat_lines, people
from storage.database import Database
from storage.models import Identity, Person, Role

LESSON = "unmet-refund-all-fees"
_STEP = timedelta(minutes=29)


@dataclass
class Friend:
    """One person at the local chat; `heard` is what came since they last spoke."""

    world: World
    id: int
    name: str
    seen: int = 0
    heard: list[Message] = field(default_factory=list)

    async def says(self, text: str, *, key: str | None = None) -> list[Message]:
        """Type a text and read what comes back."""
        return await self.does(Kind.TEXT, text, key=key)

    async def does(self, kind: Kind, text: str = "", *, key: str | None = None) -> list[Message]:
        await self.reads()
        incoming = Incoming("web", str(self.id), key or f"{self.id}:{next(self.world.keys)}", kind, text)
        await self.world.program.parked.receive(incoming)
        await self.world.program.dispatcher.drain()
        return await self.reads()

    async def reads(self) -> list[Message]:
        """Take everything that arrived since last time."""
        async with self.world.sending:  # or what another has taken up would not have arrived yet
            while await self.world.program.courier.run_once():
                pass
        async with self.world.database.reading() as tx:
            rows = await chat_lines.after(tx, self.id, self.seen, 500)
        self.seen = max([self.seen, *(row.id or 0 for row in rows)])
        self.heard = [Message.from_json(row.message) for row in rows if not row.mine]
        return self.heard

    def hears(self, *words: str) -> str:
        """Every one of `words` stands in what was heard; returns it all as text."""
        text = self.text
        for word in words:
            assert word in text, f"{self.name} should have heard {word!r}, but heard:\n{text or '(nothing)'}"
        return text

    def hears_not(self, *words: str) -> None:
        for word in words:
            assert word not in self.text, f"{self.name} should not have heard {word!r}, but heard:\n{self.text}"

    def hears_nothing(self) -> None:
        assert not self.heard, f"{self.name} should have heard nothing, but heard:\n{self.text}"

    @property
    def text(self) -> str:
        return "\n\n".join(message.plain for message in self.heard)

    @property
    def buttons(self) -> list[str]:
        """What the buttons of the last message say."""
        return [button.says for button in self.heard[-1].buttons] if self.heard else []


@dataclass
class World:
    """A whole bot on one database with a clock that the test moves."""

    program: app.Program
    database: Database
    clock: ManualClock
    keys: Any = field(default_factory=itertools.count)
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def build(
        cls, database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock, **settings: Any
    ) -> World:
        wanted = replace(Settings(), web_chat=True, **settings)
        library, desk = opened
        program = app.build(wanted, clock, database, (library, replace(desk, settings=wanted)))
        return cls(program, database, clock)

    async def person(
        self, name: str, department: str = "客服中心", *roles: Role, learns: bool = True, **columns: Any
    ) -> Friend:
        """Somebody new at the local chat."""
        async with self.database.transaction() as tx:
            home = await people.department_named(tx, department)
            row = Person(
                name=name, department_id=home.id or 0, learns=learns, created_at=self.clock.now(),
                staff_no=f"T{next(self.keys)}", **columns,
            )  # fmt: skip
            tx.add(row)
            await tx.flush()
            tx.add(Identity(platform="web", external_id=str(row.id), person_id=row.id or 0))
            for role in roles:
                await people.grant(tx, row.id or 0, role, home.id if role is Role.MANAGER else None)
        return Friend(self, row.id or 0, name)

    async def campaign(self, *lessons: str, **values: Any) -> CampaignSpec:
        """A running campaign for everybody from today on."""
        spec = CampaignSpec(
            id=values.pop("id", f"c{next(self.keys)}"),
            title="练习",
            audience=values.pop("audience", Audience(everyone=True)),
            lessons=lessons,
            starts_on=values.pop("starts_on", self.today),
            **values,
        )
        trainer = await self.person(f"培训师{next(self.keys)}", "培训部", Role.TRAINER, learns=False)
        async with self.database.transaction() as tx:
            row = await actions.create(tx, spec, "测试", self.clock.now())
            desk = self.program.desk
            refusal = await actions.approve(tx, desk, row, trainer.name, trainer.id, self.clock.now())
            assert refusal is None, refusal
            assert (await campaign_rows.get(tx, spec.id)) is not None
        return spec

    @property
    def today(self) -> date:
        return self.program.desk.calendar.today(self.clock.now())

    async def at(self, clock: str, day: date | None = None) -> None:
        """Let time pass, ticking every few minutes, up to a local time of today or of a later day."""
        hour, minute = map(int, clock.split(":"))
        target = self.program.desk.calendar.at(day or self.today, time(hour, minute))
        assert target >= self.clock.now(), f"{target} lies behind {self.clock.now()}"
        while self.clock.now() < target:
            self.clock.set(min(self._later(), target))
            await self.tick()

    def _later(self) -> datetime:
        """A few minutes on; hours nobody works in are passed in one step."""
        calendar, now = self.program.desk.calendar, self.clock.now()
        if calendar.local(now).time() < time(22, 5):
            return now + _STEP
        return calendar.at(self.today + timedelta(days=1), time(7, 55))

    async def tick(self) -> None:
        await self.program.ticker.run_once()
        while await self.program.courier.run_once():
            pass

    async def jump(self, moment: datetime) -> None:
        """Move the clock without any tick in between, as if the bot had been off."""
        self.clock.set(moment)
        await self.tick()
