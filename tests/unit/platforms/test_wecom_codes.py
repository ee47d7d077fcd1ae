"""Every errcode that WC90313 lists for an app has one meaning: later, never, or the operator's business with advice."""

from __future__ import annotations

import pytest

from bot.core.errors import Misconfigured, Permanent, Temporary, TooFast
from bot.platforms.wecom.codes import CODES, Does, error_for

LATER = {-1, 40014, 42001, 45009, 45033, 45035}
OPERATOR = {
    40001, 40013, 41001, 41002, 41004, 41011, 40056, 301002, 60020, 48001, 48002, 48006, 48008, 48009, 48010, 50003,
    60031, 43009, 43012, 50001,
}  # fmt: skip
NEVER = {
    40003, 40031, 40032, 60111, 46004, 40008, 40035, 40058, 40063, 44004, 45002, 40206, 40007, 40145, 40004, 40005,
    40006, 44001, 45001, 45007, 40033, 82004, 40201, 85002, 40029, 42003, 42022, 45008, 50002, 60011, 60021, 81013,
    82001, 82002, 82003, 86008, 84014, 84015, 43004, 42052, 60140, 82101, 82102, *range(42014, 42021),
    *range(42027, 42052),
}  # fmt: skip


def test_every_code_is_in_the_table_once() -> None:
    assert not LATER & OPERATOR
    assert not (LATER | OPERATOR) & NEVER
    assert set(CODES) == LATER | OPERATOR | NEVER


@pytest.mark.parametrize("code", sorted(LATER))
def test_later_is_tried_again(code: int) -> None:
    error = error_for(code, "busy")
    assert type(error) is (TooFast if code in (45009, 45033) else Temporary)
    assert error.code == str(code)


@pytest.mark.parametrize("code", sorted(OPERATOR))
def test_the_operator_is_told_what_to_do(code: int) -> None:
    error = error_for(code, "hint: [16], more info at ?e=1")
    assert isinstance(error, Misconfigured)
    assert len(error.advice) > 8
    assert error.retry_after == 300
    assert "{" not in error.advice


@pytest.mark.parametrize("code", sorted(NEVER))
def test_never_is_not_tried_again(code: int) -> None:
    error = error_for(code)
    assert type(error) is Permanent
    assert str(code) in str(error)


@pytest.mark.parametrize(
    ("errmsg", "shown"),
    [
        ("not allow to access from your ip, hint: [1], from ip: 101.35.2.7, more info at …?e=60020", " 101.35.2.7 "),
        ("not allow to access from your ip, from ip:240e:1::7, more info", " 240e:1::7 "),
        ("something else", "出口地址加进"),
    ],
)
def test_60020_shows_the_address(errmsg: str, shown: str) -> None:
    error = error_for(60020, errmsg)
    assert isinstance(error, Misconfigured)
    assert shown in error.advice


def test_meanings_are_readable_and_never_empty() -> None:
    assert all(meaning.says and meaning.does in Does for meaning in CODES.values())
