"""What invented people say in the benchmarks: labelled replies in which every longer clause is new, so that no cache
helps more than it would with real people."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Sequence

from lessons.catalogue import BUILT_IN
from lessons.search import labelled
from lessons.search.labelled import Kind

_FILLERS = "嗯啊呢吧呀哦就都也还再又先那这其实真的确实当然一下马上今天刚才咱们这边那边大概可能应该已经可以"
_CLAUSE = re.compile(r"[^，。！？；、\s]{5,}")  # shorter ones, such as 您先别急, many people share
_GRADED = BUILT_IN / "graded"


def graded() -> dict[str, list[str]]:
    """The labelled replies, by lesson."""
    found: dict[str, list[str]] = {}
    for path in sorted(_GRADED.glob("*.jsonl")):
        for row in map(json.loads, filter(None, path.read_text(encoding="utf-8").splitlines())):
            found.setdefault(row["scenario"], []).append(row["text"])
    return found


def answers(asked: Iterable[tuple[str, str]], dice: random.Random) -> list[tuple[str, str]]:
    """(user, words) for (user, lesson): a reply to that lesson as somebody else would have put it."""
    known = graded()
    return [(user, fresh(dice.choice(known[lesson]), dice)) for user, lesson in asked]


def fresh(text: str, dice: random.Random) -> str:
    """The text with two characters of every longer clause replaced; its length stays."""

    def vary(found: re.Match[str]) -> str:
        clause, place = found[0], dice.randrange(len(found[0]) - 1)
        return clause[:place] + "".join(dice.choices(_FILLERS, k=2)) + clause[place + 2 :]

    return _CLAUSE.sub(vary, text)


COMMANDS = ("帮助", "今日", "我的", "排行", "收藏", "错题", "例答")
"""Commands that only look."""


def requests(users: Sequence[str], count: int, dice: random.Random) -> list[tuple[str, str]]:
    """(user, words): half commands, half searches with the labelled queries of the search."""
    queries = [query.text for query in labelled.load("dev") if query.kind is not Kind.NONSENSE]
    return [
        (dice.choice(users), dice.choice(COMMANDS) if dice.random() < 0.5 else f"话术 {dice.choice(queries)}")
        for _ in range(count)
    ]
