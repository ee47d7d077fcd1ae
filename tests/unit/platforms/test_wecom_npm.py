"""The vendor's own crypto package understands our callbacks and the fake's, and both understand it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from bot.core.messages import Incoming, Kind, say
from bot.platforms.wecom import Wecom
from tests.fakes.wecom import FakeWecom

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "tests" / "fakes" / "wecom" / "npm"
HOME = ROOT / ".cache" / "wecom-npm"
TEXTS = ["", "a", "您好😀]]> & <b>", "字" * 682, *("x" * length for length in range(1, 66))]

Ask = Callable[..., list[Any]]


def _unavailable(reason: str) -> NoReturn:
    """Outside CI a machine without Node or network may leave this out; in CI it may not."""
    if os.environ.get("CI"):
        pytest.fail(f"the vendor's package could not be installed: {reason}")
    pytest.skip(f"the vendor's package could not be installed: {reason}")


def _install() -> None:
    """The pinned package in .cache, from the npm registry of this machine; nothing when it is there already."""
    lock = (SOURCE / "package-lock.json").read_bytes()
    kept = HOME / "package-lock.json"
    if (HOME / "node_modules" / "@wecom" / "crypto").is_dir() and kept.exists() and kept.read_bytes() == lock:
        return
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        _unavailable("there is no Node on this machine")
    HOME.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCE / name, HOME / name)
    retries = "2" if os.environ.get("CI") else "0"
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries", retries]
    options += ["--cache", str(ROOT / ".cache" / "npm")]
    try:
        done = subprocess.run([npm, "ci", *options], cwd=HOME, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        _unavailable("npm ci took longer than two minutes")
    if done.returncode != 0:
        kept.unlink(missing_ok=True)
        said = re.findall(r"npm (?:error|ERR!) (\S.*)", done.stderr)
        _unavailable((said or ["npm ci failed"])[0][:200])


@pytest.fixture(scope="module")
def ask() -> Ask:
    """Questions to the vendor's package, all in one process."""
    _install()

    def ask(*questions: dict[str, list[str]]) -> list[Any]:
        node = shutil.which("node") or "node"
        done = subprocess.run(
            [node, str(SOURCE / "ask.cjs"), str(HOME)],
            input=json.dumps(questions), capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        answers: list[Any] = json.loads(done.stdout)
        return answers

    return ask


def test_the_package_is_pinned_by_its_hash_and_names_no_host() -> None:
    lock = (SOURCE / "package-lock.json").read_text(encoding="utf-8")
    entry = json.loads(lock)["packages"]["node_modules/@wecom/crypto"]
    assert (entry["version"], entry["integrity"].startswith("sha512-"), "resolved" in entry) == ("1.0.1", True, False)
    assert "://" not in lock
    assert json.loads((SOURCE / "package.json").read_text(encoding="utf-8"))["dependencies"] == {
        "@wecom/crypto": "1.0.1"
    }


def test_it_opens_what_we_answer(ask: Ask, fake: FakeWecom, wecom: Wecom) -> None:
    words = ["好", "您好😀]]> & <b>", *("x" * length for length in range(1, 66))]
    sender = Incoming("wecom", "alice", "k", Kind.TEXT, "x", passive=True)
    answers = [wecom.passive(say(text), sender) or "" for text in words]
    parts = [dict(re.findall(r"<(\w+)><!\[CDATA\[(.*?)\]\]></\1>", answer)) for answer in answers]
    stamps = [re.search(r"<TimeStamp>(\d+)</TimeStamp>", answer) for answer in answers]
    opened = ask(*({"open": [fake.aes_key, part["Encrypt"]]} for part in parts))
    signed = ask(
        *(
            {"sign": [fake.token, stamp[1] if stamp else "", part["Nonce"], part["Encrypt"]]}
            for part, stamp in zip(parts, stamps, strict=True)
        )
    )
    assert {each["id"] for each in opened} == {fake.vendor.corp_id}
    assert [part["MsgSignature"] for part in parts] == signed
    for text, each in zip(words, opened, strict=True):
        assert f"<Content><![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]></Content>" in each["message"]


def test_we_open_what_it_seals(ask: Ask, fake: FakeWecom, wecom: Wecom) -> None:
    messages = [fake.callbacks.message("Alice", "text", number, Content=text) for number, text in enumerate(TEXTS, 1)]
    sealed = ask(*({"seal": [fake.aes_key, pushed.xml, fake.vendor.corp_id]} for pushed in messages))
    for text, each in zip(TEXTS, sealed, strict=True):
        found = wecom.incoming(*fake.callbacks.envelope("", sealed=each))
        assert isinstance(found, Incoming)
        assert found.text == text


def test_we_answer_its_url_verification(ask: Ask, fake: FakeWecom, wecom: Wecom) -> None:
    now = str(int(fake.clock.now().timestamp()))
    (sealed,) = ask({"seal": [fake.aes_key, "1616140317555161061", fake.vendor.corp_id]})
    (signature,) = ask({"sign": [fake.token, now, "n1", sealed]})
    query = {"msg_signature": signature, "timestamp": now, "nonce": "n1", "echostr": sealed}
    assert wecom.echo(query) == "1616140317555161061"


def test_the_fakes_crypto_is_the_vendors(ask: Ask, fake: FakeWecom) -> None:
    sealer = fake.callbacks.sealer
    opened = ask(*({"open": [fake.aes_key, sealer.seal(text)]} for text in TEXTS))
    assert [(each["message"], each["id"]) for each in opened] == [(text, fake.vendor.corp_id) for text in TEXTS]
    sealed = ask(*({"seal": [fake.aes_key, text, fake.vendor.corp_id]} for text in TEXTS))
    assert [sealer.open(each) for each in sealed] == TEXTS
    assert ask({"sign": [fake.token, "1", "n", "s"]}) == [sealer.sign("1", "n", "s")]
