"""Every line we log has an action and ids, and no way for a body or a name to get into it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.repo.test_repo import ROOT, sources

LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
PRIVATE = {"text", "body", "name", "said", "words", "secret", "token_value", "sender", "recipient", "user"}
"""Keyword names that would put a person or what they said into the ids."""


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    """(file:line, call, kind) of every logging call; kind is note, or the logger's method."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            if isinstance(node.func, ast.Name) and node.func.id == "note" and _is_logger(node.args[:1]):
                yield where, node, "note"
            elif isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS and _is_logger([node.func.value]):
                yield where, node, node.func.attr


def _is_logger(found: list[ast.expr]) -> bool:
    return bool(found) and isinstance(found[0], ast.Name) and found[0].id in {"log", "logger", "_log"}


def test_there_is_something_to_look_at() -> None:
    assert len(list(calls())) > 60


@pytest.mark.parametrize(
    ("where", "call", "kind"), list(calls()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_line_has_an_action_and_ids(where: str, call: ast.Call, kind: str) -> None:
    if where.startswith("bot/core/log.py"):
        return  # note itself
    if kind == "note":
        action = call.args[1]
        named = {keyword.arg for keyword in call.keywords if keyword.arg not in {None, "level"}}
    else:
        assert kind == "exception", "a sentence is logged with note()"
        extra = ast.literal_eval(_shape(next(each.value for each in call.keywords if each.arg == "extra")))
        action, named = ast.Constant(extra["action"]), set(extra["ids"] or {})
    assert isinstance(action, ast.Constant)
    assert re.fullmatch(r"[a-z]+\.[a-z]+", str(action.value)), f"{where}: {ast.dump(action)}"
    assert not named & PRIVATE, f"{where}: {named & PRIVATE}"


def _shape(node: ast.expr) -> ast.expr:
    """The same dictionary with every value that is not known now as None, so that its keys can be read."""

    class Unknown(ast.NodeTransformer):
        def visit_Dict(self, found: ast.Dict) -> ast.Dict:
            values = [
                self.visit(value) if isinstance(value, (ast.Dict, ast.Constant)) else ast.Constant(None)
                for value in found.values
            ]
            return ast.Dict(found.keys, values)

    return ast.fix_missing_locations(Unknown().visit(node))
