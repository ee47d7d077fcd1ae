"""What a drill file holds: exchanges with a customer who answers back, and scripted runs that prove it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lessons.model import Criterion, Part, RedLine, Slug, Text


class Turn(StrEnum):
    """What a reply did to the customer."""

    CALMER = "calmer"
    SAME = "same"
    ANGRIER = "angrier"


class Ending(StrEnum):
    """How a drill ended: the customer settled, was still unsettled at the turn limit, or broke off."""

    CALM = "calm"
    TENSE = "tense"
    GONE = "gone"


class When(Part):
    """What in the learner's reply the customer picks up on; everything named must hold."""

    words: tuple[Text, ...] = Field((), description="回复里出现其中任何一个词")
    hit: Criterion | None = Field(None, description="这一项做到了")
    missing: Criterion | None = Field(None, description="这一项还没看到")
    red_line: RedLine | Literal["any"] | None = Field(None, description="踩了这条红线；any 表示任何一条")

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not (self.words or self.hit or self.missing or self.red_line):
            raise ValueError("when 里至少写一项：words、hit、missing 或 red_line")
        return self


class Reaction(Part):
    """One thing the customer may say back."""

    when: When | None = Field(None, description="客户抓住了哪句话；不写表示其他情况")
    says: Text


Reactions = Annotated[tuple[Reaction, ...], Field(min_length=1)]


class Exchange(Part):
    """One thing the learner has to answer, and how the customer takes it."""

    needs: tuple[Criterion, ...] = Field(min_length=1, description="这一句最要紧的一到三项")
    aim: Text = Field(description="这一句该做到什么，复盘时给学员看")
    good: Text = Field(description="这里可以怎么说，复盘时给学员看")
    calmer: Reactions
    same: Reactions
    angrier: Reactions

    @model_validator(mode="after")
    def _otherwise_last(self) -> Self:
        for name in Turn:
            reactions = self.reactions(name)
            if reactions[-1].when is not None or any(r.when is None for r in reactions[:-1]):
                raise ValueError(f"{name} 里要有且只有最后一条不写 when，留给其他情况")
        return self

    def reactions(self, turn: Turn) -> tuple[Reaction, ...]:
        found: tuple[Reaction, ...] = getattr(self, str(turn))
        return found


class ScriptTurn(Part):
    say: Text
    then: Turn = Field(description="客户应该变得 calmer、same 还是 angrier")


class Script(Part):
    """A run written down beforehand; a drill that plays otherwise is refused."""

    name: Text
    turns: tuple[ScriptTurn, ...] = Field(min_length=1)
    ends: Ending
    band: tuple[Annotated[int, Field(ge=0, le=4)], Annotated[int, Field(ge=0, le=4)]] = Field(
        description="整场应得的档位，从几到几"
    )


class Endings(Part):
    """What is told when it is over, from the learner's side."""

    calm: Text
    tense: Text
    gone: Text


class Drill(Part):
    """A talk of up to three exchanges with one customer; facts and limits are those of its situation."""

    kind: Literal["drill"]
    id: Slug
    title: Text
    situation: Slug = Field(description="来自哪个情景；背景、事实和权限用它的")
    goal: Text = Field(description="这场要谈成什么")
    version: Annotated[int, Field(ge=1)] = 1
    minutes: Annotated[int, Field(ge=1, le=15)] = 5
    temper: Annotated[int, Field(ge=2, le=4)] = Field(3, description="开场时客户的火气，2 到 4，满格 5")
    gauge: Text = Field("火气", description="客户身上升降的是什么；轻生的情景不写火气")
    opening: Text | None = Field(None, description="客户第一句；不写就用情景里的原话")
    exchanges: tuple[Exchange, ...] = Field(min_length=1, max_length=3)
    endings: Endings
    tip: Text
    scripts: tuple[Script, ...] = Field(min_length=3, description="至少三场：一路说好、一路说坏、有好有坏")

    def __hash__(self) -> int:
        return hash((self.id, self.version))

    @model_validator(mode="after")
    def _scripts_fit(self) -> Self:
        for script in self.scripts:
            if len(script.turns) > len(self.exchanges):
                raise ValueError(f"scripts 里“{script.name}”有 {len(script.turns)} 句，多于 exchanges 的轮数")
        return self
