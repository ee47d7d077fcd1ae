"""When a learner speaks of their own distress: care and somebody to call, never a score, and the words are not kept.

Only short texts in the first person count; a reply to a customer that repeats the customer's words stays a reply.
"""

from __future__ import annotations

import re
from enum import StrEnum

from bot.core.messages import Button, Line, Message, hint, say
from handlers.context import Reply, Talk
from storage import people
from storage.deliveries import Owed
from storage.models import Person, Role

_LONGEST = 60
_HOTLINE = "12356"  # 全国统一心理援助热线，国家卫生健康委 2025 年启用

_SELF = r"(?:我|自己)[^，。！？,.!?…您他她它你]{0,5}"
_START = r"(?:^|[，。！？,.!?…\s])(?:真的?|好|都|就|也|现在|每天|天天|实在|有点|快要?|已经|感觉|觉得|唉|哎)*"
_END_OF_LIFE = (
    r"(?:不想活|活不下去|活够了|想死|想一死|想自杀|想自残|不如死|死了算了|死了得了|一了百了|想结束自己|想结束生命|"
    r"不想再醒|想(?:从[^，。]{1,5})?跳(?:下去|楼)|想消失)"
)
_DANGER = re.compile(rf"(?:{_SELF}|{_START}){_END_OF_LIFE}|活着(?:真|太|好|很)?(?:没意思|没劲|没意义|累|没盼头)")
_WEARY = re.compile(
    rf"(?:{_SELF}|{_START})(?:撑不住|撑不下去|崩溃了|要崩溃|受不了了|受不了这|熬不下去|抑郁了|扛不住|想大哭|干不下去|快疯了|"
    r"要疯了|被[^，。]{0,4}(?:骂哭|逼死|骂得想哭|逼疯))"
)
_SOMEBODY_ELSE = re.compile(
    r"您|客户(?:说|要|想|不想|讲|喊|有)|他说|她说|你说|“|「|先生|女士|别这么想|千万别|换(?:成|作)?我|换谁|搁(?:我|谁)|"
    r"要是我|是我也|我也(?:受|扛|撑)|谁都|谁也|怎么(?:办|回|说|劝)$"
)


class Cry(StrEnum):
    """How a learner speaks of themselves."""

    DANGER = "danger"
    WEARY = "weary"


def own_distress(text: str) -> Cry | None:
    """Whether a text, a command's words included, is a cry of the learner's own."""
    if len(text) > _LONGEST or _SOMEBODY_ELSE.search(text):
        return None
    return Cry.DANGER if _DANGER.search(text) else Cry.WEARY if _WEARY.search(text) else None


async def answer(talk: Talk, cry: Cry) -> Reply:
    """Somebody to talk to, and no work."""
    contact = talk.desk.settings.care_contact
    known = f"公司的员工关怀：{contact}" if contact else "可以找你的主管或人力同事，请他们帮你联系员工关怀。"
    told = cry is Cry.DANGER and talk.desk.settings.care_note
    others = tuple([await _note(talk, person.id) for person in await _operators(talk)]) if told else ()
    return Reply((_words(cry, known, told=bool(others)),), talk.state, others, forget=True)


def _words(cry: Cry, known: str, *, told: bool) -> Message:
    kept = "这句话没有计分，我没有留下它，也不会出现在任何榜单。"
    rest = (Button("停几天", "暂停 3天"),)
    if cry is Cry.WEARY:
        return say(
            "先不管题目。听着你这阵子挺难的，天天接火气，谁都会被耗空。",
            "能说出来就好。找个信得过的人聊几句，或者先歇一歇，题不急。",
            known,
            hint(f"{kept}打“暂停 3天”，我就先不找你。"),
            buttons=rest,
        )
    lines: list[Line | str] = [
        "先不管题目。听你这么说，我有点担心你。",
        "这样的话能说出来，已经很不容易。现在有危险的话，请打 110 或 120，或者马上去找身边的人。",
        f"想有人听你说：全国心理援助热线 {_HOTLINE}。",
        known,
    ]
    if told:
        lines.append("公司约定了关怀提醒：我会请负责的同事私下联系你，只说你需要关心，不说你写了什么。")
    return say(*lines, hint(f"{kept}想歇几天，打“暂停”。"), buttons=rest)


async def _operators(talk: Talk) -> list[Person]:
    return [person for person in await people.with_role(talk.tx, Role.OPERATOR) if person.id != talk.person_id]


async def _note(talk: Talk, operator: int | None) -> Owed:
    """For the operator: who, and nothing of what was said; once a day."""
    departments = await people.departments(talk.tx)
    home = departments.get(talk.person.department_id)
    message = say(
        f"{talk.person.name}（{home.name if home else '未分组'}）刚才说到自己很难，已经给出员工关怀的联系方式。",
        "请尽快请员工关怀的同事私下联系，先问候，再听。",
        hint("按公司的关怀约定发给你。请不要转发，也不要去查原话；它没有保存。"),
        title="关怀提醒",
    )
    key = f"care:{talk.person_id}:{talk.today.isoformat()}:{operator}"
    return Owed(key, operator or 0, "care", message, talk.now)
