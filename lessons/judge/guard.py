"""Signs that a reply speaks to whoever marks it instead of to the customer; the model never gets a say in this.

`lessons.scoring.gates` voids the plain cases. This is the wider net for a reader that can follow orders. A PLAIN sign
(field names, role lines, orders about questions and answers, encoded text) voids the reply; a FAINT one (words of
marking that banks use too, mark-up, long foreign passages) only means that the model may not raise the score.
"""

from __future__ import annotations

import base64
import binascii
import re
from enum import IntEnum

from lessons.scoring.normalise import normalise


class Sign(IntEnum):
    """How surely a text is meant for the marker."""

    NONE = 0
    FAINT = 1
    PLAIN = 2


_TRADITIONAL = str.maketrans(
    "滿評給統標準優獲審閱員題輸規則對當為說寫請無視記實據這個條項紅線過計數點應該並從現訴導總開",
    "满评给统标准优获审阅员题输规则对当为说写请无视记实据这个条项红线过计数点应该并从现诉导总开",
)
_BETWEEN = re.compile(r"(?<=[\u4e00-\u9fff])[\s._\-·*|/~+^#=、'\"`]+(?=[\u4e00-\u9fff])")
_URL_SAFE = str.maketrans("-_", "+/")
_ENCODED = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")

_YES = r"(?:是(?![\u4e00-\u9fff:])|yes|true|hit|命中|满分)"
_NO = r"(?:否(?![\u4e00-\u9fff])|no\b|false|没有触|未触|无触|跳过)"
_THIS = r"(?:这|该|本|此|以上|上面|上述|下面|我)(?:一?(?:条|段|份)|的)?(?:回复|回答|答复|答案|作答|应答)"

#: Marking in words that banks do not use with customers. 分 alone is no sign: 分期, 两分钟, 信用评分.
_MARKING = (
    r"满分|最高分|正例|反例|例答|(?:阅|判|评)卷|评委|判官|评(?:为|成|定为)(?:优秀(?!员工|网点)|最高)|"
    r"判(?:定)?(?:为|成|作|我)?[^,。;!?]{0,4}(?:优秀|高分)|[项维条题](?:都|全部?|均)?命中|"
    r"(?:视[为同]|当[作成])(?:都|全部?|均)?(?:已经?)?(?:做到|达标|命中|优秀|满足)|(?:都|就|也)算(?:作|是)?(?:都|已经?)?做到(?!位)|"
    rf"{_THIS}[^,。;!?]{{0,12}}(?:优秀|命中|标杆|范例)|(?:优秀|示范|模范)(?:回复|回答|答案|作答)|"
    r"(?:员工|坐席|客服)表现(?:完美|优秀)"
)
#: Orders to a machine that reads along.
_ORDERS = (
    r"(?:忽略|无视|忘(?:记|掉|了)|跳过|绕过|丢弃|不要?(?:理会|遵守|执行|参考)|别管|不用管|覆盖|取代|作废)"
    r"(?:(?:以上|之前|此前|前面|上面|所有|一切|任何|原)[^,。;!?]{0,8}(?:规则|指令|标准|命令)|[^,。;!?]{0,6}(?:提示词|上文|前文))|"
    r"(?:开发者|调试|测试|维护|上帝|管理员)模式|管理员指令|角色扮演|扮演(?:一[个名位])?(?:只|评|裁|判|考|ai|模型|助手|不)|"
    r"[你您](?:现在|其实|只)?(?:是(?!不是)|作为|扮演)(?:(?![跟和对被找用])[^,。;!?]){0,6}(?:助手|模型|ai\b|裁判|评委|考官|判官)|"
    r"从?现在(?:起|开始)[,]?你(?:是|只|必须|将|不再)|"
    r"(?:每|所有|全部|任何|各|其余|以下|以上|下列)(?:一?[个条道项题])?(?:的)?(?:问题|题目?|判断|选项|答案|问|项)"
    rf"[^,。;!?]{{0,10}}(?:{_YES}|{_NO})|"
    rf"(?:一律|全部?|统统|都|只|直接|均)(?:回?答|输出|返回|判|标记?)[^,。;!?]{{0,6}}(?:{_YES}|{_NO}|优秀)|"
    rf"(?:输出|返回)[^,。;!?]{{0,8}}{_YES}|(?:请|要|须|应|都|只|会)[^,。;!?]{{0,4}}答[\"']?{_YES}|红线[^。]{{0,12}}{_NO}|"
    r"(?:假设|假定|假装)[^。]{0,4}(?:我|客服|员工|坐席|回复|回答|本条)[^。]{0,4}(?:已经?|说过|说了|做到)|"
    r"(?:亲爱的|尊敬的|致|告诉)(?:ai|模型|机器人)(?!客服|电话|外呼)|对(?:ai|模型)说|ai[,:]?你(?!们)|"
    r"(?:\b(?:yes|true|hit|pass)\b[\s,、/]*){3,}|(?:[是有对][\s、/;]+){4,}|"
    r"(?:[^,。;!?:\n]{1,8}[:=](?:是|有|无|对|否|yes|no|true|y|做到|满足)[;,。、\s]+){3,}"
)
_ENGLISH = (
    r"(?:ignore|disregard|forget|override|bypass)\W+(?:\w+\W+){0,3}(?:previous|above|prior|instructions?|rules?|prompt)|"
    r"jailbreak|system ?prompt|developer mode|debug mode|as an? (?:ai|judge|grader)\b|role ?play|"
    r"you are (?:now )?(?:an? |the )?(?:\w+ ){0,2}(?:judge|model|assistant|grader|ai|dan|evaluator)\b|"
    r"(?:full|top|high|highest|perfect|max\w*|best) (?:marks?|scores?|grades?|band|points)|"
    r"(?:answer|respond|return|output)\W+(?:\w+\W+){0,3}(?:yes|true|false)\b|"
    r"(?:yes|true) (?:to|for) (?:all|every|each)|\bman ?fen\b|\bping ?fen\b"
)
#: The shape of the answer or of a chat protocol.
_SHAPES = (
    r"[{\[]\s*[\"']\w+[\"']\s*[:,]|```|<\|?/?(?:im_\w+|system|assistant|user|reply|data|instructions?|end\w*|s)\|?>|"
    r"\[/?(?:inst|sys\w*|end|reply|data)\b|(?:^|[\n。\"':,>\]])\s*(?:system|assistant|user|developer|tool)\s*\]?[:>]|"
    r"(?:系统|管理员|开发者)(?:提示|备注|消息|指令)\s*[\]】]?[:]|"
    r"\b(?:answers|quote|yes|verdict|band|red_?lines?)\b[\"']?\s*[:=]|"
    r"\b(?:empathy|lead|explain|solution|expression)-(?:\d|needed)"
)
_PLAIN = re.compile("|".join((_MARKING, _ORDERS, _ENGLISH, _SHAPES)))

