"""appeals: what was upheld, as sample entries for the lessons' files."""

from __future__ import annotations

import argparse
import json
import sys

from bot.cli.database import opened
from lessons import appeal
from storage import appeals
from storage.models import Appeal, Attempt


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = commands.add_parser("appeals", help="申诉").add_subparsers(dest="action", required=True)
    export = group.add_parser("export", help="成立的申诉写成例句（YAML），可以贴进题目的 samples")
    export.add_argument("--lesson", metavar="ID", default=None, help="只要这道题的")
    export.set_defaults(run=_export)


async def _export(options: argparse.Namespace) -> int:
    async with opened() as database, database.reading() as tx:
        found = await appeals.upheld(tx, options.lesson)
    by_reply: dict[tuple[str, str], list[tuple[Appeal, Attempt]]] = {}
    for row, attempt in found:
        by_reply.setdefault((row.lesson_id, row.reply), []).append((row, attempt))
    for lesson_id in dict.fromkeys(row.lesson_id for row, _ in found):
        print(f"# {lesson_id}\nsamples:")
        for (of_lesson, _), cases in by_reply.items():
            if of_lesson == lesson_id:
                print("\n".join(_entry(cases)))
    print(
        f"成立的申诉 {len(found)} 件，例句 {len(by_reply)} 条。贴进题里以后跑 jiehua lessons check。", file=sys.stderr
    )
    return 0


def _entry(cases: list[tuple[Appeal, Attempt]]) -> list[str]:
    """One sample with the band it has now, below the appeals it comes from. A JSON string is a YAML string."""
    best = max((attempt for _, attempt in cases), key=lambda attempt: attempt.points)
    notes = [f"  # 申诉 {row.id}：{appeal.name_of(row.subject)}，成立" for row, _ in cases]
    return [*notes, f"  - text: {json.dumps(best.text, ensure_ascii=False)}", f"    band: {best.band}"]
