"""The labelled queries, the table by kind, and the figures that must not fall."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from lessons.search import Index, labelled, report
from lessons.search.labelled import Kind, LabelledQuery


def ask(name: str, text: str, kind: Kind, *situations: str) -> LabelledQuery:
    return LabelledQuery(id=name, text=text, situations=situations, kind=kind)


QUERIES = [
    ask("1", "退费", Kind.KEYWORD, "refund"),
    ask("2", "排队", Kind.KEYWORD, "credit"),
    ask("3", "你好", Kind.NONSENSE),
    ask("4", "改征信", Kind.NONSENSE),
    ask("5", "赎回", Kind.KEYWORD, "no-template-for-it"),
]


def test_tallies_count_right_answers_and_leave_out_what_nobody_wrote(index: Index) -> None:
    measured = report.measure(index, QUERIES, "test")
    assert measured.kinds[Kind.KEYWORD] == report.Tally(2, 1, 1)
    assert measured.kinds[Kind.NONSENSE] == report.Tally(2, 1, 1)
    assert measured.together == report.Tally(2, 1, 1)
    assert measured.uncovered == 1
    assert [miss.query.id for miss in measured.misses] == ["2", "4"]


def test_the_table_and_the_json_say_the_same(index: Index) -> None:
    measured = report.measure(index, QUERIES, "test")
    text = report.table(measured, misses=True)
    assert "keyword" in text
    assert "✗ 2 keyword 排队" in text
    data = json.loads(json.dumps(measured.to_dict()))
    assert data["kinds"]["keyword"] == {"n": 2, "hit@1": 0.5, "hit@3": 0.5}
    assert data["together"]["n"] == 2


@pytest.mark.parametrize("part", labelled.parts())
def test_there_are_enough_queries_of_every_kind(part: str) -> None:
    queries = labelled.load(part)
    assert len(queries) >= 150
    assert {query.kind for query in queries} == set(Kind)
    assert len({query.id for query in queries}) == len(queries)
    assert all(bool(query.situations) == (query.kind is not Kind.NONSENSE) for query in queries)


def test_no_dev_query_is_frozen() -> None:
    dev, frozen = ({query.text for query in labelled.load(part)} for part in ("dev", "frozen"))
    assert not dev & frozen


def test_every_part_that_is_there_is_reported(index: Index, tmp_path: Path) -> None:
    line = json.dumps({"id": "1", "text": "退费", "situations": ["refund"], "kind": "keyword"})
    for part in ("frozen-b", "dev", "frozen"):
        (tmp_path / f"{part}.jsonl").write_text(line + "\n", encoding="utf-8")
    found = report.reports(index, tmp_path)
    assert [each.part for each in found] == ["dev", "frozen", "frozen-b"]
    assert json.loads(json.dumps([asdict(each) for each in found]))[2]["kinds"]["keyword"]["first"] == 1


def test_a_damaged_line_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "dev.jsonl").write_text('{"id": "1"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="text"):
        labelled.load("dev", tmp_path)


def test_the_figures_on_the_dev_queries_do_not_fall(shipped: Index) -> None:
    measured = report.measure(shipped, labelled.load("dev"), "dev")
    assert measured.together.to_dict()["hit@3"] >= 0.93
    shares = {kind: tally.to_dict() for kind, tally in measured.kinds.items()}
    assert shares[Kind.KEYWORD]["hit@1"] >= 0.95
    assert shares[Kind.PARAPHRASE]["hit@3"] >= 0.9
    assert shares[Kind.SENTENCE]["hit@3"] >= 0.9
    assert shares[Kind.NONSENSE]["hit@3"] >= 0.95
    assert shares[Kind.INITIALS]["hit@1"] >= 0.9


def test_without_an_embedder_most_is_still_found(shipped: Index) -> None:
    plain = Index.build(shipped.templates, synonyms=shipped.synonyms)
    measured = report.measure(plain, labelled.load("dev"), "dev")
    assert measured.together.to_dict()["hit@3"] >= 0.88
    assert measured.kinds[Kind.NONSENSE].to_dict()["hit@3"] >= 0.8
