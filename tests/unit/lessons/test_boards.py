"""The weekly board is fair: no small groups, no opted-out names, leave left out, small teams pulled in, no bottom."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lessons.boards import NAMED, Board, K, Row, build, change, neighbours

CENTRE, BRANCH, SALES = 1, 2, 3
NAMES = {CENTRE: "客服中心", BRANCH: "城东支行", SALES: "财富部"}


def row(person: int, **values: Any) -> Row:
    """Somebody who answered all three questions of the week with 70 points, as before."""
    base: dict[str, Any] = {
        "person_id": person,
        "name": f"学员{person:02}",
        "department_id": CENTRE,
        "asked": 3,
        "answered": 3,
        "points": 70.0,
        "before": 70.0,
        "answers_before": 12,
    }
    return Row(**{**base, **values})


def climbers(*rises: float, **values: Any) -> list[Row]:
    """People whose points rose by so much, the first one has id 1."""
    return [row(number, points=60.0 + rise, before=60.0, **values) for number, rise in enumerate(rises, 1)]


ROWS = st.lists(
    st.builds(
        Row,
        person_id=st.integers(1, 999),
        name=st.sampled_from(["安一", "白二", "陈三", "丁四", "冯五", "郭六", "何七"]),
        department_id=st.sampled_from(sorted(NAMES)),
        asked=st.integers(0, 5),
        answered=st.integers(0, 5),
        points=st.none() | st.sampled_from([50.0, 60.0, 75.0]),
        before=st.none() | st.sampled_from([50.0, 60.0]),
        answers_before=st.sampled_from([0, 3, 12]),
        on_boards=st.booleans(),
        on_leave=st.booleans(),
    ),
    max_size=25,
    unique_by=lambda each: each.person_id,
)


def test_under_five_people_there_is_no_board() -> None:
    four = build(climbers(5, 10, 15, 20), NAMES)
    assert not four.enough
    assert (four.keen, four.risen, four.average, four.change) == ((), (), None, None)
    assert all(team.place is None for team in four.teams)
    five = build(climbers(5, 10, 15, 20, 25), NAMES)
    assert five.enough
    assert len(five.risen) == 5
    assert five.average == pytest.approx(75)
    assert five.teams[0].place == 1


def test_who_is_on_leave_is_no_part_of_it() -> None:
    rows = [*climbers(5, 10, 15, 20), row(9, asked=3, answered=0, points=None, on_leave=True)]
    board = build(rows, NAMES)
    assert (board.people, board.asked, board.answered) == (4, 12, 12)
    assert not board.enough, "leave must not fill a small group up"


def test_who_opted_out_counts_but_is_never_named() -> None:
    rows = [*climbers(5, 10, 15, 20, 25), row(9, name="不上榜", points=100.0, before=10.0, on_boards=False)]
    board = build(rows, NAMES)
    assert board.people == 6
    assert board.answered == 18
    assert "不上榜" not in str((board.keen, board.risen))
    assert build(rows[:5], NAMES).average != board.average
    near = neighbours(rows, 1)
    assert near is not None
    assert "不上榜" not in str(near)
    assert neighbours(rows, 9) is None


@given(ROWS)
def test_nobody_is_named_who_should_not_be(rows: list[Row]) -> None:
    board = build(rows, NAMES)
    hidden = {each.person_id for each in rows if not each.on_boards or each.on_leave}
    named = [*board.keen, *board.risen]
    assert not hidden & {standing.person_id for standing in named}
    assert len(board.risen) <= NAMED
    if board.people < K:
        assert named == []
        assert board.average is None
    assert all(standing.value > 0 for standing in board.risen)
    assert [standing.value for standing in board.risen] == sorted((s.value for s in board.risen), reverse=True)
    for team in board.teams:
        assert (team.place is None) is (team.people < K)
        assert team.place is not None or team.change is None


def test_those_who_answered_everything_are_keen() -> None:
    rows = [row(1), row(2, answered=2), row(3, asked=0, answered=0, points=None), row(4), row(5), row(6)]
    assert {standing.person_id for standing in build(rows, NAMES).keen} == {1, 4, 5, 6}


def test_a_rise_is_pulled_towards_zero_while_answers_are_few() -> None:
    many = change(row(1, answered=9, points=80.0, before=60.0, answers_before=9))
    few = change(row(1, answered=1, points=80.0, before=60.0, answers_before=9))
    assert many == pytest.approx(15)
    assert few == pytest.approx(5)
    assert change(row(1, before=None)) is None
    assert change(row(1, points=None)) is None
    assert change(row(1, answers_before=0, points=90.0)) == 0


def _team(first: int, department: int, people: int, asked: int, answered: int) -> list[Row]:
    return [
        row(first + n, department_id=department, asked=asked, answered=answered, before=None) for n in range(people)
    ]


def test_a_small_team_with_luck_stands_behind_a_big_one_that_kept_it_up() -> None:
    rows = [*_team(1, CENTRE, 5, 1, 1), *_team(100, BRANCH, 30, 5, 5), *_team(200, SALES, 20, 5, 2)]
    board = build(rows, NAMES)
    assert [(team.name, team.place) for team in board.teams] == [("城东支行", 1), ("客服中心", 2), ("财富部", 3)]
    small, big = board.teams[1], board.teams[0]
    assert small.rate == big.rate == 1.0
    assert small.fair_rate < big.fair_rate < 1.0


def test_a_team_under_five_stands_last_without_a_place() -> None:
    rows = [*_team(1, CENTRE, 4, 3, 3), *_team(100, BRANCH, 6, 3, 1)]
    board = build(rows, NAMES)
    assert [(team.name, team.place) for team in board.teams] == [("城东支行", 1), ("客服中心", None)]


def test_a_department_without_learners_is_left_out() -> None:
    assert [team.name for team in build(_team(1, CENTRE, 5, 1, 1), NAMES).teams] == ["客服中心"]


def test_equal_values_share_a_place() -> None:
    rows = climbers(20, 10, 20, 5, 10)
    board = build(rows, NAMES)
    assert [(s.place, s.person_id) for s in board.risen] == [(1, 1), (1, 3), (3, 2), (3, 5), (5, 4)]


def test_an_empty_week_is_a_board_too() -> None:
    board = build([], NAMES)
    assert board == Board(0, 0, 0, None, None, (), (), (), False)
    assert board.rate == 0.0


# --- a learner's own place


def places(rows: list[Row], person: int) -> list[int] | None:
    near = neighbours(rows, person)
    return None if near is None else [standing.person_id for standing in near]


def test_three_either_side() -> None:
    rows = climbers(*range(100, 0, -10))
    assert places(rows, 5) == [2, 3, 4, 5, 6, 7, 8]
    assert places(rows, 1) == [1, 2, 3, 4]


def test_the_last_is_shown_to_nobody_else() -> None:
    rows = climbers(*range(100, 0, -10))
    for person in range(1, 10):
        found = places(rows, person)
        assert found is not None
        assert 10 not in found
    assert places(rows, 10) == [7, 8, 9, 10]


def test_the_lowest_quarter_sees_only_those_above() -> None:
    rows = climbers(*range(120, 0, -10))
    for person in (10, 11, 12):
        found = places(rows, person)
        assert found is not None
        assert found[-1] == person


def test_who_shares_the_last_place_is_hidden_as_well() -> None:
    rows = climbers(50, 40, 30, 5, 5, 5)
    assert places(rows, 2) == [1, 2, 3]
    assert places(rows, 3) == [1, 2, 3]


def test_under_five_comparable_people_there_are_no_neighbours() -> None:
    rows = [*climbers(5, 10, 15, 20), row(9, before=None), row(10, on_leave=True), row(11, on_boards=False)]
    assert places(rows, 1) is None
    assert places([*rows, row(12, points=90.0)], 1) is not None
    assert places([*rows, row(12, points=90.0)], 9) is None, "without a past there is nothing to compare"


TIED = st.lists(st.integers(0, 4), min_size=K, max_size=12).map(lambda rises: climbers(*rises))


@given(ROWS | TIED, st.data())
def test_nobody_ever_sees_the_bottom(rows: list[Row], data: st.DataObject) -> None:
    assume(rows)
    reader = data.draw(st.sampled_from(rows))
    near = neighbours(rows, reader.person_id)
    fair = [value for each in rows if each.on_boards and not each.on_leave and (value := change(each)) is not None]
    if near is None:
        assert len(fair) < K or not reader.on_boards or reader.on_leave or change(reader) is None
        return
    assert len(near) <= 7
    mine = next(standing for standing in near if standing.person_id == reader.person_id)
    for standing in near:
        if standing.place > mine.place:
            assert standing.value > min(fair), "below the reader nobody with the lowest value appears"
    if mine.place == 1:
        assert near[0].place == 1
