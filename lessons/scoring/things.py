"""The things a text names, as pairs of characters, so that texts can be compared without a dictionary."""

from __future__ import annotations

import re
from functools import lru_cache

#: Pairs of characters that any reply to anybody contains say nothing about the case at hand.
_COMMON_PAIRS = frozenset(
    [
        "您的",
        "的话",
        "我们",
        "们的",
        "这个",
        "那个",
        "一个",
        "一下",
        "的事",
        "是我",
        "我给",
        "给您",
        "您说",
        "不是",
        "就是",
        "可以",
        "也是",
        "还是",
        "的是",
        "先生",
        "女士",
        "工作",
        "作日",
        "个工",
        "日内",
        "今天",
        "明天",
        "客户",
        "银行",
        "您先",
        "我先",
        "不能",
        "不会",
        "没有",
        "什么",
        "怎么",
        "现在",
        "起来",
        "出来",
        "一起",
        "时候",
        "电话",
        "我帮",
        "帮您",
        "知道",
        "理解",
        "您看",
        "这就",
        "办理",
    ]
)
_CHINESE_RUN = re.compile(r"[\u4e00-\u9fff]+")


@lru_cache(maxsize=4096)
def pairs(text: str) -> frozenset[str]:
    """The adjacent pairs of Chinese characters of a text, without the everyday ones."""
    found = {run[i : i + 2] for run in _CHINESE_RUN.findall(text) for i in range(len(run) - 1)}
    return frozenset(found - _COMMON_PAIRS)
