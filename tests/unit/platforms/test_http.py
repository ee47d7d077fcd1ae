"""What a failed HTTP call means: not sent, refused on the way, or nobody knows."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bot.core.errors import Ambiguous, Temporary
from bot.platforms.http import ANSWER_LIMIT, JsonHttp, Spacing, canonical

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(
    raw: bytes | None, *, timeout: float = 0.5, calls_per_second: float = math.inf
) -> AsyncIterator[JsonHttp]:
    """A caller of a server that answers every request with these bytes; None: with nothing, for ever."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if raw is None:
            await reader.read()
        else:
            writer.write(raw)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    http = JsonHttp(address, timeout=timeout, calls_per_second=calls_per_second)
    await http.start()
    try:
        yield http
    finally:
        await http.stop()
        server.close()
        await asyncio.sleep(0.01)


def page(status: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


UNBELIEVABLE = {
    "no answer in time": None,
    "connection closed": b"",
    "server error": page("502 Bad Gateway", b"<html>"),
    "server error in JSON": page("500 Oops", b'{"errcode":0}'),
    "login page": page("200 OK", b"<html>\xe7\x99\xbb</html>"),
    "half a JSON text": page("200 OK", b'{"errcode":0,"err'),
    "fewer bytes than announced": page("200 OK", b'{"errcode":0}', length=500),
    "not an object": page("200 OK", b"[0]"),
    "nested without end": page("200 OK", b"[" * 200_000),
    "too long": page("200 OK", b'{"a":"' + b"a" * ANSWER_LIMIT + b'"}'),
    "redirect": page("302 Found", b"", "Location: http://127.0.0.1:9/elsewhere"),
}


@pytest.mark.parametrize("name", UNBELIEVABLE)
async def test_an_unbelievable_answer_is_ambiguous_for_a_change_and_temporary_for_a_question(name: str) -> None:
    async with answering(UNBELIEVABLE[name]) as http:
        with pytest.raises(Ambiguous):
            await http.post("/x", {}, {"a": 1}, changes=True)
        with pytest.raises(Temporary):
            await http.post("/x", {}, {"a": 1}, changes=False)
        with pytest.raises(Temporary):
            await http.get("/x", {})


@pytest.mark.parametrize(("asked", "pause"), [("7", 7), ("9" * 400, 3600), ("soon", 60), ("-1", 60)])
async def test_how_long_to_wait_is_believed_within_reason(asked: str, pause: float) -> None:
    async with answering(page("429 Slow Down", b"<html>", f"Retry-After: {asked}")) as http:
        with pytest.raises(Temporary) as caught:
            await http.get("/x", {})
    assert caught.value.retry_after == pause


async def test_what_was_never_sent_is_temporary() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        http = JsonHttp(f"http://127.0.0.1:{closed.getsockname()[1]}")
        await http.start()
        with pytest.raises(Temporary, match="连不上") as caught:
            await http.post("/x", {"access_token": "hidden"}, {}, changes=True)
        await http.stop()
    assert caught.value.code == "unreachable"


async def test_waiting_for_a_free_connection_is_not_sending() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    http = JsonHttp(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=0.6, connections=1)
    await http.start()
    calls = [http.post("/x", {}, {}, changes=True) for _ in range(2)]
    first, second = await asyncio.gather(*calls, return_exceptions=True)
    await http.stop()
    server.close()
    assert {type(first), type(second)} == {Ambiguous, Temporary}


@pytest.mark.parametrize(("status", "headers", "wait"), [("403 No", (), 60.0), ("429 Slow", ("Retry-After: 7",), 7.0)])
async def test_a_gateway_that_turns_the_call_away_did_not_pass_it_on(
    status: str, headers: tuple[str, ...], wait: float
) -> None:
    async with answering(page(status, b"<html>blocked</html>", *headers)) as http:
        with pytest.raises(Temporary) as caught:
            await http.post("/x", {}, {}, changes=True)
    assert caught.value.retry_after == wait


async def test_json_below_500_is_an_answer_whatever_its_status() -> None:
    async with answering(page("400 Bad Request", b'{"code":"staffId.notExisted"}')) as http:
        reply = await http.post("/x", {}, {}, changes=True)
    assert (reply.status, reply.data) == (400, {"code": "staffId.notExisted"})
    assert "staffId" not in repr(reply)


async def test_no_error_and_no_log_holds_the_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = "-".join(["tok", "hidden"])  # so that this file's own lines in a trace do not hold it
    for raw in (None, b"", page("502 Bad", b"<html>")):
        async with answering(raw, timeout=0.2) as http:
            with pytest.raises(Ambiguous) as caught:
                await http.post("/x", {"access_token": token}, {}, changes=True)
            logging.getLogger("test").warning("failed", exc_info=caught.value)
    assert "failed" in caplog.text
    assert token not in caplog.text


def test_json_is_raw_utf8_and_the_same_for_equal_bodies() -> None:
    assert canonical({"b": "话😀", "a": 1}) == canonical({"a": 1, "b": "话😀"}) == '{"a":1,"b":"话😀"}'.encode()


async def test_a_call_before_start_says_so() -> None:
    with pytest.raises(RuntimeError, match="start"):
        await JsonHttp("http://127.0.0.1:1").get("/x", {})


async def test_calls_leave_one_by_one_even_after_a_moment_in_which_the_process_stood_still() -> None:
    spacing, left = Spacing(0.05), []

    async def call() -> None:
        await spacing.wait()
        left.append(time.monotonic())

    async with asyncio.TaskGroup() as calls:
        for _ in range(6):
            calls.create_task(call())
        await asyncio.sleep(0.06)
        time.sleep(0.2)  # noqa: ASYNC251 - this is the moment
    gaps = [after - before for before, after in itertools.pairwise(left)]
    assert len(gaps) == 5
    assert min(gaps) > 0.035, gaps


async def test_only_calls_that_change_something_wait_for_each_other() -> None:
    async with answering(page("200 OK", b"{}", "Connection: close"), calls_per_second=1) as http:
        await http.post("/first", {}, {}, changes=True)
        began = time.monotonic()
        second = asyncio.create_task(http.post("/second", {}, {}, changes=True))
        await http.get("/question", {})
        await http.post("/search", {}, {}, changes=False)
        assert not second.done()
        await second
        assert time.monotonic() - began > 0.5
