"""One incoming message → one handler → what goes out, in one transaction, serial per person.

The message is stored, answered and what is owed is written down in the same transaction; the vendor hears of it only
after the commit. A vendor's repeat finds the stored answer. A handler that fails leaves the message stored and
unfinished; it is taken up again later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import handlers
from bot.core import messages
from bot.core.clock import Clock
from bot.core.errors import StorageBusy
from bot.core.log import about, note
from bot.core.masking import mask
from bot.core.messages import Button, Incoming, Kind, Message, hint, say
from handlers import clicks, ledger
from handlers.context import Desk, Talk
from handlers.state import State
from lessons.model import Lesson
from storage import chat_lines, conversations, deliveries, inbox, people
from storage.database import Database, Tx
from storage.deliveries import Owed
from storage.models import Inbox, Person, Role

log = logging.getLogger(__name__)

_PASSIVE_SECONDS = 1.5
_MOST_TRIES = 3
_UNFINISHED = timedelta(seconds=20)  # longer than a judge may take
_DRAIN = 8.0
_STORED_CHARACTERS = 6000

Fits = Callable[[str, Message], bool]
"""Whether a platform (by name) can carry a message in the response itself."""


@dataclass(frozen=True)
class Dispatcher:
    """Receives messages of every platform. `wake` is called after a commit that left something to be delivered."""

    database: Database
    desk: Desk
    clock: Clock
    fits: Fits
    wake: Callable[[], None]
    _working: dict[str, asyncio.Task[None]] = field(default_factory=dict)  # by sender

    async def receive(self, incoming: Incoming) -> tuple[Message, ...]:
        """Store and handle one message; returns what the response itself carries.

        Raises StorageBusy when nothing could be stored: the vendor must send it again.
        """
        began = asyncio.get_running_loop().time()
        text = mask(clean(incoming.text))[:_STORED_CHARACTERS]
        sender = f"{incoming.platform}:{incoming.sender}"
        if sender in self._working:  # what they said before is answered first
            await asyncio.wait([self._working[sender]])
        lesson = await self._subject(incoming, text)
        if lesson is not None and self.desk.scorer.slow:
            return await self._store_first(sender, incoming, text, lesson)
        if lesson is not None:
            await self._prepare(lesson, text)
        async with self.database.transaction() as tx:
            row = await inbox.store(tx, incoming, text, self.clock.now(), tries=1)
            if row is None:
                return await self._repeated(tx, incoming, text)
            in_time = asyncio.get_running_loop().time() - began < _PASSIVE_SECONDS
            carried = await self._try(tx, row, passive=incoming.passive and in_time, card=incoming.card)
        self.wake()
        return carried

    async def resume(self) -> int:
        """Take up stored messages that were not finished; returns how many were."""
        async with self.database.reading() as tx:
            rows = await inbox.unfinished(tx, self.clock.now() - _UNFINISHED)
        for found in rows:
            await self._take_up(found.id or 0)
        if rows:
            self.wake()
        return len(rows)

    async def drain(self) -> None:
        """Wait for the answers being worked out; what does not end in time is taken up after the next start."""
        if self._working:
            await asyncio.wait(self._working.values(), timeout=_DRAIN)

    async def _repeated(self, tx: Tx, incoming: Incoming, text: str) -> tuple[Message, ...]:
        """The stored answer; a card that is settled says so when another of its buttons is tapped."""
        known = await inbox.find(tx, incoming.platform, incoming.key)
        note(log, "inbox.repeat", "a repeated message got the stored answer", key=incoming.key)
        carried = messages.load(known.carried) if known else ()
        return (clicks.again(carried, text),) if incoming.card and known and known.text != text else carried

    async def _store_first(self, sender: str, incoming: Incoming, text: str, lesson: Lesson) -> tuple[Message, ...]:
        """Where scoring may take seconds: store the message, tell the vendor that it has arrived, answer later."""
        async with self.database.transaction() as tx:
            row = await inbox.store(tx, incoming, text, self.clock.now())
            if row is None:
                return await self._repeated(tx, incoming, text)
            row_id = row.id or 0
        work = asyncio.create_task(self._answer_later(row_id, lesson, text))
        self._working[sender] = work
        work.add_done_callback(
            lambda done: self._working.pop(sender, None) if self._working.get(sender) is done else None
        )
        return ()

    async def _answer_later(self, row_id: int, lesson: Lesson, text: str) -> None:
        """A message that was stored first; if this breaks off, `resume` takes it up."""
        try:
            await self._prepare(lesson, text)
            await self._take_up(row_id)
        except Exception:
            log.exception("answering later failed", extra={"action": "inbox.failed", "ids": {"inbox": row_id}})
        self.wake()

    async def _take_up(self, row_id: int) -> None:
        async with self.database.transaction() as tx:
            row = await tx.get(Inbox, row_id, with_for_update=True)  # or two replicas would both take it up
            if row is not None and row.status == inbox.NEW:
                row.tries += 1
                await self._try(tx, row, passive=False)

    async def _subject(self, incoming: Incoming, text: str) -> Lesson | None:
        """The lesson that this text probably answers."""
        async with self.database.reading() as tx:
            person = await people.by_identity(tx, incoming.platform, incoming.sender)
            if person is None or person.id is None:
                return None
            state = State.from_data(await conversations.load(tx, person.id))
            return await handlers.subject(self._talk(tx, person, frozenset(), state), incoming.kind, text)

    async def _prepare(self, lesson: Lesson, text: str) -> None:
        """Score a probable answer before the transaction begins, so that no lock is held while scoring.

        The scorer remembers it; when the guess is wrong nothing is lost but the time.
        """
        try:
            await self.desk.scorer.prepare(lesson, text)
        except Exception:  # the message must be stored all the same; the handler meets the fault again
            log.exception("scoring ahead failed", extra={"action": "score.failed", "ids": {"lesson": lesson.id}})

    async def _try(self, tx: Tx, row: Inbox, *, passive: bool, card: str = "") -> tuple[Message, ...]:
        """Handle a stored message inside a savepoint; a failure leaves it stored for later."""
        ids = {"inbox": row.id, "tries": row.tries}  # read now: a savepoint rolled back takes the values with it
        try:
            with about(inbox=row.id):
                async with tx.begin_nested():
                    return await self._handle(tx, row, passive=passive, card=card)
        except (StorageBusy, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("handling a message failed", extra={"action": "inbox.failed", "ids": ids})
            await tx.refresh(row)
            if row.tries >= _MOST_TRIES:
                row.status, row.done_at = inbox.FAILED, self.clock.now()
                person = await people.by_identity(tx, row.platform, row.sender)
                if person is not None:
                    stamp = await ledger.stamp_of(tx, self.desk, person, row.received_at)
                    row.person_id, row.stamp = person.id, stamp
                await self._apologise(tx, row)
            return ()

    async def _handle(self, tx: Tx, row: Inbox, *, passive: bool, card: str) -> tuple[Message, ...]:
        now = self.clock.now()
        person, new = await self._person(tx, row)
        if person is None or person.id is None:
            return await self._finish(tx, row, None, (_stranger(),), now, passive=passive)
        await people.lock(tx, person.id)
        row.person_id, row.stamp = person.id, await ledger.stamp_of(tx, self.desk, person, row.received_at)
        state = State.from_data(await conversations.load(tx, person.id))
        talk = self._talk(tx, person, await people.roles(tx, person.id), state)
        kind = Kind(row.kind)
        if kind is Kind.UNSUBSCRIBE:
            await people.change(tx, person.id, active=False)
        elif not person.active and "active" not in person.held:  # who has left by the sheet is answered and stays gone
            await people.change(tx, person.id, active=True)
        if new and kind is Kind.ENTER:
            kind = Kind.SUBSCRIBE
        face = await clicks.judge(talk, (row.platform, row.sender), card, row.text) if card else None
        if face is not None and face.lines:
            return await self._finish(tx, row, person.id, (face,), now, passive=passive)
        reply = await handlers.respond(talk, Kind.TEXT if kind is Kind.CLICK else kind, row.text)
        if reply.state != state:
            await conversations.save(tx, person.id, reply.state.to_data(), now)
        if reply.forget:
            row.text = ""
            await chat_lines.forget(tx, row.key)  # the local page keeps its own copy
        await deliveries.enqueue(tx, reply.others, now)
        if card:  # the response to a tap has room for the card's new face only
            return await self._finish(tx, row, person.id, reply.messages, now, passive=False, face=face)
        return await self._finish(tx, row, person.id, reply.messages, now, passive=passive)

    def _talk(self, tx: Tx, person: Person, roles: frozenset[Role], state: State) -> Talk:
        return Talk(tx, self.desk, person, roles, state, self.clock.now())

    async def _person(self, tx: Tx, row: Inbox) -> tuple[Person | None, bool]:
        person = await people.by_identity(tx, row.platform, row.sender)
        if person is None and self.desk.settings.enrol == "auto":
            await people.lock_new(tx)
            person = await people.by_identity(tx, row.platform, row.sender)  # their other message may have been faster
        if person is not None or self.desk.settings.enrol == "refuse":
            return person, False
        return await people.enrol(tx, row.platform, row.sender, self.clock.now()), True

    async def _finish(
        self,
        tx: Tx,
        row: Inbox,
        person_id: int | None,
        answer: tuple[Message, ...],
        now: datetime,
        *,
        passive: bool,
        face: Message | None = None,
    ) -> tuple[Message, ...]:
        """Write down what is owed; the first message goes back in the response when it fits, or a card's face does."""
        carried = answer[:1] if passive and answer and self.fits(row.platform, answer[0]) else ()
        rest = answer[len(carried) :]
        later = now + timedelta(seconds=1) if carried else now
        owed = [
            Owed(f"answer:{row.id}:{number}", person_id or 0, "answer", message, later)
            for number, message in enumerate(rest)
        ]
        await deliveries.enqueue(tx, owed, now, address=(row.platform, row.sender))
        carried = carried if face is None else (face,)
        row.status, row.done_at, row.carried = inbox.DONE, now, messages.dump(carried)
        return carried

    async def _apologise(self, tx: Tx, row: Inbox) -> None:
        message = say(
            "刚才那条没处理成，已经记下来请人看。",
            "你的话没有丢，稍后再发一次就好。",
            buttons=(Button("帮助", "帮助"),),
        )
        owed = Owed(f"answer:{row.id}:sorry", row.person_id or 0, "answer", message, self.clock.now())
        await deliveries.enqueue(tx, [owed], self.clock.now(), address=(row.platform, row.sender))


