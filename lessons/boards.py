"""Who is shown how on the weekly board: participation and improvement, fair to small teams, no list of losers.

Rules (product.md, G1 and the evidence above it): no board and no team rate under K people; days on leave do not
count; a person who opted out is counted in the team but never named; small numbers are pulled towards the average
of all (shrinkage); a person sees neighbours, never a bottom list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest

K = 5
"""The smallest group that gets a board."""

NAMED = 5
"""How many names the board of improvement shows; everybody who answered all questions is named."""

_PRIOR_QUESTIONS = 10.0  # a team's rate starts as if it had this many questions at the average rate
_PRIOR_ANSWERS = 3.0  # a change in points starts as if there were this many answers without change


@dataclass(frozen=True, slots=True)
class Row:
    """One person's week. `asked` leaves out days of leave; points are of first tries; None means no answer."""

    person_id: int
    name: str
    department_id: int
    asked: int
    answered: int
    points: float | None
    before: float | None  # mean points of the four weeks before
    answers_before: int
    on_boards: bool = True
    on_leave: bool = False  # on leave the whole week


@dataclass(frozen=True)
class TeamRow:
    department_id: int
    name: str
    people: int
    asked: int
    answered: int
    rate: float  # as it is, for reading
    fair_rate: float  # with shrinkage, for the order
    change: float | None  # mean change in points, with shrinkage
    place: int | None  # None: fewer than K people, not ranked


@dataclass(frozen=True, slots=True)
class Standing:
    """One named place on a board of people."""

    place: int
    person_id: int
    name: str
    value: float


_Entry = tuple[float, str, int]
"""Minus the value, the name, the person: sorted, the best comes first."""


@dataclass(frozen=True)
class Board:
    """One week of one scope."""

    people: int
    asked: int
    answered: int
    average: float | None
    change: float | None
    teams: tuple[TeamRow, ...]
    keen: tuple[Standing, ...]  # answered everything they were asked, in the order of name; value = answers
    risen: tuple[Standing, ...]  # improvement in points, best first
    enough: bool  # at least K people took part

    @property
    def rate(self) -> float:
        return self.answered / self.asked if self.asked else 0.0


def for_everybody(board: Board) -> Board:
    """A board as it may hang where everybody sees it: of the ranked departments the leading half, three at most."""
    ranked = [team for team in board.teams if team.place is not None]
    return replace(board, teams=tuple(ranked[: min(3, (len(ranked) + 1) // 2)]))


def change(row: Row) -> float | None:
    """A person's improvement in points, pulled towards zero while there are few answers."""
    if row.points is None or row.before is None:
        return None
    answers = min(row.answered, row.answers_before)
    return (row.points - row.before) * answers / (answers + _PRIOR_ANSWERS)


def build(rows: Sequence[Row], departments: dict[int, str]) -> Board:
    """The board of one scope (a manager's departments, or everybody)."""
    present = [row for row in rows if not row.on_leave]
    changes = [change(row) for row in present]
    asked, answered = sum(r.asked for r in present), sum(r.answered for r in present)
    average_rate = answered / asked if asked else 0.0
    keen = [_entry(float(r.answered), r) for r in present if r.on_boards and r.asked and r.answered >= r.asked]
    rises = zip(present, changes, strict=True)
    risen = [_entry(value, r) for r, value in rises if r.on_boards and value is not None and value > 0]
    enough = len(present) >= K
    scored = sum(row.points is not None for row in present) >= K  # an average over few would give away each of them
    return Board(
        people=len(present),
        asked=asked,
        answered=answered,
        average=_mean([row.points for row in present if row.points is not None]) if scored else None,
        change=_mean([value for value in changes if value is not None]) if scored else None,
        teams=_teams(present, changes, departments, average_rate),
        keen=_standings(sorted(keen)) if enough else (),
        risen=_standings(nsmallest(NAMED, risen)) if enough else (),
        enough=enough,
    )


def neighbours(rows: Sequence[Row], person_id: int, reach: int = 3) -> tuple[Standing, ...] | None:
    """A learner's own place by improvement with at most `reach` people either side; None without a fair board.

    The last place is never shown to others: below the reader only people within reach appear, and a reader in the
    lowest quarter sees only those above.
    """
    board = [row for row in rows if row.on_boards and not row.on_leave]
    standings = _standings(sorted(_entry(value, row) for row in board if (value := change(row)) is not None))
    mine = next((index for index, standing in enumerate(standings) if standing.person_id == person_id), None)
    if len(standings) < K or mine is None:
        return None
    below = 0 if mine >= len(standings) * 3 // 4 else reach
    last = next(index for index, standing in enumerate(standings) if standing.place == standings[-1].place)
    end = min(mine + below + 1, max(mine + 1, last))
    return standings[max(0, mine - reach) : end]


def _teams(
    rows: Sequence[Row], changes: Sequence[float | None], names: dict[int, str], average: float
) -> tuple[TeamRow, ...]:
    teams = []
    by_department: dict[int, list[Row]] = {}
    moved: dict[int, list[float]] = {}
    for row, value in zip(rows, changes, strict=True):
        by_department.setdefault(row.department_id, []).append(row)
        if value is not None:
            moved.setdefault(row.department_id, []).append(value)
    for department_id, name in names.items():
        members = by_department.get(department_id)
        if not members:
            continue
        asked, answered = sum(r.asked for r in members), sum(r.answered for r in members)
        fair = (answered + _PRIOR_QUESTIONS * average) / (asked + _PRIOR_QUESTIONS)
        moves = moved.get(department_id, [])
        rate = answered / asked if asked else 0.0
        place = 0 if len(members) >= K else None
        shown = _mean(moves) if place is not None and len(moves) >= K else None
        teams.append(TeamRow(department_id, name, len(members), asked, answered, rate, fair, shown, place))
    ranked = sorted((t for t in teams if t.place is not None), key=lambda t: (-t.fair_rate, t.name))
    places = {team.department_id: place for place, team in enumerate(ranked, 1)}
    order = sorted(teams, key=lambda t: (places.get(t.department_id, len(teams) + 1), t.name))
    return tuple(replace(team, place=places.get(team.department_id)) for team in order)


def _entry(value: float, row: Row) -> _Entry:
    return -value, row.name, row.person_id


def _standings(entries: Iterable[_Entry]) -> tuple[Standing, ...]:
    """Places for what is in order; equal values share one."""
    standings: list[Standing] = []
    for index, (negative, name, person_id) in enumerate(entries, 1):
        tied = standings and abs(standings[-1].value + negative) < 1e-9
        standings.append(Standing(standings[-1].place if tied else index, person_id, name, -negative))
    return tuple(standings)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
