"""A custom robot of a DingTalk group (自定义机器人), signed with its own secret (DT-A0717, A0702)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.core.clock import Clock
from bot.core.errors import Misconfigured, Permanent, Temporary, TooFast
from bot.core.messages import Message
from bot.platforms.base import Payload, Sent
from bot.platforms.dingtalk.render import PART_BYTES, render
from bot.platforms.dingtalk.sign import signature
from bot.platforms.robot import Meaning, Poster, limits

_URL = "核对 JIEHUA_DINGTALK_ROBOT_URL：群机器人可能已被移除或停用"
_SECURITY = "核对 JIEHUA_DINGTALK_ROBOT_SECRET、服务器时钟，以及群机器人「安全设置」里的关键词和 IP"
_WORDS = "内容没有通过钉钉的审查"

CODES: dict[int, Meaning] = {
    -1: Meaning(Temporary, "钉钉系统繁忙"),
    310000: Meaning(Misconfigured, "群机器人的安全设置不让发", _SECURITY),
    300001: Meaning(Misconfigured, "群机器人的网址不对", _URL),
    400101: Meaning(Misconfigured, "群机器人的网址不对", _URL),
    400102: Meaning(Misconfigured, "群机器人停用了", _URL),
    400105: Meaning(Permanent, "消息类型不对"),
    400106: Meaning(Misconfigured, "群机器人不在群里", _URL),
    410100: Meaning(TooFast, "发得太快，被钉钉停十分钟", blocks=600.0),
    430101: Meaning(Permanent, _WORDS),
    430102: Meaning(Permanent, _WORDS),
    430103: Meaning(Permanent, _WORDS),
    430104: Meaning(Permanent, _WORDS),
    40035: Meaning(Permanent, "参数不对"),
    43004: Meaning(Permanent, "参数不对"),
    460101: Meaning(Permanent, "内容太长"),
}


class DingtalkRobot:
    """One group as a platform: whoever is written to, it is the group. Buttons are left out: nobody in a group can be
    answered."""

    name = "dingtalk_robot"
    title = "钉钉群机器人"
    limits = limits(PART_BYTES)
    repeat_safe = False
    repeat_seconds = 0.0

    def __init__(self, url: str, secret: str, *, clock: Clock, timeout: float = 10.0) -> None:
        self._secret, self._clock = secret, clock
        self._poster = Poster(url, clock=clock, codes=CODES, timeout=timeout)

    async def start(self) -> None:
        await self._poster.start()

    async def stop(self) -> None:
        await self._poster.stop()

    def render(self, message: Message) -> list[Payload]:
        """Words only: their lines say what a picture shows."""
        return render(message.with_buttons())

    def fits_passive(self, _message: Message) -> bool:
        return False

    async def send(self, _recipients: Sequence[str], payload: Payload) -> Sent:
        """Raises Permanent, Temporary (with `retry_after`), Misconfigured or Ambiguous."""
        body = {name: part for name, part in payload.items() if name != "key"}
        await self._poster.post(body, self._signed())
        return Sent()

    def _signed(self) -> Mapping[str, str]:
        """The timestamp and its signature; nothing without a secret, when the group uses keywords or addresses."""
        if not self._secret:
            return {}
        timestamp = str(int(self._clock.now().timestamp() * 1000))
        return {"timestamp": timestamp, "sign": signature(self._secret, timestamp)}
