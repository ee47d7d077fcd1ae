"""The wires to the vendors, made from the settings: one function for each platform, and one for those that are on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.config import Settings
from bot.core.clock import Clock
from bot.core.meters import Meters
from bot.delivery.turns import SPARE, Turns, another
from bot.platforms.base import DEAF, Alarm, Ear, PictureOf, Platform, Turn, at_once
from bot.platforms.measured import Heard
from bot.platforms.tokens import TokenStore
from bot.platforms.web import WebChat
from storage import settings as stored
from storage.database import Database
from storage.tokens import StoredTokens

if TYPE_CHECKING:
    from bot.platforms.dingtalk import DingTalk
    from bot.platforms.wecom import Wecom


def platforms_of(
    settings: Settings, clock: Clock, database: Database, alarm: Alarm, turns: Turns, meters: Meters
) -> dict[str, Platform]:
    """The wires that are switched on."""
    platforms: dict[str, Platform] = {}
    if settings.web_chat:
        platforms["web"] = WebChat(database, clock)
    if settings.wecom_on:
        platforms["wecom"] = wecom_of(settings, clock, database, alarm, turns=turns, ear=Heard("wecom", meters))
    if settings.dingtalk_on:
        platforms["dingtalk"] = dingtalk_of(settings, clock, database, turns=turns, ear=Heard("dingtalk", meters))
    return platforms | _robots(settings, clock, database)


def dingtalk_of(
    settings: Settings,
    clock: Clock,
    database: Database,
    tokens: TokenStore | None = None,
    turns: Turns | None = None,
    ear: Ear = DEAF,
) -> DingTalk:
    """The DingTalk robot of the settings, not started; its token is shared through the database or `tokens`."""
    from bot.platforms.dingtalk import Account, DingTalk  # here: its crypto library is slow to import

    account = Account(
        settings.dingtalk_client_id,
        settings.dingtalk_client_secret,
        settings.dingtalk_robot_code,
        settings.dingtalk_api,
        settings.dingtalk_old_api,
        settings.dingtalk_card_template,
        settings.dingtalk_session_reply,
        settings.dingtalk_tap_links,
        settings.dingtalk_event_token,
        settings.dingtalk_event_aes_key,
    )
    turn = _turn(database, turns, "dingtalk", DingTalk.limits.calls_per_second)
    return DingTalk(account, clock=clock, tokens=tokens or StoredTokens(database), turn=turn, ear=ear)


def _robots(settings: Settings, clock: Clock, database: Database) -> dict[str, Platform]:
    """The robots of groups, named as in `settings.groups`."""
    robots: dict[str, Platform] = {}
    if settings.wecom_robot_url:
        from bot.platforms.wecom_robot import WecomRobot

        robots["wecom_robot"] = WecomRobot(settings.wecom_robot_url, clock=clock, picture_of=_pictures(database))
    if settings.dingtalk_robot_url:
        from bot.platforms.dingtalk_robot import DingtalkRobot

        url, secret = settings.dingtalk_robot_url, settings.dingtalk_robot_secret
        robots["dingtalk_robot"] = DingtalkRobot(url, secret, clock=clock)
    return robots


def _pictures(database: Database) -> PictureOf:
    async def picture_of(picture_id: int) -> bytes:
        async with database.reading() as tx:
            return await stored.picture(tx, picture_id) or b""

    return picture_of


def wecom_of(
    settings: Settings,
    clock: Clock,
    database: Database,
    alarm: Alarm | None = None,
    tokens: TokenStore | None = None,
    turns: Turns | None = None,
    ear: Ear = DEAF,
) -> Wecom:
    """The WeCom app of the settings, not started; its token is shared through the database or `tokens`."""
    from bot.platforms.wecom import Account, Wecom  # here: its crypto library is slow to import

    account = Account(
        settings.wecom_corp_id,
        settings.wecom_agent_id,
        settings.wecom_secret,
        settings.wecom_token,
        settings.wecom_aes_key,
        settings.wecom_api,
    )
    return Wecom(
        account,
        clock=clock,
        tokens=tokens or StoredTokens(database),
        picture_of=_pictures(database),
        alarm=alarm,
        cards=settings.wecom_cards,
        calls_per_second=settings.wecom_calls_per_second,
        turn=_turn(database, turns, "wecom", settings.wecom_calls_per_second),
        ear=ear,
    )


def _turn(database: Database, turns: Turns | None, name: str, calls_per_second: float) -> Turn:
    """What an adapter waits for before it makes a call again by itself."""
    return at_once if turns is None else another(database, turns, name, SPARE / calls_per_second)
