"""The benchmarks' vendor is strict, remembers what it accepted, and makes trouble on request."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import aiohttp
import pytest
from aiohttp import web

from bot.bench.callers import Caller, Secrets
from bot.bench.cluster import RunFailed, VendorProcess, Watchdog, ended, without_settings
from bot.bench.fake_wecom import digest_of
from bot.platforms.http import canonical
from tests.fakes.sealer import Sealer

SHARED = Secrets("wwbench", 1000002, "secret", "token", "A" * 43)
ACCOUNT = {
    "JIEHUA_WECOM_CORP_ID": SHARED.corp_id, "JIEHUA_WECOM_AGENT_ID": str(SHARED.agent_id),
    "JIEHUA_WECOM_SECRET": SHARED.secret, "JIEHUA_WECOM_TOKEN": SHARED.token,
    "JIEHUA_WECOM_AES_KEY": SHARED.aes_key,
}  # fmt: skip
BODY = {
    "touser": "a|b", "msgtype": "text", "agentid": 1000002, "text": {"content": "早"},
    "enable_duplicate_check": 1, "duplicate_check_interval": 600,
}  # fmt: skip


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def vendor(tmp_path: Path) -> AsyncIterator[VendorProcess]:
    watchdog = Watchdog(60)
    command = [sys.executable, "-m", "bot.bench.vendor", "--log", str(tmp_path / "log.jsonl"), "--pause", "0.2"]
    process = VendorProcess("vendor", command, without_settings() | ACCOUNT, tmp_path / "out", watchdog)
    async with ended([process]):
        await process.open()
        yield process
    watchdog.close()


def log(vendor: VendorProcess) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (vendor.out.parent / "log.jsonl").read_text(encoding="utf-8").splitlines()]


async def token(vendor: VendorProcess, http: aiohttp.ClientSession, secret: str = SHARED.secret) -> dict[str, Any]:
    query = {"corpid": SHARED.corp_id, "corpsecret": secret}
    async with http.get(f"{vendor.api}/cgi-bin/gettoken", params=query) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def send(vendor: VendorProcess, http: aiohttp.ClientSession, **changes: Any) -> dict[str, Any]:
    query = {"access_token": (await token(vendor, http))["access_token"]}
    async with http.post(f"{vendor.api}/cgi-bin/message/send", params=query, data=canonical(BODY | changes)) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def test_an_equal_request_is_accepted_and_not_shown_again(
    vendor: VendorProcess, http: aiohttp.ClientSession
) -> None:
    first, again = await send(vendor, http), await send(vendor, http)
    other = await send(vendor, http, duplicate_check_interval=601)
    assert [first["errcode"], again["errcode"], other["errcode"]] == [0, 0, 0]
    assert [entry["outcome"] for entry in log(vendor)] == ["accepted", "duplicate", "accepted"]
    assert {entry["digest"] for entry in log(vendor)} == {digest_of(BODY)}
    assert log(vendor)[0]["to"] == ["a", "b"]


async def test_it_is_strict(vendor: VendorProcess, http: aiohttp.ClientSession) -> None:
    assert (await token(vendor, http, "wrong"))["errcode"] == 40001
    many = "|".join(str(number) for number in range(1001))
    cases = {301002: {"agentid": 7}, 82001: {"touser": ""}, 40032: {"touser": many}, 40008: {"msgtype": "voice"}}
    for code, changes in cases.items():
        assert (await send(vendor, http, **changes))["errcode"] == code
    assert {entry["outcome"] for entry in log(vendor)} == {"refused"}


@pytest.mark.parametrize("mode", ["5xx", "garbage", "busy"])
async def test_trouble_accepts_nothing_and_ends(vendor: VendorProcess, http: aiohttp.ClientSession, mode: str) -> None:
    await vendor.tell(http, "trouble", mode=mode, calls=1)
    if mode == "busy":
        assert (await send(vendor, http))["errcode"] == 45009
    else:
        with pytest.raises(aiohttp.ContentTypeError):
            await send(vendor, http)
    assert (await send(vendor, http))["errcode"] == 0
    assert [entry["outcome"] for entry in log(vendor)] == [mode, "accepted"]


async def test_a_lost_answer_was_accepted(vendor: VendorProcess, http: aiohttp.ClientSession) -> None:
    await vendor.tell(http, "trouble", mode="lost", calls=1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await send(vendor, http)
    assert [entry["outcome"] for entry in log(vendor)] == ["accepted"]


async def test_a_call_whose_caller_is_gone_is_not_accepted(vendor: VendorProcess, http: aiohttp.ClientSession) -> None:
    access = (await token(vendor, http))["access_token"]
    await vendor.tell(http, "pace", latency=0.6)
    url, timeout = f"{vendor.api}/cgi-bin/message/send", aiohttp.ClientTimeout(total=0.1)
    with pytest.raises(TimeoutError):
        await http.post(url, params={"access_token": access}, data=canonical(BODY), timeout=timeout)
    async with asyncio.timeout(10):
        while not log(vendor):  # noqa: ASYNC110  the file is another process's
            await asyncio.sleep(0.05)
    assert [entry["outcome"] for entry in log(vendor)] == ["gone"]
    await vendor.tell(http, "pace", latency=0)
    await send(vendor, http)
    assert log(vendor)[-1]["outcome"] == "accepted", "it is no duplicate of one that never came"


async def test_it_is_down_for_a_while(vendor: VendorProcess, http: aiohttp.ClientSession) -> None:
    await vendor.tell(http, "trouble", mode="down", seconds=0.3)
    with pytest.raises(aiohttp.ClientConnectionError):
        await token(vendor, http)
    async with asyncio.timeout(10):
        while True:
            try:
                assert (await token(vendor, http))["errcode"] == 0
                break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
    with pytest.raises(RunFailed):
        await vendor.tell(http, "trouble", mode="unknown")


# --- callbacks


@asynccontextmanager
async def bot(*statuses: int, words: str = "") -> AsyncIterator[tuple[str, list[tuple[dict[str, str], str]]]]:
    """A bot that answers with these statuses in turn, the last one with sealed words; (query, xml) of every push."""
    sealer, seen, left = Sealer(SHARED.token, SHARED.aes_key, SHARED.corp_id), list[Any](), list(statuses)

    async def push(request: web.Request) -> web.Response:
        sealed = ElementTree.fromstring(await request.text()).findtext("Encrypt") or ""
        query = dict(request.query)
        assert query["msg_signature"] == sealer.sign(query["timestamp"], query["nonce"], sealed)
        seen.append((query, sealer.open(sealed)))
        status = left.pop(0)
        return web.Response(status=status, text=_passive(sealer, words) if status == 200 and words else "")

    app = web.Application()
    app.router.add_post("/callback/wecom", push)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/callback/wecom", seen
    await runner.cleanup()


def _passive(sealer: Sealer, words: str, nonce: str = "n") -> str:
    sealed = sealer.seal(f"<xml><Content><![CDATA[{words}]]></Content></xml>")
    return (
        f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt><MsgSignature>{sealer.sign('1', nonce, sealed)}</MsgSignature>"
        "<TimeStamp>1</TimeStamp><Nonce>n</Nonce></xml>"
    )


async def test_a_saying_is_pushed_three_times_with_the_same_id(
    vendor: VendorProcess, http: aiohttp.ClientSession
) -> None:
    async with bot(503, 500, 200, words="好的]]") as (url, seen):
        said = await vendor.tell(http, "say", user="a", text="您好]]>", urls=[url])
    assert (said["heard"], said["tries"], said["passive"], said["problem"]) == (True, [503, 500, 200], "好的]]", "")
    assert {ElementTree.fromstring(xml).findtext("MsgId") for _, xml in seen} == {said["msgid"]}
    assert {ElementTree.fromstring(xml).findtext("Content") for _, xml in seen} == {"您好]]>"}
    assert len({query["nonce"] for query, _ in seen}) == 3
    assert log(vendor)[-1]["kind"] == "said"


async def test_it_gives_up_after_three(http: aiohttp.ClientSession) -> None:
    async with bot(503, 503, 503, 200) as (url, seen):
        said = await Caller(SHARED, pause=0.05).say(http, "a", "在吗", [url])
    assert (said.heard, len(seen)) == (False, 3)


def test_an_answer_with_a_wrong_signature_is_no_answer() -> None:
    sealer = Sealer(SHARED.token, SHARED.aes_key, SHARED.corp_id)
    assert Caller(SHARED)._opened(_passive(sealer, "好")) == "好"
    with pytest.raises(ValueError, match="signature"):
        Caller(SHARED)._opened(_passive(sealer, "好", nonce="another"))