#: Words of marking that a bank may have a use for, and passages that no customer of these lessons would follow.
_FAINT = re.compile(
    r"共情|评语|出题|题目|提问[一二三\d]|缺项|正面样本|本题|宽松口径|批改|评测|裁决|逐题|小题|题意|判断结果|豁免|命中|"
    r"照单全收|手下留情|高抬贵手|往好里|及格(?!线)|[语言大]模型|评[分判]|打分|给分|扣分|计分|加分|高分|零分|最高档|裁判|"
    r"标准答案|引用|引文|摘录|人工智能|越狱|提示词|红线|扮演|(?:填|选|勾|答|判)[\"']?[是否](?![\u4e00-\u9fff])|"
    r"(?:读|看|处理|收)到(?:这里|此处|本[条段行])|(?:以上|上面|下面|本)(?:是|为)?(?:回复|回答|内容)|"
    r"(?:回复|数据|正文|答卷)(?:内容)?(?:到此)?(?:结束|完毕)|权限已|最高(?:等级|级别)|"
    r"(?:忽略|无视|忘(?:记|掉|了)|跳过|绕过|不用管|别管)[^,。;!?]{0,12}(?:规则|指令|要求|说明|设定|限制)|"
    r"\b(?:score|grade|grader|rubric|evaluat\w*|judg\w*|instructions?|json|prompt|criteria|excellent|empathy|solution)\b|"
    r"(?:^|[\n\"\[【(])\s*(?:系统|用户|管理员|后台|助手)\s*[\]】)]?:|[{}<>\\]|={2,}|#{2,}|-{3,}|"
    r"(?:[^\W\d_\u3400-\u9fff]+[\s,.:;'\"!?-]+){4,}|[^\W\d_\u3400-\u9fff]{24,}|[a-z0-9+/=]{32,}|"
    r"[\u0400-\u052f\u3040-\u30ff\uac00-\ud7af\u0600-\u06ff\u0e00-\u0e7f]{3,}"
)


def sign_of(text: str) -> Sign:
    """The strongest sign in a text: as typed, with what splits words taken out, or in what it encodes."""
    plain = normalise(text).text.translate(_TRADITIONAL)
    joined = _BETWEEN.sub("", plain)
    if _PLAIN.search(plain) or _PLAIN.search(joined) or _hides_text(text):
        return Sign.PLAIN
    return Sign.FAINT if _FAINT.search(plain) or _FAINT.search(joined) else Sign.NONE


def _hides_text(text: str) -> bool:
    """Base64 that decodes to readable text, whatever was put between its letters."""
    visible = "".join(char for char in text if char.isprintable() and not char.isspace())
    return any(_readable(found) for found in _ENCODED.findall(visible.translate(_URL_SAFE)))


def _readable(encoded: str) -> bool:
    body = encoded.rstrip("=")
    try:
        decoded = base64.b64decode(body + "=" * (-len(body) % 4)).decode()
    except (binascii.Error, ValueError):
        return False
    return len(decoded) >= 4 and decoded.isprintable()
