"""What each error of DingTalk's new API means for a message: later, after the operator, never, or nobody knows.

The answer is a JSON object with a `code` in words; only the code decides. Documents: DT-A0012, A0714, A0783, A1431,
A1433 (protocols.md E2, E5, E6). A code nobody has documented is never retried blindly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.errors import Ambiguous, Misconfigured, Permanent, PlatformError, Temporary, TooFast

TOKEN_DEAD = frozenset({"invalidauthentication"})  # renew once
NOBODY = "staffid.notexisted"

OPERATOR_RETRY = 300.0  # seconds between two tries while a setting is wrong
QUOTA_RETRY = 3600.0  # the month's quota may be bought or end; every refused call may count as well
BAN_RETRY = 300.0  # an address that called too often is banned for five minutes (DT-A1433)


@dataclass(frozen=True)
class Meaning:
    error: type[PlatformError]
    says: str  # what happened, for the operator
    advice: str = ""  # what to do about it
    retry_after: float | None = None


def _later(says: str, retry_after: float) -> Meaning:
    return Meaning(Temporary, says, retry_after=retry_after)


def _too_fast(says: str, retry_after: float) -> Meaning:
    return Meaning(TooFast, says, retry_after=retry_after)


def _operator(says: str, advice: str, retry_after: float = OPERATOR_RETRY) -> Meaning:
    return Meaning(Misconfigured, says, advice, retry_after)


def _never(says: str, advice: str = "") -> Meaning:
    return Meaning(Permanent, says, advice)


_IDENTITY = "核对 JIEHUA_DINGTALK_CLIENT_ID 和 JIEHUA_DINGTALK_CLIENT_SECRET，并确认应用没有停用"
_ROBOT = "核对 JIEHUA_DINGTALK_ROBOT_CODE：要是这个应用自己的机器人（不填就用 Client ID）"
_PUBLISH = "在钉钉开放平台给应用添加机器人，并发布新版本"
_RIGHTS = "在钉钉开放平台「权限管理」里开通“企业内机器人发送消息权限”（用卡片还要“互动卡片实例写权限”）"
_QUOTA = "本月的钉钉 API 额度用完了：到钉钉开放平台升级额度，或等下个月；消息都留着"
_CARD = "核对 JIEHUA_DINGTALK_CARD_TEMPLATE，并确认卡片模板已发布、关联的是这个应用"

EXACT: dict[str, Meaning] = {
    "invalidAuthentication": _later("访问凭证刚换就失效", 60),
    "invalidClientIdOrSecret": _operator("Client ID 或 Client Secret 不对", _IDENTITY),
    "Forbidden.AccessDenied.ApiCountLimitForOrg": _operator("本月调用额度用完", _QUOTA, QUOTA_RETRY),
    "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi": _too_fast("调用太快", 1),
    "Forbidden.AccessDenied.QpsLimitForApi": _too_fast("钉钉接口整体太忙", 1),
    "Forbidden.AccessDenied.AccessTokenPermissionDenied": _operator("应用没有这个接口的权限", _RIGHTS),
    "Forbidden.AccessDenied.IpNotInWhiteList": _operator(
        "本机地址不在白名单里", "在钉钉开放平台「安全设置」的服务器出口 IP 里加上本机的出口地址"
    ),
    "send.too.fast": _too_fast("机器人发得太快", 2),
    "robot.oto.notExist": _operator("机器人不存在，或没有发布", _PUBLISH),
    "chatbotId.notAllow.sendOTO": _operator("机器人不能发单聊消息", _PUBLISH),
    "staffId.notExisted": _never("组织里没有这个人"),
    "invalidParameter.msgParam.tooLong": _never("内容太长"),
    "param.cardAlreadyExist": Meaning(Ambiguous, "这张卡片已经建过，不确定是否送达"),
    "param.templateNotExist": _operator("没有这个卡片模板", _CARD),
    "param.templateUnpublished": _operator("卡片模板没有发布", _CARD),
    "param.userIdNotExist": _never("组织里没有这个人"),
    "param.contentUnsafe": _never("内容没有通过钉钉的安全审查", "换一种写法"),
    "unknownError": Meaning(Ambiguous, "钉钉内部出错"),
    "systemError": Meaning(Ambiguous, "钉钉内部出错"),
    "ServiceUnavailable": Meaning(Ambiguous, "钉钉内部出错"),
}
PREFIXES: dict[str, Meaning] = {
    "Forbidden.AccessDenied.Qps": _too_fast("调用太快", 1),
    "Forbidden.AccessDenied.Qpm": _too_fast("调用太快", 60),
    "invalidParameter.robotCode.": _operator("robotCode 不对", _ROBOT),
    "invalidParameter.": _never("参数不对"),
    "param.": _never("卡片的参数不对"),
}
_EXACT = {code.casefold(): meaning for code, meaning in EXACT.items()}
_BANNED = 1111  # the body of a banned address has a number in `status` and no code (DT-A1433)


def code_of(data: Mapping[str, Any]) -> str:
    """The error's code; empty when there is none."""
    code = data.get("code")
    return code if isinstance(code, str) else ""


def error_for(status: int, data: Mapping[str, Any], unsure: type[PlatformError] = Temporary) -> PlatformError:
    """The error to raise for an answer that is not the one hoped for; `unsure` when nobody knows what happened."""
    code = code_of(data)
    if not code:
        if data.get("status") == _BANNED or data.get("punish") == "deny":
            return TooFast("本机调用太多，被钉钉拦了五分钟", "banned", BAN_RETRY)
        return unsure(f"钉钉的答复读不懂（HTTP {status}）", "garbage")
    meaning = _EXACT.get(code.casefold()) or _by_prefix(code) or _never("钉钉返回了没有记录过的错误")
    text = f"{meaning.says}（{code[:80]}）"
    if meaning.error is Misconfigured:
        return Misconfigured(text, code[:80], meaning.retry_after, meaning.advice)
    if meaning.error in (Temporary, TooFast):
        return meaning.error(text, code[:80], meaning.retry_after)
    if meaning.error is Ambiguous:
        return unsure(text, code[:80])
    return Permanent(f"{text}：{meaning.advice}" if meaning.advice else text, code[:80])


def _by_prefix(code: str) -> Meaning | None:
    for prefix, meaning in PREFIXES.items():
        if code.casefold().startswith(prefix.casefold()):
            return meaning
    return None
