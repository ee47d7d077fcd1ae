"""score: judge replies from standard input or a file, and report how good the scorer is."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bot.cli.content import folder_of, one_line, rows_of
from bot.core.errors import ContentError, Fault
from bot.scoring import OfflineGrader
from lessons import catalogue
from lessons.catalogue import Catalogue
from lessons.feedback import points_text
from lessons.model import CRITERION_NAMES, RED_LINE_NAMES, Lesson
from lessons.scoring import Scorer
from lessons.scoring.result import MARK_NAMES, Score


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    score = commands.add_parser("score", help="给一段回复打分（从标准输入读）")
    score.add_argument("--lesson", metavar="ID", help="课程编号")
    score.add_argument("--lessons", type=Path, default=None, metavar="DIR", help="用这个文件夹里的课程")
    score.add_argument("--json", action="store_true", help="输出 JSON")
    score.add_argument("--batch", type=Path, metavar="FILE.jsonl", help="每行一个 {id, lesson, text}")
    score.add_argument("--report", action="store_true", help="评分效果：留一情景检验，旁边是只看长度的基线")
    score.add_argument("--exam", action="store_true", help="让评分器在每道题的例句上考试：对得上的题才计分")
    score.set_defaults(run=_score)


def _score(options: argparse.Namespace) -> int:
    if options.report:
        return _report(as_json=options.json)
    found = catalogue.load(folder_of(options.lessons), complete=False)
    scorer = Scorer.built_in()
    if options.exam:
        return _exam(OfflineGrader(scorer), found, options.lesson, as_json=options.json)
    if options.batch is not None:
        return _batch(scorer, found, options.batch, options.lesson)
    if options.lesson is None:
        print("要写 --lesson 课程编号，或 --batch 文件", file=sys.stderr)
        return 2
    lesson = _lesson(found, options.lesson, Fault("--lesson", 1, options.lesson, ""))
    text = sys.stdin.buffer.read().decode("utf-8", "replace").strip()
    result = scorer.score(lesson, text)
    print(one_line(result.to_dict()) if options.json else _plain(result))
    return 0


def _report(*, as_json: bool) -> int:
    """Minutes of work: the whole pipeline is retrained for every group of situations left out."""
    from lessons.training.report import as_text, report  # here: it needs scikit-learn, which the dev extra brings

    figures = report(lambda text: print(text, end=" ", file=sys.stderr, flush=True))
    print(json.dumps(figures, ensure_ascii=False, indent=2) if as_json else as_text(figures))
    return 0


def _exam(grader: OfflineGrader, found: Catalogue, only: str | None, *, as_json: bool) -> int:
    """One line a lesson; 1 when the scorer failed in any."""
    chosen = found.situations() if only is None else [_lesson(found, only, Fault("--lesson", 1, only, ""))]
    sittings = {lesson.id: grader.sitting(lesson) for lesson in chosen}
    for lesson_id, sitting in sittings.items():
        row = {"lesson": lesson_id, "grader": sitting.grader, "passed": sitting.passed, "agreed": sitting.agreed}
        print(one_line({**row, "asked": len(sitting.answers)}) if as_json else f"{lesson_id}\t{sitting.why}")
    passed = sum(sitting.passed for sitting in sittings.values())
    print(f"{len(sittings)} 题，通过 {passed}；没通过的题只给点评，分数不计。", file=sys.stderr)
    return 0 if passed == len(sittings) else 1


def _batch(scorer: Scorer, found: Catalogue, path: Path, lesson_id: str | None) -> int:
    rows = rows_of(path, ("id", "text") if lesson_id else ("id", "lesson", "text"))
    pairs = [
        (_lesson(found, str(row.get("lesson", lesson_id)), Fault(str(path), number, "lesson", "")), row["text"])
        for number, row in rows
    ]
    for (_, row), result in zip(rows, scorer.score_many(pairs), strict=True):
        print(one_line({"id": row["id"], **result.to_dict()}))
    return 0


def _lesson(found: Catalogue, lesson_id: str, where: Fault) -> Lesson:
    lesson = found.lessons.get(lesson_id)
    if isinstance(lesson, Lesson):
        return lesson
    reason = "这是选择题，不打分" if lesson else f"没有课程 {lesson_id}；用 jiehua lessons list 查看"
    raise ContentError([Fault(where.file, where.line, where.key, reason)])


def _plain(score: Score) -> str:
    lines = [points_text(score)]
    for criterion, verdict in score.criteria.items():
        quote = f"「{verdict.quote}」" if verdict.quote else ""
        lines.append(f"{CRITERION_NAMES[criterion]}：{MARK_NAMES[verdict.mark]}{quote}")
    lines += [f"红线（{breach.tier}）{RED_LINE_NAMES[breach.rule]}：「{breach.quote}」" for breach in score.red_lines]
    lines += [f"标记：{flag}" for flag in score.flags]
    return "\n".join(lines)
