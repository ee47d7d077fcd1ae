"""Response templates while a customer waits: search, pick by number, more, keep."""

from __future__ import annotations

from dataclasses import replace

from bot.core.messages import Button, Line, Message, hint, say
from handlers import cards
from handlers.context import Reply, Talk
from handlers.state import State
from lessons.feedback import basis
from storage import templates

PAGE = 3
_MOST = 12
_JUST_ANSWERED = 900.0  # seconds after an answer in which words to a customer may be meant as another try


async def search(talk: Talk, words: str) -> Reply:
    """话术 <words>: the best three."""
    words = words.strip()
    if not words:
        return await kept(talk, "")
    return await _search(talk, words, said_so=True)


async def free(talk: Talk, words: str) -> Reply:
    """A free text while no question is open."""
    reply = await _search(talk, words, said_so=False)
    if "您" not in words or not talk.state.can_take_back(talk.now, _JUST_ANSWERED):
        return reply
    message, line = reply.messages[0], hint("要是想把这句当作再答，先打“再答”，再发一遍。")
    message = replace(message, lines=(*message.lines, line), buttons=(*message.buttons, cards.AGAIN))
    return Reply((message,), reply.state)


async def _search(talk: Talk, words: str, *, said_so: bool) -> Reply:
    hits = talk.desk.library.index.search(words, _MOST)
    lookup = await templates.log_lookup(talk.tx, talk.person_id, words, len(hits), talk.now)
    shown = words if len(words) <= 16 else words[:15] + "…"
    head = f"“{shown}”的话术" if said_so else f"现在没有待答的题，按话术查“{shown}”"
    if not hits:
        message = say(
            f"没找到“{shown}”的话术，已经记下来给培训师补。",
            hint("换个说法试试：客户说的原话、业务词、拼音都行。要答题打“今日”，看指令打“帮助”。"),
            buttons=(Button("今日", "今日"), cards.HELP),
        )
        return Reply((message,), talk.state.but(results=(), page=0, lookup=lookup, listed=""))
    reasons = {hit.template: hit.why for hit in hits}
    state = talk.state.but(results=tuple(hit.template for hit in hits), page=0, lookup=lookup, template=None)
    return _page(talk, state, head, reasons)


def _page(talk: Talk, state: State, head: str, reasons: dict[str, str]) -> Reply:
    """The next three of the list."""
    found = talk.desk.catalogue.templates
    first = state.page
    shown = [key for key in state.results[first : first + PAGE] if key in found]
    lines: list[Line] = []
    for number, key in enumerate(shown, first + 1):
        lines += cards.template_brief(number, found[key], reasons.get(key, ""))
    left = len(state.results) - first - PAGE
    lines.append(hint("回复数字看全文" + ("，“更多”看后面的。" if left > 0 else "。")))
    buttons = tuple(Button(str(number), str(number)) for number in range(first + 1, first + 1 + len(shown)))
    buttons += (Button("更多", "更多"),) if left > 0 else ()
    message = Message(tuple(line for line in lines if line.text), title=head, buttons=buttons)
    return Reply((message,), state.but(page=first + PAGE, listed=""))


async def more(talk: Talk, _words: str) -> Reply:
    """更多: the next three of the last search."""
    if not talk.state.results:
        return Reply((say("先查一个：打“话术 关键词”。"),), talk.state)
    if talk.state.page >= len(talk.state.results):
        message = say("后面没有了。", hint("换个词再查，或者把客户原话贴进来。"))
        return Reply((message,), talk.state)
    return _page(talk, talk.state, "更多话术", {})


def can_pick(state: State, text: str) -> bool:
    return text.isdecimal() and len(text) <= 2 and 1 <= int(text) <= len(state.results)


async def pick(talk: Talk, text: str) -> Reply:
    """A number: the full template of the list."""
    key = talk.state.results[int(text) - 1]
    template = talk.desk.catalogue.templates.get(key)
    if template is None:
        return Reply((say("这条话术刚刚下架了，再查一次吧。"),), talk.state.but(results=()))
    if talk.state.lookup is not None:
        await templates.log_pick(talk.tx, talk.state.lookup, key)
    kept_now = key in await templates.favourites(talk.tx, talk.person_id)
    cited = basis(template.rules, talk.desk.catalogue.rules)
    message = cards.template_full(template, cited, kept=kept_now)
    return Reply((message,), talk.state.but(template=key))


async def keep(talk: Talk, words: str) -> Reply:
    """收藏: keep the template on show (or number n); without one, list what is kept."""
    if can_pick(talk.state, words):
        key: str | None = talk.state.results[int(words) - 1]
    else:
        key = None if words else talk.state.template
    if key is None:
        return await kept(talk, words)
    template = talk.desk.catalogue.templates.get(key)
    now_kept = await templates.toggle_favourite(talk.tx, talk.person_id, key, talk.now)
    title = template.title if template else key
    text = f"已收藏「{title}」。" if now_kept else f"已取消收藏「{title}」。"
    message = say(text, hint("看收藏打“话术”。"), buttons=(Button("我的收藏", "话术"),))
    return Reply((message,), talk.state.but(template=None if not now_kept else key))


async def kept(talk: Talk, _words: str) -> Reply:
    """话术 or 收藏 alone: the templates this person keeps, pickable by number."""
    known = talk.desk.catalogue.templates
    held = [key for key in await templates.favourites(talk.tx, talk.person_id) if key in known]
    if not held:
        message = say("打“话术 关键词”就能查，例如“话术 退费”。", hint("看全文时打“收藏”，以后在这里一下就能找到。"))
        return Reply((message,), talk.state.but(results=(), page=0, lookup=None, listed=""))
    return _page(talk, talk.state.but(results=tuple(held), page=0, lookup=None), f"我的收藏｜{len(held)} 条", {})
