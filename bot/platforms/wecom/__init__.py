"""WeCom (企业微信): a self-built app that sends and receives messages. Facts carry the document's number, WC<id>."""

from bot.platforms.wecom.api import Account
from bot.platforms.wecom.platform import Wecom

__all__ = ["Account", "Wecom"]
