"""Points count only where the grader has passed the lesson's exam; a trainer sees how the exams went."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lessons.model import Lesson, Sample
from storage import assignments, attempts, exams
from storage.models import Role
from tests.chat import LESSON, Friend, World

REPLY = "合同是您自己签的，手续费退不了，您看的那些视频都是瞎说的，别信。"


@pytest.fixture
def failing(world: World) -> Iterator[Lesson]:
    """The lesson with gold replies that nobody could agree with."""
    lessons = world.program.desk.catalogue.lessons
    sound = lessons[LESSON]
    assert isinstance(sound, Lesson)
    wrong = sound.model_copy(update={"samples": tuple(Sample(text=s.text, band=4 - s.band) for s in sound.samples)})
    lessons[LESSON] = wrong
    yield wrong
    lessons[LESSON] = sound


async def asked(world: World) -> Friend:
    person = await world.person("小林")
    await world.campaign(LESSON)
    await world.at("09:30")
    await person.reads()
    return person


async def test_a_grader_that_failed_gives_feedback_but_no_points(world: World, failing: Lesson) -> None:
    alice = await asked(world)
    await alice.says(REPLY)
    alice.hears("点评｜", "还没通过考试", "分数不计", "可以这样接")
    async with world.database.reading() as tx:
        (attempt,) = await attempts.recent(tx, alice.id)
        assert attempt.trial
        assert await assignments.cards(tx, alice.id) == [], "a score that does not count moves no ladder"
        (result,) = await exams.newest(tx, LESSON)
        assert (result.passed, result.asked) == (False, len(failing.samples))


async def test_a_grader_that_passed_counts_and_the_result_is_kept(world: World) -> None:
    alice = await asked(world)
    await alice.says(REPLY)
    alice.hears("点评｜", "自动评分，仅供练习参考")
    alice.hears_not("还没通过考试")
    async with world.database.reading() as tx:
        (attempt,) = await attempts.recent(tx, alice.id)
        assert not attempt.trial
        (result,) = await exams.newest(tx, LESSON)
        assert result.passed
        assert result.grader == attempt.scorer
        assert len(result.answers) == result.asked


async def test_a_trial_answer_is_on_no_board(world: World, failing: Lesson) -> None:
    alice = await asked(world)
    await alice.says(REPLY)
    await alice.says("我的")
    alice.hears_not("▰▱")


async def test_the_trainer_sees_the_exams(world: World, failing: Lesson) -> None:
    ann = await world.person("何静", "培训部", Role.TRAINER, learns=False)
    await ann.says("判卷")
    ann.hears("还没有考过")
    alice = await asked(world)
    await alice.says(REPLY)
    await ann.says("判卷")
    ann.hears("离线评分：考了 1 题，通过 0 题", "没通过：开口就要退全部费用", "改例句或要点后会重考")


async def test_a_changed_lesson_is_examined_anew(world: World) -> None:
    alice = await asked(world)
    await alice.says(REPLY)
    ann = await world.person("何静", "培训部", Role.TRAINER, learns=False)
    await ann.says("判卷")
    ann.hears("考了 1 题，通过 1 题")
    lessons = world.program.desk.catalogue.lessons
    sound = lessons[LESSON]
    lessons[LESSON] = sound.model_copy(update={"tip": "另一招"})
    try:
        await ann.says("判卷")
        ann.hears("还没有考过")
    finally:
        lessons[LESSON] = sound


async def test_only_trainers_see_them(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("判卷")
    alice.hears("要有相应角色才能用")
