"""Whether somebody who speaks of ending their life is left alone: nothing is said to keep them safe, or we walk off."""

from __future__ import annotations

import re

from lessons.scoring.reading import Reading
from lessons.scoring.result import Tier
from lessons.scoring.spans import quote_between
from lessons.scoring.speech_hits import is_about_life

_STAYS = re.compile(
    r"窗|楼(?:顶|边|梯)|天台|下来|(?:往|退)(?:里|后|回)|离(?:开|远)|身边|旁边|陪(?:着|你|您|到)|我在|在(?:这|听)|不(?:挂|走)|别挂|"
    r"110|120|123(?:56|20)|热线|安全|救|坐下|稳住|门(?:打)?开|农药|瓶|不是一个人|说出来|难受|难过|抱抱|唔挂|命"
)
_LEAVES = re.compile(
    r"再见|(?<![不别没])(?:挂(?:了|电话)|下线)|(?<![不别没])关(?:掉|闭|这个|一下)?(?:窗口|会话)|会话[^,。]{0,6}结束|先(?:忙|去忙|不打扰)|不打扰|"
    r"(?:别的|其他|下一位|后面)[^,。]{0,3}客户|下一位|祝[您你]生活愉快|生活愉快|(?:明天|明早|改天|酒醒)[^,。]{0,6}(?:再(?:打|来|给我)|给我)|"
    r"(?:不|没)(?:在|归|是)[^,。]{0,8}(?:范围|这边|渠道|部门|我们管)"
)
_FEW = 6


def left_alone(reading: Reading) -> tuple[Tier, str] | None:
    """How sure it is that a customer in danger is left alone, and the words; None when the lesson is about no such."""
    text, clauses = reading.plain.text, reading.clauses
    if not clauses or len(text) < _FEW or not is_about_life(reading.situation):
        return None
    stays, leaves = _STAYS.search(text), _LEAVES.search(text)
    if stays and not leaves:
        return None
    start, end = leaves.span() if leaves else (clauses[0].start, clauses[-1].end)
    touched = [clause for clause in clauses if clause.start < end and start < clause.end] or list(clauses)
    quote = quote_between(reading, touched[0].start, touched[-1].end)
    return (Tier.SUSPECTED if stays or not leaves else Tier.CONFIRMED, quote) if quote else None
