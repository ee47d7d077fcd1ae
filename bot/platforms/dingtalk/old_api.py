"""DingTalk's old API, home of the directory: the token in the query, an errcode in every answer (DT-A0013, A1433)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.core.errors import Misconfigured, Permanent, PlatformError, Temporary
from bot.platforms.dingtalk.api import Api
from bot.platforms.dingtalk.codes import BAN_RETRY, OPERATOR_RETRY, QUOTA_RETRY
from bot.platforms.http import JsonHttp, Reply

NOBODY = frozenset({33012, 60121})  # no such user id, or not in this organisation
NOT_OURS = frozenset({50002, 50004, 60011})  # a person, a department, either: outside what the app may read
NO_DEPARTMENT = frozenset({60003})
_TOKEN_DEAD = frozenset({40014, 42001})
_BUSY: dict[int, float] = {-1: 1.0, 90018: 1.0, 90002: 1.0}  # busy; the app's, the API's calls a second
_RIGHTS = "在钉钉开放平台「权限管理」里开通“通讯录部门信息读权限”“成员信息读权限”，并把授权范围设为全部员工"
_ADDRESS = "在钉钉开放平台「安全设置」的服务器出口 IP 里加上本机的出口地址"


class OldApi:
    """Calls as one app, with the token of the new API: both take the same."""

    def __init__(self, api: Api, http: JsonHttp) -> None:
        self._api, self._http = api, http

    async def ask(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a question, its errcode still to be looked at; without a body it is a GET.

        Raises Permanent, Temporary or Misconfigured.
        """
        token = await self._api.token()
        data = _checked(await self._call(path, body, token))
        if data["errcode"] in _TOKEN_DEAD:
            data = _checked(await self._call(path, body, await self._api.token(instead_of=token)))
        return data

    async def _call(self, path: str, body: Mapping[str, Any] | None, token: str) -> Reply:
        if body is None:
            return await self._http.get(path, {"access_token": token})
        return await self._http.post(path, {"access_token": token}, body, changes=False)


def refusal(reply: Reply) -> str:
    """The errcode of an answer that is no yes; empty for a yes."""
    code = reply.data.get("errcode")
    if isinstance(code, bool) or not isinstance(code, int):
        return "garbage"
    return str(code) if code else ""


def accepted(data: dict[str, Any]) -> dict[str, Any]:
    """The answer, if its errcode is 0. Raises Permanent, Temporary or Misconfigured."""
    code = data["errcode"]
    if code == 0:
        return data
    raise _error(code, str(data.get("sub_code", "")))


def _error(code: int, sub_code: str) -> PlatformError:
    text = f"（{code}{' ' + sub_code[:40] if sub_code else ''}）"
    if code in _BUSY:
        return Temporary(f"钉钉接口太忙{text}", str(code), _BUSY[code])
    if code in _TOKEN_DEAD:
        return Temporary(f"访问凭证刚换就失效{text}", str(code), 60)
    if code == 90020:
        return Misconfigured(f"本月调用额度用完{text}", str(code), QUOTA_RETRY, "到钉钉开放平台升级额度，或等下个月")
    if code == 60020:
        return Misconfigured(f"本机地址不在白名单里{text}", str(code), OPERATOR_RETRY, _ADDRESS)
    if code == 88 or code in NOT_OURS:  # 88: what is missing stands in sub_code (DT-A0013)
        return Misconfigured(f"应用没有这个接口或这个范围的权限{text}", str(code), OPERATOR_RETRY, _RIGHTS)
    return Permanent(f"钉钉没有接受这个请求{text}", str(code))


def _checked(reply: Reply) -> dict[str, Any]:
    code = reply.data.get("errcode")
    if isinstance(code, int) and not isinstance(code, bool):
        return reply.data
    if reply.data.get("punish") == "deny" or reply.data.get("status") == 1111:  # a banned address (DT-A1433)
        raise Temporary("本机调用太多，被钉钉拦了五分钟", "banned", BAN_RETRY)
    raise Temporary(f"钉钉的答复里没有错误码（HTTP {reply.status}）", "garbage")
