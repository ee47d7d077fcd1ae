"""What `jiehua doctor` looks at: each finding says what is wrong and how to mend it."""

from __future__ import annotations

from bot import config
from bot.cli.doctor import local, outside
from bot.cli.doctor.finding import Finding
from bot.core.clock import Clock, SystemClock
from bot.core.errors import SettingError

__all__ = ["Finding", "examine"]


async def examine(*, offline: bool, clock: Clock | None = None) -> list[Finding]:
    """Look at everything; later checks are left out when the settings cannot be read, and those that need the network
    when `offline`."""
    clock = clock or SystemClock()
    try:
        settings = config.read()
    except SettingError as error:
        return [Finding("设置", False, line, "改正后再运行一次") for line in str(error).splitlines()]
    findings = [Finding("设置", True, "都能读懂"), *local.content(settings), local.calendar(settings, clock)]
    findings.append(await local.database(settings))
    stored = findings[-1].fine
    if stored:
        findings += await local.sent(settings, clock)
    if not offline:
        findings += await _network(settings, clock, stored=stored)
    return findings + _left_out(settings)


async def _network(settings: config.Settings, clock: Clock, *, stored: bool) -> list[Finding]:
    from bot.cli.doctor import vendors  # here: the vendors' crypto libraries are slow to import

    findings: list[Finding] = []
    if settings.public_url or settings.wecom_on or settings.dingtalk_on:
        findings.append(await outside.address(settings))
    reached = bool(settings.public_url) and findings[-1].fine
    if settings.wecom_on:
        known = await local.accounts(settings, "wecom") if stored else []
        findings += await vendors.wecom(settings, clock, known)
        if reached:
            findings.append(await outside.wecom_callback(settings, clock))
    if settings.dingtalk_on:
        known = await local.accounts(settings, "dingtalk") if stored else []
        findings += await vendors.dingtalk(settings, clock, known)
        findings += await local.calls(settings, clock) if stored else []
        if reached and settings.dingtalk_mode == "http" and settings.dingtalk_event_aes_key:
            findings.append(await outside.dingtalk_events(settings, clock))
    url, key, model = (str(getattr(settings, f"judge_{name}", "")) for name in ("url", "key", "model"))
    return [*findings, await outside.judge(url, key, model)] if url else findings


def _left_out(settings: config.Settings) -> list[Finding]:
    none = "没有配置（只用本地聊天页时不需要）"
    switched = {"企业微信": settings.wecom_on, "钉钉": settings.dingtalk_on}
    if any(switched.values()):
        return []
    return [Finding("、".join(switched), True, none)]
