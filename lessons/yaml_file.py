"""One YAML file into one validated object; every fault with its line and key. No knowledge of lessons here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from bot.core.errors import Fault, relative

_REASONS = {
    "missing": "缺少这一项",
    "extra_forbidden": "没有这个键",
    "string_type": "这里要写文字；数字和时刻要放进引号里",
    "string_too_short": "不能为空",
    "int_type": "这里要写整数",
    "int_parsing": "这里要写整数",
    "bool_type": "这里要写 true 或 false",
    "bool_parsing": "这里要写 true 或 false",
    "date_type": "日期要写成 2026-11-23",
    "date_from_datetime_parsing": "日期要写成 2026-11-23",
    "date_from_datetime_inexact": "日期要写成 2026-11-23",
    "tuple_type": "这里要写成列表，每行以 - 开头",
    "dict_type": "这里要写成“键: 值”",
    "model_type": "这里要写成“键: 值”",
}


_TOO_DEEP = "层次太深，或者 & 和 * 指来指去；这里用不着它们"
_MOST_BRACKETS = 10_000  # libyaml nests on the C stack: some ten thousand levels would end the process

_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is several times faster, where it is there


class _StrictLoader(_Safe):  # type: ignore[misc]
    """SafeLoader that refuses a key written twice and never turns dates or yes/no into other types."""


_BOOL, _TIMESTAMP = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag not in {_BOOL, _TIMESTAMP}]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver(_BOOL, re.compile(r"^(?:true|false)$"), list("tf"))


def read(path: Path, shape: TypeAdapter[Any]) -> tuple[Any, Lines, list[Fault]]:
    """Read `path` as `shape`.

    Returns the object or None, the line finder of the file, and the faults (empty exactly when the object is there).
    """
    name = relative(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return None, Lines(name, None), [Fault(name, 1, "-", f"读不出来：{error}；文件要用 UTF-8 编码")]
    if text.count("[") + text.count("{") > _MOST_BRACKETS:
        return None, Lines(name, None), [Fault(name, 1, "-", _TOO_DEEP)]
    try:
        node, data = _parse(text)
        repeated = [] if node is None else list(_repeated_keys(node, name))
    except RecursionError:
        return None, Lines(name, None), [Fault(name, 1, "-", _TOO_DEEP)]
    except ValueError as error:
        return None, Lines(name, None), [Fault(name, 1, "-", f"有一个值读不懂（{error}）；把它放进引号里")]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        problem = getattr(error, "problem", None) or str(error)
        hint = f"YAML 写法不对（{problem}）；检查缩进、冒号后的空格和引号是否成对"
        return None, Lines(name, None), [Fault(name, line, "-", hint)]
    lines = Lines(name, node)
    if repeated:
        return None, lines, repeated
    try:
        return shape.validate_python(data), lines, []
    except ValidationError as error:
        found = error.errors()
        schema = shape.json_schema()
        return None, lines, [_fault(detail, lines, schema) for detail in found if not _follows(detail, found)]


def _parse(text: str) -> tuple[yaml.Node | None, Any]:
    """The node tree, for line numbers, and the data made from it."""
    loader = _StrictLoader(text)
    try:
        node = loader.get_single_node()
        return node, None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


class Lines:
    """Finds the line of a key path in a composed YAML file."""

    def __init__(self, file: str, root: yaml.Node | None) -> None:
        self.file = file
        self._root = root

    def line(self, path: Iterable[str | int]) -> int:
        """The 1-based line of the deepest part of `path` that exists."""
        node, line = self._root, 1
        for step in path:
            child = None
            if isinstance(node, yaml.MappingNode):
                for key, value in node.value:
                    if key.value == str(step):
                        child, line = value, key.start_mark.line + 1
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                child = node.value[step]
                line = child.start_mark.line + 1
            if child is not None:
                node = child
        return line

    def fault(self, path: Iterable[str | int], reason: str) -> Fault:
        path = list(path)
        return Fault(self.file, self.line(path), key_of(path), reason)


def key_of(path: Iterable[str | int]) -> str:
    """`('samples', 2, 'band')` → `samples[2].band`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or "-"


