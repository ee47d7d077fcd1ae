"""The judge's settings, and what operators read about its calls."""

from __future__ import annotations

import pytest

from bot.config import Settings, read
from bot.core.errors import SettingError
from bot.core.messages import Style
from handlers.operator import judge_lines
from storage.judgements import Summary

JUDGE = {"JIEHUA_JUDGE_URL": "http://127.0.0.1:9/v1/", "JIEHUA_JUDGE_MODEL": "qwen-14b"}


def shown(summed: Summary, prices: tuple[int, int] = (0, 0)) -> str:
    return "\n".join(line.text for line in judge_lines(summed, prices))


def test_without_settings_there_is_no_judge() -> None:
    assert not read({}).judge_on
    assert Settings().judge_timeout == 8


def test_url_and_model_switch_it_on_and_the_key_is_optional() -> None:
    settings = read(JUDGE)
    assert settings.judge_on
    assert settings.judge_url == "http://127.0.0.1:9/v1"
    assert not settings.judge_key


@pytest.mark.parametrize("name", JUDGE)
def test_half_a_judge_is_refused_by_name(name: str) -> None:
    with pytest.raises(SettingError) as caught:
        read({key: value for key, value in JUDGE.items() if key != name})
    assert str(caught.value) == f"{name}: 缺少；判卷模型的地址和名称要一起写"


def test_the_key_is_secret() -> None:
    settings = read({**JUDGE, "JIEHUA_JUDGE_KEY": "sk-hidden"})
    assert settings.judge_key == "sk-hidden"
    assert "sk-hidden" not in repr(settings)


@pytest.mark.parametrize("key", ["sk 有空格", "两\n行", "密钥", "sk-a\tb", "sk\x00"])
def test_a_key_that_no_header_can_carry_is_refused_unquoted(key: str) -> None:
    with pytest.raises(SettingError) as caught:
        read({**JUDGE, "JIEHUA_JUDGE_KEY": key})
    assert str(caught.value).startswith("JIEHUA_JUDGE_KEY: （已隐去）")


@pytest.mark.parametrize(
    ("name", "value"), [("TIMEOUT", "0"), ("TIMEOUT", "31"), ("TIMEOUT", "4.5"), ("PRICE_IN", "-1")]
)
def test_odd_numbers_are_refused(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"JIEHUA_JUDGE_{name}"):
        read({**JUDGE, f"JIEHUA_JUDGE_{name}": value})


def test_operators_read_calls_fallbacks_speed_and_cost() -> None:
    outcomes = {"ok": 90, "timeout": 6, "malformed": 2, "skipped": 2}
    summed = Summary(outcomes, median_ms=820, p95_ms=2400, tokens_in=1_500_000, tokens_out=400_000)
    text = shown(summed, (200, 600))
    assert "送判 100 条，改用离线评分 10 条（10%）" in text
    assert "超时 6，答复不可用 2，连续出错后暂停 2" in text
    assert "一半在 820 毫秒以内，95% 在 2400 毫秒以内" in text
    assert "输入 1,500,000，输出 400,000 token，约 5.40 元" in text
    assert "元" not in shown(summed)


def test_operators_read_that_nothing_was_asked() -> None:
    assert shown(Summary()) == "判卷模型 · 今天\n还没有调用。"


def test_many_fallbacks_stand_out() -> None:
    few, many = (judge_lines(Summary({"ok": 90, "timeout": count}), (0, 0)) for count in (5, 60))
    assert (few[2].style, many[2].style) == (Style.PLAIN, Style.WARN)
