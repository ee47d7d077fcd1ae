"""The short Chinese reason shown with a hit; it always quotes something that is really in the template."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lessons.model import METHOD_NAMES, Template
from lessons.search.document import method_names, of_template
from lessons.search.initials import LONGEST_QUERY, entries
from lessons.search.normalise import fold, is_chinese
from lessons.search.pinyin import initials, loose_spelling, spellings, syllables
from lessons.search.synonyms import Synonyms
from lessons.search.terms import terms

_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_LONGEST_QUOTE = 18
_SHORTEST_SAYING_SHARE = 0.34


@dataclass(frozen=True)
class Asked:
    """A normalised query with what is needed to explain any hit."""

    text: str
    synonyms: Synonyms

    @property
    def compact(self) -> str:
        return self.text.replace(" ", "")

    @property
    def latin(self) -> bool:
        return not any(map(is_chinese, self.text))


def reason(asked: Asked, template: Template, nearest: str | None = None) -> str:
    """Why the template answers the query, the most convincing reason first.

    `nearest` is the folded phrasing of the template that is nearest in meaning, when meaning was compared.
    """
    for look in (_keyword, _title, _method, _synonym, _letters, _homophone, _saying):
        found = look(asked, template)
        if found:
            return found
    near = next((text for text in _texts(template) if nearest and fold(text) == nearest), None)
    return f"意思相近「{_short(near)}」" if near else f"相关「{_short(_most_in_common(asked.text, _texts(template)))}」"


def _keyword(asked: Asked, template: Template) -> str | None:
    held = [keyword for keyword in template.keywords if _inside(fold(keyword), asked.compact)]
    return f"关键词「{max(held, key=len)}」" if held else None


def _title(asked: Asked, template: Template) -> str | None:
    title = fold(template.title).replace(" ", "")
    return f"标题「{template.title}」" if len(asked.compact) >= 2 and asked.compact in title else None


def _method(asked: Asked, template: Template) -> str | None:
    for method in template.methods:
        if any(_inside(name, asked.compact) for name in method_names((method,))):
            return f"方法「{METHOD_NAMES[method]}」"
    return None


def _synonym(asked: Asked, template: Template) -> str | None:
    for span in asked.synonyms.spans(asked.text):
        for keyword in template.keywords:
            if any(other in fold(keyword) for other in span.others):
                return f"关键词「{keyword}」（同「{span.word}」）"
    return None


def _letters(asked: Asked, template: Template) -> str | None:
    letters = asked.compact
    if not asked.latin or not letters.isalpha():
        return None
    readings = list(spellings(letters))
    for spelling in [*readings, loose_spelling(letters) or []]:
        word = _spoken(tuple(spelling), template)
        if word:
            return f"拼音「{word}」"
    shortened = _abbreviated(letters[:LONGEST_QUERY], template)
    if letters not in shortened:
        for sound in (letters, *map(" ".join, readings)):
            for word in asked.synonyms.spoken(sound):
                found = _synonym(Asked(word, asked.synonyms), template)
                if found:
                    return found
    if not shortened:
        return None
    longest = max(shortened, key=len)
    words = shortened[longest]
    return f"首字母「{words}」" if initials(words).startswith(longest) else f"首字母「{words}」（前后颠倒）"


def _spoken(spelling: tuple[str, ...], template: Template) -> str | None:
    """The words of the template with these syllables, or the keyword with most of them."""
    if not spelling:
        return None
    for run in (run for text in _texts(template) for run in _CHINESE.findall(text)):
        heard = syllables(run)
        for start in range(len(heard) - len(spelling) + 1):
            if tuple(heard[start : start + len(spelling)]) == spelling:
                return str(run[start : start + len(spelling)])
    common = [(len(set(syllables(fold(word))) & set(spelling)), word) for word in template.keywords]
    most, word = max(common, key=lambda pair: pair[0], default=(0, ""))
    return word if most >= 2 else None


def _abbreviated(letters: str, template: Template) -> dict[str, str]:
    """The parts of the letters that are initials of words of the template, with the words."""
    parts = {letters[start:end] for end in range(2, len(letters) + 1) for start in range(end - 1)}
    held: dict[str, str] = {}
    for found, words, _ in entries(of_template(template)):
        if found in parts and any(words in text for text in _texts(template)):
            held.setdefault(found, words)
    return held


def _homophone(asked: Asked, template: Template) -> str | None:
    if asked.latin:
        return None
    heard = " ".join(["", *syllables(asked.text), ""])
    for keyword in sorted(template.keywords, key=len, reverse=True):
        spoken = syllables(fold(keyword))
        if len(spoken) >= 2 and f" {' '.join(spoken)} " in heard:
            return f"读音相近「{keyword}」"
    return None


def _saying(asked: Asked, template: Template) -> str | None:
    wanted = _pairs(asked.text)
    if not wanted:
        return None
    shares = [(len(wanted & _pairs(fold(saying))) / len(wanted), saying) for saying in template.customers_say]
    share, saying = max(shares, key=lambda pair: pair[0])
    return f"客户常说「{_short(saying)}」" if share >= _SHORTEST_SAYING_SHARE else None


def _texts(template: Template) -> Iterator[str]:
    yield from template.keywords
    yield template.title
    yield from template.customers_say
    yield template.when


def _most_in_common(query: str, texts: Iterable[str]) -> str:
    held: Sequence[str] = list(texts)
    wanted = set(terms(query))
    return max(held, key=lambda text: len(wanted & set(terms(fold(text)))))


def _pairs(text: str) -> set[str]:
    return {term for term in terms(text) if len(term) > 1}


def _inside(phrase: str, compact: str) -> bool:
    phrase = phrase.replace(" ", "")
    return len(phrase) >= 2 and phrase in compact


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"
