"""DingTalk (钉钉): an internal app's robot. Facts carry the document's number (DT-…) or the section of protocols.md."""

from bot.platforms.dingtalk.account import Account
from bot.platforms.dingtalk.intake import Intake
from bot.platforms.dingtalk.platform import DingTalk
from bot.platforms.dingtalk.stream import Stream

__all__ = ["Account", "DingTalk", "Intake", "Stream"]
