"""登录: a link into the web pages, in the chat of whom it is for."""

from __future__ import annotations

from dataclasses import replace

from bot.core.messages import Link, hint, say
from handlers.context import Reply, Talk
from storage import logins


async def link(talk: Talk, _words: str) -> Reply:
    """登录: a link that lets this person in once, within five minutes; an earlier one stops working."""
    public = talk.desk.settings.public_url
    if not public:
        message = say("网页登录还没有开通。", hint("请运维同事设置 JIEHUA_PUBLIC_URL。"))
        return Reply((message,), talk.state)
    secret = await logins.issue(talk.tx, logins.LINK, talk.now, person_id=talk.person_id)
    minutes = int(logins.LIFE[logins.LINK].total_seconds() // 60)
    message = say(
        f"点开就能登录，{minutes} 分钟内有效，只能用一次。",
        hint("链接认的是你本人，不要转发。过期了再打一次“登录”。"),
        title="登录网页",
    )
    page = Link("登录", f"{public}/login?token={secret}")
    return Reply((replace(message, link=page),), talk.state)
