"""When a learner speaks of their own life being at an end: care and a number, never a score, nothing recorded.

Only short texts in the first person count; a reply to a customer that repeats the customer's words stays a reply.
"""

from __future__ import annotations

import re

from bot.core.messages import hint, say
from handlers.context import Reply, Talk

_LONGEST = 40
_OWN = re.compile(
    r"(?:^|[，。！？,.!?\s])(?:我|自己|真的?|好|都|就)*(?:不想活|活不下去|想死|想自杀|想自残|不如死|死了算了|想结束自己)"
)
_SOMEBODY_ELSE = re.compile(r"您|客户|他说|她说|你说|“|「|先生|女士|别这么想|千万别")
_HOTLINE = "12356"  # 全国统一心理援助热线，国家卫生健康委 2025 年启用


def is_own_distress(text: str) -> bool:
    """Whether a text is a cry of the learner's own."""
    return len(text) <= _LONGEST and bool(_OWN.search(text)) and not _SOMEBODY_ELSE.search(text)


async def answer(talk: Talk) -> Reply:
    """Somebody to talk to, and no work."""
    contact = talk.desk.settings.care_contact
    message = say(
        "先不管题目。听你这么说，我有点担心你。",
        "这样的话能说出来，已经很不容易。找个信得过的人陪你说说，好吗？",
        f"公司的员工关怀：{contact}" if contact else "可以找你的主管或人力同事，请他们帮你联系员工关怀。",
        f"全国心理援助热线 {_HOTLINE}，随时有人接；如果现在有危险，请打 110 或 120。",
        hint("这句话没有计分，也不会出现在任何榜单。想歇几天，打“暂停”。"),
    )
    return Reply((message,), talk.state)