def _repeated_keys(node: yaml.Node, name: str, path: tuple[str | int, ...] = ()) -> Iterable[Fault]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            here = (*path, str(key.value))
            if str(key.value) in seen:
                yield Fault(name, key.start_mark.line + 1, key_of(here), "这个键写了两次，只留一个")
            seen.add(str(key.value))
            yield from _repeated_keys(value, name, here)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _repeated_keys(item, name, (*path, index))


def _follows(detail: ErrorDetails, found: list[ErrorDetails]) -> bool:
    """Whether a list is called too short only because its faulty entries were not counted."""
    at = detail["loc"]
    return detail["type"] == "too_short" and any(other["loc"][: len(at)] == at for other in found if other != detail)


def _fault(detail: ErrorDetails, lines: Lines, schema: dict[str, Any]) -> Fault:
    path = [step for step in detail["loc"] if step != "[key]"]
    path = path[1:] if path and path[0] in _kinds(schema) else path  # which of the file's shapes it was taken for
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind in {"enum", "literal_error"}:
        allowed = str(context.get("expected", "")).replace("'", "").replace(" or ", "、").replace(", ", "、")
        reason = f"不认识「{detail['input']}」，可以写：{allowed}"
    elif kind == "string_pattern_mismatch":
        reason = f"「{detail['input']}」不合写法；只用小写字母、数字和连字符，例如 unmet-refund-all-fees"
    elif kind == "string_too_long":
        reason = f"太长，最多 {context.get('max_length')} 个字符"
    elif kind == "too_short":
        reason = f"至少要 {context.get('min_length')} 条，现在 {context.get('actual_length')} 条"
    elif kind == "too_long":
        reason = f"最多 {context.get('max_length')} 条，现在 {context.get('actual_length')} 条"
    elif kind in {"greater_than_equal", "less_than_equal"}:
        reason = f"{detail['input']} 超出范围（{detail['msg']}）"
    elif kind == "value_error":
        reason = str(context.get("error", detail["msg"]))
    elif kind.startswith("union_tag"):
        reason, path = f"kind 要写 {'、'.join(_kinds(schema))} 之一", ["kind"]
    else:
        reason = _REASONS.get(kind, detail["msg"])
    if kind == "extra_forbidden" and path:
        close = difflib.get_close_matches(str(path[-1]), _keys_at(schema, path[:-1]), n=1)
        reason += f"，是不是想写 {close[0]}" if close else "，删掉它或查看 jiehua lessons schema"
    return lines.fault(path, reason)


def _kinds(schema: dict[str, Any]) -> list[str]:
    """The values of `kind` that tell the shapes of a file apart; none where there is one shape only."""
    found = (part.get("properties", {}).get("kind", {}) for part in _meant(schema, schema))
    return [kind["const"] for kind in found if "const" in kind]


def _keys_at(schema: dict[str, Any], path: Iterable[str | int]) -> list[str]:
    """The keys that may stand at a place of a file of this JSON Schema."""
    parts = _meant(schema, schema)
    for step in path:
        under = [
            part.get("items", {}) if isinstance(step, int) else part.get("properties", {}).get(step)
            or part.get("additionalProperties") or {}
            for part in parts
        ]  # fmt: skip
        parts = [part for each in under for part in _meant(each, schema)]
    return sorted({key for part in parts for key in part.get("properties", {})})


def _meant(part: Any, schema: dict[str, Any]) -> list[dict[str, Any]]:
    """What a part of a schema stands for: references followed, alternatives side by side."""
    if not isinstance(part, dict):
        return []
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].removeprefix("#/$defs/")]
    others = [*part.get("anyOf", ()), *part.get("oneOf", ())]
    return [part, *(found for other in others for found in _meant(other, schema))]
