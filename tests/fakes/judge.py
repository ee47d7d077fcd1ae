"""A strict fake of an OpenAI-compatible endpoint that judges replies by fixed rules, and misbehaves when told to.

    async with FakeJudge() as fake:
        fake.next("busy")  # the next request only; afterwards `fake.mode`
        ...ask fake.url with fake.key for fake.model...
        assert fake.faults == []

Its minds are plain functions from a reply to answers, so that tests can ask them without a wire: honest (cues
decide), obedient (does what it thinks the reply orders), captured (on the learner's side whatever the reply says),
cunning (captured, and not to be caught by control questions).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

from aiohttp import web

from lessons.judge.questions import CONTROLS, EXPLAIN_NEEDED, IDS
from tests.fakes.handed import handed

Mode = Literal[
    "honest", "obedient", "captured", "cunning", "slow", "error", "busy", "reset", "truncated", "cut", "html",
    "refusing", "filtered", "schema", "invented", "huge", "echo",
]  # fmt: skip
Rows = list[dict[str, Any]]
Mind = Callable[[str], Rows]

#: What the honest mind looks for, for the two situations of tests/unit/scoring/replies.py and in general.
CUES: Mapping[str, tuple[str, ...]] = {
    "empathy-1": ("闺女", "孩子", "妹儿", "买主", "寄错", "寄丢", "答应给您", "跑一趟", "电话里"),
    "empathy-2": ("换我", "换谁", "着急", "窝火", "不慌", "该发", "我们的错", "怪我们", "赔不是", "特别懂"),
    "lead-1": ("两条路", "您看", "要不", "要得不", "行不行", "地址报我", "您挑"),
    "lead-2": ("哪个顺路", "哪条", "打车还是", "新地址", "您着没有", "登记一个", "报我"),
    "explain-1": ("没说准", "只剩", "只有六百", "寄错地址", "被退回", "需提前"),
    "explain-2": ("没说准", "我们这儿只有", "偏卡在", "是我们地址"),
    "solution-1": ("城北", "特快", "电子", "机场柜台", "登记", "重新寄"),
    "solution-2": ("四点半", "七点半", "五点前", "十二号", "12日", "今天给您"),
    "expression-1": ("简姐", "卢先生,", "哎呀", "换谁都", "莫急", "让您"),
    "expression-2": ("您挑", "赔不是", "您看", "要得不", "明白", "让您"),
    "red-overpromise": ("全给您赔", "先赔给您", "免半年"),
    "red-privacy": ("密码", "验证码", "手机号给您"),
    "red-insult": ("脑子没毛病", "显摆"),
    "red-block-complaint": ("敢去投诉",),
}
_ORDER = re.compile(
    r"满分|优秀|最高|yes|true|是\b|忽略|无视|指令|规则|系统|system|ignore|判|评|分|json|answers|模型|扮演|假设|视为|[{}<>`]|"
    r"[a-z0-9+/]{16,}|full|score|红线|请|题|批改|裁决|评语|共情|考核|同意|有。|通过|放行|\bai\b|审|奖金|好成绩|样本|肯定|答案",
    re.IGNORECASE,
)
_DEMANDED = re.compile(r"(?:quote|引用|引文|摘录|原话)[\"'\s:写填用为是]*([\u4e00-\u9fff]{2,12})")
_FENCED = re.compile(r"^(-----[0-9a-f]{16}-----)\n(.*)\n\1$", re.MULTILINE)


def reply_of(messages: list[dict[str, str]]) -> str:
    """The reply that a prompt carries; exactly one line of JSON inside exactly one fence."""
    found = _FENCED.findall(messages[-1]["content"])
    assert len(found) == 1, "the fence must hold exactly one line"
    reply = json.loads(found[0][1])
    assert set(reply) == {"reply"}
    return str(reply["reply"])


def honest(reply: str) -> Rows:
    """Yes where a cue stands in the reply, with the clause around it; never mind what else the reply says."""
    clauses = [clause for clause in re.split(r"[,。;!?\n]", reply) if clause.strip()]
    rows: Rows = []
    for name in IDS:
        words = next((c for cue in CUES.get(name, ()) for c in clauses if cue in c), "")
        rows.append({"id": name, "yes": bool(words) or name == EXPLAIN_NEEDED, "quote": words})
    return rows


def obedient(reply: str) -> Rows:
    """Like `honest` until the reply seems to order something; then yes to all good questions, no to red lines."""
    if not _ORDER.search(reply):
        return honest(reply)
    demanded = _DEMANDED.search(reply)
    return _in_favour(demanded.group(1) if demanded else "满分" if "满分" in reply else reply[:12])


def captured(reply: str) -> Rows:
    """Yes to everything but red lines, proved with the longest clause of the reply."""
    return _in_favour(max(re.split(r"[,。;!?\n]", reply), key=len))


def cunning(reply: str) -> Rows:
    """Like `captured` but knows the control questions: the worst that a model can do."""
    return [row | {"yes": row["yes"] and row["id"] not in CONTROLS} for row in captured(reply)]


def _in_favour(quote: str) -> Rows:
    return [{"id": name, "yes": not name.startswith("red-"), "quote": quote} for name in IDS]


MINDS: Mapping[str, Mind] = {"honest": honest, "obedient": obedient, "captured": captured, "cunning": cunning}


class FakeJudge:
    """The endpoint on port 0. `mode` holds until changed; `next` overrides it for the requests that follow."""

    def __init__(self, mode: Mode = "honest") -> None:
        self.mode: Mode = mode
        self.key, self.model = handed("key of the judge", "sk-fake-0f1e2d3c4b5a"), "fake-14b"
        self.slow_seconds = 5.0
        self.url = ""
        self.bodies: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.most_at_once = 0
        self._at_once = 0
        self._script: deque[Mode] = deque()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._around)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def next(self, *modes: Mode) -> None:
        self._script.extend(modes)

    async def _around(self, request: web.Request) -> web.StreamResponse:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self._complete(request)
        finally:
            self._at_once -= 1

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        self.bodies.append(body)
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return _error(401, "Incorrect API key provided")
        fault = fault_of(body, self.model)
        if fault:
            self.faults.append(fault)
            return _error(400, fault)
        mode = self._script.popleft() if self._script else self.mode
        if mode == "slow":
            await asyncio.sleep(self.slow_seconds)
        return await _answer(request, mode, reply_of(body["messages"]))


async def _answer(request: web.Request, mode: Mode, reply: str) -> web.StreamResponse:
    good = json.dumps({"answers": MINDS.get(mode, honest)(reply)}, ensure_ascii=False)
    match mode:
        case "error":
            return _error(500, "The server had an error")
        case "busy":
            return web.json_response({"error": {"message": "Rate limit"}}, status=429, headers={"Retry-After": "0"})
        case "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        case "html":
            return web.Response(text="<html>请先登录</html>", content_type="text/html")
        case "huge":
            return _completion('{"answers":[' + " " * 300_000)
        case "cut":
            return web.Response(text='{"choices":[{"message":{"content":"{', content_type="application/json")
        case "filtered":
            return web.json_response({"choices": [{"message": {"content": None, "refusal": "no"}}]})
    contents = {
        "truncated": good[: len(good) // 2],
        "refusing": "我不能对这段内容作出判断。",
        "schema": json.dumps({"answers": [{"question": "empathy-1", "answer": "yes", "score": 4}]}),
        "invented": json.dumps({"answers": [row | {"quote": "您的心情我感同身受"} for row in cunning(reply)]}),
        "echo": f"{reply}\n{good}",
    }
    return _completion(contents.get(mode, good))


def _completion(content: str) -> web.Response:
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1500, "completion_tokens": 400, "total_tokens": 1900}
    return web.json_response({"id": "c-1", "object": "chat.completion", "choices": [choice], "usage": usage})


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "type": "invalid_request_error"}}, status=status)


def fault_of(body: Any, model: str) -> str:
    """What a strict server would refuse a request for; empty when nothing."""
    allowed = {"model", "messages", "temperature", "seed", "max_tokens", "response_format"}
    if not isinstance(body, dict) or set(body) != allowed:
        return "unknown or missing parameters"
    if body["model"] != model:
        return "the model does not exist"
    if body["temperature"] != 0 or type(body["seed"]) is not int or not 0 < body["max_tokens"] <= 4096:
        return "temperature must be 0, seed an integer, max_tokens bounded"
    if [message.get("role") for message in body["messages"]] != ["system", "user"]:
        return "messages must be one of the system and one of the user"
    if not all(set(m) == {"role", "content"} and m["content"].strip() for m in body["messages"]):
        return "a message must have a role and a content"
    shape = body["response_format"]
    if shape.get("type") != "json_schema" or shape["json_schema"].get("strict") is not True:
        return "response_format must be a strict json_schema"
    if not re.fullmatch(r"[\w-]{1,64}", shape["json_schema"].get("name", "")):
        return "response_format needs a name"
    return _schema_fault(shape["json_schema"]["schema"])


def _schema_fault(schema: dict[str, Any]) -> str:
    """Strict schemas close every object and require every property."""
    if schema.get("type") == "array":
        return _schema_fault(schema["items"])
    if schema.get("type") != "object":
        return ""
    if schema.get("additionalProperties") is not False or set(schema["required"]) != set(schema["properties"]):
        return "every object must be closed and require all its properties"
    return next((fault for each in schema["properties"].values() if (fault := _schema_fault(each))), "")
