"""Interactive cards: created, delivered, updated, tapped (DT-A0782, A0783, K0007; protocols.md E6)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.dingtalk.vendor import Answer, Refusal, Shown, Vendor

_SPACE = "dtv1.card//IM_ROBOT."
_KEYS = {
    "cardTemplateId", "outTrackId", "callbackType", "cardData", "openSpaceId", "imRobotOpenSpaceModel",
    "imRobotOpenDeliverModel", "userIdType",
}  # fmt: skip
_OPTIONS = {"updateCardDataByKey", "updatePrivateDataByKey"}


@dataclass
class Card:
    """One card instance: what everybody sees, and what each person sees besides."""

    values: dict[str, str]
    people: list[str]
    private: dict[str, dict[str, str]] = field(default_factory=dict)

    def seen_by(self, user: str) -> dict[str, str]:
        return self.values | self.private.get(user, {})


class Cards:
    """Every card by its outTrackId. `template`, `published` and `bare_space` are knobs."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.template, self.published = "quick-reply.schema", True
        self.bare_space = True  # a result's spaceId is the bare userId, else the whole openSpaceId
        self.unsafe = "违禁词"
        self.by_track: dict[str, Card] = {}

    def create(self, body: Any) -> Answer:
        """createAndDeliver: every person has a result of their own."""
        if not isinstance(body, dict) or set(body) != _KEYS:
            raise Refusal("param.invalid")
        if body["cardTemplateId"] != self.template:
            raise Refusal("param.templateNotExist")
        if not self.published:
            raise Refusal("param.templateUnpublished")
        track = body["outTrackId"]
        if not isinstance(track, str) or not track or body["callbackType"] != "STREAM" or body["userIdType"] != 1:
            raise Refusal("param.invalid")
        if track in self.by_track:
            raise Refusal("param.cardAlreadyExist")
        deliver = body["imRobotOpenDeliverModel"]
        if deliver.get("spaceType") != "IM_ROBOT" or body["imRobotOpenSpaceModel"] != {"supportForward": False}:
            raise Refusal("param.openSpaceModelInvalid")
        self.vendor.check_robot(deliver.get("robotCode"))
        values = _values(body["cardData"])
        if any(self.unsafe in value for value in values.values()):
            raise Refusal("param.contentUnsafe")
        spaces = str(body["openSpaceId"]).split(";")
        if not all(space.startswith(_SPACE) for space in spaces) or len(set(spaces)) != len(spaces):
            raise Refusal("param.openSpaceIdInvalid")
        return self._deliver(track, values, [space.removeprefix(_SPACE) for space in spaces])

    def _deliver(self, track: str, values: dict[str, str], people: list[str]) -> Answer:
        known = [name for name in people if name in self.vendor.members]
        if not known:
            raise Refusal("param.userIdNotExist")
        self.by_track[track] = Card(values, known)
        for name in known:
            text = "\n".join(value for value in values.values() if value)
            self.vendor.show(Shown(name, "card", text, "card", self.vendor.clock.now(), values["title"], track))
        results = [
            {
                "spaceType": "IM_ROBOT",
                "spaceId": name if self.bare_space else f"{_SPACE}{name}",
                "success": name in known,
                "carrierId": f"carrier-{name}" if name in known else "",
                "errorMsg": "" if name in known else "user not exist",
            }
            for name in people
        ]
        return {"success": True, "result": {"outTrackId": track, "deliverResults": results}}

    def update(self, body: Any) -> Answer:
        """PUT card/instances: without the options a whole map is overwritten."""
        if not isinstance(body, dict) or body.get("outTrackId") not in self.by_track:
            raise Refusal("param.cardNotExist")
        options = _options(body.get("cardUpdateOptions"))
        card = self.by_track[body["outTrackId"]]
        if "cardData" in body:
            card.values = _merged(card.values, _values(body["cardData"]), options["updateCardDataByKey"])
        for user, part in body.get("privateData", {}).items():
            card.private[user] = _merged(card.private.get(user, {}), _values(part), options["updatePrivateDataByKey"])
        return {"success": True, "result": True}

    def callback(self, track: str, user: str, number: int) -> dict[str, Any]:
        """The actionCallback of a tap on the numbered button; `content` is a JSON text."""
        values = self.by_track[track].seen_by(user)
        says = values[f"says{number}"]
        if not says:
            raise ValueError(f"the card has no button {number}")
        private = {"actionIds": [f"button{number}"], "params": {"says": says}}
        content = json.dumps({"cardPrivateData": private}, ensure_ascii=False)
        return {
            "type": "actionCallback",
            "outTrackId": track,
            "corpId": self.vendor.corp_id,
            "userId": user,
            "userIdType": 1,
            "content": content,
        }

    def answered(self, track: str, user: str, data: Any) -> None:
        """The ack of a callback changes the card; what it says stands under `response`, as the official SDK sends it.

        Raises ValueError for one that the vendor would not take.
        """
        if not isinstance(data, dict) or set(data) != {"response"}:
            raise ValueError(f"a callback's answer is {data}")
        data = data["response"]
        if data is None:
            return
        if not isinstance(data, dict) or not set(data) <= {"cardUpdateOptions", "cardData", "userPrivateData"}:
            raise ValueError(f"a card's answer is {data}")
        card, options = self.by_track[track], _options(data.get("cardUpdateOptions"))
        if "cardData" in data:
            card.values = _merged(card.values, _values(data["cardData"]), options["updateCardDataByKey"])
        if "userPrivateData" in data:
            mine = card.private.get(user, {})
            card.private[user] = _merged(mine, _values(data["userPrivateData"]), options["updatePrivateDataByKey"])


def _merged(old: dict[str, str], new: dict[str, str], by_key: bool) -> dict[str, str]:
    return old | new if by_key else new


def _options(value: Any) -> dict[str, bool]:
    if value is not None and (not isinstance(value, dict) or not set(value) <= _OPTIONS):
        raise Refusal("param.invalid")
    return dict.fromkeys(_OPTIONS, False) | (value or {})


def _values(data: Any) -> dict[str, str]:
    """A cardParamMap: texts only, a name has 100 bytes, a value 1 KB."""
    values = data.get("cardParamMap") if isinstance(data, dict) else None
    if not isinstance(values, dict) or not values:
        raise Refusal("param.cardPublicDataEmpty")
    for name, value in values.items():
        if not isinstance(value, str) or len(name.encode()) > 100 or len(value.encode()) > 1024:
            raise Refusal("param.invalid")
    return values
