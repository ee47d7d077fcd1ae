"""The bare echo that the callbacks are compared with: aiohttp and wechatpy, no bot; run as a process of its own.

It opens a sealed message, verifies it, parses it, and seals the same words as a passive reply. It stores nothing.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time

from aiohttp import web
from wechatpy.enterprise import create_reply, parse_message
from wechatpy.enterprise.crypto import WeChatCrypto

from bot.bench.load import PATH, SHARED


def application() -> web.Application:
    """The echo on the bot's path."""
    crypto = WeChatCrypto(SHARED.token, SHARED.aes_key, SHARED.corp_id)

    async def push(request: web.Request) -> web.Response:
        query, body = request.query, await request.read()
        plain = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
        message = parse_message(plain)
        reply = create_reply(message.content, message).render()
        sealed = crypto.encrypt_message(reply, secrets.token_hex(8), str(int(time.time())))
        return web.Response(text=sealed, content_type="text/xml")

    app = web.Application()
    app.router.add_post(PATH, push)
    return app


async def _serve() -> None:
    runner = web.AppRunner(application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"ready http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
