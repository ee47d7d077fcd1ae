"""Looking up what to say while a customer waits."""

from __future__ import annotations

from datetime import timedelta

from storage import templates
from storage.models import Role
from tests.chat import World


async def test_search_pick_and_read(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("话术 退费")
    alice.hears("“退费”的话术", "1. ", "2. ", "3. ", "回复数字看全文")
    assert alice.buttons[:3] == ["1", "2", "3"]
    await alice.says("2")
    alice.hears("何时用：", "别说：", "依据：")


async def test_without_a_space_and_with_more(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("话术征信")
    alice.hears("“征信”的话术")
    await alice.says("更多")
    alice.hears("4. ")


async def test_favourites(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("话术 退费")
    await alice.says("1")
    title = alice.heard[0].title.removeprefix("话术｜")
    await alice.says("收藏")
    alice.hears(f"已收藏「{title}」")
    await alice.says("话术")
    alice.hears("我的收藏｜1 条", title)
    await alice.says("1")
    await alice.says("收藏")
    alice.hears(f"已取消收藏「{title}」")


async def test_a_search_without_hits_is_logged_for_trainers(world: World) -> None:
    alice = await world.person("小林")
    teacher = await world.person("何老师", "培训部", Role.TRAINER, learns=False)
    for _ in range(2):
        await alice.says("话术 量子纠缠发射塔")
        alice.hears("没找到“量子纠缠发射塔”的话术")
    await teacher.says("落空")
    teacher.hears("量子纠缠发射塔（2 次）")


async def test_what_was_picked_is_logged(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("话术 退费")
    await alice.says("1")
    async with world.database.reading() as tx:
        assert await templates.misses(tx, world.clock.now() - timedelta(days=1)) == []


async def test_a_number_means_nothing_before_a_search(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("更多")
    alice.hears("先查一个")
    await alice.says("3")
    alice.hears("没找到")
