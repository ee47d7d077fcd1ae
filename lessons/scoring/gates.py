"""Reasons why a text is no answer at all, whatever its words are worth: empty, stuffed, copied, off topic."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from lessons.model import Lesson
from lessons.scoring import heads
from lessons.scoring.evidence import PATTERNS, SIGNS, Sign
from lessons.scoring.normalise import is_chinese, normalise
from lessons.scoring.numbers import numbers
from lessons.scoring.reading import Reading
from lessons.scoring.relation import containment
from lessons.scoring.result import Flag
from lessons.scoring.situation import Situation
from lessons.scoring.things import pairs

#: Flags that make a text count as no answer.
VOID = frozenset({Flag.EMPTY, Flag.STUFFING, Flag.COPIED, Flag.OFF_TOPIC, Flag.GRADER, Flag.NO_CHINESE})

#: Flags of texts that no staff member said to a customer, so that no red line is looked for.
UNREAD = VOID - {Flag.OFF_TOPIC}

_TOO_SHORT = 6
_TOO_LONG = 600
_COPIED = 0.6
_LEARNT_STUFFING = 0.5
_LEARNT_GRADER = 0.4
_SHARED_PAIRS = 2
#: A word said this often in a short text is drummed, not said.
_DRUMMED, _SHORT = 5, 120
_OFF_TOPIC, _MAYBE_OFF_TOPIC = 0.6, 0.2
_COPIED_SCENE = 0.55
_ECHOED = 0.4
_MOSTLY = 0.4
_COUNTING = frozenset({"1", "2", "3"})
_CONCRETE = [SIGNS.index(sign) for sign in (Sign.WHEN, Sign.OPEN_QUESTION, Sign.CHOICE, Sign.SERVICE_STEP, Sign.REASON)]
_PHRASES = [
    SIGNS.index(sign) for sign in (Sign.SET_PHRASE, Sign.SET_EMPATHY, Sign.OFFICIAL_STYLE, Sign.APOLOGY, Sign.CLOSING)
]
_TO_CUSTOMER = [
    SIGNS.index(sign)
    for sign in SIGNS
    if sign not in (Sign.WHEN, Sign.REASON, Sign.RHETORICAL, Sign.OFFICIAL_STYLE, Sign.MOCKERY, Sign.FEELING_WORD)
]
_JARGON = re.compile(PATTERNS[Sign.JARGON])
_FUNCTION = frozenset("的了吗呢吧啊您你我他她咱就都也还不没在把给跟让被这那有会可来去看想")
_FILLER = re.compile(
    r"不知道|不清楚|不晓得|不会|知道|收到|明白|没有|随便|测试|test|ok|好的|是的|嗯|哦|啊|好|了|行|是|无|的|吧|呢|哈|[\W\d_]"
)
_GRADER = re.compile(
    r"评分(?:员|系统|模型|端|老师|说明|标准|人|器|请)|评(?:委|卷|审|判)(?:老师|"
    r"员|人|须知|请|注意|模型|系统)|阅卷|判卷|打分(?:员|系统|老师|模型|请)|"
    r"(?:给|打|记|判|评)(?:我|本条|这条|该条|此|为|个|出)?[^,。!?]{0,6}(?:满分|"
    r"最高(?:分|档)|(?<![\d十])(?:4|5|四|五|100|一百)分(?!钟|期|之|\d)|优秀|"
    r"a级)|直接(?:给|判|记|评)[^,。]{0,6}(?:分|优|高|档)|"
    r"band\s*[=:是为]?\s*\d|(?:empathy|solution|score|verdict|grade)\s*[\"']?\s*[=:]|\"(?:band|score|points|verdict)\"|"
    r"系统(?:提示|备注|消息|指令)[:]|(?:忽略|无视|忘(?:记|掉)|不要理会)(?:以上|"
    r"之前|此前|前面|上面|所有|一切)[^,。]{0,8}(?:规则|指令|要求|标准|内容|提示|"
    r"设定)|"
    r"ignore (?:all|the|any|previous|above)|system prompt|as an ai|you are (?:now|"
    r"a|an)\b|give (?:me|it|this) (?:a )?(?:full|top|perfect|high)|full marks?|"
    r"(?:以上|本条|这条|此|该)(?:回复|回答|答案|内容)[^。]{0,16}(?:优秀|满分|"
    r"标准答案|样板|示范|符合(?:所有|全部)|已(?:由|经)[^。]{0,8}(?:审核|复核|"
    r"终审))|标准答案[,，]?(?:输出|请)|按(?:优秀|满分|最高)[^,。]{0,4}(?:处理|"
    r"计分|给分|评分)|请勿扣分|不(?:要|得|许)扣分|"
    r"(?:按|算|判|记|评|标注为?|固定给?|输出|返回|应返回|态度应该是)[^,。]{0,8}(?:最高(?:分|档|级|等级)|[4四](?:档|级)|优秀|卓越|满分)|"
    r"给(?:个|出)(?:通过|优|高分|[4四]档)|自动(?:加|给)分|评分(?:时|阈值|规则|提示|须知)|"
    r"(?:教练|练习|打分|评分|阅卷|判分|质检)(?:系统|老师|同事|官|机器人|的?人)[^,。]{0,4}(?:你好|您好|请|说一声|注意|辛苦|帮)|"
    r"(?:以上|本条|本题|这条|这题|此处)[^,。]{0,6}(?:范文|示范|先别判|作废|白名单|测试用例)|凡(?:是)?(?:提到|含|出现|带有)"
)


def flags(reading: Reading, likely: dict[str, float], strayed: bool) -> tuple[Flag, ...]:
    """Every flag that applies, in the order of `Flag`; `likely` are the learnt answers by `heads.OUTPUTS`.

    `strayed` tells whether the things named are another situation's.
    """
    text = reading.plain.text
    chinese = sum(map(is_chinese, text))
    found = set()
    if not _FILLER.sub("", text):
        found.add(Flag.EMPTY)
    elif chinese == 0 or chinese * 4 < sum(char.isalnum() for char in text):
        found.add(Flag.NO_CHINESE)
    elif chinese < _TOO_SHORT:
        found.add(Flag.TOO_SHORT)
    if len(text) > _TOO_LONG or reading.plain.cut:
        found.add(Flag.TOO_LONG)
    if is_stuffed(text) or likely[heads.STUFFING] >= _LEARNT_STUFFING:
        found.add(Flag.STUFFING)
    if is_copied(text, reading):
        found.add(Flag.COPIED)
    if _GRADER.search(text) or likely[heads.GRADER] >= _LEARNT_GRADER:
        found.add(Flag.GRADER)
    if is_off_topic(reading, likely[heads.OFF_TOPIC], strayed):
        found.add(Flag.OFF_TOPIC)
    return tuple(flag for flag in Flag if flag in found)


def is_stuffed(text: str) -> bool:
    """A list of key words, or the same few words over and over, instead of speech."""
    parts = [part for part in re.split(r"[、,。;!?/|+\s:~\-]+", text) if part]
    chinese = max(1, sum(map(is_chinese, text)))
    function_words = sum(char in _FUNCTION for char in text) / chinese
    jargon = len(set(_JARGON.findall(text)))
    if jargon >= 3 or (jargon >= 2 and function_words < 0.16):
        return True
    short = sum(len(part) <= 6 for part in parts)
    sentences = len(re.findall(r"[。!?]", text))
    if len(parts) >= 5 and short / len(parts) >= 0.85 and function_words < 0.1 and sentences <= 1:
        return True
    listing = len(re.findall(r"[、/|+\s]", text)) >= 0.6 * (len(parts) - 1)
    if len(parts) >= 8 and short / len(parts) >= 0.85 and listing and sentences <= 1:
        return True
    if len(parts) >= 6 and len(set(parts)) <= len(parts) / 2:
        return True
    runs = [text[i : i + 2] for i in range(len(text) - 1)]
    often = Counter(run for run in runs if run in pairs(text) and not _FUNCTION.issuperset(run))
    if len(text) < _SHORT and max(often.values(), default=0) >= _DRUMMED:
        return True
    return len(runs) >= 40 and len(set(runs)) < len(runs) * 0.4


def is_off_topic(reading: Reading, likely: float, strayed: bool) -> bool:
    """Whether a reply answers another case, or nobody: terse, kind or dialect words to this customer are no fault."""
    if strayed:
        return likely >= _OFF_TOPIC
    spoken_to = len(reading.by_clause.signs) and reading.by_clause.signs[:, _TO_CUSTOMER].any()
    return likely >= _MAYBE_OFF_TOPIC and not spoken_to and not is_about_case(reading.plain.text, reading.situation)


def is_about_case(text: str, scene: Situation) -> bool:
    """Whether a reply names a number of the case, or several of its things; dialect and brevity are no fault."""
    return bool(numbers(text) & scene.numbers) or len(pairs(text) & scene.things) > _SHARED_PAIRS


def is_hollow(reading: Reading) -> bool:
    """Hardly more than the customer's own words, or set phrases with nothing of the case, no figure and no step."""
    text, signs = reading.plain.text, reading.by_clause.signs
    if not len(signs):
        return False
    own = pairs(text)
    if len(own & pairs(reading.situation.says)) >= _ECHOED * max(1, len(own)):
        return True
    if numbers(text) - _COUNTING or signs[:, _CONCRETE].any() or is_about_case(text, reading.situation):
        return False
    return bool(signs[:, _PHRASES].max(axis=1).mean() >= _MOSTLY)


def is_copied(text: str, reading: Reading) -> bool:
    """The lesson's own model answer, its background or the customer's words, handed back."""
    lesson, scene = reading.lesson, reading.situation
    if containment(text, _model_answer(lesson)) >= _COPIED:
        return True
    return containment(text, scene.background) >= _COPIED_SCENE or containment(text, scene.says) >= _COPIED


def _model_answer(lesson: Lesson) -> str:
    return _plain(lesson.answers.good.text) if lesson.answers else ""


@lru_cache(maxsize=1024)
def _plain(text: str) -> str:
    return normalise(text).text
