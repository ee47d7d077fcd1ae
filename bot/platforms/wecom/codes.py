"""What each WeCom errcode means for a message: retry later, wait for the operator, or never. WC90313 unless noted.

Only the code decides; errmsg gets hints appended and is read for one thing, the caller's address in 60020.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bot.core.errors import Misconfigured, Permanent, PlatformError, Temporary, TooFast

TOKEN_DEAD = frozenset({40014, 42001})  # invalid, expired: renew once
MEDIA_DEAD = frozenset({40007, 40145})  # invalid, expired: upload once more
ALL_UNREACHABLE = 81013  # every recipient is outside the visible range or unknown (WC90236)
NO_CALLBACK = 43012  # cards need a callback address
CARD_REFUSED = frozenset({*range(42014, 42021), *range(42027, 42052)})  # a card's fields are not as they should be
NO_MENU = 46003  # nothing has been set yet


class Does(StrEnum):
    LATER = "later"  # the vendor may take the same call later
    PAUSE = "pause"  # the vendor takes no call of ours for a while
    OPERATOR = "operator"  # a person has to mend something first; the message is kept
    NEVER = "never"  # the vendor will not take this call


@dataclass(frozen=True)
class Meaning:
    does: Does
    says: str  # what happened, for the operator
    advice: str = ""  # what to do about it
    retry_after: float | None = None


OPERATOR_RETRY = 300.0  # seconds between two tries while a setting is wrong

_IDENTITY = "核对 JIEHUA_WECOM_SECRET 和 JIEHUA_WECOM_CORP_ID，并确认应用没有停用"
_AGENT = "核对 JIEHUA_WECOM_AGENT_ID：要和 Secret 属于同一个应用"
_RANGE = "在企业微信后台「应用管理」里检查应用的可见范围"
_RIGHTS = "在企业微信后台检查应用是否停用、接口权限是否还在（长期不用会被自动收回）"
_CONTACTS = "在企业微信后台「通讯录同步」里检查授权范围和可信IP"
_WORDING = "换一种写法"
_AGAIN = "从企业微信里重新打开一次"
_IP = "把本机出口地址{address}加进应用的「企业可信IP」，约一分钟后生效"


def _later(says: str, retry_after: float | None = None) -> Meaning:
    return Meaning(Does.LATER, says, retry_after=retry_after)


def _operator(says: str, advice: str) -> Meaning:
    return Meaning(Does.OPERATOR, says, advice, OPERATOR_RETRY)


def _never(says: str, advice: str = "") -> Meaning:
    return Meaning(Does.NEVER, says, advice)


_MESSAGE: dict[int, Meaning] = {
    40003: _never("成员账号不合规则"),
    40031: _never("成员名单不合规则"),
    40032: _never("成员名单太长"),
    46004: _never("没有这个成员"),
    60111: _never("没有这个成员"),
    50002: _never("成员不在应用可见范围内", _RANGE),
    60011: _never("没有对这个部门、成员或标签的权限", _RANGE),
    60021: _never("成员不在应用可见范围内", _RANGE),
    ALL_UNREACHABLE: _never("收件人都不在应用可见范围内", _RANGE),
    82001: _never("没有收件人"),
    82002: _never("部门太多"),
    82003: _never("标签太多"),
    86008: _never("群聊不是本应用建的"),
    43004: _never("成员没有绑定微信"),
    40008: _never("消息类型不对"),
    40035: _never("参数不对"),
    40058: _never("参数不对或内容太长"),
    40063: _never("缺少参数"),
    44004: _never("文字是空的"),
    45002: _never("内容太长"),
    45008: _never("图文条数太多"),
    40206: _never("请求太大"),
    40033: _never("内容里有企业微信不收的字符", _WORDING),
    82004: _never("内容可能让客户端出错", _WORDING),
    40201: _never("内容被当作骚扰信息", _WORDING),
    85002: _never("内容里有违禁词", _WORDING),
    42052: _never("超过 24 小时，撤不回来了"),
}

_MEDIA: dict[int, Meaning] = {
    40004: _never("文件类型不对"),
    40005: _never("文件类型不对"),
    40006: _never("文件大小不对"),
    40007: _never("图片编号失效"),
    40145: _never("图片编号过期"),
    44001: _never("文件是空的"),
    45001: _never("文件太大"),
    45007: _never("语音超过 60 秒"),
}

_CARD: dict[int, Meaning] = {
    **dict.fromkeys(sorted(CARD_REFUSED), _never("卡片内容不合规则")),
    NO_CALLBACK: _operator("应用没有设置回调地址", "在应用的「接收消息」里填写回调地址并保存"),
    60140: _never("卡片已经更新过，或超过了 72 小时"),
    82101: _never("没有写要更新谁的卡片"),
    82102: _never("要更新的人没有收到这张卡片"),
}

_LATER: dict[int, Meaning] = {
    -1: _later("企业微信系统繁忙"),
    40014: _later("访问凭证刚换就失效", 60),
    42001: _later("访问凭证刚换就过期", 60),
    45009: Meaning(Does.PAUSE, "调用太频繁", retry_after=60),  # the minute limit blocks for 60 s (WC90312)
    45033: Meaning(Does.PAUSE, "同时调用太多", retry_after=60),
    45035: _later("有冲突的操作正在进行", 5),
}

_SETTINGS: dict[int, Meaning] = {
    40001: _operator("应用 Secret 不对", _IDENTITY),
    40013: _operator("企业 ID 不对", _IDENTITY),
    41001: _operator("没有带访问凭证", _IDENTITY),
    41002: _operator("没有带企业 ID", _IDENTITY),
    41004: _operator("没有带应用 Secret", _IDENTITY),
    41011: _operator("没有带 AgentId", _AGENT),
    40056: _operator("AgentId 不对", _AGENT),
    301002: _operator("AgentId 和 Secret 不是同一个应用", _AGENT),
    60020: _operator("本机地址不在企业可信IP里", _IP),
    48001: _operator("应用没有这个接口的权限", _RIGHTS),
    48002: _operator("应用没有这个接口的权限", _RIGHTS),
    48006: _operator("应用长期不用，权限被收回", _RIGHTS),
    48008: _operator("通讯录编辑授权不够", _CONTACTS),
    48009: _operator("这个地址不能再读通讯录", _CONTACTS),
    48010: _operator("本机的 TLS 版本太旧", "升级服务器的系统和 OpenSSL，至少支持 TLS 1.2"),
    50003: _operator("应用已停用", _RIGHTS),
    60031: _operator("应用被禁止调用接口", _RIGHTS),
    43009: _operator("企业还没有验证", _RIGHTS),
}

_LOGIN: dict[int, Meaning] = {
    40029: _never("登录码不对", _AGAIN),
    42003: _never("登录码过期", _AGAIN),
    42022: _never("登录码已经用过", _AGAIN),
    84014: _never("登录票据过期", _AGAIN),
    84015: _never("登录票据不对", _AGAIN),
    50001: _operator("登录地址不在可信域名里", "在应用的「网页授权及JS-SDK」里填写可信域名"),
}

CODES: dict[int, Meaning] = {**_LATER, **_SETTINGS, **_MESSAGE, **_MEDIA, **_CARD, **_LOGIN}
"""Every code of WC90313 that a self-built app meets; those of group robots and AI bots are other platforms'."""

_ADDRESS = re.compile(r"from ip: ?([0-9A-Fa-f.:]+)")  # as in a real log, twikoo#1154


def error_for(code: int, errmsg: str = "") -> PlatformError:
    """The error to raise for an errcode other than 0; a code nobody has documented is never retried blindly."""
    meaning = CODES.get(code) or _never("企业微信返回了没有记录过的错误码")
    text = f"{meaning.says}（{code}）"
    if meaning.does is Does.LATER:
        return Temporary(text, str(code), meaning.retry_after)
    if meaning.does is Does.PAUSE:
        return TooFast(text, str(code), meaning.retry_after)
    if meaning.does is Does.OPERATOR:
        found = _ADDRESS.search(errmsg)
        advice = meaning.advice.format(address=f" {found[1]} " if found else "")
        return Misconfigured(text, str(code), meaning.retry_after, advice)
    return Permanent(f"{text}：{meaning.advice}" if meaning.advice else text, str(code))
