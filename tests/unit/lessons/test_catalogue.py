"""A folder of YAML files becomes a catalogue as a whole, or one line a fault with file, line, key and what is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.core.errors import ContentError
from lessons import catalogue
from lessons.catalogue import Catalogue, canonical, digest, parse_lesson
from lessons.model import Criterion, Knowledge, Lesson, Track
from tests.unit.writing import BRIEF, KNOWLEDGE, LESSON, TEMPLATES, folder, line_of


def faults_of(home: Path, *, complete: bool = True) -> list[str]:
    """The faults as a trainer reads them, without the folder."""
    _, faults = catalogue.examine(home, complete=complete)
    return [str(fault).replace(f"{home}/", "") for fault in faults]


def test_a_complete_folder_loads(tmp_path: Path) -> None:
    home = folder(tmp_path, lesson=LESSON, choice=KNOWLEDGE, templates=TEMPLATES)
    content = catalogue.load(home)
    assert list(content.lessons) == ["test-first-step", "test-late-fee"]
    assert list(content.templates) == ["tpl-test-late-fee"]
    assert "complaint-handling" in content.rules, "a folder without rules.yaml uses the built-in rules"
    assert [lesson.id for lesson in content.situations()] == ["test-late-fee"]
    assert [lesson.id for lesson in content.situations(Track.UNMET)] == ["test-late-fee"]
    assert content.situations(Track.BRANCH) == []
    assert [lesson.id for lesson in content.of_track(Track.KNOWLEDGE)] == ["test-first-step"]


def test_a_knowledge_item_knows_its_letter(tmp_path: Path) -> None:
    lesson = catalogue.load(folder(tmp_path, choice=KNOWLEDGE)).lessons["test-first-step"]
    assert isinstance(lesson, Knowledge)
    assert lesson.right_letter == "B"


def test_the_built_in_content_is_complete(content: Catalogue) -> None:
    assert len(content.situations(Track.UNMET)) == 10
    assert len(content.situations(Track.COLLECTION)) == 13
    assert len(content.of_track(Track.KNOWLEDGE)) >= 5
    assert len(content.templates) >= 60
    for lesson in content.situations():
        assert set(lesson.points) == set(Criterion)
        assert len(lesson.customers_say) >= 3


# (what is written instead of what, in the whole lesson) → the line it is on, its key, and the reason
BROKEN = [
    ("title: 一天滞纳金", "titel: 一天滞纳金", ["titel: 没有这个键，是不是想写 title", "title: 缺少这一项"]),
    ("  says: 就晚", "  sais: 就晚", ["customer.sais: 没有这个键，是不是想写 says", "customer.says: 缺少这一项"]),
    ("    band: 4", "    bnad: 4", ["samples[0].bnad: 没有这个键，是不是想写 band", "samples[0].band: 缺少这一项"]),
    ("    band: 4", "    band: 5", ["samples[0].band: 5 超出范围"]),
    ("    band: 4", "    band: 高", ["samples[0].band: 这里要写整数"]),
    ("track: unmet", "track: unmett", ["track: 不认识「unmett」，可以写："]),
    ("id: test-late-fee", "id: Test_Late", ["id: 「Test_Late」不合写法；只用小写字母、数字和连字符"]),
    ("id: test-late-fee", "id: t" + "a" * 70, ["id: 太长，最多 64 个字符"]),
    ("rules: [complaint-handling]", "rules: [no-such-rule]", ["rules[0]: rules.yaml 里没有 no-such-rule；可以写："]),
    ("      rule: overpromise", "      rule: overpromis", ["authority.cannot[0].rule: 不认识「overpromis」"]),
    ("tip: 钱少气大，先认那份冤。", "tip: 30", ["tip: 这里要写文字；数字和时刻要放进引号里"]),
    ("tip: 钱少气大，先认那份冤。", 'tip: "  "', ["tip: 不能为空"]),
    ("tip: 钱少气大，先认那份冤。\n", "", ["tip: 要有一句方法提示"]),
    ("  - 三十块凭什么\n", "", ["customers_say: 「客户常说」至少三句"]),
    ("  - 今年第一次晚还\n", "", ["facts: 至少写两条可以引用的事实"]),
    ("    why: [接住了冤, 当场办]", "    why: []", ["answers.good.why: 至少要 1 条，现在 0 条"]),
    ("methods: [follow-then-lead]", "methods: follow-then-lead", ["methods: 这里要写成列表，每行以 - 开头"]),
    ("methods: [follow-then-lead]", "methods: []", ["methods: 至少写一种方法"]),
    ("  lead:\n", "  leed:\n", ["points.leed: 不认识「leed」，可以写：empathy、lead、explain、solution、expression"]),
    ("    cues: [石先生您听我说, 这事儿我来办]", "    cues: [石先生]", ["points.expression.cues: 至少两句"]),
    ("    band: 2\n", "    band: 3\n", ["samples: 例句要有好（3–4 分）、中（2 分）、差（0–1 分）各至少一条"]),
    ("tip: 钱", "title: 又一个\ntip: 钱", ["title: 这个键写了两次，只留一个"]),
    ("  name: 石先生", "  name: 石先生\n  name: 石先生", ["customer.name: 这个键写了两次，只留一个"]),
    ("track: unmet", "track: unmet\nkind: story", ["kind: kind 要写 situation、knowledge、drill 之一"]),
]


@pytest.mark.parametrize(("right", "wrong", "reasons"), BROKEN)
def test_a_broken_lesson_names_line_key_and_what_is_right(
    tmp_path: Path, right: str, wrong: str, reasons: list[str]
) -> None:
    assert LESSON.count(right) >= 1
    text = LESSON.replace(right, wrong, 1)
    found = faults_of(folder(tmp_path, lesson=text))
    assert len(found) == len(reasons), found
    for reason in reasons:
        assert any(f": {reason}" in line for line in found), f"{reason!r} is missing in {found}"


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("track: unmet", "track: unmett", "track: unmett"),
        ("    band: 2", "    band: 7", "band: 7"),
        ("      rule: overpromise", "      rule: nothing", "rule: nothing"),
        ("rules: [complaint-handling]", "rules:\n  - complaint-handling\n  - nothing", "  - nothing"),
        ("tip: 钱", "tipp: x\ntip: 钱", "tipp: x"),
        ("    why: [只讲规定, 指责客户]", "    why: 只讲规定", "    why: 只讲规定"),
        ("tip: 钱", "title: 第二个\ntip: 钱", "title: 第二个"),
        ("customers_say:", "customers_say: [一句]\nx-y:", "x-y:"),
    ],
)
def test_the_line_is_the_line_in_the_file(tmp_path: Path, right: str, wrong: str, words: str) -> None:
    text = LESSON.replace(right, wrong, 1)
    found = faults_of(folder(tmp_path, lesson=text))
    assert any(line.startswith(f"lesson.yaml:{line_of(text, words)}: ") for line in found), found


def test_a_missing_part_points_at_where_it_belongs(tmp_path: Path) -> None:
    text = LESSON.replace("  says: 就晚了一天，你们扣我三十块滞纳金，还讲不讲理？\n", "")
    assert faults_of(folder(tmp_path, lesson=text)) == [
        f"lesson.yaml:{line_of(text, 'customer:')}: customer.says: 缺少这一项"
    ]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("id: a\n title: x\n", 2, "YAML 写法不对"),
        ("id: a\ntitle: 'x\n", 3, "YAML 写法不对"),
        ("id: a\n\ttitle: x\n", 2, "YAML 写法不对"),
        ("id: a\ntitle: {{名字}}\n", 2, "YAML 写法不对"),
        ("id: a\ntitle: 他说: 好\n", 2, "YAML 写法不对"),
        ("id: &a [*a]\n", 1, "层次太深"),
        ("[" * 4000 + "]" * 4000, 1, "层次太深"),
        ("[" * 300_000 + "]" * 300_000, 1, "层次太深"),
        ("id: 0b_\n", 1, "有一个值读不懂"),
        ("- id: a\n", 1, "kind 要写 situation、knowledge、drill 之一"),
        ("", 1, "kind 要写 situation、knowledge、drill 之一"),
        ("一句话", 1, "kind 要写 situation、knowledge、drill 之一"),
    ],
)
def test_a_file_that_is_no_lesson_is_one_fault(tmp_path: Path, text: str, line: int, reason: str) -> None:
    found = faults_of(folder(tmp_path, lesson=text))
    assert len(found) == 1
    assert found[0].startswith(f"lesson.yaml:{line}: ")
    assert reason in found[0]


def test_a_file_in_another_encoding_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "lesson.yaml").write_bytes(LESSON.encode("gb18030"))
    assert "要用 UTF-8 编码" in faults_of(tmp_path)[0]


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "lesson.yaml").write_text(LESSON, encoding="utf-8-sig")
    assert faults_of(tmp_path) == []


@pytest.mark.parametrize("word", ["no", "yes", "on", "2026-11-23"])
def test_words_stay_words(tmp_path: Path, word: str) -> None:
    """YAML 1.1 would make a switch of `no` and a date of 2026-11-23."""
    content = catalogue.load(folder(tmp_path, lesson=LESSON.replace("tip: 钱少气大，先认那份冤。", f"tip: {word}")))
    assert content.situations()[0].tip == word


def test_an_id_used_twice_names_both_files(tmp_path: Path) -> None:
    home = folder(tmp_path, a=LESSON, b=LESSON)
    assert faults_of(home) == ["b.yaml:1: id: 编号 test-late-fee 已在 a.yaml 用过，换一个"]


def test_a_template_may_not_share_an_id_with_a_lesson(tmp_path: Path) -> None:
    home = folder(tmp_path, a=LESSON, templates=TEMPLATES.replace("id: tpl-test-late-fee", "id: test-late-fee"))
    assert faults_of(home) == [
        "templates/templates.yaml:2: templates[0].id: 编号 test-late-fee 已在 a.yaml 用过，换一个"
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("keywords: [违约金, 滞纳金, 晚还]", "keywords: [违约金]", "10: templates[0].keywords: 至少要 2 条，现在 1 条"),
        ("    when: 首次", "    wehn: 首次", "6: templates[0].wehn: 没有这个键，是不是想写 when"),
        ("situations: [test-late-fee]", "situations: []", "4: templates[0].situations: 至少要 1 条"),
        (
            "    basis: 先跟后带",
            "    basis: 先跟后带\n    rules: [nope]",
            "9: templates[0].rules[0]: rules.yaml 里没有",
        ),
    ],
)
def test_a_broken_template_file(tmp_path: Path, right: str, wrong: str, fault: str) -> None:
    found = faults_of(folder(tmp_path, templates=TEMPLATES.replace(right, wrong, 1)))
    assert any(line.startswith(f"templates/templates.yaml:{fault}") for line in found), found


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("right: true, ", "", "1: -: choices 里要有且只有一项 right: true"),
        ("{text: 先讲规定, ", "{text: 先讲规定, right: true, ", "1: -: choices 里要有且只有一项 right: true"),
        ("right: true", "right: 对", "8: choices[1].right: 这里要写 true 或 false"),
        ("  - {text: 先给办法, why: 他还听不进去}\n", "", "6: choices: 至少要 3 条，现在 2 条"),
    ],
)
def test_a_broken_knowledge_item(tmp_path: Path, right: str, wrong: str, fault: str) -> None:
    found = faults_of(folder(tmp_path, choice=KNOWLEDGE.replace(right, wrong, 1)))
    assert len(found) == 1
    assert found[0].startswith(f"choice.yaml:{fault}")


def test_broken_rules_are_faults_too(tmp_path: Path) -> None:
    one = "  - {id: mine, name: 全称, short: 简称, issuer: 我行}\n"
    rules = f"rules:\n{one}{one}"
    home = folder(tmp_path, lesson=LESSON, rules=rules)
    found = faults_of(home)
    assert "rules.yaml:3: rules[1].id: 编号 mine 写了两次" in found
    assert any("rules[0]: rules.yaml 里没有 complaint-handling；可以写：mine" in line for line in found)


def test_every_fault_of_every_file_is_told_sorted(tmp_path: Path) -> None:
    home = folder(tmp_path, b="x: 1\n", a=LESSON.replace("tip:", "tipp:"), templates="templates: []\n")
    with pytest.raises(ContentError) as caught:
        catalogue.load(home)
    files = [fault.file.rpartition("/")[2] for fault in caught.value.faults]
    assert set(files) == {"a.yaml", "b.yaml", "templates.yaml"}
    assert list(caught.value.faults) == sorted(caught.value.faults)


def test_an_empty_and_a_missing_folder_are_faults(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "文件夹里没有任何课程或话术" in faults_of(empty)[0]
    assert "没有这个文件夹" in faults_of(tmp_path / "nowhere")[0]
    with pytest.raises(ContentError):
        catalogue.load(tmp_path / "nowhere")


def test_replies_and_synonyms_are_not_lessons(tmp_path: Path) -> None:
    home = folder(tmp_path, lesson=LESSON, synonyms="groups: []\n")
    (home / "graded").mkdir()
    (home / "graded" / "x.yaml").write_text("nothing: here\n", encoding="utf-8")
    assert faults_of(home) == []


def test_a_minimal_lesson_is_enough_for_scoring_but_not_for_learners(tmp_path: Path) -> None:
    home = folder(tmp_path, lesson=BRIEF)
    assert catalogue.load(home, complete=False).lessons["test-brief"].title == "刚写了一半的课"
    keys = [line.split(": ")[1] for line in faults_of(home)]
    assert keys == ["answers", "authority", "customers_say", "facts", "methods", "points", "samples", "tip"]


def test_the_digest_changes_exactly_with_the_content(tmp_path: Path) -> None:
    one = catalogue.load(folder(tmp_path / "one", lesson=LESSON))
    same = catalogue.load(folder(tmp_path / "two", other="# a comment\n" + LESSON))
    changed = catalogue.load(folder(tmp_path / "three", lesson=LESSON.replace("三个工作日", "五个工作日", 1)))
    lessons = [content.lessons["test-late-fee"] for content in (one, same, changed)]
    assert digest(lessons[0]) == digest(lessons[1]) != digest(lessons[2])
    assert one.digest == same.digest != changed.digest


def test_a_stored_version_is_read_back_as_it_was(content: Catalogue) -> None:
    for lesson in content.lessons.values():
        again = parse_lesson(canonical(lesson))
        assert again == lesson
        assert canonical(again) == canonical(lesson)


def test_lessons_can_be_hashed_and_are_frozen(content: Catalogue) -> None:
    lessons = content.lessons
    assert len({hash(lesson) for lesson in lessons.values()}) == len(lessons)
    lesson = next(iter(lessons.values()))
    with pytest.raises(ValueError, match="frozen"):
        lesson.title = "别的"  # type: ignore[misc]


# --- the JSON Schema


def test_the_schema_is_a_json_schema_that_describes_three_kinds_of_file() -> None:
    schema = catalogue.schema()
    assert schema["$schema"].endswith("2020-12/schema")
    assert len(schema["anyOf"]) == 3
    _check_schema(schema, schema["$defs"])


def _check_schema(part: Any, defs: dict[str, Any]) -> None:
    """Every reference leads somewhere, every object refuses unknown keys, every required key is described."""
    if isinstance(part, dict):
        if "$ref" in part:
            assert part["$ref"].removeprefix("#/$defs/") in defs
        if part.get("type") == "object" and "properties" in part:
            assert part["additionalProperties"] is False
            assert set(part.get("required", [])) <= set(part["properties"])
        for value in part.values():
            _check_schema(value, defs)
    elif isinstance(part, list):
        for value in part:
            _check_schema(value, defs)


def test_the_schema_names_every_key_of_the_built_in_files(content: Catalogue) -> None:
    defs = catalogue.schema()["$defs"]
    lesson, knowledge, template = (set(defs[name]["properties"]) for name in ("Lesson", "Knowledge", "Template"))
    for item in content.lessons.values():
        keys = set(item.model_dump(exclude_unset=True))
        assert keys <= (lesson if isinstance(item, Lesson) else knowledge)
    for each in content.templates.values():
        assert set(each.model_dump(exclude_unset=True)) <= template
    assert set(defs["Lesson"]["required"]) == {"id", "title", "track", "customer", "context"}
