"""What was typed → plain lower-case words worth looking for; templates go through `fold` so that both sides agree."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

#: Characters of a query that are looked at; a pasted customer sentence has about 60.
LONGEST = 240

#: Spoken and dialect forms that mean the same everywhere; folded on both sides. Longer forms come first.
_SPOKEN = (
    ("为啥子", "为什么"),
    ("为啥", "为什么"),
    ("咋个", "怎么"),
    ("咋样", "怎么样"),
    ("咋", "怎么"),
    ("啥子", "什么"),
    ("啥", "什么"),
    ("甚么", "什么"),
    ("凭么子", "凭什么"),
    ("没得", "没有"),
    ("冇", "没有"),
    ("晓得", "知道"),
    ("莫要", "不要"),
    ("甭", "不要"),
    ("屋头", "家里"),
    ("屋里头", "家里"),
    ("各人", "自己"),
    ("恁们", "你们"),
    ("侬", "你"),
    ("恁", "你"),
    ("您", "你"),
    ("俺", "我"),
    ("阿拉", "我们"),
    ("银子", "钱"),
    ("婆娘", "老婆"),
    ("媳妇", "老婆"),
    ("帐", "账"),
    ("唔", "不"),
)
_SPOKEN_FORM = re.compile("|".join(re.escape(spoken) for spoken, _ in _SPOKEN))
_PLAIN_FORM = dict(_SPOKEN)

_FILLERS = re.compile(
    r"麻烦(?:帮忙)?(?:问|查|找)一?下|请?问一?下|请问|想问|求(?:一个|个)?话术|有没有|有什么|"
    r"的?话术|模板|推荐(?:一个|一下)|给我找|帮我(?:找|查|看)一?下?|搜索|"
    r"(?:应该|该|要)?怎么(?:说|讲|答|回答|回复|解释|安抚|沟通|应对|处理|办|回|弄|整)(?!不)|"
    r"紧急|急急急|在线等|谢谢|感谢|拜托|亲亲|大姐|大神|各位|大家好|那个(?=[\s,，、。…]|$)|这个(?=[\s,，、。…]|$)"
)
_CUSTOMER = re.compile(
    r"(?<![老新大])客户(?:一上来就|一直|非要|总是|老是|就是|硬是|说是|觉得|认为|反映|表示|说|讲|问|嫌|要求?)?(?!经理|资料|信息)"
)
_OPENING = re.compile(r"(?:^|(?<=\s))(?:那个|这个|就是|然后|哎呀?|唉|欸|嗯+|呃|额(?!度)|喂|亲|哈喽|急+)(?=\s|$)")
_ENDING = re.compile(r"[啊呀呢吧嘛哦噢哈啦呗噻咧哟嘞吗]+(?=\s|$)")
_ASIDE = re.compile(r"(?<=\s)(?:急+|亲)(?=\s|$)")


@lru_cache(maxsize=16384)
def fold(text: str) -> str:
    """NFKC, lower case, spoken forms made plain; everything but Chinese characters, letters and digits is a blank."""
    if len(text) > LONGEST * 40:
        text = text[: LONGEST * 40]
    plain = unicodedata.normalize("NFKC", text).lower()
    kept = "".join(char if _counts(char) else " " for char in plain)
    return _SPOKEN_FORM.sub(lambda match: _PLAIN_FORM[match.group()], " ".join(kept.split()))


def query(text: str) -> str:
    """A query without emoji, politeness and 怎么说; the folded text itself when nothing else would be left.

    At most `LONGEST` characters are kept.
    """
    whole = fold(text[: LONGEST * 4])[:LONGEST]
    rest = whole
    for pattern in (_FILLERS, _OPENING, _ASIDE, _ENDING):
        rest = " ".join(pattern.sub(" ", rest).split())
    topic = " ".join(_CUSTOMER.sub(" ", rest).split())
    return topic if len(topic.replace(" ", "")) >= 2 else rest


def is_chinese(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf"


def chinese_length(text: str) -> int:
    return sum(map(is_chinese, text))


def _counts(char: str) -> bool:
    return is_chinese(char) or (char.isascii() and char.isalnum())
