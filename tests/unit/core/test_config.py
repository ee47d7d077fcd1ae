"""Settings: every odd value is refused by name, secrets are never shown, files say file and line."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot import config
from bot.config import Settings, read, variable
from bot.core.errors import SettingError

# One value for each setting that cannot be used.
BAD = {
    "role": "both",
    "senders": "0",
    "database_url": "   ",
    "host": "  ",
    "port": "70000",
    "content": "  ",
    "timezone": "Asia/Nowhere",
    "calendar_file": " ",
    "daily_cap": "9",
    "quiet_start": "noon",
    "quiet_end": "25:00",
    "rest_after": "0",
    "huddle_at": "never",
    "board_at": "09:12+08:00",
    "care_contact": " ",
    "care_note": "maybe",
    "cache": "  ",
    "enrol": "maybe",
    "public_url": "coach.example.com",
    "directory_sync": "nightly",
    "web_chat": "sometimes",
    "demo": "2",
    "log_json": "json",
    "log_level": "LOUD",
    "wecom_corp_id": " ",
    "wecom_agent_id": "-1",
    "wecom_secret": "  ",
    "keep_texts_days": "7",
    "keep_rows_days": "forever",
    "metrics_token": "two words",
    "wecom_token": "  ",
    "wecom_aes_key": "tooshortbutverysecret",
    "wecom_api": "qyapi.weixin.qq.com",
    "judge_url": "judge.local/v1",
    "judge_key": "sk with blanks",
    "judge_model": " ",
    "judge_timeout": "31",
    "judge_price_in": "-1",
    "judge_price_out": "cheap",
    "wecom_calls_per_second": "0",
    "scorers": "9",
    "wecom_cards": "maybe",
    "dingtalk_client_id": " ",
    "dingtalk_client_secret": " ",
    "dingtalk_robot_code": " ",
    "dingtalk_mode": "webhook",
    "dingtalk_card_template": " ",
    "dingtalk_session_reply": "perhaps",
    "dingtalk_tap_links": "perhaps",
    "dingtalk_event_token": " ",
    "dingtalk_event_aes_key": "tooshort",
    "dingtalk_api": "api.dingtalk.com",
    "dingtalk_old_api": "oapi.dingtalk.com",
    "wecom_robot_url": "qyapi.weixin.qq.com/x",
    "dingtalk_robot_url": "oapi.dingtalk.com/x",
    "dingtalk_robot_secret": " ",
}
WECOM = {
    "JIEHUA_WECOM_CORP_ID": "ww1234",
    "JIEHUA_WECOM_AGENT_ID": "1000002",
    "JIEHUA_WECOM_SECRET": "s3cret-app",
    "JIEHUA_WECOM_TOKEN": "s3cret-token",
    "JIEHUA_WECOM_AES_KEY": "A" * 43,
}


def refused(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingError) as caught:
        read(environment)
    return str(caught.value).splitlines()


def test_without_anything_the_defaults_hold() -> None:
    assert read({}) == Settings()
    assert read({"PATH": "/bin", "HOME": "x"}) == Settings()


def test_every_setting_has_a_bad_value_here() -> None:
    assert set(BAD) == {field.name for field in fields(Settings)}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_is_refused_by_name_with_what_would_be_right(name: str) -> None:
    lines = [line for line in refused({variable(name): BAD[name]}) if "缺少" not in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"{variable(name)}: ")
    assert "要写" in lines[0]


@pytest.mark.parametrize("name", [field.name for field in fields(Settings) if field.metadata["secret"]])
def test_a_broken_settings_file_is_not_quoted(name: str, tmp_path: Path) -> None:
    """A YAML error shows the line it is about, and a secret may stand in it."""
    path = tmp_path / "settings.yaml"
    path.write_text(f'{name}: "verysecret\nport: x', encoding="utf-8")
    assert "verysecret" not in "\n".join(refused({"JIEHUA_CONFIG": str(path)}))


def test_a_bad_secret_is_refused_without_quoting_it() -> None:
    assert "tooshortbutverysecret" not in "\n".join(refused({"JIEHUA_WECOM_AES_KEY": BAD["wecom_aes_key"]}))
    assert "（已隐去）" in "\n".join(refused({"JIEHUA_WECOM_AES_KEY": "密" * 43}))


def test_secrets_stay_out_of_the_representation() -> None:
    settings = read({**WECOM, "JIEHUA_DATABASE_URL": "postgresql://u:hunter2@db/x"})
    shown = repr(settings) + str(settings)
    for secret in ("s3cret-app", "s3cret-token", "A" * 43, "hunter2"):
        assert secret not in shown
    assert "ww1234" in shown


def test_roles_need_a_database_for_several_processes() -> None:
    (line,) = refused({"JIEHUA_ROLE": "worker"})
    assert line.startswith("JIEHUA_ROLE: ")
    assert "PostgreSQL" in line
    assert read({"JIEHUA_ROLE": "worker", "JIEHUA_DATABASE_URL": "postgresql://u@db/x"}).role == "worker"


def test_the_morning_card_has_a_time_or_none() -> None:
    assert read({"JIEHUA_HUDDLE_AT": ""}).huddle_at == time(8, 50)
    assert read({"JIEHUA_HUDDLE_AT": "08:30"}).huddle_at == time(8, 30)
    assert read({"JIEHUA_HUDDLE_AT": "off"}).huddle_at is None


def test_groups_are_named_by_their_robots() -> None:
    assert read({}).groups == ()
    both = {"JIEHUA_WECOM_ROBOT_URL": "https://a.example/1", "JIEHUA_DINGTALK_ROBOT_URL": "https://b.example/2"}
    assert read(both).groups == ("wecom_robot", "dingtalk_robot")


def test_good_values_are_read() -> None:
    settings = read(
        {
            "JIEHUA_PORT": "0",
            "JIEHUA_CONTENT": "~/lessons",
            "JIEHUA_TIMEZONE": "Asia/Urumqi",
            "JIEHUA_DAILY_CAP": "3",
            "JIEHUA_QUIET_START": "11:30",
            "JIEHUA_WEB_CHAT": "ON",
            "JIEHUA_DEMO": "false",
            "JIEHUA_WECOM_API": "http://127.0.0.1:9/",
        }
    )
    assert settings.port == 0
    assert settings.content == Path("~/lessons").expanduser()
    assert settings.timezone == ZoneInfo("Asia/Urumqi")
    assert settings.daily_cap == 3
    assert settings.quiet_start == time(11, 30)
    assert settings.web_chat is True
    assert settings.demo is False
    assert settings.wecom_api == "http://127.0.0.1:9"
    assert not settings.wecom_on


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


def test_an_empty_variable_means_the_default() -> None:
    assert read({variable(field.name): "" for field in fields(Settings)}) == Settings()


def test_every_fault_is_told_at_once() -> None:
    lines = refused({"JIEHUA_PORT": "x", "JIEHUA_DAILY_CAP": "x", "JIEHUA_PROT": "1"})
    assert [line.split(":")[0] for line in lines] == ["JIEHUA_PROT", "JIEHUA_PORT", "JIEHUA_DAILY_CAP"]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("JIEHUA_DATABASE", "JIEHUA_DATABASE_URL"),
        ("JIEHUA_WECOM_SECERT", "JIEHUA_WECOM_SECRET"),
        ("JIEHUA_WECOM_TOKEN_FIEL", "JIEHUA_WECOM_TOKEN_FILE"),
    ],
)
def test_an_unknown_variable_gets_the_nearest(name: str, nearest: str) -> None:
    assert refused({name: "x"}) == [f"{name}: 没有这个设置，是不是想写 {nearest}"]


def test_quiet_hours_must_not_end_before_they_begin() -> None:
    lines = refused({"JIEHUA_QUIET_START": "13:00", "JIEHUA_QUIET_END": "12:00"})
    assert len(lines) == 1
    assert lines[0].startswith("JIEHUA_QUIET_END: ")
    assert read({"JIEHUA_QUIET_START": "12:00", "JIEHUA_QUIET_END": "12:00"}).quiet_end == time(12)


def test_all_of_wecom_or_nothing() -> None:
    assert read(WECOM).wecom_on
    for name in WECOM:
        lines = refused({key: value for key, value in WECOM.items() if key != name})
        assert len(lines) == 1
        assert lines[0].startswith(f"{name}: 缺少")
    half = refused({"JIEHUA_WECOM_CORP_ID": "ww1234"})
    assert {line.split(":")[0] for line in half} == set(WECOM) - {"JIEHUA_WECOM_CORP_ID"}


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("DINGTALK_CLIENT_ID", "DINGTALK_CLIENT_SECRET"),
        ("DINGTALK_EVENT_AES_KEY", "DINGTALK_EVENT_TOKEN"),
    ],
)
def test_half_of_dingtalk_is_refused(name: str, other: str) -> None:
    lines = refused({f"JIEHUA_{name}": "A" * 43})
    assert len(lines) == 1
    assert lines[0].startswith(f"JIEHUA_{other}: 缺少")


def test_dingtalks_cards_need_stream() -> None:
    dingtalk = {"JIEHUA_DINGTALK_CLIENT_ID": "ding1", "JIEHUA_DINGTALK_CLIENT_SECRET": "s3cret-ding"}
    settings = read({**dingtalk, "JIEHUA_DINGTALK_CARD_TEMPLATE": "t.schema"})
    assert settings.dingtalk_on
    assert "s3cret-ding" not in repr(settings)
    lines = refused({**dingtalk, "JIEHUA_DINGTALK_CARD_TEMPLATE": "t.schema", "JIEHUA_DINGTALK_MODE": "http"})
    assert lines == ["JIEHUA_DINGTALK_CARD_TEMPLATE: 卡片要用 JIEHUA_DINGTALK_MODE=stream"]


def test_a_secret_can_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("from-a-file\n", encoding="utf-8")
    environment = {key: value for key, value in WECOM.items() if key != "JIEHUA_WECOM_SECRET"}
    settings = read({**environment, "JIEHUA_WECOM_SECRET_FILE": str(path)})
    assert settings.wecom_secret == "from-a-file"
    both = read({**WECOM, "JIEHUA_WECOM_SECRET_FILE": str(path)})
    assert both.wecom_secret == "s3cret-app", "the variable itself comes first"


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    lines = refused({"JIEHUA_WECOM_TOKEN_FILE": str(tmp_path / "nowhere")})
    assert lines[0].startswith("JIEHUA_WECOM_TOKEN_FILE: 读不出来")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00verysecret")
    lines = refused({"JIEHUA_WECOM_TOKEN_FILE": str(binary)})
    assert lines[0].startswith("JIEHUA_WECOM_TOKEN_FILE: 读不出来")
    assert "verysecret" not in "\n".join(lines)


def test_a_bad_value_in_a_file_is_named_by_its_variable(tmp_path: Path) -> None:
    path = tmp_path / "port"
    path.write_text("many\n", encoding="utf-8")
    assert refused({"JIEHUA_PORT_FILE": str(path)})[0].startswith("JIEHUA_PORT_FILE: 「many」")


def _file(folder: Path, text: str) -> str:
    path = folder / "jiehua.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_yaml_file_is_read_and_variables_win(tmp_path: Path) -> None:
    path = _file(tmp_path, "port: 9000\nquiet_start: 11:40\ndaily_cap: 3\nlog_json: on\ncontent:\n")
    settings = read({"JIEHUA_CONFIG": path, "JIEHUA_DAILY_CAP": "1"})
    assert (settings.port, settings.quiet_start, settings.daily_cap) == (9000, time(11, 40), 1)
    assert settings.log_json is True
    assert settings.content is None


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_yaml_file_changes_nothing(tmp_path: Path, text: str) -> None:
    assert read({"JIEHUA_CONFIG": _file(tmp_path, text)}) == Settings()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("# one\nport: many\n", "2: port: 「many」 不能用；要写 0 到 65535 的整数"),
        ("port: 1\n\nprot: 2\n", "3: prot: 没有这个设置，是不是想写 port"),
        ("port: [1, 2]\n", "1: port: 要写一个值"),
        ("host: a\nport: 1\nport: 2\n", "3: port: 这个键写了两次"),
        ("- port\n", "1: -: 要写成“键: 值”"),
        ("? [a, b]\n: 1\n", "1: -: 要写成“键: 值”"),
        ("host: a\nport: 'x\n", "3: -: 读不出来"),
    ],
)
def test_a_faulty_yaml_file_says_where(tmp_path: Path, text: str, fault: str) -> None:
    path = _file(tmp_path, text)
    lines = refused({"JIEHUA_CONFIG": path})
    assert len(lines) == 1
    assert lines[0].startswith(f"{path}:{fault}")


def test_a_missing_yaml_file_is_a_fault(tmp_path: Path) -> None:
    path = str(tmp_path / "nowhere.yaml")
    assert refused({"JIEHUA_CONFIG": path})[0].startswith(f"{path}:1: -: 读不出来")


def test_every_setting_says_what_it_means_in_chinese() -> None:
    for field in fields(Settings):
        assert any("一" <= char <= "鿿" for char in field.metadata["meaning"]), field.name
        assert field.metadata["parse"].__doc__, f"{field.name}: the parser says what would be right"


def test_the_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEHUA_PORT", "8123")
    assert config.read().port == 8123
