"""A handful of templates, a small embedder that needs no model, and the shipped catalogue's index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from lessons import catalogue
from lessons.model import Lesson, Method, Template
from lessons.scoring.embed import WIDTH, Vectors, built_in_embedder
from lessons.search import Index, Synonyms, synonyms


class CountingEmbedder:
    """Hashes characters and neighbours into a vector; counts the texts it was asked for."""

    name = "counting"

    def __init__(self) -> None:
        self.asked = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked += len(texts)
        vectors = np.zeros((len(texts), WIDTH), dtype=np.float32)
        for row, text in enumerate(texts):
            for piece in [*text, *(text[i : i + 2] for i in range(len(text) - 1))]:
                vectors[row, crc32(piece.encode("utf-8", "surrogatepass")) % WIDTH] += 1
        return vectors


def template(name: str, title: str, keywords: str, sayings: str, **more: Any) -> Template:
    """A template from words separated by blanks and sayings separated by slashes."""
    return Template(
        id=name,
        title=title,
        situations=more.pop("situations", (name,)),
        methods=more.pop("methods", ()),
        text=more.pop("text", "我先听您说完，这件事我今天就给您一个说法。"),
        when=more.pop("when", "客户情绪比较激动的时候"),
        avoid="别说规定就是这样",
        basis="先跟后带",
        customers_say=tuple(sayings.split("/")),
        keywords=tuple(keywords.split()),
    )


TEMPLATES = (
    template(
        "refund",
        "要求全额退费：拆开算账",
        "退费 手续费 年费 乱收费",
        "手续费利息全给我退回来/网上说这些费用都能要回来/扣了我好几千凭什么",
        methods=(Method.NEED_ICEBERG,),
    ),
    template(
        "credit",
        "要求修改征信",
        "改征信 征信记录 逾期",
        "必须给我把征信改了/就忘了一千块房贷批不下来/不改我天天投诉",
        methods=(Method.ALTHOUGH_BUT,),
    ),
    template(
        "queue",
        "等太久：先认再给准点",
        "排队 等候 叫号",
        "我都坐了一个钟头了/五个窗口就开三个/里头的人还在喝茶",
        methods=(Method.PEAK_END,),
    ),
    template(
        "prepay",
        "提前还款拖了又拖",
        "提前还款 银行扣款 重定价",
        "申请一个月了还没扣/钱躺在卡上利息照收/你们就是存心拖着",
        methods=(Method.APOLOGY,),
    ),
    template(
        "refund-two", "退年费的第二种说法", "退年费 费用", "年费凭什么收/卡都没用过/给我退了", situations=("refund",)
    ),
)
SYNONYMS = Synonyms.of([["退费", "退钱", "返还"], ["征信", "信用记录"], ["排队", "等半天"]])


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture(scope="session")
def templates() -> tuple[Template, ...]:
    return TEMPLATES


@pytest.fixture(scope="session")
def index() -> Index:
    """The small index without an embedder."""
    return Index.build(TEMPLATES, synonyms=SYNONYMS)


@pytest.fixture(scope="session")
def meaning_index() -> Index:
    return Index.build(TEMPLATES, synonyms=SYNONYMS, embedder=CountingEmbedder())


@pytest.fixture(scope="session")
def shipped() -> Index:
    """The index over the built-in content, with the sentence encoder that ships."""
    content, _ = catalogue.examine(catalogue.BUILT_IN, complete=False)
    lessons: list[Lesson] = content.situations()
    table = synonyms.load(catalogue.BUILT_IN / "synonyms.yaml")
    return Index.build(content.templates.values(), lessons, table, built_in_embedder())
