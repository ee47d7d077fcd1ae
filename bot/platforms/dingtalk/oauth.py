"""Logging in as a member of the organisation: where the browser is sent, and whose the code it brings back is."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from bot.core.errors import Temporary
from bot.platforms.dingtalk.account import Account
from bot.platforms.dingtalk.api import HEADER, accepted
from bot.platforms.dingtalk.old_api import NOBODY, OldApi
from bot.platforms.dingtalk.old_api import accepted as old_accepted
from bot.platforms.http import JsonHttp

_AUTHORIZE = "https://login.dingtalk.com/oauth2/auth"  # DT-A0029
_INSIDE = 0  # contact_type of somebody of the organisation; 1 is an outside contact


class Oauth:
    """`back` must be one of the app's 重定向 URL in the console."""

    def __init__(self, account: Account, http: JsonHttp, old: OldApi) -> None:
        self._account, self._http, self._old = account, http, old

    def authorize(self, back: str, state: str, _agent: str) -> str:
        """The address that asks the person."""
        query = {
            "redirect_uri": back,
            "response_type": "code",
            "client_id": self._account.client_id,
            "scope": "openid",
            "state": state,
            "prompt": "consent",
        }
        return f"{_AUTHORIZE}?{urlencode(query)}"

    async def user_of(self, code: str) -> str | None:
        """The user id; None for somebody outside the organisation. A code works once (DT-A0032, A0054).

        Raises Permanent, Temporary or Misconfigured.
        """
        if not code:
            return None
        body = {
            "clientId": self._account.client_id,
            "clientSecret": self._account.client_secret,
            "code": code,
            "grantType": "authorization_code",
        }
        reply = await self._http.post("/v1.0/oauth2/userAccessToken", {}, body, changes=False)
        token = _text(accepted(reply, Temporary), "accessToken")
        me = await self._http.get("/v1.0/contact/users/me", {}, headers={HEADER: token})
        data = await self._old.ask("/topapi/user/getbyunionid", {"unionid": _text(accepted(me, Temporary), "unionId")})
        if data["errcode"] in NOBODY:
            return None
        result = old_accepted(data).get("result")
        if not isinstance(result, dict) or result.get("contact_type") != _INSIDE:
            return None
        return _text(result, "userid")


def _text(data: Any, name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise Temporary(f"钉钉的答复里没有 {name}", "garbage")
    return value
