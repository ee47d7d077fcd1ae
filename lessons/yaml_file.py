"""One YAML file into one validated object; every fault with its line and key. No knowledge of lessons here."""

from __future__ import annotations

import difflib
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
    "string_type": "这里要写文字",
    "string_too_short": "不能为空",
    "int_type": "这里要写整数",
    "int_parsing": "这里要写整数",
    "bool_type": "这里要写 true 或 false",
    "tuple_type": "这里要写成列表，每行以 - 开头",
    "dict_type": "这里要写成“键: 值”",
    "model_type": "这里要写成“键: 值”",
}


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key written twice and never turns dates or yes/no into other types."""


_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag not in {"tag:yaml.org,2002:timestamp"}]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path, shape: TypeAdapter[Any]) -> tuple[Any, Lines, list[Fault]]:
    """Read `path` as `shape`.

    Returns the object or None, the line finder of the file, and the faults (empty exactly when the object is there).
    """
    name = relative(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return None, Lines(name, None), [Fault(name, 1, "-", f"读不出来：{error}；文件要用 UTF-8 编码")]
    try:
        node = yaml.compose(text, Loader=_StrictLoader)
        repeated = [] if node is None else list(_repeated_keys(node, name))
        data = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader with fewer types
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
        return None, lines, [_fault(detail, lines, shape) for detail in error.errors()]


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


def _repeated_keys(node: yaml.Node, name: str) -> Iterable[Fault]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield Fault(name, key.start_mark.line + 1, str(key.value), "这个键写了两次，只留一个")
            seen.add(key.value)
            yield from _repeated_keys(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item, name)


def _fault(detail: ErrorDetails, lines: Lines, shape: TypeAdapter[Any]) -> Fault:
    path = [step for step in detail["loc"] if step not in {"situation", "knowledge", "[key]"}]
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind in {"enum", "literal_error"}:
        reason = f"不认识「{detail['input']}」，可以写：{str(context.get('expected', '')).replace(' or ', '、')}"
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
        reason, path = "kind 要写 situation 或 knowledge", ["kind"]
    else:
        reason = _REASONS.get(kind, detail["msg"])
    if kind == "extra_forbidden" and path:
        close = difflib.get_close_matches(str(path[-1]), _known_keys(shape), n=1)
        reason += f"，是不是想写 {close[0]}" if close else "，删掉它或查看 jiehua lessons schema"
    return lines.fault(path, reason)


def _known_keys(shape: TypeAdapter[Any]) -> list[str]:
    schema = shape.json_schema()
    keys: set[str] = set(schema.get("properties", {}))
    for part in schema.get("$defs", {}).values():
        keys.update(part.get("properties", {}))
    return sorted(keys)
