"""The callbacks WeCom makes: URL verification, messages, events, retries, and reading the bot's passive reply.

WC90930, WC90238 (transport), WC90239, WC90240 (shapes), WC90241 (replies).
"""

from __future__ import annotations

import asyncio
import io
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from xml.etree import ElementTree

import aiohttp

from tests.fakes.handed import handed
from tests.fakes.sealer import Sealer
from tests.fakes.wecom.vendor import Shown, Vendor, cut_bytes

_MAY_BE_ANSWERED = {
    "subscribe", "enter_agent", "location", "click", "view", "view_miniprogram", "scancode_waitmsg",
    "template_card_event", "template_card_menu_event",
}  # fmt: skip


@dataclass(frozen=True)
class Attempt:
    """One sending of a callback: the HTTP status (None: no answer in time), what was wrong, and the reply it carried:
    words for the chat, or the new face of the tapped card."""

    status: int | None
    reply: str | None = None
    face: str | None = None
    problem: str = ""
    seconds: float = 0.0


@dataclass
class Pushed:
    """One message or event from a person, with every sending of it."""

    user: str
    xml: str
    event: str = ""
    task_id: str = ""  # of the tapped card
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        return bool(self.attempts) and self.attempts[-1].status == 200

    @property
    def reply(self) -> str | None:
        """What the response of the last sending said to the person."""
        return self.attempts[-1].reply if self.attempts else None

    @property
    def face(self) -> str | None:
        """What the response of the last sending made of the tapped card."""
        return self.attempts[-1].face if self.attempts else None


