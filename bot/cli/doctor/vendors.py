"""What the doctor finds at the vendors: credentials, address, the app, who sees it, the robot, the month's calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import urlsplit

from bot import config
from bot.cli.doctor import outside
from bot.cli.doctor.finding import Finding, failed
from bot.core.clock import Clock
from bot.core.errors import PlatformError
from bot.core.messages import say
from bot.directory.model import Source
from bot.platforms.base import Platform
from bot.platforms.dingtalk import DingTalk, codes
from bot.platforms.tokens import TokenStore
from bot.platforms.wecom import Wecom
from bot.wires import dingtalk_of, wecom_of
from storage.database import Database

NOBODY = "jiehua-doctor-nobody"
_SHOWN = 5

Wire = TypeVar("Wire", bound=Platform)


@asynccontextmanager
async def _opened(settings: config.Settings, build: Callable[[Database, TokenStore], Wire]) -> AsyncIterator[Wire]:
    """A started platform that shares nothing with a running service: its tokens are forgotten afterwards."""
    database = Database(settings.database_url)
    wire = build(database, outside.Passing())
    await wire.start()
    try:
        yield wire
    finally:
        await wire.stop()
        await database.close()


async def wecom(settings: config.Settings, clock: Clock, known: Collection[str]) -> list[Finding]:
    """Everything about the WeCom app; `known` are our people's accounts."""
    async with _opened(settings, lambda database, tokens: wecom_of(settings, clock, database, tokens=tokens)) as wire:
        return await _wecom(wire, settings, clock, known)


async def _wecom(wire: Wecom, settings: config.Settings, clock: Clock, known: Collection[str]) -> list[Finding]:
    findings = await outside.skew("企业微信时钟", settings.wecom_api, clock)
    try:
        await wire.check()
    except PlatformError as error:
        return [failed("企业微信凭证", error, "核对企业 ID 和 Secret，看本机能不能访问企业微信接口"), *findings]
    findings.insert(0, Finding("企业微信凭证", True, "有效"))
    try:
        app = await wire.contacts.app()
    except PlatformError as error:
        return [*findings, failed("企业微信应用", error, "在企业微信后台检查应用")]
    if app.closed:
        mend = "在企业微信后台重新启用；长期不用会被自动停用"
        findings.append(Finding("企业微信应用", False, f"「{app.name}」已停用", mend))
    else:
        findings.append(Finding("企业微信应用", True, f"「{app.name}」能用，本机地址被接受"))
    if settings.public_url:
        findings.append(_domain(app.domain, settings.public_url))
    return [*findings, *await _range("企业微信可见范围", wire.contacts, known, "在「应用管理」里把他们加进可见范围")]


def _domain(trusted: str, public_url: str) -> Finding:
    """The trusted domain decides whether the login may come back (50001); ports other than the usual count."""
    ours = urlsplit(public_url).netloc
    if trusted.casefold() == ours.casefold():
        return Finding("企业微信登录", True, f"可信域名是 {ours}")
    text = f"可信域名是 {trusted}，不是 {ours}" if trusted else "没有设置可信域名"
    return Finding("企业微信登录", False, text, f"在应用的「网页授权及JS-SDK」里把可信域名设成 {ours}")


async def _range(subject: str, source: Source, known: Collection[str], mend: str) -> list[Finding]:
    """How many people the app sees, and who of ours it does not."""
    try:
        found = await source.read(known)
    except PlatformError as error:
        return [failed(subject, error, mend)]
    active = {person.external_id for person in found.people if person.active}
    missing = sorted({source.spelt(each) for each in known} - active)
    text = f"{len(found.departments)} 个部门、{len(active)} 人"
    if missing:
        names = "、".join(missing[:_SHOWN]) + (" 等" if len(missing) > _SHOWN else "")
        text += f"；我们这边有 {len(missing)} 人不在里面：{names}"
        mend = f"{mend}；已经离职的运行 jiehua people sync"
    elif not active:
        text += "，谁也看不到"
    fine = bool(active) and not missing
    return [Finding(subject, fine, text, "" if fine else mend), *(Finding(subject, True, gap) for gap in found.gaps)]


async def dingtalk(settings: config.Settings, clock: Clock, known: Collection[str]) -> list[Finding]:
    """Everything about the DingTalk app and its robot; `known` are our people's accounts."""
    async with _opened(settings, lambda database, tokens: dingtalk_of(settings, clock, database, tokens)) as wire:
        return await _dingtalk(wire, settings, clock, known)


async def _dingtalk(wire: DingTalk, settings: config.Settings, clock: Clock, known: Collection[str]) -> list[Finding]:
    findings = await outside.skew("钉钉时钟", settings.dingtalk_api, clock)
    try:
        await wire.check()
    except PlatformError as error:
        return [failed("钉钉凭证", error, "核对 Client ID 和 Client Secret，看本机能不能访问钉钉接口"), *findings]
    findings.insert(0, Finding("钉钉凭证", True, "有效"))
    findings.append(await _robot(wire))
    return [*findings, *await _range("钉钉通讯录范围", wire.contacts, known, "在「权限管理」里把授权范围设大")]


async def _robot(wire: DingTalk) -> Finding:
    """Write to somebody who does not exist: a robot that may write says so, any other trouble comes first (the order is
    not documented). Costs one call of the month's."""
    try:
        await wire.send([NOBODY], {**wire.render(say("自检"))[0], "key": "doctor"})
    except PlatformError as error:
        if error.code.casefold() != codes.NOBODY:
            return failed("钉钉机器人", error, "在钉钉开放平台检查机器人")
    return Finding("钉钉机器人", True, "已发布，能发单聊")
