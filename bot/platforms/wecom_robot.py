"""A robot of a WeCom group (群机器人, 消息推送): words as markdown, a picture as its bytes (WC99110)."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Sequence

from bot.core.clock import Clock
from bot.core.errors import Misconfigured, Permanent, StorageBusy, Temporary, TooFast
from bot.core.log import note
from bot.core.messages import Message
from bot.platforms.base import Payload, PictureOf, Sent
from bot.platforms.robot import Meaning, Poster, limits
from bot.platforms.wecom.render import render

MARKDOWN_BYTES = 4096  # longer is refused, not cut (domain-admin #82)
PICTURE_BYTES = 2 * 1024 * 1024

_URL = "核对 JIEHUA_WECOM_ROBOT_URL：群机器人可能已被移除或停用"

CODES: dict[int, Meaning] = {
    -1: Meaning(Temporary, "企业微信系统繁忙"),
    45009: Meaning(TooFast, "发得太快", blocks=60.0),
    45033: Meaning(Temporary, "同时调用太多"),
    93000: Meaning(Misconfigured, "群机器人的网址不对，或机器人已被移除", _URL),
    93004: Meaning(Misconfigured, "群机器人停用了", _URL),
    93008: Meaning(Misconfigured, "群机器人不在群里", _URL),
    93017: Meaning(Permanent, "内容是空的"),
    93018: Meaning(Permanent, "图片太大"),
    93019: Meaning(Misconfigured, "群机器人的编号不对", _URL),
    40008: Meaning(Permanent, "消息类型不对"),
    40058: Meaning(Permanent, "参数不对或内容太长"),
    44004: Meaning(Permanent, "文字是空的"),
    45002: Meaning(Permanent, "内容太长"),
}

logger = logging.getLogger(__name__)


class WecomRobot:
    """One group as a platform: whoever is written to, it is the group. Buttons are left out: nobody in a group can be
    answered."""

    name = "wecom_robot"
    title = "企业微信群机器人"
    limits = limits(MARKDOWN_BYTES)
    repeat_safe = False
    repeat_seconds = 0.0

    def __init__(self, url: str, *, clock: Clock, picture_of: PictureOf, timeout: float = 10.0) -> None:
        self._picture_of = picture_of
        self._poster = Poster(url, clock=clock, codes=CODES, timeout=timeout)

    async def start(self) -> None:
        await self._poster.start()

    async def stop(self) -> None:
        await self._poster.stop()

    def render(self, message: Message) -> list[Payload]:
        """Words, then the picture as {"picture": id} until it is sent: each is a call of its own."""
        return render(message.with_buttons(), cards=False, markdown_bytes=MARKDOWN_BYTES)

    def fits_passive(self, _message: Message) -> bool:
        return False

    async def send(self, _recipients: Sequence[str], payload: Payload) -> Sent:
        """Raises Permanent, Temporary (with `retry_after`), Misconfigured or Ambiguous. Nothing is sent for a picture
        that is too large or gone: the words say it too."""
        body = {name: part for name, part in payload.items() if name != "key"}
        if body["msgtype"] == "image":
            png = await self._png(body["image"]["picture"])
            if not png:
                return Sent()
            image = {"base64": base64.b64encode(png).decode(), "md5": hashlib.md5(png).hexdigest()}
            body = {"msgtype": "image", "image": image}
        await self._poster.post(body)
        return Sent()

    async def _png(self, picture: int) -> bytes:
        """A stored picture, empty when the webhook would not take it."""
        try:
            png = await self._picture_of(picture)
        except StorageBusy as error:
            raise Temporary(str(error), "storage") from error
        if png and len(png) <= PICTURE_BYTES:
            return png
        note(logger, "robot.picture", "图片太大或不在了，只发文字", logging.WARNING, bytes=len(png))
        return b""
