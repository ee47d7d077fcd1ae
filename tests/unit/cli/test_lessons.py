"""`jiehua lessons`: one line a fault, and the schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot import cli
from tests.unit.cli.conftest import Run
from tests.unit.writing import KNOWLEDGE, LESSON, TEMPLATES, folder, line_of


def test_sound_content_passes(run: Run) -> None:
    folder(Path("sound"), choice=KNOWLEDGE, templates=TEMPLATES)
    result = run("lessons", "check", "sound")
    assert (result.code, result.out) == (0, "")
    assert "1 课、1 条话术，没有问题" in result.err


def test_every_fault_is_one_line_with_file_line_and_key(run: Run) -> None:
    broken = LESSON.replace("tip:", "tipp:").replace("    band: 4", "    band: 9")
    folder(Path("broken"), lesson=broken, templates=TEMPLATES.replace("keywords:", "keyword:"))
    result = run("lessons", "check", "broken")
    assert result.code == 1
    assert result.lines[:2] == [
        f"broken/lesson.yaml:{line_of(broken, 'tipp:')}: tipp: 没有这个键，是不是想写 tip",
        f"broken/lesson.yaml:{line_of(broken, 'band: 9')}: samples[0].band: 9 超出范围"
        "（Input should be less than or equal to 4）",
    ]
    assert [line.split(": ")[0] for line in result.lines[2:]] == ["broken/templates/templates.yaml:2"] * 1 + [
        f"broken/templates/templates.yaml:{line_of(TEMPLATES, 'keywords:')}"
    ]
    assert result.err == "有 4 处要改。\n"


def test_a_sample_that_misses_its_band_is_a_fault(run: Run) -> None:
    rude = LESSON.replace(
        "就差一天被扣三十，换我也憋屈。我现在就给您申请退还，三个工作日到账，您看要不要设个提醒？", "滚。"
    )
    folder(Path("rude"), lesson=rude)
    result = run("lessons", "check", "rude")
    assert result.code == 1
    assert any(
        line.startswith(f"rude/lesson.yaml:{line_of(rude, 'band: 4')}: samples[0].band: 评出来是")
        and line.endswith("写的是 4；改例句、改要点，或改 band")
        for line in result.lines
    ), result.out


def test_broken_synonyms_are_faults(run: Run) -> None:
    folder(Path("words"), choice=KNOWLEDGE, synonyms="groups:\n  - [退费]\n")
    result = run("lessons", "check", "words")
    assert result.code == 1
    assert result.lines == ["words/synonyms.yaml:2: groups[0]: 至少要 2 条，现在 1 条"]


@pytest.mark.parametrize("name", ["nowhere", "calendar.yaml", "empty"])
def test_a_folder_that_holds_nothing(run: Run, name: str) -> None:
    Path("empty").mkdir()
    result = run("lessons", "check", name)
    assert result.code == 1
    assert result.lines[0].startswith(f"{name}:1: -: ")


def test_the_schema_is_json(run: Run) -> None:
    result = run("lessons", "schema")
    assert result.code == 0
    schema = json.loads(result.out)
    assert {"Lesson", "Knowledge", "Template", "Rule"} <= set(schema["$defs"])
    assert "客户原话" in result.out, "Chinese stays readable"


def test_the_list_names_id_track_and_title(run: Run, content: Path) -> None:
    result = run("lessons", "list", "--lessons", content)
    assert result.code == 0
    assert "test-late-fee\t无法满足的诉求\t一天滞纳金" in result.lines
    assert len(result.lines) == 2


def test_the_built_in_lessons_are_the_default(run: Run) -> None:
    assert len(run("lessons", "list").lines) >= 28


@pytest.mark.parametrize("arguments", [[], ["lesson"], ["lessons"], ["lessons", "chekc"], ["score", "--lessson", "x"]])
def test_a_wrong_call_explains_itself(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: jiehua" in capsys.readouterr().err
