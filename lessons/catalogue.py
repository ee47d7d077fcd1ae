"""A folder of YAML files into one immutable Catalogue, or a ContentError with every fault; never half of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Discriminator, Tag, TypeAdapter

from bot.core.errors import ContentError, Fault
from lessons import yaml_file
from lessons.drills.model import Drill
from lessons.model import AnyLesson, Criterion, Knowledge, Lesson, Rule, RuleFile, Template, TemplateFile, Track

BUILT_IN = Path(__file__).parent / "content"


def _kind(data: Any) -> str:
    kind = data.get("kind", "situation") if isinstance(data, dict) else getattr(data, "kind", "")
    return str(kind)


_LESSON: TypeAdapter[AnyLesson] = TypeAdapter(
    Annotated[
        Annotated[Lesson, Tag("situation")] | Annotated[Knowledge, Tag("knowledge")],
        Discriminator(_kind),
    ]
)
_FILE: TypeAdapter[AnyLesson | Drill] = TypeAdapter(
    Annotated[
        Annotated[Lesson, Tag("situation")] | Annotated[Knowledge, Tag("knowledge")] | Annotated[Drill, Tag("drill")],
        Discriminator(_kind),
    ]
)
_TEMPLATES: TypeAdapter[TemplateFile] = TypeAdapter(TemplateFile)
_RULES: TypeAdapter[RuleFile] = TypeAdapter(RuleFile)


@dataclass(frozen=True)
class Catalogue:
    """All content of one folder at one moment.

    `lessons`, `templates` and `drills` are keyed by id in file order; `sources` names the file of each.
    """

    lessons: dict[str, AnyLesson]
    templates: dict[str, Template]
    rules: dict[str, Rule]
    drills: dict[str, Drill] = field(default_factory=dict)
    sources: dict[str, yaml_file.Lines] = field(repr=False, default_factory=dict)

    def situations(self, track: Track | None = None) -> list[Lesson]:
        """The situation lessons, of one track or of all, in file order."""
        return [x for x in self.lessons.values() if isinstance(x, Lesson) and track in (None, x.track)]

    def of_track(self, track: Track) -> list[AnyLesson]:
        return [lesson for lesson in self.lessons.values() if lesson.track == track]

    @cached_property
    def digest(self) -> str:
        """Changes exactly when any content changes."""
        everything = (*self.lessons.values(), *self.templates.values(), *self.rules.values(), *self.drills.values())
        parts = [digest(item) for item in everything]
        return hashlib.sha256("".join(parts).encode()).hexdigest()[:16]


@lru_cache(maxsize=4096)
def digest(item: AnyLesson | Template | Rule | Drill) -> str:
    """The first 16 hex digits of the SHA-256 of an item's content; the version a person saw."""
    return hashlib.sha256(canonical(item).encode()).hexdigest()[:16]


