"""Logging in as a member of the corp: where the browser is sent, and whose the code it brings back is."""

from __future__ import annotations

from urllib.parse import urlencode

from bot.platforms.wecom.api import Account, Api, accepted

_IN_CLIENT = "https://open.weixin.qq.com/connect/oauth2/authorize"  # WC91022
_IN_BROWSER = "https://login.work.weixin.qq.com/wwlogin/sso/login"  # WC98152
_LONGEST_CODE = 512  # bytes (WC91023)


class Oauth:
    """The trusted domain of the app must be that of `back`, else the vendor says 50001."""

    def __init__(self, account: Account, api: Api) -> None:
        self._account, self._api = account, api

    def authorize(self, back: str, state: str, agent: str) -> str:
        """The address that asks the person; `state` is at most 128 letters and digits. Inside WeCom nobody is asked
        anything, elsewhere a code is scanned: `agent` is the browser's User-Agent."""
        app = {"appid": self._account.corp_id, "agentid": str(self._account.agent_id)}
        if "wxwork" in agent.lower():
            query = {"response_type": "code", "scope": "snsapi_base", "redirect_uri": back, "state": state} | app
            return f"{_IN_CLIENT}?{urlencode(query)}#wechat_redirect"
        return f"{_IN_BROWSER}?{urlencode({'login_type': 'CorpApp', 'redirect_uri': back, 'state': state} | app)}"

    async def user_of(self, code: str) -> str | None:
        """GET auth/getuserinfo (WC91023): the user id, case-folded; None for somebody outside the corp.

        A code works once, for five minutes. Raises Permanent, Temporary or Misconfigured.
        """
        if not code or len(code.encode(errors="replace")) > _LONGEST_CODE:
            return None
        userid = accepted(await self._api.get("auth/getuserinfo", {"code": code})).get("userid")
        return userid.casefold() if isinstance(userid, str) and userid else None
