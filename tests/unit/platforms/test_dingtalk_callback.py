"""Reading DingTalk's pushes: every kind of message, taps on cards, signatures, envelopes, and what is refused."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.clock import ManualClock
from bot.core.errors import CallbackRefused
from bot.core.messages import Incoming, Kind
from bot.platforms.dingtalk import Account, DingTalk
from bot.platforms.dingtalk.callback import GROUP, NO_QUOTA, STRANGER, heard, tapped
from bot.platforms.dingtalk.cards import key_of, track_id
from bot.platforms.dingtalk.sign import EventEnvelope, check, signature
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.crypto import EventSealer, sign
from tests.fakes.stores import MemoryTokens

# The examples of DT-E0346 and DT-E0230.
FIRST = ("123456", "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij", "suite4xxxxxxxxxxxxxxx")
SECOND = ("123456", "1234567890123456789012345678901234567890123", "dingsnotzck6pm5veliw")
SECOND_SEALED = "YvkvaGe4hQxd3VxRmEty0dVlnCOAqwf56xwTRHDHoOURqhalbmBJQk5FNcRk42Gl5T0YQXZNwpwWSm1xAFJ5ZA=="
SECOND_QUERY = {
    "signature": "9a95a004dd16f5c307e849b994173f76aa26e5eb", "timestamp": "1614767836", "nonce": "A7Co0cJLMzIDtMMI",
}  # fmt: skip


# Robot messages


def test_a_message_is_text_from_its_sender(ding: FakeDingTalk) -> None:
    data = ding.chats.message("Alice", text={"content": " 您先别急😀\n我看看 "})
    found = heard(data)
    assert found.incoming == Incoming("dingtalk", "Alice", data["msgId"], Kind.TEXT, "您先别急😀\n我看看")
    assert found.session is not None
    assert found.session.url == data["sessionWebhook"]
    assert data["sessionWebhook"] not in repr(found)


def test_ids_are_taken_as_they_are_spelt(ding: FakeDingTalk) -> None:
    found = heard(ding.chats.message("ALICE", text={"content": "x"})).incoming
    assert found is not None
    assert found.sender == "ALICE"


RICH = {"richText": [{"text": "您先"}, {"type": "picture", "downloadCode": "d"}, {"text": "别急"}]}
KINDS: dict[str, tuple[dict[str, Any], Kind, str]] = {
    "text": ({"text": {"content": ""}}, Kind.TEXT, ""),
    "audio": ({"content": {"downloadCode": "d", "recognition": "您先别急", "duration": 1000}}, Kind.TEXT, "您先别急"),
    "richText": ({"content": RICH}, Kind.TEXT, "您先别急"),
    "picture": ({"content": {"downloadCode": "d"}}, Kind.OTHER, ""),
    "video": ({"content": {"downloadCode": "d"}}, Kind.OTHER, ""),
    "file": ({"content": {"downloadCode": "d", "fileName": "f"}}, Kind.OTHER, ""),
    "novelty": ({}, Kind.OTHER, ""),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(ding: FakeDingTalk, kind: str) -> None:
    parts, expected, words = KINDS[kind]
    found = heard(ding.chats.message("Alice", kind, **parts)).incoming
    assert found is not None
    assert (found.kind, found.text) == (expected, words)


@pytest.mark.parametrize(
    ("kind", "content"), [("audio", {"recognition": " "}), ("audio", {}), ("richText", {"richText": "x"})]
)
def test_without_words_it_is_other(ding: FakeDingTalk, kind: str, content: Any) -> None:
    found = heard(ding.chats.message("Alice", kind, content=content)).incoming
    assert found is not None
    assert found.kind is Kind.OTHER


@pytest.mark.parametrize("staff", [None, "", 7])
def test_without_a_staff_id_nobody_is_guessed(ding: FakeDingTalk, staff: Any) -> None:
    found = heard(ding.chats.message("Alice", senderStaffId=staff, text={"content": "x"}))
    assert (found.incoming, found.instead) == (None, STRANGER)
    assert found.session is not None


def test_a_group_is_told_to_write_in_private(ding: FakeDingTalk) -> None:
    found = heard(ding.chats.message("Alice", group=True, text={"content": " 话术"}))
    assert (found.incoming, found.instead) == (None, GROUP)


@pytest.mark.parametrize("code", ["20001", 20001])
def test_over_the_quota_there_is_no_text(ding: FakeDingTalk, code: Any) -> None:
    data = ding.chats.over_quota(ding.chats.message("Alice", text={"content": "x"})) | {"errorCode": code}
    assert "text" not in data
    found = heard(data)
    assert (found.incoming, found.instead) == (None, NO_QUOTA)


def test_any_attribute_may_be_absent(ding: FakeDingTalk) -> None:
    data = ding.chats.message("Alice", text={"content": "x"})
    for name in data:
        if name == "msgId":
            continue
        heard({key: value for key, value in data.items() if key != name})
    with pytest.raises(CallbackRefused):
        heard({key: value for key, value in data.items() if key != "msgId"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)
NAMES = ["msgId", "msgtype", "text", "content", "senderStaffId", "conversationType", "errorCode", "sessionWebhook",
         "sessionWebhookExpiredTime", "outTrackId", "userId"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_odd_data_is_read_or_refused_and_never_breaks(data: dict[str, Any]) -> None:
    for read in (heard, tapped):
        with contextlib.suppress(CallbackRefused):
            read(data)


# Cards


def tap(says: Any = "再答", **parts: Any) -> dict[str, Any]:
    content = json.dumps({"cardPrivateData": {"actionIds": ["button1"], "params": {"says": says}}})
    return {"type": "actionCallback", "outTrackId": "t1", "userId": "Alice", "content": content} | parts


def test_a_tap_is_a_click_with_what_the_button_says() -> None:
    found = tapped(tap())
    assert (found.incoming.kind, found.incoming.text, found.incoming.sender) == (Kind.CLICK, "再答", "Alice")
    assert (found.card, found.says) == ("t1", "再答")
    assert found.incoming.card == "?", "a card that is not ours"


@given(st.from_regex(r"[0-9a-f]{16}\.[0-9]{1,2}", fullmatch=True), st.lists(st.text(max_size=9), max_size=3))
def test_a_cards_id_says_the_key_it_was_sent_with(key: str, people: list[str]) -> None:
    track = track_id(key, people)
    assert key_of(track) == key
    assert len(track) <= 64
    assert track == track_id(key, people) != track_id(key, [*people, "more"])


@pytest.mark.parametrize("key", ["", "doctor", "话.0", "a.b.0", "x" * 65 + ".0"])
def test_a_key_of_another_shape_gives_an_id_all_the_same(key: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", track_id(key, ["Alice"]))
    assert key_of(track_id(key, ["Alice"])) == "?"


def test_a_second_tap_is_the_same_message_and_another_button_or_person_is_not() -> None:
    keys = [tapped(each).incoming.key for each in (tap(), tap(), tap("例答"), tap(userId="bob"), tap(outTrackId="t2"))]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4


@pytest.mark.parametrize(
    "data", [tap(""), tap(7), tap(userId=""), tap(outTrackId=None), tap(content="{"), tap(content="[]"), {}]
)
def test_a_tap_that_says_nothing_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(CallbackRefused):
        tapped(data)


# Signatures


def test_our_signature_is_the_fakes() -> None:
    assert signature("SECx", "1700000000000") == sign("SECx", "1700000000000")


def test_a_signature_is_good_for_an_hour_either_way() -> None:
    timestamp, now = "1700000000000", 1_700_000_000.0
    headers = {"timestamp": timestamp, "sign": sign("s", timestamp)}
    for shift in (0, 3600, -3600):
        check(headers, "s", now + shift)
    for bad, at in (
        (headers, now + 3601),
        (headers, now - 3601),
        ({}, now),
        (headers | {"sign": ""}, now),
        (headers | {"sign": sign("other", timestamp)}, now),
        (headers | {"sign": "话"}, now),
        (headers | {"timestamp": "1700000000001"}, now),
        (headers | {"timestamp": "１700000000000"}, now),
        (headers | {"timestamp": "9" * 40}, now),
    ):
        with pytest.raises(CallbackRefused):
            check(bad, "s", at)


# Encrypted events


def test_the_official_vectors() -> None:
    envelope = EventEnvelope(*SECOND)
    body = json.dumps({"encrypt": SECOND_SEALED}).encode()
    with pytest.raises(CallbackRefused, match="格式"):  # it opens, and holds `success` instead of an event
        envelope.open(SECOND_QUERY, body, 1614767836)
    assert EventSealer(*SECOND).open(SECOND_SEALED) == "success"
    first = EventSealer(*FIRST)
    assert first.answer(EventEnvelope(*FIRST).seal("success", "1445827045067")) == "success"


def test_an_event_is_opened_and_answered(ding: FakeDingTalk, dingtalk: DingTalk) -> None:
    query, body = ding.http.sealed({"EventType": "check_url", "名": "话"})
    event, sealed = dingtalk.event(query, body)
    assert event == {"EventType": "check_url", "名": "话"}
    assert ding.http.sealer.answer(sealed) == "success"
    only_one = {name: value for name, value in query.items() if name != "signature"}
    assert dingtalk.event(only_one, body)[0] == event


def test_bad_events_are_refused(ding: FakeDingTalk, dingtalk: DingTalk) -> None:
    query, body = ding.http.sealed({"EventType": "x"})
    other = EventSealer(ding.http.event_token, ding.http.aes_key, "dinganother")
    plain = b"r" * 16 + (2).to_bytes(4, "big") + b"{}" + ding.client_id.encode()
    count = 64 - len(plain)
    good = ding.http.sealer.encrypt(plain + bytes([count]) * count)
    padded = ding.http.sealer.encrypt(plain + b"\x01" * (count - 1) + bytes([count]))
    bad_padding = json.dumps({"encrypt": padded}).encode()
    signed = query | {"signature": ding.http.sealer.sign(query["timestamp"], query["nonce"], padded)}
    fine = query | {"signature": ding.http.sealer.sign(query["timestamp"], query["nonce"], good)}
    assert dingtalk.event(fine, json.dumps({"encrypt": good}).encode())[0] == {}
    bad: list[tuple[dict[str, str], bytes]] = [
        (query | {"signature": "0" * 40}, body),
        ({}, body),
        (query, b"{}"),
        (query, b"["),
        (query, json.dumps({"encrypt": 7}).encode()),
        ding.http.sealed({"EventType": "x"}, other),
        (signed, bad_padding),
        (query, ding.http.sealed({"EventType": "x"})[1]),
    ]
    for each in bad:
        with pytest.raises(CallbackRefused):
            dingtalk.event(*each)
    ding.advance(3601)
    with pytest.raises(CallbackRefused, match="时间"):
        dingtalk.event(query, body)


def test_events_without_their_settings_are_refused() -> None:
    plain = DingTalk(
        Account("id", "secret"), clock=ManualClock(datetime(2026, 11, 20, tzinfo=UTC)), tokens=MemoryTokens()
    )
    with pytest.raises(CallbackRefused, match="没有设置"):
        plain.event({"signature": "x"}, b"{}")
    assert "secret" not in repr(plain.account)
