"""Settings: frozen, from a YAML file, JIEHUA_* variables and *_FILE secrets; odd values are refused by name.

Order of precedence: variable, then variable + `_FILE`, then the YAML file named by JIEHUA_CONFIG, then the default.
A secret never appears in a representation of the settings.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from bot.core.errors import SettingError, relative


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError
        return value

    parse.__doc__ = f"{low} 到 {high} 的整数"
    return parse


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError
        return text

    parse.__doc__ = "、".join(allowed) + " 之一"
    return parse


def _switch(text: str) -> bool:
    """on 或 off"""
    return {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}[text.lower()]


def _shaped(pattern: str, meaning: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text.strip()):
            raise ValueError
        return text.strip()

    parse.__doc__ = meaning
    return parse


_text = _shaped("(?s).+", "文字，不能为空")
_visible = _shaped("[!-~]+", "一串英文字符，中间没有空格")
_aes_key = _shaped("[0-9A-Za-z]{43}", "企业微信后台生成的 EncodingAESKey，43 个字母和数字")
_event_key = _shaped("[0-9A-Za-z]{43}", "钉钉开放平台生成的 aes_key，43 个字母和数字")


def _clock(text: str) -> time:
    """时刻，例如 09:00"""
    value = time.fromisoformat(text)
    if value.tzinfo is not None:  # it could never be compared with local times
        raise ValueError
    return value


def _clock_or_off(text: str) -> time | None:
    """时刻，例如 08:50；off 表示不发"""
    return None if text.lower() == "off" else _clock(text)


def _zone(text: str) -> ZoneInfo:
    """时区名，例如 Asia/Shanghai"""
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, IsADirectoryError) as error:
        raise ValueError from error


def _folder(text: str) -> Path:
    """文件夹路径"""
    return Path(_text(text)).expanduser()


def _url(text: str) -> str:
    """网址，以 http:// 或 https:// 开头"""
    if not text.startswith(("http://", "https://")):
        raise ValueError
    return text.rstrip("/")


def setting(parse: Callable[[str], Any], default: Any, meaning: str, *, secret: bool = False) -> Any:
    """A field of Settings: how its text is read, its default and what it means (shown in the README and by doctor)."""
    return field(default=default, repr=not secret, metadata={"parse": parse, "meaning": meaning, "secret": secret})


