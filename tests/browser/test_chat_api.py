"""The chat's routes without a browser: what they refuse, in which words, and what they never let through."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import aiohttp
import pytest

from bot.core.errors import Temporary
from bot.core.messages import say
from storage import chat_lines

from .scripted import ScriptedApp

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def post(app: ScriptedApp, path: str, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as client:
        data = body if isinstance(body, (str, bytes)) else io.BytesIO(json.dumps(body).encode())
        headers = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        async with client.post(app.url + path, data=data, headers=headers) as response:
            return response.status, await response.json()


async def get(app: ScriptedApp, path: str, **headers: str) -> tuple[int, aiohttp.ClientResponse, bytes]:
    async with aiohttp.ClientSession() as client:
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        async with client.get(app.url + path, headers=headers, allow_redirects=False) as response:
            return response.status, response, await response.read()


def said(text: object = "您好", person: object = 1, key: object = "k1") -> dict[str, object]:
    return {"person": person, "text": text, "key": key}


async def test_the_root_leads_to_the_chat(app: ScriptedApp) -> None:
    status, response, _ = await get(app, "/")
    assert (status, response.headers["Location"]) == (302, "/chat")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "不是 JSON"),
        ("[]", "JSON 对象"),
        (b"\xff\xfe", "不是 JSON"),
        ("[" * 100_000, "不是 JSON"),
        (said(person=0), "身份编号不对"),
        (said(person=True), "身份编号不对"),
        (said(person=2**40), "身份编号不对"),
        (said(person=99), "没有这个人"),
        (said(key=""), "key 不对"),
        (said(key="a:b"), "key 不对"),
        (said(text=None), "要写文字"),
        (said(text=" \n"), "还没写内容"),
        (said(text="\x00"), "还没写内容"),
        (said(text="长" * 5001), "最多 5,000 个字，现在有 5,001 个"),
        (said(text="长" * 2_000_000), "最多 5,000 个字"),
    ],
)
async def test_bad_input_is_refused_in_chinese(app: ScriptedApp, body: Any, words: str) -> None:
    status, answer = await post(app, "/chat/api/say", body)
    assert status == 400
    assert words in answer["error"]
    assert app.bot.heard == []
    assert await app.stored(1, mine=True) == []


async def test_odd_characters_are_kept_or_dropped_but_never_break(app: ScriptedApp) -> None:
    status, answer = await post(app, "/chat/api/say", '{"person":1,"key":"k","text":"一\\u0000二\\ud83d三😀\\r\\n四"}')
    assert status == 200
    assert answer["line"]["message"]["lines"] == [{"text": "一二三😀\n四", "style": "plain"}]


async def test_the_same_key_is_one_line_and_one_answer(app: ScriptedApp) -> None:
    answers = await asyncio.gather(*(post(app, "/chat/api/say", said()) for _ in range(5)))
    assert {status for status, _ in answers} == {200}
    assert len({answer["line"]["id"] for _, answer in answers}) == 1
    assert answers[0][1]["line"]["key"] == "k1"
    assert await app.stored(1, mine=True) == ["您好"]


async def test_a_busy_database_is_said(app: ScriptedApp) -> None:
    app.bot.busy = 1
    status, answer = await post(app, "/chat/api/say", said())
    assert (status, answer["error"]) == (503, "系统正忙，您写的内容还在，稍等会自动重发。")
    status, _ = await post(app, "/chat/api/say", said())
    assert status == 200
    assert app.bot.texts == ["您好"]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1.evil.example"]
)
async def test_another_site_cannot_post(app: ScriptedApp, origin: str) -> None:
    status, _ = await post(app, "/chat/api/say", said(), Origin=origin)
    assert status == 403
    status, _ = await post(app, "/chat/api/say", said(), Sec_Fetch_Site="cross-site")
    assert status == 403
    status, _ = await post(app, "/chat/api/say", said(), Origin=app.url)
    assert status == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "[::1"])
async def test_another_name_for_this_machine_is_refused(app: ScriptedApp, host: str) -> None:
    for path in ("/chat", "/chat/api/cast", "/chat/api/lines?person=1", "/chat/events?person=1"):
        status, _, body = await get(app, path, Host=host)
        assert (status, "只能从运行它的电脑上打开" in body.decode()) == (403, True)
    status, _, _ = await get(app, "/chat", Host="localhost:8080")
    assert status == 200


async def test_every_answer_carries_the_policy(app: ScriptedApp) -> None:
    for path in ("/chat", "/chat/static/main.js", "/chat/api/cast", "/chat/picture/1", "/chat/static/nothing.js"):
        _, response, _ = await get(app, path)
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["..%2ftemplates%2fchat.html", "%2e%2e%2fchat.py", "chat.html", "main.js%00"])
async def test_only_the_static_files_are_served(app: ScriptedApp, name: str) -> None:
    status, _, _ = await get(app, f"/chat/static/{name}")
    assert status == 404


async def test_pictures(app: ScriptedApp) -> None:
    status, response, body = await get(app, "/chat/picture/1")
    assert (status, response.content_type, body[:4]) == (200, "image/png", b"\x89PNG")
    assert (await get(app, "/chat/picture/1", If_None_Match=response.headers["ETag"]))[0] == 304
    assert (await get(app, "/chat/picture/2"))[0] == 404
    assert (await get(app, "/chat/picture/x"))[0] == 400


async def test_a_jump_needs_a_known_place(app: ScriptedApp) -> None:
    status, answer = await post(app, "/chat/api/jump", {"to": "yesterday"})
    assert (status, "tomorrow" in answer["error"]) == (400, True)
    assert app.demo.jumps == []


async def test_the_stream_resumes_after_the_last_id(app: ScriptedApp) -> None:
    for number in range(3):
        await app.bot.tell(2, say(f"第 {number} 条"))
    async with app.database.reading() as tx:
        first, second, third = [row.id for row in await chat_lines.latest(tx, 2, 10)]
    assert await _ids(app, f"/chat/events?person=2&after={first}", {}, 2) == [second, third]
    assert await _ids(app, f"/chat/events?person=2&after={first}", {"Last-Event-ID": str(second)}, 1) == [third]
    assert await _ids(app, "/chat/events?person=2&after=nonsense", {}, 3) == [first, second, third]


async def _ids(app: ScriptedApp, path: str, headers: dict[str, str], count: int) -> list[int]:
    ids: list[int] = []
    async with aiohttp.ClientSession() as client, client.get(app.url + path, headers=headers) as response:
        assert response.content_type == "text/event-stream"
        async for row in response.content:
            if row.startswith(b"id: "):
                ids.append(int(row[4:]))
            if len(ids) == count:
                break
    return ids


async def test_an_idle_stream_shows_that_it_lives(app: ScriptedApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.web.chat.HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr("bot.web.chat.POLL_SECONDS", 0.05)
    async with aiohttp.ClientSession() as client, client.get(app.url + "/chat/events?person=2") as response:
        rows = [await asyncio.wait_for(response.content.readline(), 5) for _ in range(3)]
    assert rows[2].startswith(b":")


async def test_stopping_ends_the_streams(app: ScriptedApp) -> None:
    async with aiohttp.ClientSession() as client, client.get(app.url + "/chat/events?person=2") as response:
        await response.content.readline()
        await asyncio.wait_for(app.stop(), 5)
        await asyncio.wait_for(response.content.read(), 5)


async def test_sending_to_nobody_is_reported_and_the_rest_arrives(app: ScriptedApp) -> None:
    sent = await app.platform.send(["1", "99", "alice", "9" * 30], app.platform.render(say("在吗"))[0])
    assert sent.failed == {"99": "没有这个人", "alice": "没有这个人", "9" * 30: "没有这个人"}
    assert await app.stored(1, mine=False) == ["在吗"]


async def test_the_same_words_show_again_once_something_was_said_or_the_day_changed(app: ScriptedApp) -> None:
    payload = app.platform.render(say("今天没有题"))[0]
    await app.platform.send(["1"], payload)
    await app.platform.send(["1"], payload)
    assert len(await app.stored(1, mine=False)) == 1
    app.bot.pause = 60
    await post(app, "/chat/api/say", said("安静"))
    await app.platform.send(["1"], payload)
    await app.demo.jump("tomorrow")
    await app.platform.send(["1"], payload)
    assert (await app.stored(1, mine=False)).count("今天没有题") == 3
    for task in app.bot.tasks:
        task.cancel()


async def test_a_database_that_cannot_write_is_temporary(app: ScriptedApp) -> None:
    await app.database.engine.dispose()
    async with app.database.engine.begin() as connection:
        await connection.exec_driver_sql("DROP TABLE chatline")
    with pytest.raises(Temporary):
        await app.platform.send(["1"], app.platform.render(say("写不进"))[0])
