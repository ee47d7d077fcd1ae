"""What operators hear of unasked: each thing once a day, in words that say what to do."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from bot.core.calendar import WorkCalendar
from bot.core.clock import SHANGHAI, SystemClock
from bot.core.errors import StorageBusy
from bot.core.messages import say
from bot.core.meters import Meters
from bot.platforms.base import Notice
from bot.watch import CHECKS, DRIFT, FAILING, LATE, SERVICE, TOKENLESS, Watch
from storage import deliveries, inbox, metrics
from storage.database import Tx
from storage.deliveries import Owed
from storage.models import Delivery, Inbox, Role
from tests.chat import Friend, World

GB = 1024**3


@dataclass
class Scene:
    """A watch whose surroundings a test changes."""

    world: World
    watch: Watch
    said: list[Notice]
    seconds: list[float]
    disk: list[tuple[int, int]]
    faults: list[str]

    async def hears(self) -> dict[str, str]:
        """Codes and words of what one look finds."""
        self.said.clear()
        await self.watch.run_once()
        return {notice.code: notice.words for notice in self.said}


@pytest.fixture
async def scene(world: World) -> Scene:
    said: list[Notice] = []
    seconds, disk, faults = [0.0], [(100 * GB, 50 * GB)], list[str]()

    async def alarm(notice: Notice) -> None:
        said.append(notice)

    async def agreeing(_tx: Tx) -> datetime:
        return world.clock.now()

    calendar = WorkCalendar(SHANGHAI, {datetime(2027, 1, day).date(): False for day in range(1, 15)})  # noqa: DTZ001
    desk = replace(world.program.desk, calendar=calendar)
    meters = Meters(monotonic=lambda: seconds[0])
    watch = Watch(
        world.database, world.clock, desk, world.program.platforms, meters, lambda: faults, alarm,
        lambda _folder: disk[0], lambda: seconds[0], agreeing,
    )  # fmt: skip
    return Scene(world, watch, said, seconds, disk, faults)


async def owe(world: World, person: Friend, key: str, **columns: Any) -> None:
    now = world.clock.now()
    async with world.database.transaction() as tx:
        await deliveries.enqueue(tx, [Owed(key, person.id, "notice", say(key), now)], now)
        row = (await tx.scalars(select(Delivery).where(Delivery.key == key))).one()
        await deliveries.record(tx, [row.id or 0], **columns)


async def test_nothing_wrong_nothing_said(scene: Scene) -> None:
    assert await scene.hears() == {}


async def test_unknown_deliveries_wait_for_a_decision(scene: Scene) -> None:
    alice = await scene.world.person("小林")
    await owe(scene.world, alice, "n1", status=deliveries.UNKNOWN)
    heard = await scene.hears()
    assert list(heard) == ["unknown"]
    assert "有 1 条消息不确定送没送到" in heard["unknown"]
    assert "打“重发”" in heard["unknown"]


async def test_a_late_queue_is_told_by_platform(scene: Scene) -> None:
    alice, now = await scene.world.person("小林"), scene.world.clock.now()
    await owe(scene.world, alice, "n1", due_at=now - timedelta(seconds=LATE - 1))
    assert await scene.hears() == {}
    await owe(scene.world, alice, "n2", due_at=now - timedelta(minutes=25))
    words = (await scene.hears())["queue"]
    assert "有 2 条消息该发没发，最久的晚了 25 分钟" in words
    assert "worker" in words
    await owe(scene.world, alice, "n3", due_at=now - timedelta(minutes=25), platform="dingtalk")
    await scene.hears()
    assert {(notice.platform, notice.code) for notice in scene.said} == {("web", "queue"), ("dingtalk", "queue")}
    assert any("现在没有接上" in notice.words for notice in scene.said)


async def test_messages_that_could_not_be_handled(scene: Scene) -> None:
    now = scene.world.clock.now()
    async with scene.world.database.transaction() as tx:
        for key, age in (("new", 1), ("old", 30)):
            tx.add(Inbox(platform="web", key=key, sender="1", kind="text", text="秘密", status=inbox.FAILED,
                         received_at=now - timedelta(hours=age)))  # fmt: skip
    words = (await scene.hears())["inbox"]
    assert "最近一天有 1 条来信没处理成" in words
    assert "秘密" not in words


@pytest.mark.parametrize(("wall", "way"), [(3 * 3600, "往前跳了 10620 秒"), (-600, "往后跳了 780 秒")])
async def test_a_clock_that_jumps(scene: Scene, wall: int, way: str) -> None:
    assert await scene.hears() == {}
    scene.seconds[0] += 180
    scene.world.clock.advance(seconds=180)
    assert await scene.hears() == {}
    scene.seconds[0] += 180
    scene.world.clock.advance(seconds=wall)
    assert way in (await scene.hears())["clock-jump"]


async def test_a_clock_that_differs_from_the_databases(scene: Scene) -> None:
    async def behind(_tx: Tx) -> datetime:
        return scene.world.clock.now() - timedelta(seconds=2 * DRIFT)

    scene.watch.server_time = behind
    assert "本机时间比数据库快 10 秒" in (await scene.hears())["clock-drift"]


async def test_the_real_servers_clock_agrees_with_ours(scene: Scene) -> None:
    scene.watch.server_time, scene.watch.clock = metrics.database_time, SystemClock()
    assert await scene.watch.clocks() == []
    async with scene.world.database.reading() as tx:
        assert (await metrics.database_time(tx) is None) is scene.world.database.is_sqlite


@pytest.mark.parametrize(
    ("total", "free", "full"),
    [(100 * GB, 50 * GB, False), (4000 * GB, 20 * GB, False), (20 * GB, 2 * GB, False), (100 * GB, 4 * GB, True),
     (2 * GB, 400 * 1024**2, True)],
)  # fmt: skip
async def test_a_disk_that_is_nearly_full(scene: Scene, total: int, free: int, full: bool) -> None:
    scene.disk[0] = (total, free)
    heard = await scene.hears()
    assert ("disk" in heard) is (full and scene.world.database.is_sqlite)
    if "disk" in heard:
        assert f"只剩 {free / 1024**2:.0f} MB" in heard["disk"]


async def test_content_that_broke_after_a_change(scene: Scene) -> None:
    scene.faults.extend(["lessons/a.yaml:3: tip: 缺少", "lessons/a.yaml:9: facts: 缺少"])
    words = (await scene.hears())["content"]
    assert "2 处不对" in words
    assert "lessons/a.yaml:3: tip: 缺少" in words
    assert "jiehua lessons check" in words


async def test_a_calendar_without_next_year(scene: Scene) -> None:
    scene.watch.desk = replace(scene.watch.desk, calendar=WorkCalendar())
    assert "2027 年的放假和调休还不知道" in (await scene.hears())["calendar-2027"]
    scene.world.clock.advance(days=1)
    scene.seconds[0] += 86400
    assert await scene.hears() == {}, "once a week is enough"
    scene.world.clock.set(datetime(2027, 5, 4, 9, 0, tzinfo=SHANGHAI))
    assert "calendar-2027" in await scene.hears()


async def test_a_vendor_that_takes_nothing(scene: Scene) -> None:
    for _ in range(3):
        scene.watch.meters.refused("web", "40001")
    assert await scene.hears() == {}
    scene.seconds[0] += FAILING + 60
    scene.world.clock.advance(seconds=FAILING + 60)
    words = (await scene.hears())["failing"]
    assert "已经 16 分钟没有一次调用成功（40001）" in words
    scene.watch.meters.called("web")
    assert await scene.hears() == {}


async def test_a_check_that_breaks_does_not_end_the_others(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def busy(_watch: Watch) -> list[Notice]:
        raise StorageBusy

    async def broken(_watch: Watch) -> list[Notice]:
        raise OSError

    monkeypatch.setitem(CHECKS, "unknown", busy)
    monkeypatch.setitem(CHECKS, "room", broken)
    scene.faults.append("x")
    assert list(await scene.hears()) == ["content"]
    actions = {getattr(record, "action", ""): record.levelno for record in caplog.records}
    assert actions["watch.busy"] == logging.WARNING
    assert actions["watch.failed"] == logging.ERROR


async def test_an_operator_reads_it_once_a_day(world: World) -> None:
    boss = await world.person("老杨", "信息部", Role.OPERATOR, learns=False)
    alice = await world.person("小林")
    await owe(world, alice, "n1", status=deliveries.UNKNOWN)
    watch = world.program.watch
    await watch.run_once()
    await boss.reads()
    boss.hears("接话教练要处理一下", "有 1 条消息不确定送没送到")
    await watch.run_once()
    await boss.reads()
    boss.hears_nothing()
    assert SERVICE not in boss.text


async def test_a_token_that_cannot_be_renewed_for_a_while(scene: Scene) -> None:
    meters = scene.watch.meters
    meters.token("wecom", "40001")
    scene.seconds[0] += TOKENLESS + 60
    scene.world.clock.advance(seconds=TOKENLESS + 60)
    assert await scene.hears() == {}, "one failure may be a moment's trouble"
    meters.token("wecom", "60020")
    heard = await scene.hears()
    assert list(heard) == ["token"]
    assert "已经 11 分钟换不到访问凭证（60020）" in heard["token"]
    assert "jiehua doctor" in heard["token"]
    assert scene.said[0].platform == "wecom"
    meters.token("wecom", "")
    assert await scene.hears() == {}


async def test_sends_that_fail_for_want_of_a_token_are_one_alarm(scene: Scene) -> None:
    for name in ("wecom", "dingtalk"):
        for _ in range(3):
            scene.watch.meters.refused(name, "40001")
    for _ in range(2):
        scene.watch.meters.token("wecom", "40001")
    scene.seconds[0] += FAILING + 60
    scene.world.clock.advance(seconds=FAILING + 60)
    await scene.hears()
    assert [(notice.platform, notice.code) for notice in scene.said] == [("wecom", "token"), ("dingtalk", "failing")]