def canonical(item: AnyLesson | Template | Rule | Drill) -> str:
    """An item as JSON, the same text on every machine."""
    return json.dumps(item.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def parse_lesson(text: str) -> AnyLesson:
    """The inverse of `canonical` for lessons."""
    return _LESSON.validate_json(text)


def parse_drill(text: str) -> Drill:
    """The inverse of `canonical` for drills."""
    return Drill.model_validate_json(text)


def load(folder: Path = BUILT_IN, *, complete: bool = True) -> Catalogue:
    """Read every `*.yaml` under `folder`.

    Files under a `templates` folder hold templates, `rules.yaml` holds rules, every other file one lesson or drill.
    A folder without `rules.yaml` uses the built-in rules. With `complete` every lesson must also carry what a
    learner is shown (answers, tip, points, 客户常说); without it the words of the customer and the context will do.

    Raises ContentError with every fault.
    """
    catalogue, faults = examine(folder, complete=complete)
    if faults:
        raise ContentError(faults)
    return catalogue


def examine(folder: Path, *, complete: bool = True) -> tuple[Catalogue, list[Fault]]:
    """Like `load`, but returns what could be read together with the faults."""
    if not folder.is_dir():
        return Catalogue({}, {}, {}), [Fault(str(folder), 1, "-", "没有这个文件夹")]
    faults: list[Fault] = []
    lessons: dict[str, AnyLesson] = {}
    templates: dict[str, Template] = {}
    drills: dict[str, Drill] = {}
    sources: dict[str, yaml_file.Lines] = {}
    rules = _read_rules(folder, faults)

    def add(target: dict[str, Any], item: Any, lines: yaml_file.Lines, path: tuple[str | int, ...]) -> None:
        if item.id in sources:
            faults.append(lines.fault((*path, "id"), f"编号 {item.id} 已在 {sources[item.id].file} 用过，换一个"))
            return
        target[item.id], sources[item.id] = item, lines
        if not isinstance(item, Drill):
            faults.extend(lines.fault((*path, *at), why) for at, why in _check_rules(item, rules))

    for path in sorted(p for p in folder.rglob("*.y*ml") if p.suffix in {".yaml", ".yml"}):
        inside = path.relative_to(folder).parts
        if path.name in {"rules.yaml", "synonyms.yaml"} or "graded" in inside[:-1]:
            continue
        if "templates" in inside[:-1]:
            file, lines, found = yaml_file.read(path, _TEMPLATES)
            for index, template in enumerate(file.templates if file else ()):
                add(templates, template, lines, ("templates", index))
        else:
            lesson, lines, found = yaml_file.read(path, _FILE)
            if lesson is not None:
                add(drills if isinstance(lesson, Drill) else lessons, lesson, lines, ())
                if complete and isinstance(lesson, Lesson):
                    faults.extend(lines.fault(at, why) for at, why in _incomplete(lesson))
        faults.extend(found)
    for drill in drills.values():
        if not isinstance(lessons.get(drill.situation), Lesson):
            reason = f"没有情景 {drill.situation}；演练的背景和权限要来自同一文件夹里的一个情景"
            faults.append(sources[drill.id].fault(("situation",), reason))
    if not lessons and not templates and not faults:
        faults.append(Fault(str(folder), 1, "-", "文件夹里没有任何课程或话术（*.yaml）"))
    return Catalogue(lessons, templates, rules, drills, sources), sorted(faults)


def _read_rules(folder: Path, faults: list[Fault]) -> dict[str, Rule]:
    path = folder / "rules.yaml"
    file, lines, found = yaml_file.read(path if path.exists() else BUILT_IN / "rules.yaml", _RULES)
    faults.extend(found)
    rules: dict[str, Rule] = {}
    for index, rule in enumerate(file.rules if file else ()):
        if rule.id in rules:
            faults.append(lines.fault(("rules", index, "id"), f"编号 {rule.id} 写了两次"))
        rules[rule.id] = rule
    return rules


At = tuple[str | int, ...]


def _check_rules(item: AnyLesson | Template, rules: dict[str, Rule]) -> Iterable[tuple[At, str]]:
    for index, rule in enumerate(item.rules):
        if rule not in rules:
            yield ("rules", index), f"rules.yaml 里没有 {rule}；可以写：{'、'.join(rules)}"


_NEEDED: tuple[tuple[str, Callable[[Lesson], bool], str], ...] = (
    ("methods", lambda x: bool(x.methods), "至少写一种方法"),
    ("facts", lambda x: len(x.facts) >= 2, "至少写两条可以引用的事实"),
    ("authority", lambda x: bool(x.authority.can and x.authority.cannot), "can 和 cannot 各至少一条"),
    ("points", lambda x: set(x.points) == set(Criterion), "五项都要写：" + "、".join(Criterion)),
    ("answers", lambda x: x.answers is not None, "要有 good 和 bad 两个例答"),
    ("tip", lambda x: x.tip is not None, "要有一句方法提示"),
    ("customers_say", lambda x: len(x.customers_say) >= 3, "「客户常说」至少三句"),
    (
        "samples",
        lambda x: {"low", "mid", "high"} <= {_third(sample.band) for sample in x.samples},
        "例句要有好（3–4 分）、中（2 分）、差（0–1 分）各至少一条，每条写明 band",
    ),
)


def _third(band: int) -> str:
    return "low" if band <= 1 else "mid" if band == 2 else "high"


def _incomplete(lesson: Lesson) -> Iterable[tuple[At, str]]:
    for key, there, reason in _NEEDED:
        if not there(lesson):
            yield (key,), reason
    for criterion, point in lesson.points.items():
        if len(point.cues) < 2:
            yield ("points", str(criterion), "cues"), "至少两句能得分的说法举例"


def schema() -> dict[str, Any]:
    """The JSON Schema of a lesson file and of a template file."""
    lesson = _FILE.json_schema()
    templates = _TEMPLATES.json_schema()
    rules = _RULES.json_schema()
    defs = {**lesson.pop("$defs", {}), **templates.pop("$defs", {}), **rules.pop("$defs", {})}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Jiehua content file",
        "description": "lessons/**/*.yaml: lesson or drill · templates/**/*.yaml: templates · rules.yaml: rules",
        "anyOf": [lesson, templates, rules],
        "$defs": defs,
    }