class Callbacks:
    """The vendor's side of one callback URL. `sends`, `deadline` and `pause` are knobs (protocols.md H2)."""

    def __init__(self, vendor: Vendor, token: str, aes_key: str) -> None:
        self.vendor, self.aes_key = vendor, aes_key
        self.sealer = Sealer(token, aes_key, vendor.corp_id)
        self.url = ""
        self.sends, self.deadline, self.pause = 3, 5.0, 0.0
        self.repeats_on_status = True  # whether a status other than 200 is sent again, not only silence (H2)
        self.errors: list[str] = []
        self.sealed: list[str] = []  # every ciphertext of both directions
        self._ids = count(7_000_000_000_000_000_001)

    async def verify(self) -> bool:
        """Whether the URL would be saved: the exact plaintext within a second."""
        echo = str(secrets.randbelow(10**19))
        sealed = self.sealer.seal(echo)
        query = self._query(self.sealer, sealed) | {"echostr": sealed}
        timeout = aiohttp.ClientTimeout(total=1)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(self.url, params=query) as response:
            return response.status == 200 and await response.read() == echo.encode()

    def envelope(
        self, xml: str, *, sealed: str = "", sealer: Sealer | None = None, timestamp: int | None = None
    ) -> tuple[dict[str, str], bytes]:
        """Query and body of a callback: fresh random bytes, nonce and timestamp each time; `sealed` overrides."""
        sealer = sealer or self.sealer
        sealed = sealed or sealer.seal(xml)
        self.sealed.append(sealed)
        corp, agent = self.vendor.corp_id, self.vendor.agent_id
        body = (
            f"<xml><ToUserName><![CDATA[{corp}]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt>"
            f"<AgentID><![CDATA[{agent}]]></AgentID></xml>"
        )
        return self._query(sealer, sealed, timestamp), body.encode()

    def _query(self, sealer: Sealer, sealed: str, timestamp: int | None = None) -> dict[str, str]:
        moment, nonce = str(timestamp or int(self.vendor.clock.now().timestamp())), secrets.token_hex(5)
        return {"msg_signature": sealer.sign(moment, nonce, sealed), "timestamp": moment, "nonce": nonce}

    async def post(self, query: Mapping[str, str], body: bytes) -> tuple[int | None, bytes]:
        """One HTTP request to the bot; status None when there was no full answer in time."""
        timeout = aiohttp.ClientTimeout(total=self.deadline)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(
                    self.url, params=query, data=io.BytesIO(body), headers={"Content-Type": "text/xml"}
                ) as response,
            ):
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError):
            return None, b""

    def xml(self, user: str, raw: str, **elements: str | int) -> str:
        """A callback's plaintext from this person; strings are CDATA, numbers are bare, `raw` stands as it is."""
        now = int(self.vendor.clock.now().timestamp())
        head: dict[str, str | int] = {"ToUserName": self.vendor.corp_id, "FromUserName": user, "CreateTime": now}
        rows = (head | elements | {"AgentID": self.vendor.agent_id}).items()
        return "<xml>" + "".join(f"<{name}>{_value(value)}</{name}>" for name, value in rows) + f"{raw}</xml>"

    def message(self, user: str, kind: str, msg_id: int | None, **elements: str | int) -> Pushed:
        number = next(self._ids) if msg_id is None else msg_id
        return Pushed(user, self.xml(user, "", MsgType=kind, **elements, MsgId=number))

    def event(self, user: str, event: str, raw: str = "", **elements: str | int) -> Pushed:
        """Events carry no MsgId (WC90240)."""
        return Pushed(user, self.xml(user, raw, MsgType="event", Event=event, **elements), event=event)

    async def deliver(self, pushed: Pushed, lost: int = 0) -> Pushed:
        """Send until the bot answers 200, at most `sends` times; the first `lost` answers get lost on the way."""
        for number in range(self.sends):
            if number:
                await asyncio.sleep(self.pause)
            attempt = await self._attempt(pushed)
            pushed.attempts.append(attempt)
            if attempt.status == 200 and number >= lost:
                self._take(pushed, attempt)
                break
            if attempt.status not in (200, None) and not self.repeats_on_status:
                break
        return pushed

    async def _attempt(self, pushed: Pushed) -> Attempt:
        started = monotonic()
        status, raw = await self.post(*self.envelope(pushed.xml))
        seconds = monotonic() - started
        if status != 200 or not raw:
            return Attempt(status, seconds=seconds)
        try:
            reply, face = self._opened(pushed, raw)
            return Attempt(status, reply, face, seconds=seconds)
        except (ValueError, ElementTree.ParseError) as error:
            return Attempt(status, problem=f"passive reply: {error}", seconds=seconds)

    def _take(self, pushed: Pushed, attempt: Attempt) -> None:
        """Show what the accepted answer carried."""
        if attempt.problem:
            self.errors.append(attempt.problem)
        elif attempt.reply is not None:
            seen = cut_bytes(attempt.reply)
            shown = Shown(pushed.user, "text", seen, True, self.vendor.clock.now(), cut=seen != attempt.reply)
            self.vendor.shown.append(shown)
        elif attempt.face is not None:
            dealt = self.vendor.cards.of_task(pushed.task_id)
            if dealt is None:
                self.errors.append("passive reply: it changes a card that was never sent")
            else:
                self.vendor.cards.set_face(dealt, pushed.user, attempt.face)

    def _opened(self, pushed: Pushed, raw: bytes) -> tuple[str | None, str | None]:
        """Words and card face of a passive reply, one of them. Raises ValueError for what the vendor would not show."""
        outer = _flat(raw.decode(), ("Encrypt", "MsgSignature", "TimeStamp", "Nonce"))
        self.sealed.append(handed("ciphertext of an answer", outer["Encrypt"]))
        expected = self.sealer.sign(outer["TimeStamp"], outer["Nonce"], outer["Encrypt"])
        if outer["MsgSignature"] != expected:
            raise ValueError("the signature is wrong")
        xml = self.sealer.open(outer["Encrypt"])
        is_text = "<Content>" in xml
        inner = _flat(
            xml, ("ToUserName", "FromUserName", "CreateTime", "MsgType", "Content" if is_text else "Button/ReplaceName")
        )
        if inner["ToUserName"].casefold() != pushed.user.casefold() or inner["FromUserName"] != self.vendor.corp_id:
            raise ValueError("it is addressed wrongly")
        if inner["MsgType"] != ("text" if is_text else "update_button") or not inner["CreateTime"].isdigit():
            raise ValueError("it is neither a text nor a new button")
        if pushed.event and pushed.event.lower() not in _MAY_BE_ANSWERED:
            raise ValueError(f"{pushed.event} cannot be answered")
        if not is_text and not pushed.task_id:
            raise ValueError("there is no card to change")
        words = inner["Content" if is_text else "Button/ReplaceName"]
        if not words.strip():
            raise ValueError("its text is empty")
        return (words, None) if is_text else (None, words)


def selected_items(chosen: Mapping[str, Sequence[str]]) -> str:
    """The SelectedItems of a card event as bare XML; one item is not a list (WC90240)."""
    items = "".join(
        f"<SelectedItem><QuestionKey>{_value(question)}</QuestionKey><OptionIds>"
        + "".join(f"<OptionId>{_value(option)}</OptionId>" for option in options)
        + "</OptionIds></SelectedItem>"
        for question, options in chosen.items()
    )
    return f"<SelectedItems>{items}</SelectedItems>"


def _value(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return "<![CDATA[" + value.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def _flat(xml: str, names: Sequence[str]) -> dict[str, str]:
    """Exactly these elements under <xml>, each once, in any order; one with a / stands under another."""
    if re.search(r"<!(?!\[CDATA\[)", re.sub(r"<!\[CDATA\[.*?\]\]>", "", xml, flags=re.DOTALL)):
        raise ValueError("there is a declaration in it")
    root = ElementTree.fromstring(xml)
    leaves = list(_leaves(root))
    if root.tag != "xml" or sorted(path for path, _ in leaves) != sorted(names):
        raise ValueError(f"its elements are {[path for path, _ in leaves]}")
    return {path: element.text or "" for path, element in leaves}


def _leaves(element: ElementTree.Element, before: str = "") -> Iterator[tuple[str, ElementTree.Element]]:
    for child in element:
        if len(child):
            yield from _leaves(child, f"{before}{child.tag}/")
        else:
            yield before + child.tag, child
