"""What was typed → plain lower-case words worth looking for; templates go through `fold` so that both sides agree."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

#: Characters of a query that are looked at; a pasted customer sentence has about 60.
LONGEST = 240

#: Spoken and dialect forms, the plain form first; folded on both sides. Of two forms in one place the longer one wins.
#: No form may be part of ordinary words (点解 is in 早点解冻); 什么 stands for itself to keep 么子 out of 什么子女.
_SPOKEN = """
为什么 为啥子 为啥
为什么不 点解唔
为什么给 点解俾 点解畀
为什么会 点解会
什么 什么 甚么 乜嘢 么子 啥子 啥 咩
怎么 咋个 咋 啷个 哪能
怎么样 咋样
凭什么 凭么子
没有 没得 冇得 冇 呒没
不 唔 勿
不要 莫要 甭
行不行 中不中
不行 不得行
这么 恁个 咁
知道 晓得
一下 一哈
多久 几耐
今天 今朝
明天 听日 明朝
昨天 琴日
时间 辰光
你 侬 恁 您
你们 恁们
我 俺
我们 阿拉
我的 额滴
他 佢 伊
他们 佢哋 伊拉
们 哋
自己 各人
的 嘅
了 咗
给 俾 畀
来 嚟
在 喺
看 睇 瞅
拿 攞
找 揾
睡 瞓
上班 返工
话 闲话
脸 面孔
地方 嘎达 旮旯
家里 屋里头 屋头 屋里向 屋里
妈妈 阿妈
爸爸 阿爸 老豆 老汉儿 爹
孩子 娃儿 娃娃 娃 小囡 伢子
老婆 婆娘 媳妇 堂客
钱 银子 铜钿
账 帐
"""
_PLAIN_FORM = {form: plain for plain, *forms in map(str.split, _SPOKEN.split("\n")[1:-1]) for form in forms}
_SPOKEN_FORM = re.compile("|".join(sorted(_PLAIN_FORM, key=len, reverse=True)))

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
_ENDING = re.compile(r"[啊呀呢吧嘛哦噢哈啦呗噻咧哟嘞吗嗦伐哩]+(?=\s|$)")
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
