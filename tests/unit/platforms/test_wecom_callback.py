"""Opening and reading callbacks: the official vector, every event, and what must be refused."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from bot.core.clock import ManualClock
from bot.core.errors import CallbackRefused
from bot.core.messages import Incoming, Kind, Message, say
from bot.platforms.base import ContactChange, Notice
from bot.platforms.wecom import Account, Wecom
from bot.platforms.wecom.callback import WARNINGS
from tests.fakes.stores import MemoryTokens
from tests.fakes.wecom import FakeWecom, Sealer
from tests.fakes.wecom.bot import png_of
from tests.fakes.wecom.callbacks import selected_items

# The example of WC90968 and of the vendor's sample code.
CORP, TOKEN, AES_KEY, AGENT = (
    "wx5823bf96d3bd56c7", "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", 218,
)  # fmt: skip
VECTOR_SEALED = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3"
    "TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gs"
    "ijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUa"
    "x5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIG"
    "HBZZIs2pDBS8R07+qN+E7Q=="
)
VECTOR_QUERY = {
    "msg_signature": "477715d11cdb4164915debcba66cb864d751f3e6", "timestamp": "1409659813", "nonce": "1372623149",
}  # fmt: skip
VECTOR_BODY = f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><Encrypt><![CDATA[{VECTOR_SEALED}]]></Encrypt></xml>"
ECHO_QUERY = {
    "msg_signature": "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "timestamp": "1409659589", "nonce": "263014780",
    "echostr": "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
}  # fmt: skip


@pytest.fixture
def official() -> Wecom:
    then = ManualClock(datetime.fromtimestamp(1409659813, UTC))
    account = Account(CORP, AGENT, "secret", TOKEN, AES_KEY)
    return Wecom(account, clock=then, tokens=MemoryTokens(), picture_of=png_of)


def test_the_official_message(official: Wecom) -> None:
    assert official.incoming(VECTOR_QUERY, VECTOR_BODY.encode()) == Incoming(
        "wecom", "mycreate", "218:mycreate:4561255354251345929", Kind.TEXT, "hello", passive=True
    )


def test_the_official_url_verification(official: Wecom) -> None:
    assert official.echo(ECHO_QUERY) == "1616140317555161061"
    assert official.echo(ECHO_QUERY | {"echostr": ECHO_QUERY["echostr"].replace("+", " ")}) == "1616140317555161061"


def test_the_official_vector_opens_with_the_fakes_own_crypto() -> None:
    sealer = Sealer(TOKEN, AES_KEY, CORP)
    assert sealer.sign("1409659813", "1372623149", VECTOR_SEALED) == VECTOR_QUERY["msg_signature"]
    assert "<Content><![CDATA[hello]]></Content>" in sealer.open(VECTOR_SEALED)
    assert sealer.open(sealer.seal("话]]>😀")) == "话]]>😀"


def test_a_message_from_five_minutes_ago_is_refused(official: Wecom) -> None:
    official._clock.advance(seconds=300)  # type: ignore[attr-defined]
    assert official.incoming(VECTOR_QUERY, VECTOR_BODY.encode())
    official._clock.advance(seconds=1)  # type: ignore[attr-defined]
    with pytest.raises(CallbackRefused, match="时间"):
        official.incoming(VECTOR_QUERY, VECTOR_BODY.encode())


# What people do


def read(fake: FakeWecom, wecom: Wecom, xml: str) -> Incoming | Notice | ContactChange | None:
    return wecom.incoming(*fake.callbacks.envelope(xml))


@pytest.mark.parametrize("text", ["你好", "]]>", "😀 & <b> 1<2 &amp;", "<!DOCTYPE x>", "a\nb", "0", "话" * 682])
def test_text_arrives_as_it_was_typed(fake: FakeWecom, wecom: Wecom, text: str) -> None:
    incoming = read(fake, wecom, fake.callbacks.message("Alice", "text", 5, Content=text).xml)
    assert incoming == Incoming("wecom", "alice", "1000002:alice:5", Kind.TEXT, text, passive=True)


def test_empty_text_is_text(fake: FakeWecom, wecom: Wecom) -> None:
    incoming = read(fake, wecom, fake.callbacks.message("Alice", "text", 5, Content="").xml)
    assert incoming is not None
    assert (incoming.kind, incoming.text) == (Kind.TEXT, "")


def test_the_same_msgid_of_two_people_is_two_messages(fake: FakeWecom, wecom: Wecom) -> None:
    keys = [
        read(fake, wecom, fake.callbacks.message(who, "text", 5, Content="x").xml) for who in ("Alice", "ALICE", "bob")
    ]
    assert [incoming.key for incoming in keys if incoming] == ["1000002:alice:5", "1000002:alice:5", "1000002:bob:5"]


@pytest.mark.parametrize("kind", ["image", "voice", "video", "location", "link", "novelty"])
def test_other_messages_are_other(fake: FakeWecom, wecom: Wecom, kind: str) -> None:
    incoming = read(fake, wecom, fake.callbacks.message("Alice", kind, 6, MediaId="m").xml)
    assert incoming is not None
    assert (incoming.kind, incoming.text, incoming.passive) == (Kind.OTHER, "", True)


EVENTS: dict[str, tuple[Mapping[str, str], Kind, str]] = {
    "enter_agent": ({"EventKey": ""}, Kind.ENTER, ""),
    "subscribe": ({}, Kind.SUBSCRIBE, ""),
    "unsubscribe": ({}, Kind.UNSUBSCRIBE, ""),
    "click": ({"EventKey": "话术"}, Kind.CLICK, "话术"),
    "CLICK": ({"EventKey": "话术"}, Kind.CLICK, "话术"),
    "template_card_event": ({"EventKey": "再答", "TaskId": "t", "ResponseCode": "rc"}, Kind.CLICK, "再答"),
    "template_card_menu_event": ({"EventKey": "申诉", "TaskId": "t", "ResponseCode": "rc"}, Kind.CLICK, "申诉"),
}


@pytest.mark.parametrize("event", EVENTS)
def test_events(fake: FakeWecom, wecom: Wecom, event: str) -> None:
    elements, kind, text = EVENTS[event]
    incoming = read(fake, wecom, fake.callbacks.event("Alice", event, **elements).xml)
    assert incoming is not None
    assert (incoming.sender, incoming.kind, incoming.text) == ("alice", kind, text)
    assert incoming.passive is (kind is not Kind.UNSUBSCRIBE)


@pytest.mark.parametrize(
    ("chosen", "text"), [({}, "k"), ({"q": ["B"]}, "B"), ({"q": ["1", "2"], "r": ["3"]}, "1、2、3")]
)
def test_a_card_with_none_one_or_many_choices(
    fake: FakeWecom, wecom: Wecom, chosen: dict[str, list[str]], text: str
) -> None:
    event = fake.callbacks.event("Alice", "template_card_event", selected_items(chosen), EventKey="k", TaskId="t")
    incoming = read(fake, wecom, event.xml)
    assert isinstance(incoming, Incoming)
    assert incoming.text == text


def test_a_vote_with_nothing_chosen_does_not_settle_the_card(fake: FakeWecom, wecom: Wecom) -> None:
    vote = {"EventKey": "提交", "TaskId": "o_k@0", "CardType": "vote_interaction", "ResponseCode": "rc"}
    nothing = read(fake, wecom, fake.callbacks.event("Alice", "template_card_event", selected_items({}), **vote).xml)
    chosen = fake.callbacks.event("Alice", "template_card_event", selected_items({"choice": ["B"]}), **vote)
    something = read(fake, wecom, chosen.xml)
    assert isinstance(nothing, Incoming)
    assert isinstance(something, Incoming)
    assert (nothing.text, nothing.card, something.text, something.card) == ("", "", "B", "k.0")
    assert nothing.key != something.key


def test_a_second_tap_on_a_card_has_the_key_of_the_first(fake: FakeWecom, wecom: Wecom) -> None:
    def key(user: str, label: str, task: str, handle: str) -> str:
        elements = {"EventKey": label, "TaskId": task, "ResponseCode": handle}
        fake.advance(1)
        incoming = read(fake, wecom, fake.callbacks.event(user, "template_card_event", **elements).xml)
        assert isinstance(incoming, Incoming)
        assert (incoming.card, incoming.handle) == ("batch.1", handle)
        assert handle not in repr(incoming)
        return incoming.key

    first = key("Alice", "再答", "o_batch@1", "rc1")
    assert key("Alice", "例答", "o_batch@1", "rc2") == first
    assert key("bob", "再答", "o_batch@1", "rc3") != first
    one = key("Alice", "1", "m_batch@1", "rc4")
    assert key("Alice", "1", "m_batch@1", "rc5") == one
    assert key("Alice", "2", "m_batch@1", "rc6") != one, "every line of a list may be tapped"


def test_two_events_in_one_second_have_two_keys_and_a_repeat_has_the_same(fake: FakeWecom, wecom: Wecom) -> None:
    pushes = [fake.callbacks.event("Alice", "click", EventKey=key).xml for key in "aab"]
    pushes += [fake.callbacks.event("Alice", "template_card_event", EventKey="a", TaskId=t).xml for t in "tu"]
    keys = [incoming.key for xml in pushes if (incoming := read(fake, wecom, xml))]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4


@pytest.mark.parametrize("event", ["LOCATION", "view", "view_miniprogram", "batch_job_result", "open_approval_change"])
def test_events_that_concern_nobody(fake: FakeWecom, wecom: Wecom, event: str) -> None:
    assert read(fake, wecom, fake.callbacks.event("sys", event, ChangeType="update_user").xml) is None


@pytest.mark.parametrize("event", WARNINGS)
def test_what_happens_to_the_app_is_for_the_operator(fake: FakeWecom, wecom: Wecom, event: str) -> None:
    when = int(datetime(2026, 12, 3, 4, tzinfo=UTC).timestamp())
    notice = read(fake, wecom, fake.callbacks.event("sys", event, EffectTime=when).xml)
    assert isinstance(notice, Notice)
    assert (notice.platform, notice.code) == ("wecom", event)
    assert ("12 月 3 日" in notice.words) is ("{when}" in WARNINGS[event])
    without = read(fake, wecom, fake.callbacks.event("sys", event, EffectTime="soon").xml)
    assert isinstance(without, Notice)
    assert ("近期" in without.words) is ("{when}" in WARNINGS[event])


CHANGES = {
    "create_user": ({"UserID": "zhangsan", "Department": "1,2"}, "zhangsan"),
    "update_user": ({"UserID": "zhangsan", "NewUserID": "zhang3"}, "zhangsan"),
    "delete_user": ({"UserID": "zhangsan"}, "zhangsan"),
    "create_party": ({"Id": "7", "Name": "客服二部", "ParentId": "1"}, "7"),
    "delete_party": ({"Id": "7"}, "7"),
    "update_tag": ({"TagId": "3", "AddUserItems": "a,b"}, "3"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_the_directory_has_no_agent_and_says_whom_it_is_about(
    fake: FakeWecom, wecom: Wecom, what: str
) -> None:
    elements, subject = CHANGES[what]
    xml = fake.callbacks.event("sys", "change_contact", ChangeType=what, **elements).xml
    change = read(fake, wecom, xml.replace("<AgentID>1000002</AgentID>", ""))
    assert isinstance(change, ContactChange)
    assert (change.platform, change.what, change.subject) == ("wecom", what, subject)
    assert elements.items() <= change.elements.items()
    assert change.person is what.endswith("_user")
    assert change.renamed == elements.get("NewUserID", "")


def test_a_change_of_the_directory_that_says_nothing_is_none(fake: FakeWecom, wecom: Wecom) -> None:
    assert read(fake, wecom, fake.callbacks.event("sys", "change_contact", ChangeType="update_user").xml) is None
    assert read(fake, wecom, fake.callbacks.event("sys", "change_contact", UserID="x").xml) is None


# What must be refused


def damaged(sealed: str) -> str:
    raw = bytearray(base64.b64decode(sealed))
    raw[-20] ^= 1
    return base64.b64encode(raw).decode()


def bad_packets(fake: FakeWecom) -> dict[str, tuple[dict[str, str], bytes]]:
    """Callbacks that are signed with the right token but wrong inside, and unsigned ones."""
    calls, vendor = fake.callbacks, fake.vendor
    good = calls.message("Alice", "text", 1, Content="x").xml
    query, body = calls.envelope(good)
    stranger = Sealer(fake.token, fake.aes_key, "ww-another-corp")
    now = int(vendor.clock.now().timestamp())
    short, whole = b"x" * 31 + b"\x00", b"x" * 31 + b"\x40"
    entity = '<!DOCTYPE xml [<!ENTITY e "x">]><xml><Content>&e;</Content></xml>'
    return {
        "signature": (query | {"msg_signature": "0" * 40}, body),
        "signature in another alphabet": (query | {"msg_signature": "签\udcff"}, body),
        "no signature": ({"timestamp": query["timestamp"], "nonce": "1"}, body),
        "no query": ({}, body),
        "signature of another packet": (query, calls.envelope(good)[1]),
        "another token": calls.envelope(good, sealer=Sealer("other", fake.aes_key, vendor.corp_id)),
        "another corp": calls.envelope(good, sealer=stranger),
        "another corp inside": calls.envelope(good.replace(vendor.corp_id, "ww-another-corp")),
        "another app": calls.envelope(good.replace("1000002", "1000003")),
        "no app": calls.envelope(good.replace("<AgentID>1000002</AgentID>", "")),
        "no sender": calls.envelope(good.replace("Alice", "")),
        "no MsgId": calls.envelope(good.replace("<MsgId>1</MsgId>", "")),
        "old": calls.envelope(good, timestamp=now - 301),
        "from the future": calls.envelope(good, timestamp=now + 301),
        "timestamp is words": (query | {"timestamp": "now"}, body),
        "timestamp is huge": (query | {"timestamp": "9" * 5000}, body),
        "base64 cut": calls.envelope("", sealed=calls.sealer.seal(good)[:-7]),
        "base64 damaged": calls.envelope("", sealed=damaged(calls.sealer.seal(good))),
        "not base64": calls.envelope("", sealed="话" * 30),
        "padding 0": calls.envelope("", sealed=calls.sealer.encrypt(short)),
        "padding 64": calls.envelope("", sealed=calls.sealer.encrypt(whole)),
        "nothing inside": calls.envelope(""),
        "not XML inside": calls.envelope("hello"),
        "another root inside": calls.envelope("<html><xml></xml></html>"),
        "half of it inside": calls.envelope(good[:-20]),
        "two contents": calls.envelope(good.replace("<MsgId>", "<MsgId>7</MsgId><MsgId>")),
        "entity inside": calls.envelope(entity),
        "document type inside": calls.envelope(f"<!DOCTYPE xml>{good}"),
        "entity outside": (query, entity.encode()),
        "document type outside": (query, b"<!DOCTYPE xml>" + body),
        "not XML": (query, b"hello"),
        "empty": (query, b""),
        "not UTF-8": (query, b"<xml>\xff</xml>"),
        "two packets": (query, body.replace(b"</xml>", b"<Encrypt>" + b"A" * 44 + b"</Encrypt></xml>")),
        "very long": (query, b"<xml>" + b"a" * (1024 * 1024)),
        "very white": (query, b" " * (1024 * 1024 - 1) + b"x"),
    }


NAMES = list(bad_packets(FakeWecom(clock=ManualClock(datetime(2026, 11, 20, tzinfo=UTC)))))


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_packet_is_refused_without_details(fake: FakeWecom, wecom: Wecom, name: str) -> None:
    with pytest.raises(CallbackRefused) as caught:
        wecom.incoming(*bad_packets(fake)[name])
    assert len(str(caught.value)) < 20
    assert caught.value.__suppress_context__ or caught.value.__cause__ is None


@pytest.mark.parametrize("change", [{"msg_signature": "0"}, {"echostr": ""}, {"echostr": "abc"}, {"timestamp": ""}])
def test_a_bad_url_verification_is_refused(official: Wecom, change: dict[str, str]) -> None:
    with pytest.raises(CallbackRefused):
        official.echo(ECHO_QUERY | change)


# What goes back in the response


FROM_ALICE = Incoming("wecom", "alice", "k", Kind.TEXT, "x", passive=True)


def test_a_reply_is_carried_when_it_fits_whole(wecom: Wecom) -> None:
    at_the_limit, over = say("话" * 682 + "ab"), say("话" * 682 + "abc")
    assert wecom.fits_passive(at_the_limit)
    assert wecom.passive(at_the_limit, FROM_ALICE)
    for message in (over, Message(lines=say("x").lines, picture=1), say(" ")):
        assert not wecom.fits_passive(message)
        assert wecom.passive(message, FROM_ALICE) is None


def test_an_event_that_cannot_be_answered_carries_nothing(wecom: Wecom) -> None:
    assert wecom.passive(say("再见"), Incoming("wecom", "alice", "k", Kind.UNSUBSCRIBE)) is None


TAP = Incoming("wecom", "alice", "k", Kind.CLICK, "再答", passive=True, card="b.1", handle="rc")


def opened(fake: FakeWecom, sealed: str | None) -> str:
    assert sealed is not None
    return fake.callbacks.sealer.open(sealed.split("<Encrypt><![CDATA[")[1].split("]]>")[0])


def test_the_response_to_a_tap_is_the_cards_new_face_or_words(fake: FakeWecom, wecom: Wecom) -> None:
    face = opened(fake, wecom.passive(Message((), title="已选：再答一次"), TAP))
    words = opened(fake, wecom.passive(say("这张卡片已经用过了。", title="已选：再答一次"), TAP))
    assert "<MsgType><![CDATA[update_button]]></MsgType>" in face
    assert "<Button><ReplaceName><![CDATA[已选：再答一次]]></ReplaceName></Button>" in face
    assert "<Content><![CDATA[这张卡片已经用过了。]]></Content>" in words


def test_a_face_is_short(fake: FakeWecom, wecom: Wecom) -> None:
    assert "已选：" + "很" * 16 + "…]]>" in opened(fake, wecom.passive(Message((), title="已选：" + "很" * 40), TAP))


def test_two_seals_of_one_reply_differ(wecom: Wecom) -> None:
    assert wecom.passive(say("x"), FROM_ALICE) != wecom.passive(say("x"), FROM_ALICE)
