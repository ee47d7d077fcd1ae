"""Errors explain themselves: the class docstring is the default message, faults say file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core import errors
from bot.core.errors import ContentError, Fault, JiehuaError, Misconfigured, PlatformError, Temporary


def _family(root: type[JiehuaError]) -> list[type[JiehuaError]]:
    return [root, *(each for child in root.__subclasses__() for each in _family(child))]


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    ours = [each for each in _family(JiehuaError) if each.__module__ == errors.__name__]
    assert len(ours) >= 10
    for each in ours:
        assert each.__doc__, f"{each.__name__} must say what it means"
        assert each.__name__ in str(errors.__doc__), f"{each.__name__} is missing in the tree"


def test_the_docstring_is_the_default_message() -> None:
    assert str(errors.StorageBusy()) == errors.StorageBusy.__doc__
    assert str(errors.StorageBusy("满了")) == "满了"


def test_a_fault_reads_like_a_compiler_message() -> None:
    assert str(Fault("a.yaml", 3, "tip", "缺少")) == "a.yaml:3: tip: 缺少"


def test_content_errors_list_every_fault_in_order() -> None:
    faults = [Fault("b.yaml", 1, "x", "r"), Fault("a.yaml", 12, "x", "r"), Fault("a.yaml", 3, "x", "r")]
    error = ContentError(faults)
    assert str(error).splitlines() == ["a.yaml:3: x: r", "a.yaml:12: x: r", "b.yaml:1: x: r"]
    assert error.faults == tuple(sorted(faults))


def test_platform_errors_carry_what_the_sender_needs() -> None:
    error = Misconfigured("拒绝", code="60020", retry_after=30.0, advice="加可信 IP")
    assert isinstance(error, Temporary)
    assert isinstance(error, PlatformError)
    assert (str(error), error.code, error.retry_after, error.advice) == ("拒绝", "60020", 30.0, "加可信 IP")
    assert errors.Permanent("不行").code == ""


def test_paths_are_shown_as_the_user_would_type_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert errors.relative(tmp_path / "lessons" / "a.yaml") == "lessons/a.yaml"
    assert errors.relative(Path("lessons/a.yaml")) == "lessons/a.yaml"
    assert errors.relative(tmp_path.parent / "other.yaml") == str(tmp_path.parent / "other.yaml")
