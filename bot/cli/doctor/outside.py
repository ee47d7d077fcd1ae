"""What the doctor finds on the way out and in: the vendor's clock, our own public address, our own callbacks."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from bot import config
from bot.cli.doctor.finding import Finding
from bot.core.clock import Clock
from bot.core.errors import CallbackRefused
from bot.platforms.tokens import Entry

SKEW = 60.0  # seconds our clock may be off the vendor's
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_LIMIT = 65536
_PART = re.compile(r"<(Encrypt|MsgSignature|TimeStamp|Nonce)>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</\1>")

_MEND_URL = "核对 JIEHUA_PUBLIC_URL、域名解析、HTTPS 代理，并确认 jiehua serve 正在运行"


class Passing:
    """A token store for one examination, so that nothing is written."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    async def get(self, name: str) -> Entry | None:
        return self._entries.get(name)

    async def put(self, name: str, value: str, expires_at: Any, *, instead_of: str) -> Entry:
        if name not in self._entries or self._entries[name][0] == instead_of:
            self._entries[name] = value, expires_at
        return self._entries[name]


async def skew(subject: str, api: str, clock: Clock) -> list[Finding]:
    """Our clock beside the Date of the vendor's answer; nothing when it says none."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.get(api, allow_redirects=False) as answer,
        ):
            theirs = parsedate_to_datetime(answer.headers.get("Date", ""))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return []
    off = (clock.now() - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))).total_seconds()
    if abs(off) <= SKEW:
        return [Finding(subject, True, "和平台一致")]
    text = f"本机比平台{'快' if off > 0 else '慢'} {abs(off):.0f} 秒"
    return [Finding(subject, False, text, "用 NTP 校准本机时间，回调签名和登录都看时间")]


async def address(settings: config.Settings) -> Finding:
    """Whether our public address leads to a running service of ours."""
    if not settings.public_url:
        return Finding("网址", True, "没有设置 JIEHUA_PUBLIC_URL，不检查回调，也没有网页登录")
    status, text = await _ask("GET", f"{settings.public_url}/healthz", {})
    if status == 200 and '"status"' in text and '"ok"' in text:
        return Finding("网址", True, f"{settings.public_url} 能访问到本服务")
    return Finding("网址", False, f"{settings.public_url} {_why(status)}", _MEND_URL)


async def wecom_callback(settings: config.Settings, clock: Clock) -> Finding:
    """Verify our own callback as WeCom does: an encrypted echostr must come back in the clear (WC90930)."""
    from bot.platforms.wecom.wire import Envelope  # here: its crypto library is slow to import
    from bot.web.callbacks import WECOM_PATH

    echo = str(secrets.randbelow(10**19))
    envelope = Envelope(settings.wecom_token, settings.wecom_aes_key, settings.wecom_corp_id)
    parts = dict(_PART.findall(envelope.seal(echo, int(clock.now().timestamp()))))
    names = {"msg_signature": "MsgSignature", "timestamp": "TimeStamp", "nonce": "Nonce", "echostr": "Encrypt"}
    query = {name: parts[part] for name, part in names.items()}
    status, text = await _ask("GET", f"{settings.public_url}{WECOM_PATH}", query)
    return _callback("企业微信回调", WECOM_PATH, status, text == echo)


async def dingtalk_events(settings: config.Settings, clock: Clock) -> Finding:
    """Verify our own event callback as DingTalk does: check_url must be answered by a sealed success (DT-E0004)."""
    from bot.platforms.dingtalk.sign import EventEnvelope
    from bot.web.callbacks import DINGTALK_PATH

    secret = settings.dingtalk_event_token, settings.dingtalk_event_aes_key, settings.dingtalk_client_id
    envelope, now = EventEnvelope(*secret), str(int(clock.now().timestamp() * 1000))
    sealed = envelope.seal('{"EventType":"check_url"}', now)
    query = {"signature": sealed["msg_signature"], "timestamp": now, "nonce": sealed["nonce"]}
    body = json.dumps({"encrypt": sealed["encrypt"]}).encode()
    status, text = await _ask("POST", f"{settings.public_url}{DINGTALK_PATH}", query, body)
    try:
        fine = envelope.opened(json.loads(text)) == "success"
    except (ValueError, AttributeError, CallbackRefused):
        fine = False
    return _callback("钉钉回调", DINGTALK_PATH, status, fine)


def _callback(subject: str, path: str, status: int, fine: bool) -> Finding:
    if fine:
        return Finding(subject, True, f"{path} 能验证、能解密")
    if status == 403:
        mend = "正在运行的服务和这里的 Token、EncodingAESKey 不一样，或两边时钟差得多；改好后重启服务"
        return Finding(subject, False, f"{path} 到了本服务，但没有认出签名", mend)
    why = "答得不对，可能不是本服务" if status == 200 else _why(status)
    return Finding(subject, False, f"{path} {why}", _MEND_URL)


def _why(status: int) -> str:
    return f"回了 HTTP {status}" if status else "连不上"


async def _ask(
    method: str, url: str, query: Mapping[str, str], body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Status and text of an answer; 0 when there was none. The address may hold signatures: it is shown nowhere."""
    sent = {"Content-Type": "application/json", **(headers or {})} if body is not None else dict(headers or {})
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.request(method, url, params=dict(query), data=body, headers=sent, allow_redirects=False) as answer,
        ):
            return answer.status, (await answer.content.read(_LIMIT)).decode(errors="replace")
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
        return 0, ""


async def judge(url: str, key: str, model: str) -> Finding:
    """The judge's endpoint: whether it answers, takes the key and knows the model (GET /models)."""
    status, text = await _ask("GET", f"{url}/models", {}, headers={"Authorization": f"Bearer {key}"} if key else {})
    if status in (401, 403):
        return Finding(
            "判卷模型", False, f"不收这个密钥（HTTP {status}）", "核对 JIEHUA_JUDGE_KEY；在那之前只用离线评分"
        )
    if status in (404, 405):
        return Finding("判卷模型", True, "能连上；它不列模型，名称没有核对")
    if status != 200:
        return Finding("判卷模型", False, _why(status), "核对 JIEHUA_JUDGE_URL 和网络；在那之前只用离线评分")
    known = set(re.findall(r'"id"\s*:\s*"([^"]+)"', text))
    if known and model not in known:
        return Finding("判卷模型", False, f"没有叫 {model} 的模型", f"改 JIEHUA_JUDGE_MODEL，例如 {sorted(known)[0]}")
    return Finding("判卷模型", True, f"{model} 能用")
