"""wecom: the app's menu in WeCom, and taking back what was sent by mistake."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from bot import config
from bot.cli.database import opened
from bot.core.clock import SystemClock
from bot.core.errors import JiehuaError, Misconfigured, PlatformError, SettingError
from bot.wires import wecom_of
from storage import audit, deliveries
from storage.database import Database

if TYPE_CHECKING:
    from bot.platforms.wecom import Wecom

_DAY = timedelta(hours=24)  # how long a message can be taken back (WC94867)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = commands.add_parser("wecom", help="企业微信应用").add_subparsers(dest="action", required=True)
    menu = group.add_parser("menu", help="聊天窗口底部的菜单")
    which = menu.add_mutually_exclusive_group()
    which.add_argument("--show", action="store_true", help="看看要设的和现在的（默认）")
    which.add_argument("--apply", action="store_true", help="设成我们的菜单，原来的会被换掉")
    menu.set_defaults(run=_menu)
    recall = group.add_parser("recall", help="撤回 24 小时内发出的消息；不写编号就列出最近发的")
    recall.add_argument("message_ids", nargs="*", metavar="MSGID", help="消息编号，一条消息有几个就都写上")
    recall.set_defaults(run=_recall)


async def _menu(options: argparse.Namespace) -> int:
    from bot.platforms.wecom import menu  # here: its crypto library is slow to import

    planned = menu.lines(menu.body())
    async with opened() as database, _wire(database) as wecom:
        if options.apply:
            await wecom.set_menu()
            print("菜单已设好，成员重新进入应用就能看到。")
            return 0
        current = menu.lines(await wecom.menu())
    print("要设的菜单：", *planned, sep="\n")
    if current == planned:
        print("\n企业微信里现在就是这样。")
    elif current:
        print("\n企业微信里现在的菜单：", *current, sep="\n")
        print("\n用 jiehua wecom menu --apply 换成上面的。")
    else:
        print("\n企业微信里还没有菜单，用 jiehua wecom menu --apply 设好。")
    return 0


async def _recall(options: argparse.Namespace) -> int:
    async with opened() as database:
        if not options.message_ids:
            return await _list(database)
        done = 0
        async with _wire(database) as wecom:
            for message_id in options.message_ids:
                try:
                    await wecom.recall(message_id)
                except Misconfigured:
                    raise
                except PlatformError as error:
                    print(f"✗ {message_id}：{error}")
                    continue
                done += 1
                print(f"✓ {message_id}：已撤回")
        async with database.transaction() as tx:
            actor, ids = f"cli:{getpass.getuser()}", " ".join(options.message_ids)
            await audit.write(tx, SystemClock().now(), actor, "wecom.recall", ids[:200], recalled=done)
    return 0 if done == len(options.message_ids) else 1


async def _list(database: Database) -> int:
    zone = config.read().timezone
    async with database.reading() as tx:
        sends = await deliveries.recent_sends(tx, "wecom", SystemClock().now() - _DAY)
        found = await deliveries.messages(tx, {send.content for send in sends})
    if not sends:
        print("最近 24 小时没有发过消息。")
    for send in sends:
        message = found.get(send.content)
        words = (message.title or message.plain.split("\n", maxsplit=1)[0]) if message else "（内容不见了）"
        shown = words if len(words) <= 24 else words[:23] + "…"
        print(f"{send.at.astimezone(zone):%m-%d %H:%M}  {send.people} 人  {shown}  {send.message_id}")
    return 0


@asynccontextmanager
async def _wire(database: Database) -> AsyncIterator[Wecom]:
    """The configured app, ready to be called. Raises SettingError without one, and says what a refusal asks for."""
    settings = config.read()
    if not settings.wecom_on:
        raise SettingError("JIEHUA_WECOM_CORP_ID: 没有配置企业微信；五项设置要一起写")
    wecom = wecom_of(settings, SystemClock(), database)
    await wecom.start()
    try:
        yield wecom
    except Misconfigured as error:
        raise JiehuaError(f"{error}\n{error.advice}") from error
    finally:
        await wecom.stop()
