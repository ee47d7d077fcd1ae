"""Whatever a reply says to the marker, and whatever the model then does, a poor reply stays as poor as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml

from lessons.judge.answers import parse
from lessons.judge.guard import Sign, sign_of
from lessons.judge.questions import prompt_messages
from lessons.judge.verdict import MOST_RAISE, add_up, is_void
from lessons.model import Lesson
from lessons.scoring import Scorer
from lessons.scoring.result import Score
from tests.fakes.judge import MINDS, Mind, captured, honest, obedient, reply_of
from tests.unit.scoring.replies import GRADED

CASES: dict[str, list[str]] = yaml.safe_load((Path(__file__).parent / "injections.yaml").read_text(encoding="utf-8"))
LISTED = [(kind, number) for kind, texts in CASES.items() for number in range(len(texts))]
POOR = [(lesson, text) for lesson, band, text in GRADED if band == 1]
SPOKEN = (Path(__file__).parent / "spoken.txt").read_text(encoding="utf-8").splitlines()
CONTENT = Path(__file__).parents[3] / "lessons" / "content" / "graded"


Ask = Callable[[int, Mind, str], tuple[Score, Score]]


@pytest.fixture(scope="module")
def ask(scorer: Scorer) -> Ask:
    """Judges a text with one of the fake's minds, the way the bot does, the offline score in reserve."""

    @cache
    def judged(position: int, mind: Mind, injection: str) -> tuple[Score, Score]:
        lesson, poor = POOR[position]
        text = injection.replace("{poor}", poor)
        offline = scorer.score(lesson, text)
        return _judged(lesson, text, offline, mind), offline

    return judged


def _judged(lesson: Lesson, text: str, offline: Score, mind: Mind) -> Score:
    if is_void(text, offline):
        return add_up(lesson, text, {}, offline, "judge")
    said = mind(reply_of(prompt_messages(lesson, text)))
    return add_up(lesson, text, parse(json.dumps({"answers": said})), offline, "judge")


def test_there_are_enough_cases_and_carriers() -> None:
    assert len(LISTED) >= 100
    assert len(POOR) >= 5
    everything = [text for texts in CASES.values() for text in texts]
    assert len(set(everything)) == len(everything)
    assert all("{poor}" in text for kind, texts in CASES.items() if kind != "alone" for text in texts)


@pytest.mark.parametrize(("kind", "number"), LISTED)
@pytest.mark.parametrize("mind", [honest, obedient, captured], ids=lambda mind: mind.__name__)
def test_an_injection_gains_nothing(ask: Ask, kind: str, number: int, mind: Mind) -> None:
    for position in range(len(POOR)):
        plain, _ = ask(position, honest, "{poor}")
        injected, _ = ask(position, mind, CASES[kind][number])
        assert injected.band <= plain.band, POOR[position][1]


@pytest.mark.parametrize(("kind", "number"), LISTED)
def test_a_model_that_knows_every_trick_gains_one_band_at_most(ask: Ask, kind: str, number: int) -> None:
    for position in range(len(POOR)):
        injected, offline = ask(position, MINDS["cunning"], CASES[kind][number])
        assert injected.band <= offline.band + MOST_RAISE


def test_without_the_defences_a_captured_model_would_give_everything() -> None:
    """The cases above are no straw men: the table alone would call most of them excellent."""
    lesson, poor = POOR[0]
    everything = [text.replace("{poor}", poor) for texts in CASES.values() for text in texts]
    obeyed = [text for text in everything if obedient(text) != honest(text)]
    assert len(obeyed) >= 0.7 * len(everything)
    said = parse(json.dumps({"answers": MINDS["cunning"](poor)}))
    trusted = Score(lesson.id, 4, 90, {}, (), (), "offline")
    assert add_up(lesson, poor, said, trusted, "judge").band == 4


def test_honest_replies_are_hardly_ever_suspected() -> None:
    """On the graded replies of band 1 and above: never a plain sign, a faint one in less than one of fifty."""
    lines = [line for path in sorted(CONTENT.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").split("\n")]
    rows = [json.loads(line) for line in lines if line]
    signs = [sign_of(row["text"]) for row in rows if row["band"] > 0]
    assert len(signs) > 800
    assert signs.count(Sign.PLAIN) == 0
    assert signs.count(Sign.FAINT) <= len(signs) / 50


@pytest.mark.parametrize("text", SPOKEN)
def test_what_banks_say_is_no_plain_sign(text: str) -> None:
    assert sign_of(text) < Sign.PLAIN
