"""A robot of a WeCom group (群机器人, 消息推送): words as markdown, a picture as its bytes (WC99110)."""

from __future__ import annotations

import base64
import hashlib
import logging

from bot.core.clock import Clock
from bot.core.errors import Misconfigured, Permanent, StorageBusy, Temporary
from bot.core.log import note
from bot.core.messages import Message
from bot.platforms.base import Payload, PictureOf
from bot.platforms.robot import Meaning, Poster
from bot.platforms.wecom.render import render

MARKDOWN_BYTES = 4096  # longer is refused, not cut (domain-admin #82)
PICTURE_BYTES = 2 * 1024 * 1024

_URL = "核对 JIEHUA_WECOM_ROBOT_URL：群机器人可能已被移除或停用"

CODES: dict[int, Meaning] = {
    -1: Meaning(Temporary, "企业微信系统繁忙"),
    45009: Meaning(Temporary, "发得太快", blocks=60.0),
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
    """Posts into one group. Buttons are left out: nobody in a group can be answered."""

    def __init__(self, url: str, *, clock: Clock, picture_of: PictureOf, timeout: float = 10.0) -> None:
        self._picture_of = picture_of
        self._poster = Poster(url, clock=clock, codes=CODES, timeout=timeout)

    async def start(self) -> None:
        await self._poster.start()

    async def stop(self) -> None:
        await self._poster.stop()

    async def post(self, message: Message) -> None:
        """Raises Permanent, Temporary (with `retry_after`), Misconfigured or Ambiguous."""
        parts = render(message.with_buttons(), cards=False, markdown_bytes=MARKDOWN_BYTES)
        payloads = [await self._ready(payload) for payload in parts]
        await self._poster.post([payload for payload in payloads if payload])

    async def _ready(self, payload: Payload) -> Payload:
        """A payload as the webhook wants it; nothing for a picture that is too large or gone: the words say it too."""
        if payload["msgtype"] != "image":
            return payload
        try:
            png = await self._picture_of(payload["image"]["picture"])
        except StorageBusy as error:
            raise Temporary(str(error), "storage") from error
        if not png or len(png) > PICTURE_BYTES:
            note(logger, "robot.picture", "图片太大或不在了，只发文字", logging.WARNING, bytes=len(png))
            return {}
        image = {"base64": base64.b64encode(png).decode(), "md5": hashlib.md5(png).hexdigest()}
        return {"msgtype": "image", "image": image}
