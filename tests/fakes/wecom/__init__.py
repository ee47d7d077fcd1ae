"""A strict fake of WeCom for one self-built app: the API the bot calls, and the callbacks the vendor makes.

    async with FakeWecom(members=["Alice", "bob"]) as wecom:
        ...start the bot with wecom.environment(), then...
        wecom.bot_url = "http://127.0.0.1:8080"
        await wecom.push_text("Alice", "帮助")
        assert "话术" in wecom.hears("Alice")[-1]

Passing against it shows conformance with the documents, not with the live servers.
"""

from tests.fakes.faults import Fault
from tests.fakes.sealer import Sealer
from tests.fakes.wecom.callbacks import Attempt, Pushed
from tests.fakes.wecom.server import FakeWecom
from tests.fakes.wecom.vendor import Request, Shown

__all__ = ["Attempt", "FakeWecom", "Fault", "Pushed", "Request", "Sealer", "Shown"]
