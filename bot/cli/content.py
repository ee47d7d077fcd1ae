"""lessons · templates: check, list, show the schema, search."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bot import config
from bot.core.errors import ContentError, Fault
from bot.library import ContentLibrary
from lessons import catalogue
from lessons.catalogue import BUILT_IN, Catalogue
from lessons.drills.rehearsal import rehearse
from lessons.feedback import gallery
from lessons.model import TRACK_NAMES, Lesson
from lessons.scoring import Scorer
from lessons.scoring.embed import built_in_embedder
from lessons.scoring.result import BAND_NAMES
from lessons.search import Hit, synonyms
from lessons.search import report as search_report


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    lessons = commands.add_parser("lessons", help="课程与话术文件").add_subparsers(dest="action", required=True)
    check = lessons.add_parser("check", help="检查一个内容文件夹，逐行指出问题")
    check.add_argument("folder", nargs="?", type=Path, default=None, metavar="DIR")
    check.set_defaults(run=_check)
    lessons.add_parser("schema", help="打印内容文件的 JSON Schema").set_defaults(run=_schema)
    listing = lessons.add_parser("list", help="列出课程")
    listing.add_argument("--lessons", type=Path, default=None, metavar="DIR")
    listing.set_defaults(run=_list)
    page = lessons.add_parser("gallery", help="打印点评样例页（docs/feedback-gallery.md）")
    page.set_defaults(run=_gallery)
    templates = commands.add_parser("templates", help="话术").add_subparsers(dest="action", required=True)
    search = templates.add_parser("search", help="查话术")
    search.add_argument("words", nargs="*", metavar="WORDS")
    search.add_argument("--json", action="store_true", help="输出 JSON")
    search.add_argument("--batch", type=Path, metavar="FILE.jsonl", help="每行一个 {id, text}")
    search.add_argument("--lessons", type=Path, default=None, metavar="DIR", help="内容文件夹")
    search.add_argument("--limit", type=int, default=10)
    search.set_defaults(run=_search)
    report = templates.add_parser("report", help="检索效果，按查询类型列表")
    report.add_argument("--json", action="store_true")
    report.set_defaults(run=_report)


def folder_of(given: Path | None) -> Path:
    """The content folder a command means: the one it names, else the configured one, else the built-in one."""
    return given or config.read().content or BUILT_IN


def _schema(_options: argparse.Namespace) -> int:
    print(json.dumps(catalogue.schema(), ensure_ascii=False, indent=2))
    return 0


def _list(options: argparse.Namespace) -> int:
    found = catalogue.load(folder_of(options.lessons))
    for lesson in found.lessons.values():
        print(f"{lesson.id}\t{TRACK_NAMES[lesson.track]}\t{lesson.title}")
    for drill in found.drills.values():
        print(f"{drill.id}\t演练\t{drill.title}")
    return 0


def _check(options: argparse.Namespace) -> int:
    """Everything that can be wrong with content; the samples are scored only when the files themselves are sound."""
    folder = folder_of(options.folder)
    found, faults = catalogue.examine(folder)
    faults += synonyms.examine(folder / "synonyms.yaml")[1]
    if not faults:
        scorer = Scorer.built_in()
        faults = [*_samples(scorer, found), *_scripts(scorer, found)]
    for fault in sorted(faults):
        print(fault)
    if faults:
        print(f"有 {len(faults)} 处要改。", file=sys.stderr)
        return 1
    drills = f"{len(found.drills)} 场演练、" if found.drills else ""
    print(f"{len(found.lessons)} 课、{drills}{len(found.templates)} 条话术，没有问题。", file=sys.stderr)
    return 0


def _gallery(_options: argparse.Namespace) -> int:
    print(gallery.gallery(catalogue.load(), Scorer.built_in(), gallery.replies()))
    return 0


def _scripts(scorer: Scorer, found: Catalogue) -> Iterable[Fault]:
    """Scripted runs of drills that go otherwise than written."""
    for drill in found.drills.values():
        situation = found.lessons[drill.situation]
        assert isinstance(situation, Lesson)
        for at, reason in rehearse(drill, situation, scorer.score):
            yield found.sources[drill.id].fault(at, reason)


def _samples(scorer: Scorer, found: Catalogue) -> Iterable[Fault]:
    """Samples that do not get their band, and model answers that do not deserve their name."""
    for lesson in found.situations():
        lines = found.sources[lesson.id]
        for index, sample in enumerate(lesson.samples):
            band = scorer.score(lesson, sample.text).band
            if band != sample.band:
                reason = f"评出来是 {band}（{BAND_NAMES[band]}），写的是 {sample.band}；改例句、改要点，或改 band"
                yield lines.fault(("samples", index, "band"), reason)
        yield from _models(scorer, lesson, lines)


def _models(scorer: Scorer, lesson: Lesson, lines: Any) -> Iterable[Fault]:
    if lesson.answers is None:
        return
    bare = lesson.model_copy(update={"answers": None})  # or the good answer would be a copy of itself
    good, bad = (scorer.score(bare, answer.text).band for answer in (lesson.answers.good, lesson.answers.bad))
    if good < 3:
        yield lines.fault(("answers", "good", "text"), f"好例答评出来只有 {good}（{BAND_NAMES[good]}），应到良好以上")
    if bad > 1:
        yield lines.fault(("answers", "bad", "text"), f"坏例答评出来有 {bad}（{BAND_NAMES[bad]}），应是起步以下")


def _search(options: argparse.Namespace) -> int:
    library = ContentLibrary(folder_of(options.lessons), built_in_embedder())
    if options.batch is not None:
        for _, row in rows_of(options.batch, ("id", "text")):
            hits = library.index.search(row["text"], options.limit)
            print(one_line({"id": row["id"], "hits": [_hit(hit) for hit in hits]}))
        return 0
    words = " ".join(options.words)
    hits = library.index.search(words, options.limit)
    if options.json:
        print(one_line({"id": words, "hits": [_hit(hit) for hit in hits]}))
        return 0
    for number, hit in enumerate(hits, 1):
        print(f"{number}. {library.catalogue.templates[hit.template].title}  [{hit.template}]  {hit.why}")
    if not hits:
        print("没找到。换个说法试试：客户原话、业务词、拼音都行。")
    return 0


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "template": hit.template,
        "situations": list(hit.situations),
        "score": round(hit.score, 4),
        "why": hit.why,
    }


def _report(options: argparse.Namespace) -> int:
    index = ContentLibrary(BUILT_IN, built_in_embedder()).index
    found = search_report.reports(index)
    if options.json:
        print(json.dumps([report.to_dict() for report in found], ensure_ascii=False))
    else:
        print("\n\n".join(search_report.table(report) for report in found))
    return 0


_LINE_ENDS = str.maketrans({char: f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"})


def one_line(value: Any) -> str:
    """JSON that is one line to every reader; a reply may hold line ends that JSON itself leaves as they are."""
    return json.dumps(value, ensure_ascii=False).translate(_LINE_ENDS)


def rows_of(path: Path, needed: tuple[str, ...]) -> list[tuple[int, dict[str, Any]]]:
    """(line, object) of a JSON-lines file; every needed key but `id` holds text.

    Raises ContentError with every fault.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ContentError([Fault(str(path), 1, "-", f"读不出来：{error}")]) from error
    rows: list[tuple[int, dict[str, Any]]] = []
    faults: list[Fault] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = _storable(json.loads(line))
        except (ValueError, RecursionError) as error:
            faults.append(Fault(str(path), number, "-", f"不是 JSON：{error}"))
            continue
        if not isinstance(row, dict):
            faults.append(Fault(str(path), number, "-", "每行要是一个对象 {…}"))
            continue
        wrong = {key: "要写文字" if key in row else "缺少这一项" for key in needed if not _there(row, key)}
        faults += [Fault(str(path), number, key, reason) for key, reason in wrong.items()]
        rows.append((number, row))
    if faults:
        raise ContentError(faults)
    return rows


def _there(row: dict[str, Any], key: str) -> bool:
    return key in row and (key == "id" or isinstance(row[key], str))


def _storable(value: Any) -> Any:
    """The same without lone surrogates, which JSON can spell but nothing can print."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
