"""Test queries with the situations they are about, from queries/*.jsonl; dev is for tuning, the others never are."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

FOLDER = Path(__file__).parents[1] / "content" / "queries"


class Kind(StrEnum):
    KEYWORD = "keyword"
    WORDS = "words"
    SENTENCE = "sentence"
    PARAPHRASE = "paraphrase"
    TYPO = "typo"
    PINYIN = "pinyin"
    INITIALS = "initials"
    FILLER = "filler"
    METHOD = "method"
    DIALECT = "dialect"
    NONSENSE = "nonsense"


KIND_NAMES = {
    Kind.KEYWORD: "关键词",
    Kind.WORDS: "几个词",
    Kind.SENTENCE: "客户原话",
    Kind.PARAPHRASE: "换个说法",
    Kind.TYPO: "错别字",
    Kind.PINYIN: "全拼",
    Kind.INITIALS: "首字母",
    Kind.FILLER: "带客套和表情",
    Kind.METHOD: "按方法",
    Kind.DIALECT: "方言",
    Kind.NONSENSE: "闲聊乱打（应无结果）",
}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LabelledQuery:
    """`situations` are those whose templates would be right; empty when nothing would be."""

    id: str
    text: str
    situations: tuple[str, ...]
    kind: Kind


_QUERY: TypeAdapter[LabelledQuery] = TypeAdapter(LabelledQuery)


def parts(folder: Path = FOLDER) -> list[str]:
    """The names of all parts that are there, in alphabetical order: dev, frozen, …"""
    return sorted(path.stem for path in folder.glob("*.jsonl"))


def load(part: str, folder: Path = FOLDER) -> list[LabelledQuery]:
    lines = (folder / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return [_QUERY.validate_json(line) for line in lines if line.strip()]
