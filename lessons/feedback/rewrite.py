"""The learner's own reply with one thing changed: a sentence added where it belongs, or the worst words replaced.

Additions stand in 【】. Everything outside them is the learner's, verbatim.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lessons.model import Criterion

_SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]+|[^。！？!?；;\n]+$")
_CALLING = re.compile(
    r"^[\s“\"]*(?:(?:您好|你好|喂|哎|唉)[，,。！!\s]*)?"
    r"(?:[\u4e00-\u9fff]{1,4}?(?:女士|先生|小姐|老师|师傅|经理|总|老板|大?哥|大?姐|叔叔?|阿姨|大爷|大妈|奶奶|爷爷|伯伯?|婶|同学|主任))?"
    r"[，,。！!：:～~\s]+"
)
_FAREWELL = re.compile(r"^[\s]*(?:谢谢|感谢|祝您|再见|麻烦您了|打扰了)")
_QUESTION = re.compile(r"(?:[吗呢不没吧么]|(?:哪|什么|怎么|多少|几|好不好|行不行|是不是|要不要|成不成)[^，,]{0,5})$")
_ENDS = "。！？!?；;，,、… ～~\n"
_WHOLE = 120
_AROUND = 26


@dataclass(frozen=True)
class Change:
    """`text` is what to say now; `old` are the words it replaces, None when something was only added."""

    text: str
    old: str | None = None


def added(text: str, criterion: Criterion, words: str, solution: str | None = None) -> Change:
    """The reply with `words` where that criterion belongs; `solution` is the quoted offer, if the reply has one."""
    sentences = _SENTENCE.findall(text.strip())
    at = _place(sentences, criterion, solution)
    if at == 0 and (calling := _calling(text)):
        before, after = text[: len(calling)], text[len(calling) :]
        words = _uncalled(words)
    else:
        before, after = "".join(sentences[:at]), "".join(sentences[at:])
    before = before.strip()
    if before and before[-1] not in _ENDS:
        before += "，"
    stop = (
        "？"
        if criterion is Criterion.LEAD and _asks(words)
        else "，"
        if at == 0 and criterion is Criterion.EMPATHY
        else "。"
    )
    inserted = f"【{words.rstrip(_ENDS)}{stop}】"
    if len(before) + len(after) > _WHOLE:
        before = before if len(before) <= _AROUND else "…" + before[-_AROUND:]
        after = after if len(after) <= _AROUND else after[:_AROUND] + "…"
    return Change(before + inserted + after.strip())


def replaced(text: str, old: str, words: str) -> Change:
    """The reply with `words` instead of `old` and of what follows it in the same sentence."""
    where = text.find(old)
    if where < 0:
        return Change(words.rstrip(_ENDS) + "。", old)
    rest = _SENTENCE.match(text[where + len(old) :])
    before, after = text[:where], text[where + len(old) + (rest.end() if rest else 0) :]
    before = before if len(before) <= _AROUND else "…" + before[-_AROUND:]
    if before and before[-1] not in _ENDS:
        before += "，"
    after = after if len(after) <= _AROUND else after[:_AROUND] + "…"
    return Change(f"{before.lstrip()}【{words.rstrip(_ENDS)}。】{after}", old)


def _calling(text: str) -> str:
    """「唐女士您好，」 at the beginning, or nothing."""
    found = _CALLING.match(text)
    return found.group(0) if found and len(found.group(0).strip(_ENDS)) >= 2 else ""


def _uncalled(words: str) -> str:
    return words[len(_calling(words)) :] or words


def _place(sentences: list[str], criterion: Criterion, solution: str | None) -> int:
    """Before which sentence the addition goes."""
    if criterion is Criterion.EMPATHY:
        return 0
    end = len(sentences)
    while end > 1 and _FAREWELL.match(sentences[end - 1]):
        end -= 1
    if criterion is Criterion.LEAD:
        return end
    if criterion is Criterion.EXPLAIN:
        holds = [index for index, sentence in enumerate(sentences) if solution and solution[:6] in sentence]
        return max(1, holds[0]) if holds else min(1, end)
    return end - 1 if end > 1 and sentences[end - 1].rstrip().endswith(("？", "?")) else end


def _asks(words: str) -> bool:
    return bool(_QUESTION.search(words.rstrip(_ENDS)))
