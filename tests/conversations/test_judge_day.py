"""A day with an LLM judge: it sits its exam first, its score is labelled, the offline score stands in when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlmodel import select

from bot.core.clock import ManualClock
from bot.core.messages import Incoming, Kind
from bot.library import ContentLibrary
from handlers.context import Desk
from lessons.model import Lesson, Sample
from storage import attempts, exams
from storage.database import Database
from storage.models import Exam, Inbox, Role
from tests.chat import LESSON, Friend, World
from tests.fakes.judge import FakeJudge

GOOD = (
    "唐女士，五千八得起多少个大早才挣得回来，您想问个明白太应该了。年费三百我现在就帮您申请退，五个工作日到账；"
    "晚还那六百四我提交减免复核，十八号前给您打电话，结果要看审核。分期手续费办的时候跟您确认过费率，收了的退不了。"
)
OTHER = "唐姐，您这火我接着。年费三百我现在就申请，五个工作日到账，剩下的咱一笔一笔对，您看行吗？"
THIRD = "唐姐，七年五千八，搁谁都心疼。明细我今天发您，年费三百马上申请退，五个工作日到，咱先看哪笔？"


@pytest.fixture
async def fake() -> AsyncIterator[FakeJudge]:
    async with FakeJudge("cunning") as fake:
        yield fake


@pytest.fixture
async def world(
    database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock, fake: FakeJudge
) -> AsyncIterator[World]:
    """A bot with a judge that says yes to everything good; of the lesson's gold replies that is right."""
    lessons = opened[1].catalogue.lessons
    sound = lessons[LESSON]
    assert isinstance(sound, Lesson)
    excellent = tuple(Sample(text=text, band=4) for text in (GOOD, OTHER, THIRD))
    lessons[LESSON] = sound.model_copy(update={"samples": excellent})
    world = World.build(
        database, opened, clock, judge_url=fake.url, judge_model=fake.model, judge_key=fake.key, judge_timeout=2
    )
    assert world.program.judge is not None
    await world.program.judge.start()
    yield world
    await world.program.grading.stop()
    await world.program.judge.stop()
    lessons[LESSON] = sound


async def asked(world: World) -> Friend:
    person = await world.person("小林")
    await world.campaign(LESSON)
    await world.at("09:30")
    await person.reads()
    return person


async def examined(world: World) -> Exam:
    """The judge's exam, once it is over."""
    for _ in range(200):
        async with world.database.reading() as tx:
            found = [row for row in await exams.newest(tx, LESSON) if row.grader.startswith("judge-1.")]
        if found:
            return found[0]
        await asyncio.sleep(0.02)
    raise AssertionError("the judge never sat its exam")


async def scorer_of(world: World, person: Friend) -> str:
    async with world.database.reading() as tx:
        return (await attempts.recent(tx, person.id))[0].scorer


async def test_it_scores_only_after_its_exam_and_its_score_is_labelled(world: World, fake: FakeJudge) -> None:
    alice = await asked(world)
    await alice.says(GOOD)
    alice.hears("点评｜", "自动评分，仅供练习参考")
    assert (await scorer_of(world, alice)).startswith("offline-")
    assert (await examined(world)).passed
    await alice.says("再答")
    await alice.says(OTHER)
    alice.hears("点评｜", "模型评分，仅供练习参考")
    assert (await scorer_of(world, alice)).startswith("judge-1.fake-14b.")
    assert fake.faults == []


async def test_when_it_fails_the_offline_score_stands_in_and_says_so(world: World, fake: FakeJudge) -> None:
    alice = await asked(world)
    await alice.says(GOOD)
    await examined(world)
    fake.mode = "error"
    await alice.says("再答")
    await alice.says(OTHER)
    alice.hears("点评｜", "判卷模型没有及时应答，这次由离线评分")
    assert (await scorer_of(world, alice)).startswith("offline-")


async def test_one_that_fails_its_exam_is_never_asked_for_points(world: World) -> None:
    lessons = world.program.desk.catalogue.lessons
    lesson = lessons[LESSON]
    assert isinstance(lesson, Lesson)
    middling = Sample(text="您好，我帮您反映一下，请您耐心等待。", band=0)
    lessons[LESSON] = lesson.model_copy(update={"samples": (*lesson.samples, middling, middling)})
    alice = await asked(world)
    await alice.says(GOOD)
    assert not (await examined(world)).passed
    await alice.says("再答")
    await alice.says(OTHER)
    assert (await scorer_of(world, alice)).startswith("offline-")
    ann = await world.person("何静", "培训部", Role.TRAINER, learns=False)
    await ann.says("判卷")
    ann.hears("判卷模型：考了 1 题，通过 0 题")


async def test_the_operator_sees_calls_and_time(world: World) -> None:
    alice = await asked(world)
    await alice.says(GOOD)
    await examined(world)
    omar = await world.person("运维", "信息部", Role.OPERATOR, learns=False)
    await omar.says("状态")
    omar.hears("判卷模型")


async def test_a_message_is_stored_before_the_judge_is_waited_for(world: World, fake: FakeJudge) -> None:
    alice = await asked(world)
    await alice.says(GOOD)
    await examined(world)
    await alice.says("再答")
    fake.mode, fake.slow_seconds = "slow", 1.0
    incoming = Incoming("web", str(alice.id), "slow-1", Kind.TEXT, THIRD, passive=True)
    assert await world.program.parked.receive(incoming) == ()
    async with world.database.reading() as tx:
        row = (await tx.scalars(select(Inbox).where(Inbox.key == "slow-1"))).one()
        assert row.status == "new"
    assert await world.program.parked.receive(incoming) == (), "the vendor's repeat finds it"
    await world.program.dispatcher.drain()
    await alice.reads()
    alice.hears("点评｜")
    async with world.database.reading() as tx:
        assert len([a for a in await attempts.recent(tx, alice.id) if a.text == THIRD]) == 1


async def test_what_breaks_off_while_the_judge_thinks_is_taken_up_again(world: World, fake: FakeJudge) -> None:
    alice = await asked(world)
    await alice.says(GOOD)
    await examined(world)
    await alice.says("再答")
    fake.mode, fake.slow_seconds = "slow", 1.0
    await world.program.parked.receive(Incoming("web", str(alice.id), "slow-2", Kind.TEXT, THIRD))
    for task in list(world.program.dispatcher._working.values()):
        task.cancel()
    await world.program.dispatcher.drain()
    world.clock.advance(seconds=30)
    assert await world.program.dispatcher.resume() == 1
    await alice.reads()
    alice.hears("点评｜")


async def test_words_said_meanwhile_wait_their_turn(world: World, fake: FakeJudge) -> None:
    alice = await asked(world)
    await alice.says(GOOD)
    await examined(world)
    await alice.says("再答")
    fake.mode, fake.slow_seconds = "slow", 0.5
    await world.program.parked.receive(Incoming("web", str(alice.id), "slow-3", Kind.TEXT, THIRD))
    await alice.says("我的")
    text = alice.hears("点评｜", "连续")
    assert text.index("点评｜") < text.index("连续")
