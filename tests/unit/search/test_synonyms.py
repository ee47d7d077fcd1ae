"""The trainers' table: faults with their lines, and words found in queries."""

from pathlib import Path

import pytest

from bot.core.errors import ContentError
from lessons.catalogue import BUILT_IN
from lessons.search import Synonyms, synonyms


def faults(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "synonyms.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        synonyms.load(path)
    return [f"{fault.line}: {fault.key}: {fault.reason}" for fault in caught.value.faults]


def test_a_group_of_one_is_a_fault_with_its_line(tmp_path: Path) -> None:
    assert faults(tmp_path, "groups:\n  - [退费, 退钱]\n  - [征信]\n") == ["3: groups[1]: 至少要 2 条，现在 1 条"]


def test_a_word_twice_and_a_single_character_are_faults(tmp_path: Path) -> None:
    found = faults(tmp_path, "groups:\n  - - 退费\n    - 退费\n    - 退\n")
    assert found[0].startswith("3: groups[0][1]: 「退费」在这一组里写了两次")
    assert found[1].startswith("4: groups[0][2]: 「退」太短")


def test_a_number_without_quotes_and_an_unknown_key_are_faults(tmp_path: Path) -> None:
    found = faults(tmp_path, "groups:\n  - [监管, 银保监, 12378]\n")
    assert found == ["2: groups[0][2]: 这里要写文字；数字和时刻要放进引号里"]
    assert "没有这个键" in faults(tmp_path, "group: []\ngroups: []\n")[0]


def test_broken_yaml_is_a_fault(tmp_path: Path) -> None:
    assert "YAML 写法不对" in faults(tmp_path, "groups:\n  - [退费\n")[0]


def test_a_missing_file_is_an_empty_table(tmp_path: Path) -> None:
    assert synonyms.load(tmp_path / "none.yaml").groups == ()


def test_the_shipped_table_has_no_fault() -> None:
    assert synonyms.examine(BUILT_IN / "synonyms.yaml")[1] == []


def test_the_longest_word_is_found_and_others_stand_for_it() -> None:
    table = Synonyms.of([["征信", "信用记录"], ["改征信", "征信修复"]])
    (span,) = table.spans("要改征信")
    assert (span.start, span.end, span.others) == (1, 4, ("征信修复",))


def test_a_word_in_two_groups_brings_both() -> None:
    table = Synonyms.of([["管控", "冻结"], ["管控", "断卡"]])
    assert table.others("管控") == ("冻结", "断卡")