def clean(text: str) -> str:
    """A text that can be stored: no lone surrogates, no NUL and other control characters but line breaks."""
    sound = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(char for char in sound if char in "\n\t" or ord(char) >= 32)


def _stranger() -> Message:
    return say("还没有你的档案，请联系管理员把你加进来。", hint("加好之后直接发“帮助”就能开始。"))


class Parked:
    """Messages that could not be stored because the database was away; kept in memory and tried again.

    The vendor was told to send them again as well; the unique key makes the second arrival harmless.
    """

    def __init__(self, receive: Callable[[Incoming], Awaitable[tuple[Message, ...]]], most: int = 10_000) -> None:
        self._receive = receive
        self._most = most
        self._waiting: dict[tuple[str, str], Incoming] = {}

    async def receive(self, incoming: Incoming) -> tuple[Message, ...]:
        """Like the dispatcher's, but a message that cannot be stored now is kept before StorageBusy goes on."""
        try:
            answer = await self._receive(incoming)
        except StorageBusy:
            room = len(self._waiting) < self._most
            if room:
                self._waiting[incoming.platform, incoming.key] = replace(incoming, passive=False)
            where = "a message waits in memory" if room else "no room to keep a message, the vendor must repeat it"
            note(log, "inbox.parked", f"the database is busy; {where}", logging.WARNING, waiting=len(self._waiting))
            raise
        self._waiting.pop((incoming.platform, incoming.key), None)
        return answer

    @property
    def waiting(self) -> int:
        """How many messages are kept."""
        return len(self._waiting)

    async def retry(self) -> int:
        """Try the parked messages again; returns how many are left."""
        for key, incoming in list(self._waiting.items()):
            try:
                await self._receive(incoming)
            except StorageBusy:
                break
            except Exception:  # it stays, and must not keep the others waiting
                log.exception("a parked message failed", extra={"action": "inbox.failed", "ids": {"key": incoming.key}})
                continue
            self._waiting.pop(key, None)
        return len(self._waiting)
