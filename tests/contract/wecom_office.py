"""The whole bot behind WeCom's callback without its loops: a test says when things are sent, and may restart it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from bot import app, config
from bot.core.clock import ManualClock
from bot.library import ContentLibrary
from bot.platforms.base import OnContact
from bot.platforms.wecom import Wecom
from bot.web.callbacks import WECOM_DEADLINE
from handlers.context import Desk
from lessons.model import Knowledge
from storage import people
from storage.database import Database
from storage.models import Delivery, Identity, Person, Role
from tests.chat import World
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.bot import serving

Opened = tuple[ContentLibrary, Desk]


@dataclass
class Office:
    """The bot, the vendor it talks to, and what stands in its database."""

    world: World
    fake: FakeWecom

    @property
    def wecom(self) -> Wecom:
        wire = self.world.program.platforms["wecom"]
        assert isinstance(wire, Wecom)
        return wire

    async def deliver(self) -> None:
        """Send all that is due."""
        while await self.world.program.courier.run_once():
            pass

    async def says(self, user: str, text: str, **how: Any) -> None:
        pushed = await self.fake.push_text(user, text, **how)
        assert pushed.accepted
        self.fake.advance(2)
        await self.deliver()

    async def join(self, *users: str, role: Role | None = None) -> None:
        for user in users:
            await self.fake.subscribe(user)
            await self.deliver()
            if role is not None:
                async with self.world.database.transaction() as tx:
                    person = await people.by_identity(tx, "wecom", user.casefold())
                    assert person is not None
                    await people.grant(tx, person.id or 0, role)

    async def count(self, table: type) -> int:
        async with self.world.database.reading() as tx:
            return int(await tx.scalar(select(func.count()).select_from(table)) or 0)

    async def deliveries(self, kind: str) -> list[Delivery]:
        async with self.world.database.reading() as tx:
            query = select(Delivery).where(Delivery.kind == kind).order_by(col(Delivery.id))
            return list((await tx.scalars(query)).all())

    async def person(self, user: str) -> Person:
        async with self.world.database.reading() as tx:
            query = select(Person).join(Identity, col(Identity.person_id) == col(Person.id))
            return (await tx.scalars(query.where(Identity.external_id == user.casefold()))).one()

    def choice(self) -> Knowledge:
        """A choice question of the content."""
        lessons = self.world.program.desk.catalogue.lessons.values()
        return next(lesson for lesson in lessons if isinstance(lesson, Knowledge))


@asynccontextmanager
async def office_of(
    fake: FakeWecom,
    database: Database,
    opened: Opened,
    clock: ManualClock,
    *,
    deadline: float = WECOM_DEADLINE,
    on_contact: OnContact | None = None,
    **environment: str,
) -> AsyncIterator[Office]:
    """A freshly started bot; leaving the block is its end, on the same database another one is its restart."""
    settings = config.read(fake.environment() | environment)
    library, desk = opened
    program = app.build(settings, clock, database, (library, replace(desk, settings=settings)))
    office = Office(World(program, database, clock), fake)
    async with AsyncExitStack() as stack:
        await office.wecom.start()
        stack.push_async_callback(office.wecom.stop)
        alarm = program.courier.alarm
        await stack.enter_async_context(
            serving(fake, office.wecom, program.parked.receive, deadline=deadline, alarm=alarm, on_contact=on_contact)
        )
        yield office
