"""What a program counts: per program, by platform and code, never by person."""

from __future__ import annotations

import asyncio
import logging

import pytest
from prometheus_client import generate_latest

from bot.core.errors import Misconfigured, Temporary
from bot.core.log import JsonLines, about, note
from bot.core.messages import Message, say
from bot.core.meters import Beats, Meters
from bot.core.pulse import BOUND, Pulse
from bot.platforms.base import Limits, Payload, Sent
from bot.platforms.measured import Measured


class Stopwatch:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def text(meters: Meters) -> str:
    return generate_latest(meters.registry).decode()


class Moody:
    """A platform that answers what it is told to."""

    name, title, repeat_safe, repeat_seconds = "moody", "心情", False, 0.0
    limits = Limits(part_bytes=100, recipients=1, calls_per_second=1.0)

    def __init__(self) -> None:
        self.mood: Exception | None = None

    def render(self, message: Message) -> list[Payload]:
        return [{"text": message.plain}]

    def fits_passive(self, message: Message) -> bool:
        return True

    async def send(self, recipients: list[str], payload: Payload) -> Sent:
        if self.mood is not None:
            raise self.mood
        return Sent("m1")

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


async def test_errors_are_counted_by_code_and_a_success_ends_the_failing() -> None:
    watch, moody = Stopwatch(), Moody()
    meters = Meters(watch)
    wire = Measured(moody, meters)  # type: ignore[arg-type]
    for code in ("45009", "45009", "王五 13800000000"):
        moody.mood = Temporary("忙", code)
        with pytest.raises(Temporary):
            await wire.send(["wangwu"], {})
        watch.now += 60
    shown = text(meters)
    assert 'jiehua_vendor_errors_total{code="45009",platform="moody"} 2.0' in shown
    assert 'jiehua_vendor_errors_total{code="other",platform="moody"} 1.0' in shown
    assert "wangwu" not in shown
    assert "王五" not in shown
    assert meters.failing["moody"].calls == 3
    assert meters.failing["moody"].since == 100.0
    moody.mood = None
    assert await wire.send(["wangwu"], {}) == Sent("m1")
    assert meters.failing == {}
    assert 'jiehua_vendor_calls_total{platform="moody"} 4.0' in text(meters)


async def test_an_error_without_a_code_is_named_for_its_kind() -> None:
    moody, meters = Moody(), Meters()
    moody.mood = Misconfigured("不行")
    with pytest.raises(Misconfigured):
        await Measured(moody, meters).send(["a"], {})  # type: ignore[arg-type]
    assert 'code="misconfigured"' in text(meters)


async def test_a_measured_platform_is_the_platform() -> None:
    moody = Moody()
    wire = Measured(moody, Meters())  # type: ignore[arg-type]
    assert (wire.name, wire.title, wire.limits, wire.repeat_safe) == ("moody", "心情", Moody.limits, False)
    assert wire.repeat_seconds == 0.0
    assert wire.fits_passive(say("好"))
    assert wire.render(say("好")) == [{"text": "好"}]


def test_nonsense_codes_do_not_make_a_series_each() -> None:
    meters = Meters()
    for number in range(500):
        meters.refused("wecom", f"E{number}")
    assert text(meters).count("jiehua_vendor_errors_total{") <= 101


def test_two_programs_have_nothing_in_common() -> None:
    one, other = Meters(), Meters()
    one.callback("wecom", 200, 0.02)
    assert 'jiehua_callback_seconds_count{platform="wecom",status="200"} 1.0' in text(one)
    assert "wecom" not in text(other)


def test_a_handling_that_fails_is_timed_too() -> None:
    watch = Stopwatch()
    meters = Meters(watch)

    def break_off() -> None:
        with meters.message("web"):
            watch.now += 0.5
            raise ValueError

    with pytest.raises(ValueError):
        break_off()
    shown = text(meters)
    assert 'jiehua_message_seconds_sum{platform="web"} 0.5' in shown
    assert 'jiehua_message_seconds_bucket{le="0.25",platform="web"} 0.0' in shown


async def test_work_that_fails_grows_old_and_work_that_never_began_is_not_expected() -> None:
    watch, broken = Stopwatch(), False
    beats = Beats(watch)

    async def work() -> int:
        if broken:
            raise RuntimeError
        return 3

    marked = beats.marking("courier", work)
    beats.marking("never", work)
    assert beats.ages() == {}
    assert await marked() == 3
    broken = True
    watch.now += 50
    with pytest.raises(RuntimeError):
        await marked()
    assert beats.ages() == {"courier": 50.0}


async def test_work_that_hangs_from_the_start_grows_old() -> None:
    watch = Stopwatch()
    beats = Beats(watch)
    hanging = asyncio.Event()

    async def work() -> int:
        await hanging.wait()
        return 0

    task = asyncio.ensure_future(beats.marking("courier", work)())
    await asyncio.sleep(0)
    watch.now += 90
    assert beats.ages() == {"courier": 90.0}
    hanging.set()
    await task
    assert beats.ages() == {"courier": 0.0}


def test_one_pause_is_no_illness_and_a_lasting_one_is() -> None:
    seen: list[float] = []
    pulse = Pulse(seen.append)
    for lag in (0.0, 2.0, 0.0):
        pulse.note(lag)
    assert not pulse.stuck
    assert pulse.lag == pytest.approx(0.2)
    for _ in range(10):
        pulse.note(2 * BOUND)
    assert pulse.stuck
    for _ in range(6):
        pulse.note(-0.1)
    assert not pulse.stuck
    assert seen[-1] == pulse.lag


async def test_the_sampler_runs_until_it_is_stopped() -> None:
    sampled = asyncio.Event()
    pulse = Pulse(lambda _lag: sampled.set())
    pulse.start()
    async with asyncio.timeout(5):
        await sampled.wait()
    await pulse.stop()
    await pulse.stop()


def test_lines_of_one_message_share_its_ids(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("bot.test")
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    handler = Keep()
    logger.addHandler(handler)
    try:
        with about(request="ab12"), about(inbox=7):
            note(logger, "score.failed", "did not work", logging.WARNING, lesson="L1")
        note(logger, "serve.ready", "runs", logging.WARNING)
    finally:
        logger.removeHandler(handler)
    assert '"request": "ab12", "inbox": 7, "lesson": "L1"' in lines[0]
    assert "request" not in lines[1]
