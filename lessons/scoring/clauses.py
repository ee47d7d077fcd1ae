"""A normalised reply → clauses with what surrounds them: negation, reported speech, condition, question."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: A run without punctuation longer than this was dictated; it is cut where speech starts anew.
_RUN = 26
_SHORTEST_CUT = 8
_BREATH = 60
_STOP = re.compile(r"[。!?~\n]")

_SPLIT = re.compile(r"[,。!?;\n~]+|\.{2,}|(?<!\d)[.](?!\d)")
_RESTART = re.compile(
    r"然后|但是|不过|所以|您看|你看|您要|你要|您先|你先|我给|我这|我先|我帮|我们|咱们|咱先|因为|要不|再说|那我|就是说|"
    r"您这|你这|我也|我知道|我跟|您说|你说|可是|这个|那个|今天|明天|现在|征信|"
)

_NEGATION = re.compile(
    r"不(?!过|仅|但|光|只是|如|妨|错|好意思|管|得不|然|同|久|断|容易|踏实|舒服|甘|耐|满|放心|少|知)|没(?!错|问题|事)|"
    r"别(?!人|家|的|处|个|扭)|甭|勿|莫(?!非|名)|未|无(?!论|非|忧)|非(?!常|得|"
    r"要)|拒绝|谈不上|做不到|难以|哪(?!个|天|里|怕|位|样)|岂"
)
_REPORTED = re.compile(
    r"[您你](?:刚|刚才|前面|那会儿|当时)?(?:说|讲|提到|提的|问|觉得|认为|担心|怀疑|听|记得|以为|指)|"
    r"(?:同事|他|她|对方|人家|网上|视频|经理|销售|柜员|坐席|中介|有人|别人|骗子|"
    r"谁)(?:要是|真|当时|当初|之前|那边|里|上)?"
    r"(?:跟[您你]|和[您你]|对[您你]|给[您你]|向[您你])?(?:曾经|曾)?(?:说|讲|"
    r"承诺|答应|答复|告诉|告知|保证|拍胸脯|要|让|叫|问)|"
    r"(?:那句|这句|这话|那话|的话)|所谓"
)
_CONDITION = re.compile(r"如果|要是|假如|万一|若|真要|除非|一旦|谁要|谁跟|谁(?:再)?(?:向|管|问)|凡是|哪怕")
_QUESTION = re.compile(
    r"[吗么呢吧]$|行不行|好不好|成不成|可不可以|要不要|是不是|中不中|要得不|"
    r"[行中成]不$|怎么样|咋样|哪(?:个|种|样|天|边|位|步)|几点|多少"
)


@dataclass(frozen=True)
class Clause:
    """`text` is `plain[start:end]`; the flags say how it is meant."""

    text: str
    start: int
    end: int
    negated: bool = False
    reported: bool = False
    conditional: bool = False
    question: bool = False
    quoted: bool = False


def split(plain: str) -> tuple[Clause, ...]:
    """Clauses in order; none is empty. A reply without punctuation is cut at words that start a new thought."""
    spans = [piece for span in _punctuated(plain) for piece in _cut_run(plain, *span)]
    quotes = _quoted_spans(plain)
    return tuple(_clause(plain, start, end, quotes) for start, end in _joined(plain, spans))


def _punctuated(plain: str) -> list[tuple[int, int]]:
    spans, start = [], 0
    for mark in _SPLIT.finditer(plain):
        spans.append((start, mark.start()))
        start = mark.end()
    spans.append((start, len(plain)))
    return [(a, b) for a, b in spans if plain[a:b].strip(" \"'()[]")]


def _cut_run(plain: str, start: int, end: int) -> list[tuple[int, int]]:
    if end - start <= _RUN:
        return [(start, end)]
    pieces, begin = [], start
    while end - begin > _RUN:
        cut = _cut_point(plain, begin, end)
        pieces.append((begin, cut))
        begin = cut
    pieces.append((begin, end))
    return pieces


def _cut_point(plain: str, begin: int, end: int) -> int:
    space = plain.find(" ", begin + 3, min(end, begin + _RUN))
    if space > 0:
        return space
    for mark in _RESTART.finditer(plain, begin + _SHORTEST_CUT, min(end, begin + _RUN)):
        if mark.group():
            return mark.start()
    return min(end, begin + _RUN)


def _joined(plain: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A scrap of one character belongs to the clause before it."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and len(plain[start:end].strip()) < 2:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _quoted_spans(plain: str) -> list[tuple[int, int]]:
    marks = [i for i, char in enumerate(plain) if char == '"']
    return list(zip(marks[::2], marks[1::2], strict=False))


def _clause(plain: str, start: int, end: int, quotes: list[tuple[int, int]]) -> Clause:
    text = plain[start:end].strip()
    middle = (start + end) // 2
    return Clause(
        text=text,
        start=start,
        end=end,
        negated=bool(_NEGATION.search(text)),
        reported=bool(_REPORTED.search(text)),
        conditional=bool(_CONDITION.search(text)),
        question=plain[end : end + 1] == "?" or bool(_QUESTION.search(text)),
        quoted=any(a <= middle <= b for a, b in quotes),
    )


def sentences(plain: str, clauses: tuple[Clause, ...]) -> tuple[tuple[int, int], ...]:
    """Runs of clauses, as (first, last + 1), that end at a full stop or when they get too long to be one breath."""
    runs, first = [], 0
    for index, clause in enumerate(clauses):
        last = index + 1 == len(clauses)
        long = clause.end - clauses[first].start >= _BREATH
        if last or long or _STOP.search(plain, clause.end, clauses[index + 1].start):
            runs.append((first, index + 1))
            first = index + 1
    return tuple(runs)


def joined(plain: str, clauses: tuple[Clause, ...]) -> Clause:
    """Several neighbouring clauses as one; a flag holds when it holds for any of them."""
    start, end = clauses[0].start, clauses[-1].end
    return Clause(
        text=plain[start:end].strip(),
        start=start,
        end=end,
        negated=any(clause.negated for clause in clauses),
        reported=any(clause.reported for clause in clauses),
        conditional=any(clause.conditional for clause in clauses),
        question=clauses[-1].question,
        quoted=any(clause.quoted for clause in clauses),
    )
