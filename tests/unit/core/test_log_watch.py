"""The search of the whole run's log: it takes every record, knows what the fakes hand out, and can fail."""

from __future__ import annotations

import logging

import pytest

from bot.core.log import note, start
from bot.platforms.wecom import Wecom
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.bot import running as ding_running
from tests.fakes.handed import handed, shown_in
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.bot import running
from tests.log_watch import WATCH

SECRET = "only-for-this-test-0f1e2d3c"


@pytest.fixture
def log() -> logging.Logger:
    handed("password", SECRET)
    assert WATCH.leaks() == []
    return logging.getLogger("bot.somewhere")


def test_it_fails_for_a_secret_in_a_sentence_an_id_an_argument_or_a_trace(log: logging.Logger) -> None:
    log.info("it is %s", SECRET)
    note(log, "a.b", "a sentence", logging.INFO, token=SECRET)
    log.warning("at https://host/cgi-bin/send?access_token=%s", SECRET)
    try:
        raise RuntimeError(SECRET)
    except RuntimeError:
        log.exception("it broke")
    log.info("a sentence", extra={"anything": f"[{SECRET}]"})
    leaks = WATCH.leaks()
    assert [leak.split(" ", 1)[1] for leak in leaks] == ["shows password"] * 5
    assert SECRET not in "".join(leaks)
    assert WATCH.leaks() == []


def test_half_a_secret_is_none(log: logging.Logger) -> None:
    log.info("it is %s", SECRET[:-1])
    assert WATCH.leaks() == []


def test_a_programs_own_log_does_not_hide_from_it(
    log: logging.Logger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers[:])
    start("INFO", as_json=True)
    log.info("it is %s", SECRET)
    assert len(WATCH.leaks()) == 1
    assert SECRET in capsys.readouterr().err


@pytest.mark.parametrize("name", ["bot", "handlers", "lessons", "storage"])
def test_all_of_our_loggers_are_heard(name: str) -> None:
    before = WATCH.count
    logging.getLogger(f"{name}.x").info("a sentence")
    assert WATCH.count == before + 1


async def test_it_knows_what_the_fakes_hand_out() -> None:
    async with FakeWecom() as fake, running(fake) as wecom:
        await wecom.send(["Alice"], {"msgtype": "text", "text": {"content": "x"}})
        assert fake.vendor.token is not None
        known = [fake.secret, fake.token, fake.aes_key, fake.vendor.token.value, fake.callbacks.sealer.seal("x")]
        assert all(shown_in(f"?key={secret}&x=1") for secret in known)
        assert isinstance(wecom, Wecom)
    async with FakeDingTalk() as ding, ding_running(ding) as dingtalk:
        await dingtalk.check()
        ding.chats.message("Alice")
        known = [ding.secret, ding.vendor.token, ding.http.aes_key, ding.http.event_token, *ding.chats.sessions]
        known += [ding.robot.token, ding.robot.secret]
        assert all(shown_in(f'"{secret}"') for secret in known)
    assert shown_in("nothing of the kind, however long this line may be") == set()


def test_what_is_too_short_to_be_searched_for_is_refused() -> None:
    with pytest.raises(ValueError, match="3 characters"):
        handed("pin", "123")
