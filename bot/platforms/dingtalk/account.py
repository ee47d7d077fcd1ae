"""One internal app with a robot: what its pages in the DingTalk console say, and where the API is."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Account:
    """`robot_code` empty: the same as the client id, as for an internal app's own robot.

    `session_reply`: answer one person through the sessionWebhook of their last message (documented for groups only,
    protocols.md E5). `tap_links`: buttons as dtmd:// links (undocumented). `card_template`: buttons as an interactive
    card. The event callback's two values are needed for encrypted events only.
    """

    client_id: str
    client_secret: str = field(repr=False)
    robot_code: str = ""
    api: str = "https://api.dingtalk.com"
    old_api: str = "https://oapi.dingtalk.com"
    card_template: str = ""
    session_reply: bool = True
    tap_links: bool = False
    event_token: str = field(default="", repr=False)
    event_aes_key: str = field(default="", repr=False)

    @property
    def robot(self) -> str:
        """The robotCode to send as."""
        return self.robot_code or self.client_id
