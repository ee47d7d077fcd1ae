"""The team's one gap: the weakest criterion, in the lesson that shows it, and never a few people's own results."""

from __future__ import annotations

from lessons.boards import K
from lessons.gap import Gap, Tries, weakest
from lessons.model import Criterion

E, L, X, S, W = Criterion


def tries(lesson: str, people: int, **met: float) -> Tries:
    """Everybody was judged on everything, and met it all but what `met` says."""
    return Tries(
        lesson, people, dict.fromkeys(Criterion, people), {c: met.get(c.value, float(people)) for c in Criterion}
    )


def test_the_weakest_criterion_of_all_lessons() -> None:
    week = [tries("a", 10, solution=4.0, lead=1.0), tries("b", 10, solution=4.0)]
    assert weakest(week, 10) == Gap(S, 0.4, "a")


def test_the_lesson_where_it_was_met_least() -> None:
    week = [tries("a", 10, lead=5.0), tries("b", 10, lead=2.5), tries("c", 10)]
    assert weakest(week, 10) == Gap(L, 17.5 / 30, "b")


def test_no_gap_of_few_people() -> None:
    assert weakest([tries("a", K - 1, lead=0.0)], K - 1) is None
    assert weakest([tries("a", K, lead=0.0)], K) == Gap(L, 0.0, "a")
    assert weakest([], 0) is None
    assert weakest([], 100) is None


def test_a_lesson_of_few_people_is_not_the_example_while_there_is_another() -> None:
    week = [tries("few", K - 1, explain=0.0), tries("many", K, explain=4.0)]
    found = weakest(week, 2 * K - 1)
    assert found is not None
    assert (found.criterion, found.lesson_id) == (X, "many")


def test_of_lessons_of_few_people_the_one_with_most_is_the_example() -> None:
    week = [tries("two", 2, empathy=0.0), tries("three", 3, empathy=3.0)]
    found = weakest(week, K)
    assert found is not None
    assert (found.criterion, found.lesson_id) == (E, "three")


def test_what_was_not_needed_is_no_gap() -> None:
    week = Tries("a", 9, {**dict.fromkeys(Criterion, 9), W: K - 1}, {**dict.fromkeys(Criterion, 9.0), W: 0.0, L: 8.0})
    assert weakest([week], 9) == Gap(L, 8 / 9, "a")


def test_equal_ones_come_in_the_order_of_a_talk() -> None:
    assert weakest([tries("b", 9), tries("a", 9)], 9) == Gap(E, 1.0, "a")