@dataclass(frozen=True)
class Settings:
    """Everything that can be set; each field `x` is the variable JIEHUA_X."""

    database_url: str = setting(
        _text, "sqlite:///var/jiehua.db", "数据库：sqlite:///路径 或 postgresql://用户:口令@主机/库", secret=True
    )
    role: str = setting(
        _choice("all", "web", "worker"), "all", "这个进程做什么：all 全部，web 收，worker 发（分开要用 PostgreSQL）"
    )
    senders: int = setting(_integer(1, 64), 8, "一个进程同时向平台发几路")
    scorers: int = setting(_integer(0, 8), 0, "另开几个进程专门评分，每个约 200 MB；0 就在本进程里评")
    host: str = setting(_text, "127.0.0.1", "监听地址")
    port: int = setting(_integer(0, 65535), 8080, "监听端口，0 表示任选")
    content: Path | None = setting(_folder, None, "课程与话术文件夹；不写用内置内容")
    cache: Path = setting(_folder, Path("var/cache"), "可以随时删掉的缓存（检索用的句向量）")
    timezone: ZoneInfo = setting(_zone, ZoneInfo("Asia/Shanghai"), "时区")
    calendar_file: Path | None = setting(_folder, None, "本地工作日调整文件：work / free 两个日期列表")
    daily_cap: int = setting(_integer(1, 3), 2, "一人一天最多几道题（新题优先，回炉题补位）")
    quiet_start: time = setting(_clock, time(12, 0), "午间免打扰开始")
    quiet_end: time = setting(_clock, time(13, 30), "午间免打扰结束")
    rest_after: int = setting(_integer(1, 20), 3, "连续几次没答就先停发")
    board_at: time = setting(_clock, time(9, 12), "周一（或当周首个工作日）推送周榜的时间")
    huddle_at: time | None = setting(_clock_or_off, time(8, 50), "同一天往群里发晨会卡的时间；off 表示不发")
    enrol: str = setting(_choice("auto", "refuse"), "auto", "不认识的成员来消息：auto 建档，refuse 请其联系管理员")
    public_url: str = setting(_url, "", "从外面访问本服务的网址，登录链接和自检要用，例如 https://coach.example.com")
    directory_sync: bool = setting(_switch, False, "每天凌晨按企业微信、钉钉的通讯录更新部门和人员")
    web_chat: bool = setting(_switch, False, "本地聊天页；任何人可选身份，只在演示时打开")
    demo: bool = setting(_switch, False, "演示：造一个示例机构，时钟可跳")
    log_json: bool = setting(_switch, False, "日志写成 JSON")
    log_level: str = setting(_choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "日志级别")
    keep_texts_days: int = setting(_integer(30, 3650), 180, "回答和来信的原文留多少天，之后抹掉，分数留着")
    keep_rows_days: int = setting(_integer(60, 3650), 760, "消息、来信、查询的记录留多少天，之后删掉")
    metrics_token: str = setting(_visible, "", "/metrics 的口令；不写就只有本机和内网能看", secret=True)
    care_contact: str = setting(_text, "", "员工关怀联系方式，学员说到自己撑不住时给出")
    care_note: bool = setting(_switch, False, "学员说到轻生时，悄悄告诉运维角色的人（只说是谁，不带原话）")
    wecom_corp_id: str = setting(_text, "", "企业微信 企业 ID")
    wecom_agent_id: int = setting(_integer(1, 2**31 - 1), 0, "企业微信 应用 AgentId")
    wecom_secret: str = setting(_text, "", "企业微信 应用 Secret", secret=True)
    wecom_token: str = setting(_text, "", "企业微信 回调 Token", secret=True)
    wecom_aes_key: str = setting(_aes_key, "", "企业微信 回调 EncodingAESKey", secret=True)
    wecom_api: str = setting(_url, "https://qyapi.weixin.qq.com", "企业微信 接口地址")
    judge_url: str = setting(_url, "", "判卷模型 地址（OpenAI 兼容，/chat/completions 之前的部分）；不写就只用离线评分")
    judge_key: str = setting(_visible, "", "判卷模型 密钥；内网模型不用密钥可不写", secret=True)
    judge_model: str = setting(_text, "", "判卷模型 名称")
    judge_timeout: int = setting(_integer(1, 15), 8, "判卷模型 一次判卷最多等几秒，超过就用离线评分")
    judge_price_in: int = setting(_integer(0, 1_000_000), 0, "判卷模型 每百万输入 token 的价格，单位分；0 不计费用")
    judge_price_out: int = setting(_integer(0, 1_000_000), 0, "判卷模型 每百万输出 token 的价格，单位分")
    wecom_calls_per_second: int = setting(
        _integer(1, 100), 50, "企业微信 每秒最多调用几次；同一个企业还有别的系统在发消息时调低"
    )
    wecom_cards: bool = setting(_switch, True, "企业微信 几个按钮做成卡片；off 就写成可以回复的字")

    dingtalk_client_id: str = setting(_text, "", "钉钉 应用 Client ID（AppKey）")
    dingtalk_client_secret: str = setting(_text, "", "钉钉 应用 Client Secret（AppSecret）", secret=True)
    dingtalk_robot_code: str = setting(_text, "", "钉钉 机器人 robotCode；不写就用 Client ID")
    dingtalk_mode: str = setting(_choice("stream", "http"), "stream", "钉钉 收消息：stream 主动连出去，http 等它推过来")
    dingtalk_card_template: str = setting(_text, "", "钉钉 互动卡片模板 ID；写了按钮就做成卡片（只在 stream 下）")
    dingtalk_session_reply: bool = setting(
        _switch, True, "钉钉 用消息自带的临时地址回答，不占 API 额度（单聊里没有写进文档）"
    )
    dingtalk_tap_links: bool = setting(_switch, False, "钉钉 按钮做成点一下就替人发出的链接（没有写进文档）")
    dingtalk_event_token: str = setting(_text, "", "钉钉 HTTP 事件订阅的 token", secret=True)
    dingtalk_event_aes_key: str = setting(_event_key, "", "钉钉 HTTP 事件订阅的 aes_key", secret=True)
    dingtalk_api: str = setting(_url, "https://api.dingtalk.com", "钉钉 新版接口地址")
    dingtalk_old_api: str = setting(_url, "https://oapi.dingtalk.com", "钉钉 旧版接口地址")
    wecom_robot_url: str = setting(_url, "", "企业微信 群机器人网址", secret=True)
    dingtalk_robot_url: str = setting(_url, "", "钉钉 群机器人网址", secret=True)
    dingtalk_robot_secret: str = setting(_text, "", "钉钉 群机器人加签密钥", secret=True)

    @property
    def dingtalk_on(self) -> bool:
        """Whether DingTalk is configured."""
        return bool(self.dingtalk_client_id)

    @property
    def wecom_on(self) -> bool:
        """Whether WeCom is configured; half a configuration is refused when the settings are read."""
        return bool(self.wecom_corp_id)

    @property
    def groups(self) -> tuple[str, ...]:
        """The platforms that write to a group, not to people; each has one recipient."""
        urls = {"wecom_robot": self.wecom_robot_url, "dingtalk_robot": self.dingtalk_robot_url}
        return tuple(name for name, url in urls.items() if url)

    @property
    def judge_on(self) -> bool:
        """Whether a model judge is configured; half a configuration is refused when the settings are read."""
        return bool(self.judge_url)


