"""A strict fake of DingTalk for one internal app: the API, Stream, HTTP pushes, cards, and a group's custom robot.

    async with FakeDingTalk(members=["Alice", "bob"]) as dingtalk:
        ...start the bot with dingtalk.environment(), then...
        await dingtalk.listening()
        await dingtalk.says("Alice", "帮助")
        assert "话术" in dingtalk.hears("Alice")[-1]

Passing against it shows conformance with the documents, not with the live servers. Work notifications, contacts and the
old API's token are left out: the bot does not use them.
"""

from tests.fakes.dingtalk.gateway import Pushed
from tests.fakes.dingtalk.server import FakeDingTalk
from tests.fakes.dingtalk.vendor import Request, Shown
from tests.fakes.faults import Fault

__all__ = ["FakeDingTalk", "Fault", "Pushed", "Request", "Shown"]
