"""The local chat in a real browser: what a person sees, types and hears back."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Locator, Page, Route, expect

from bot.core.messages import Button, hint, quote, say

from .conftest import OpenPage
from .scripted import HELP, MONDAY, ScriptedApp

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWER = "您挣的都是辛苦钱，心里肯定不舒服。年费三百我现在就给您申请退，五个工作日到账。您看先办哪一笔？"
DESK = {"width": 1280, "height": 900}


def mine(page: Page, text: str) -> Locator:
    return page.locator(".row-mine").filter(has=page.locator(".bubble", has_text=text))


async def no_sideways(page: Page) -> None:
    """Nothing is wider than what it stands in: neither the page nor the conversation scrolls sideways."""
    wide = await page.evaluate(
        """() => [document.documentElement, document.querySelector('#log-window'), document.querySelector('#panel')]
             .filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.id || box.tagName)"""
    )
    assert wide == []
    outside = await page.evaluate(
        """() => [...document.querySelectorAll('#phone *')]
             .filter((el) => el.getClientRects().length && !el.closest('.unseen'))
             .filter((el) => el.getBoundingClientRect().right > innerWidth + 0.5).map((el) => el.className)"""
    )
    assert outside == []


async def test_the_page_opens_quietly(open_page: OpenPage, app: ScriptedApp) -> None:
    watched = await open_page()
    page = watched.page
    await expect(page.get_by_text("开口就要退全部费用")).to_be_visible()
    await expect(page.locator(".stamp").first).to_have_text("11月23日 周一 09:07")
    assert await page.title() == "接话教练 · 林晓"
    assert watched.complaints == []
    assert watched.foreign(app.url) == []


async def test_a_card_shows_each_line_as_it_is_meant(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await page.fill("#words", ANSWER)
    await page.keyboard.press("Enter")
    await expect(page.locator(".card-title", has_text="良好 · 75 分")).to_be_visible()
    review = page.locator(".card", has_text="底子很好")
    await expect(review.locator(".line-good .mark-good")).to_have_count(3)
    await expect(review.locator(".line-marked", has_text="后带：还没看到").locator(".mark-missing")).to_have_count(1)
    await expect(review.locator(".line-strong")).to_have_text("最值得补的一步：后带")
    models = page.locator(".card", has_text="对照着看")
    await expect(models.locator("blockquote")).to_have_count(2)
    await expect(models.locator(".line-warn")).to_have_count(2)
    await expect(models.locator(".line-good .mark")).to_have_count(2)


async def test_feedback_in_two_cards_is_read_from_its_beginning(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await page.fill("#words", ANSWER)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("对照着看")).to_be_attached()
    await expect(page.locator(".card-title", has_text="良好 · 75 分")).to_be_in_viewport()


async def test_picking_a_person_changes_the_conversation(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page(viewport=DESK)).page
    await expect(page.get_by_text("开口就要退全部费用")).to_be_visible()
    await page.get_by_role("button", name="王建国").click()
    await expect(page).to_have_url(app.url + "/chat?person=2")
    await expect(page.get_by_role("button", name="王建国")).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_text("开口就要退全部费用")).to_have_count(0)
    await page.fill("#words", "周榜")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("信用卡中心 第 47 周")).to_be_visible()
    assert await app.stored(2, mine=True) == ["周榜"]
    assert [(heard.platform, heard.sender, heard.kind.value) for heard in app.bot.heard] == [
        ("web", "1", "enter"), ("web", "2", "enter"), ("web", "2", "text")
    ]  # fmt: skip


async def test_a_message_arrives_live_and_once(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await expect(page.get_by_text("开口就要退全部费用")).to_be_visible()
    payload = app.platform.render(say("刚刚到的一条"))[0] | {"key": "delivery-7"}
    await app.platform.send(["1"], payload)
    await app.platform.send(["1"], payload)
    await expect(page.locator(".row-bot .bubble", has_text="刚刚到的一条")).to_have_count(1)
    assert (await app.stored(1, mine=False)).count("刚刚到的一条") == 1


async def test_enter_sends_and_shift_enter_breaks_the_line(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    app.bot.pause = 2.0
    await page.locator("#words").press_sequentially("第一行")
    await page.keyboard.press("Shift+Enter")
    await page.locator("#words").press_sequentially("第二行")
    await page.keyboard.press("Enter")
    await expect(page.locator("#typing")).to_be_visible()
    await expect(page.locator(".row-bot .bubble", has_text="收到：第一行")).to_be_visible()
    await expect(page.locator("#typing")).to_be_hidden()
    await expect(page.locator("#words")).to_have_value("")
    await expect(page.locator("#words")).to_be_focused()
    assert app.bot.texts == ["第一行\n第二行"]


async def test_a_word_being_composed_is_not_sent(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await page.fill("#words", "您好ni")
    for init in ({"isComposing": True}, {"keyCode": 229}):
        await page.locator("#words").dispatch_event("keydown", {"key": "Enter", "bubbles": True, **init})
    await expect(page.locator("#words")).to_have_value("您好ni")
    assert app.bot.texts == []


async def test_a_quick_reply_says_what_it_says(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await expect(page.locator(".reply")).to_have_count(2)
    await app.bot.tell(1, HELP)
    await page.get_by_role("button", name="查退费的话术").click()
    await expect(mine(page, "话术 退费")).to_have_count(1)
    await expect(page.locator(".row-bot .bubble", has_text="收到：话术 退费")).to_be_visible()
    await expect(page.locator(".reply")).to_have_count(0)
    await expect(page.locator("#words")).to_be_focused()
    assert app.bot.texts == ["话术 退费"]


async def test_only_the_newest_message_offers_replies(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await expect(page.locator(".reply")).to_have_text(["帮助", "今天请假"])
    await app.bot.tell(1, say("要现在开始吗？", buttons=(Button("开始", "今日"),)))
    await expect(page.locator(".reply")).to_have_text(["开始"])


@pytest.mark.parametrize("width", [320, 375, 430])
async def test_a_narrow_screen_never_scrolls_sideways(open_page: OpenPage, app: ScriptedApp, width: int) -> None:
    page = (await open_page(viewport={"width": width, "height": 640})).page
    await no_sideways(page)
    for text in (ANSWER, "周榜", "帮助", "https://example.com/" + "a" * 300, "，" * 200):
        await page.fill("#words", text)
        await page.keyboard.press("Enter")
    await expect(page.get_by_text("收到：，，，")).to_be_attached()
    await no_sideways(page)
    await page.get_by_role("button", name="换身份和时间").click()
    await expect(page.get_by_role("dialog", name="接话教练")).to_be_visible()
    await no_sideways(page)


async def test_the_keyboard_alone_is_enough(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await expect(page.locator("#words")).to_be_focused()
    await expect(page.locator(".reply")).to_have_count(2)
    for name in ("今天请假", "帮助"):
        await page.keyboard.press("Shift+Tab")
        await expect(page.get_by_role("button", name=name, exact=True)).to_be_focused()
    style = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("可以这样跟我说")).to_be_visible()
    await expect(page.locator("#words")).to_be_focused()
    for _ in range(2):
        await page.keyboard.press("Shift+Tab")  # the two new replies
    await page.keyboard.press("Shift+Tab")  # the conversation, which the arrow keys scroll
    await expect(page.locator("#log-window")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".person[aria-pressed=true]")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#panel")).to_be_hidden()
    await expect(page.locator("#panel-open")).to_be_focused()


async def test_reading_further_up_is_not_disturbed(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page(viewport={"width": 375, "height": 500})).page
    await expect(page.get_by_text("开口就要退全部费用")).to_be_attached()
    await page.locator("#log-window").evaluate("(box) => { box.scrollTop = 0; }")
    await expect(page.locator("#newer")).to_be_visible()
    for number in range(2):
        await app.bot.tell(1, say(f"新消息 {number}"))
    await expect(page.locator("#newer")).to_have_text("2 条新消息")
    assert await page.locator("#log-window").evaluate("(box) => box.scrollTop") == 0
    await page.locator("#newer").click()
    await expect(page.locator(".row-bot .bubble", has_text="新消息 0")).to_be_in_viewport()
    await expect(page.locator("#newer")).to_be_hidden()


async def test_a_reload_keeps_history_and_the_draft(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await page.fill("#words", "帮助")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("可以这样跟我说")).to_be_visible()
    await page.fill("#words", "写了一半")
    await page.reload()
    await expect(page.get_by_text("可以这样跟我说")).to_be_visible()
    await expect(mine(page, "帮助")).to_have_count(1)
    await expect(page.locator(".row-bot")).to_have_count(3)  # the challenge, the help, the hidden typing row
    await expect(page.locator("#words")).to_have_value("写了一半")


async def test_long_history_is_paged(open_page: OpenPage, app: ScriptedApp) -> None:
    for number in range(60):
        await app.bot.tell(2, say(f"第 {number} 条"))
    page = (await open_page("/chat?person=2")).page
    await expect(page.locator(".row-bot .bubble", has_text="第 59 条")).to_be_in_viewport()
    await expect(page.locator("#log .row-bot")).to_have_count(40)
    await page.get_by_role("button", name="查看更早的消息").click()
    await expect(page.locator("#log .row-bot")).to_have_count(60)
    await expect(page.get_by_role("button", name="查看更早的消息")).to_be_hidden()


async def test_a_message_survives_a_server_that_is_away(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await expect(page.get_by_text("开口就要退全部费用")).to_be_visible()
    await app.stop()
    await page.fill("#words", "这条先欠着")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("未送达", exact=True)).to_be_visible()
    await expect(page.locator("#banner")).to_have_text("连接断开了，正在重新连接…")
    await app.start()
    await expect(page.locator("#banner")).to_be_hidden()
    await page.get_by_role("button", name="重发").click()
    await expect(page.locator(".row-bot .bubble", has_text="收到：这条先欠着")).to_have_count(1)
    await expect(page.get_by_text("未送达", exact=True)).to_be_hidden()
    await expect(mine(page, "这条先欠着")).to_have_count(1)
    await page.reload()
    await expect(mine(page, "这条先欠着")).to_have_count(1)
    await expect(page.get_by_role("button", name="重发")).to_have_count(0)
    assert await app.stored(1, mine=True) == ["这条先欠着"]
    assert app.bot.texts == ["这条先欠着"]


async def test_what_was_not_delivered_survives_a_reload(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await page.route("**/chat/api/say", lambda route: route.abort())
    await page.fill("#words", "别丢了我")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("未送达", exact=True)).to_be_visible()
    await page.unroute("**/chat/api/say")
    await page.reload()
    await page.get_by_role("button", name="重发").click()
    await expect(page.locator(".row-bot .bubble", has_text="收到：别丢了我")).to_have_count(1)
    assert app.bot.texts == ["别丢了我"]


async def test_an_answer_lost_on_the_way_is_not_asked_for_twice(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page

    async def swallow(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await page.route("**/chat/api/say", swallow)
    await page.fill("#words", "只能有一条")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("未送达", exact=True)).to_be_visible()
    await page.unroute("**/chat/api/say")
    await page.get_by_role("button", name="重发").click()
    await expect(page.get_by_text("未送达", exact=True)).to_be_hidden()
    await expect(mine(page, "只能有一条")).to_have_count(1)
    assert await app.stored(1, mine=True) == ["只能有一条"]
    assert app.bot.texts == ["只能有一条"]


async def test_what_is_typed_before_the_history_is_there_goes_out(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page(viewport=DESK)).page

    async def slow(route: Route) -> None:
        await asyncio.sleep(0.5)
        await route.continue_()

    await page.route("**/chat/api/lines*", slow)
    await page.get_by_role("button", name="周敏").click()
    await page.keyboard.type("手快了")
    await page.keyboard.press("Enter")
    await expect(page.locator(".row-bot .bubble", has_text="收到：手快了")).to_have_count(1)
    await expect(mine(page, "手快了")).to_have_count(1)
    await expect(page.get_by_role("button", name="重发")).to_have_count(0)
    assert await app.stored(3, mine=True) == ["手快了"]


async def test_a_busy_database_is_tried_again_by_itself(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await expect(page.get_by_text("开口就要退全部费用")).to_be_visible()
    app.bot.busy = 1
    await page.fill("#words", "忙的时候")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("系统正忙，正在重发…")).to_be_visible()
    await expect(page.locator(".row-bot .bubble", has_text="收到：忙的时候")).to_be_visible()
    await expect(page.get_by_text("系统正忙，正在重发…")).to_be_hidden()
    assert await app.stored(1, mine=True) == ["忙的时候"]


async def test_too_long_a_text_is_not_sent(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await page.fill("#words", "长" * 5001)
    await expect(page.locator("#composer-note")).to_have_text("最多 5,000 字，超出 1 字")
    await page.keyboard.press("Enter")
    await page.fill("#words", "长" * 5000)
    await page.keyboard.press("Enter")
    await expect(mine(page, "长长")).to_have_count(1)
    await expect(page.locator(".row-bot .bubble", has_text="收到：长")).to_be_attached()
    assert [len(text) for text in app.bot.texts] == [5000]


async def test_personal_data_is_masked_in_my_own_bubble(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await page.fill("#words", "我的电话 13800138000")
    await page.keyboard.press("Enter")
    await expect(page.locator(".row-mine .bubble")).to_have_text("我的电话 [手机号]")
    assert await app.stored(1, mine=True) == ["我的电话 [手机号]"]


async def test_the_jumps_move_the_clock(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page(viewport=DESK)).page
    await expect(page.locator("#clock")).to_have_text("2026年11月23日 周一 09:07")
    app.demo.slow = 0.5
    tomorrow = page.get_by_role("button", name="明天早上")
    await tomorrow.click()
    await expect(tomorrow).to_have_attribute("aria-busy", "true")
    await expect(page.get_by_role("button", name="下周一")).to_have_attribute("aria-disabled", "true")
    await page.get_by_role("button", name="下周一").click(force=True)  # ignored while busy
    await expect(page.locator("#clock")).to_have_text("2026年11月24日 周二 09:12")
    await expect(page.locator(".card-title", has_text="11月24日")).to_be_visible()
    await expect(tomorrow).to_have_attribute("aria-busy", "false")
    await page.get_by_role("button", name="下周一").click()
    await expect(page.locator("#clock")).to_have_text("2026年11月30日 周一 09:12")
    await expect(page.locator(".stamp-day").last).to_have_text("11月30日 周一 09:12")
    await expect(page.get_by_role("button", name="王建国").get_by_text("有新消息")).to_be_attached()
    assert app.demo.jumps == ["tomorrow", "monday"]


async def test_a_jump_that_fails_says_so(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page(viewport=DESK)).page
    app.demo.broken = True
    await page.get_by_role("button", name="明天早上").click()
    await expect(page.locator("#jump-note")).to_contain_text("没跳成")
    await expect(page.get_by_role("button", name="明天早上")).to_have_attribute("aria-disabled", "false")


async def test_a_picture_has_words_and_opens_large(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await page.fill("#words", "周榜")
    await page.keyboard.press("Enter")
    picture = page.get_by_role("img", name="周榜｜信用卡中心 第 47 周").first
    await expect(picture).to_be_visible()
    assert await picture.evaluate("(image) => image.complete && image.naturalWidth") == 720
    await page.get_by_role("button", name="放大图片").click()
    await expect(page.get_by_role("dialog", name="查看图片")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="查看图片")).to_be_hidden()


async def test_dark_and_light_differ(open_page: OpenPage, app: ScriptedApp) -> None:
    shades = []
    for scheme in ("light", "dark"):
        page = (await open_page(color_scheme=scheme)).page
        colours = "(el) => [getComputedStyle(el).backgroundColor, getComputedStyle(el).color]"
        shades.append(await page.locator("#phone").evaluate(colours))
    assert shades == [["rgb(242, 244, 245)", "rgb(27, 37, 40)"], ["rgb(17, 21, 22)", "rgb(228, 234, 234)"]]


async def test_nobody_moves_for_those_who_want_it_still(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page(reduced_motion="reduce")).page
    seconds = await page.locator(".row").first.evaluate("(row) => parseFloat(getComputedStyle(row).animationDuration)")
    assert seconds < 0.001


async def test_markup_is_only_text(open_page: OpenPage, app: ScriptedApp) -> None:
    watched = await open_page()
    page = watched.page
    evil = "<img src=x onerror=\"document.title='坏了'\"><script>document.title='坏了'</script>"
    await page.fill("#words", evil)
    await page.keyboard.press("Enter")
    await app.bot.tell(1, say(quote(evil), hint(evil), title=evil, buttons=(Button(evil, "帮助"),)))
    await expect(mine(page, evil)).to_have_count(1)
    await expect(page.locator(".row-bot .bubble", has_text=f"收到：{evil}")).to_be_attached()
    card = page.locator(".card", has_text=evil)
    await expect(card.locator(".card-title")).to_have_text(evil)
    await expect(card.locator("blockquote")).to_have_text(evil)
    assert await page.locator("#log img:not(.face), #log script").count() == 0
    assert await page.title() == "接话教练 · 林晓"
    assert watched.complaints == []


async def test_another_replica_is_heard_within_a_moment(open_page: OpenPage, app: ScriptedApp) -> None:
    """A line written by another process wakes nobody here; polling finds it."""
    page = (await open_page()).page
    await expect(page.get_by_text("开口就要退全部费用")).to_be_visible()
    other = type(app.platform)(app.database, app.clock)
    await other.send(["1"], other.render(say("另一台机器写的"))[0])
    await expect(page.get_by_text("另一台机器写的")).to_be_visible(timeout=3000)


async def test_two_pages_of_one_person_show_the_same(open_page: OpenPage, app: ScriptedApp) -> None:
    one, other = (await open_page()).page, (await open_page()).page
    await one.fill("#words", "两边都看得到")
    await one.keyboard.press("Enter")
    await expect(mine(other, "两边都看得到")).to_have_count(1)
    await expect(other.locator(".row-bot .bubble", has_text="收到：两边都看得到")).to_have_count(1)
    await expect(mine(one, "两边都看得到")).to_have_count(1)


async def test_the_log_is_announced_politely(open_page: OpenPage, app: ScriptedApp) -> None:
    page = (await open_page()).page
    await expect(page.get_by_role("log", name="消息")).to_have_attribute("aria-live", "polite")
    await expect(page.get_by_role("textbox", name="要说的话")).to_be_visible()


async def test_the_clock_ticks(open_page: OpenPage, app: ScriptedApp) -> None:
    app.clock.jump_to(MONDAY.replace(second=58))
    page = (await open_page(viewport=DESK)).page
    await expect(page.locator("#clock-time")).to_have_text("09:08")


async def test_a_rebuilt_demo_is_noticed(open_page: OpenPage, app: ScriptedApp) -> None:
    """The page stays open while the database starts from nothing: the conversation starts again too."""
    page = (await open_page("/chat?person=2")).page
    for number in range(3):
        await app.bot.tell(2, say(f"旧的 {number}"))
    await expect(page.get_by_text("旧的 2")).to_be_visible()
    await app.stop()
    await app.forget()
    await app.start()
    await expect(page.get_by_text("旧的 2")).to_have_count(0)
    await app.bot.tell(2, say("新的"))
    await expect(page.get_by_text("新的")).to_be_visible()