#: Settings that are written all together or not at all.
_TOGETHER = {
    "企业微信的五项设置": ("wecom_corp_id", "wecom_agent_id", "wecom_secret", "wecom_token", "wecom_aes_key"),
    "钉钉的 Client ID 和 Client Secret ": ("dingtalk_client_id", "dingtalk_client_secret"),
    "钉钉事件订阅的两项": ("dingtalk_event_token", "dingtalk_event_aes_key"),
    "判卷模型的地址和名称": ("judge_url", "judge_model"),
}


def variable(name: str) -> str:
    return f"JIEHUA_{name.upper()}"


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings from `environment` (os.environ by default).

    Raises SettingError with every fault, one a line: the name, what is wrong, what would be right.
    """
    environment = os.environ if environment is None else environment
    faults: list[str] = []
    from_file = _read_file(environment.get("JIEHUA_CONFIG"), faults)
    known = {field.name: field for field in fields(Settings)}
    allowed = {variable(name) for name in known} | {variable(name) + "_FILE" for name in known} | {"JIEHUA_CONFIG"}
    given = {name for name in environment if name.startswith("JIEHUA_")}
    faults += [f"{name}: 没有这个设置{_closest(name, allowed)}" for name in sorted(given - allowed)]
    values: dict[str, Any] = {}
    for name, entry in known.items():
        text, origin = _find(name, environment, from_file, faults)
        if text is not None:
            _parse(name, entry, text, origin, values, faults)
    for what, names in _TOGETHER.items():
        half = [name for name in names if not values.get(name)]
        if 0 < len(half) < len(names):
            faults += [f"{variable(name)}: 缺少；{what}要一起写" for name in half]
    if values.get("dingtalk_card_template") and values.get("dingtalk_mode") == "http":
        faults.append(f"{variable('dingtalk_card_template')}: 卡片要用 JIEHUA_DINGTALK_MODE=stream")
    if values.get("role", "all") != "all" and values.get("database_url", "sqlite").startswith("sqlite"):
        faults.append(f"{variable('role')}: 分开运行要用 PostgreSQL；SQLite 只有一个进程，写 all 或不写")
    if faults:
        raise SettingError("\n".join(faults))
    settings = Settings(**values)
    if settings.quiet_end < settings.quiet_start:
        raise SettingError("JIEHUA_QUIET_END: 要不早于 JIEHUA_QUIET_START；两个一样就是不设免打扰")
    return settings


def _find(
    name: str, environment: Mapping[str, str], from_file: dict[str, tuple[str, str]], faults: list[str]
) -> tuple[str | None, str]:
    key = variable(name)
    if key in environment:
        return environment[key], key
    if key + "_FILE" in environment:
        try:
            return Path(environment[key + "_FILE"]).read_text(encoding="utf-8").strip(), key + "_FILE"
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{key}_FILE: 读不出来：{getattr(error, 'strerror', None) or '要用 UTF-8 编码'}")
            return None, key
    return from_file.get(name, (None, key))


def _parse(name: str, entry: Field[Any], text: str, origin: str, values: dict[str, Any], faults: list[str]) -> None:
    if text == "" and entry.default is not MISSING:
        return
    parse = entry.metadata["parse"]
    try:
        values[name] = parse(text)
    except (ValueError, KeyError):
        shown = "（已隐去）" if entry.metadata["secret"] else f"「{text}」"
        faults.append(f"{origin}: {shown} 不能用；要写 {(parse.__doc__ or '').strip()}")


def _read_file(path: str | None, faults: list[str]) -> dict[str, tuple[str, str]]:
    """The settings of a YAML file as text, each with `file:line: key` as its origin."""
    if not path:
        return {}
    name = relative(Path(path))
    try:
        node = yaml.compose(Path(path).read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        # only the problem: the whole error would quote the line, and a secret may stand in it
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        why = problem or getattr(error, "strerror", None) or "要用 UTF-8 编码的 YAML"
        faults.append(f"{name}:{mark.line + 1 if mark else 1}: -: 读不出来：{why}")
        return {}
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        faults.append(f"{name}:1: -: 要写成“键: 值”")
        return {}
    known = {field.name for field in fields(Settings)}
    found: dict[str, tuple[str, str]] = {}
    for key, value in node.value:
        at = f"{name}:{key.start_mark.line + 1}: {key.value}"
        if not isinstance(key, yaml.ScalarNode):
            faults.append(f"{name}:{key.start_mark.line + 1}: -: 要写成“键: 值”")
        elif key.value in found:
            faults.append(f"{at}: 这个键写了两次，只留一个")
        elif key.value not in known:
            faults.append(f"{at}: 没有这个设置{_closest(key.value, known)}")
        elif not isinstance(value, yaml.ScalarNode):
            faults.append(f"{at}: 要写一个值，不能是列表或一组")
        else:
            found[key.value] = (value.value, at)
    return found


def _closest(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"，是不是想写 {close[0]}" if close else ""
