"""Vendor errors that come without a message to send are counted too, by code, and a send is never counted twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from bot.core.clock import ManualClock
from bot.core.errors import PlatformError
from bot.core.meters import Meters
from bot.platforms.dingtalk import DingTalk
from bot.platforms.measured import Heard, Measured
from bot.platforms.wecom import Wecom
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.bot import running as ding_running
from tests.fakes.dingtalk.contacts import FakeContacts as DingContacts
from tests.fakes.faults import Kind as FaultKind
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.bot import running
from tests.fakes.wecom.contacts import FakeContacts as WecomContacts

HELLO = {"msgtype": "text", "text": {"content": "你好"}}
PICTURE = {"msgtype": "image", "image": {"picture": 7}}


@pytest.fixture
def meters() -> Meters:
    return Meters()


@pytest.fixture
async def wecom(fake: FakeWecom, meters: Meters) -> AsyncIterator[Wecom]:
    async with running(fake, ear=Heard("wecom", meters)) as wecom:
        yield wecom


@pytest.fixture
async def dingtalk(ding: FakeDingTalk, meters: Meters) -> AsyncIterator[DingTalk]:
    async with ding_running(ding, ear=Heard("dingtalk", meters)) as dingtalk:
        yield dingtalk


async def at_once(_seconds: float) -> None:
    """No pause between two tries."""


def counted(meters: Meters, what: str) -> dict[str, float]:
    """By code; `what` is errors (of sends) or other_errors."""
    return {
        sample.labels["code"]: sample.value
        for family in meters.registry.collect()
        for sample in family.samples
        if sample.name == f"jiehua_vendor_{what}_total"
    }


async def test_a_token_the_vendor_does_not_give_is_counted(fake: FakeWecom, wecom: Wecom, meters: Meters) -> None:
    fake.fault("gettoken", "errcode", code=40001)
    with pytest.raises(PlatformError):
        await wecom.check()
    assert counted(meters, "other_errors") == {"40001": 1}
    assert counted(meters, "errors") == {}
    assert meters.tokenless["wecom"].code == "40001"


async def test_what_fails_inside_a_send_is_that_sends_failure(fake: FakeWecom, wecom: Wecom, meters: Meters) -> None:
    fake.fault("gettoken", "errcode", code=40001)
    with pytest.raises(PlatformError):
        await Measured(wecom, meters).send(["Alice"], HELLO)
    assert counted(meters, "errors") == {"40001": 1}
    assert counted(meters, "other_errors") == {}
    assert meters.tokenless["wecom"].calls == 1, "the renewal failed all the same"


async def test_a_send_that_is_refused_is_counted_once(fake: FakeWecom, wecom: Wecom, meters: Meters) -> None:
    fake.fault("message/send", "errcode", code=45009)
    with pytest.raises(PlatformError):
        await Measured(wecom, meters).send(["Alice"], HELLO)
    assert (counted(meters, "errors"), counted(meters, "other_errors")) == ({"45009": 1}, {})


async def test_a_picture_that_is_not_taken_is_the_sends_failure(fake: FakeWecom, wecom: Wecom, meters: Meters) -> None:
    fake.fault("media/upload", "errcode", code=40009)
    with suppress(PlatformError):
        await Measured(wecom, meters).send(["Alice"], PICTURE)
    assert counted(meters, "errors") == {"40009": 1}
    assert counted(meters, "other_errors") == {}


@pytest.mark.parametrize(("kind", "code"), [("errcode", "48002"), ("reset", "no-answer"), ("status", "http-502")])
async def test_the_directory_of_wecom(
    fake: FakeWecom, wecom: Wecom, meters: Meters, kind: FaultKind, code: str
) -> None:
    WecomContacts(fake)
    wecom.contacts._pause = at_once
    fake.fault("department/list", kind, code=48002, times=9)
    with suppress(PlatformError):
        await wecom.contacts.read()
    assert counted(meters, "other_errors")[code] >= 1
    assert counted(meters, "errors") == {}


async def test_the_directory_of_dingtalk(ding: FakeDingTalk, dingtalk: DingTalk, meters: Meters) -> None:
    DingContacts(ding)
    dingtalk.contacts._pause = at_once
    ding.fault("topapi/v2/department/get", "errcode", code=60011, times=9)
    with suppress(PlatformError):
        await dingtalk.contacts.read()
    assert list(counted(meters, "other_errors")) == ["60011"]


async def test_a_token_of_dingtalk_and_the_way_back(
    ding: FakeDingTalk, dingtalk: DingTalk, meters: Meters, clock: ManualClock
) -> None:
    ding.fault("v1.0/oauth2/accessToken", "status", status=503)
    with pytest.raises(PlatformError):
        await dingtalk.check()
    assert counted(meters, "other_errors") == {"http-503": 1}
    assert meters.tokenless["dingtalk"].calls == 1
    clock.advance(seconds=600)
    await dingtalk.check()
    assert meters.tokenless == {}


async def test_what_goes_well_is_no_error(fake: FakeWecom, wecom: Wecom, meters: Meters) -> None:
    WecomContacts(fake)
    await wecom.check()
    await wecom.contacts.read()
    assert (counted(meters, "errors"), counted(meters, "other_errors")) == ({}, {})
