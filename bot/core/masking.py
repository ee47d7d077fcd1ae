"""Personal data out of a text before it is stored or logged: phone, ID, card, e-mail, plate, long digit runs.

Product rule C1. What it must not touch: amounts, dates, percentages and hot lines such as 12378 or 95xxx, which
lessons talk about.
"""

from __future__ import annotations

import re
import unicodedata

_GAP = r"[\s\-·.]?"
_DIGIT_EDGE = r"(?<![0-9A-Za-z])"
_DIGIT_END = r"(?![0-9A-Za-z])"

_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("[邮箱]", re.compile(r"[A-Za-z0-9][\w.+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)),
    (
        "[身份证]",
        re.compile(
            _DIGIT_EDGE
            + r"[1-9]\d{5}"
            + _GAP
            + r"(?:19|20)\d{2}"
            + _GAP
            + r"\d{4}"
            + _GAP
            + r"\d{3}[\dXx]"
            + _DIGIT_END
        ),
    ),
    ("[手机号]", re.compile(r"(?<!\d)(?:\+?86" + _GAP + r")?1[3-9]\d" + _GAP + r"\d{4}" + _GAP + r"\d{4}(?!\d)")),
    ("[银行卡号]", re.compile(r"(?<!\d)[2-6]\d{3}(?:[\s\-]?\d{4}){2,3}(?:[\s\-]?\d{1,4})?(?!\d)")),
    (
        "[车牌]",
        re.compile(
            r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤川青藏琼宁][A-HJ-NP-Z]·?[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9挂学警港澳]"
            + r"(?![A-Za-z0-9])"
        ),
    ),
    ("[号码]", re.compile(r"(?<!\d)0\d{2,3}[\s\-]\d{7,8}(?!\d)")),
    (
        "[号码]",
        re.compile(
            r"(?<![\d.])(?![48]00-?\d{3}-?\d{4}(?!\d))(?!(?:19|20)\d\d-?[01]\d-?[0-3]\d(?!\d))\d(?:-?\d){7,}(?!\d)(?!\s*(?:元|块|万|亿))"
        ),
    ),
)

_SPOKEN = re.compile(r"[零〇一二三四五六七八九幺]{7,}")


def mask(text: str) -> str:
    """`text` with personal data replaced by [手机号], [身份证], …; full-width digits are read as digits.

    Masking twice changes nothing more.
    """
    narrow = "".join(_narrow(char) for char in text)
    for label, pattern in _RULES:
        narrow = pattern.sub(label, narrow)
    return _SPOKEN.sub("[号码]", narrow)


def _narrow(char: str) -> str:
    """Full-width digits, letters, @ and hyphen as their ASCII forms; everything else as it is."""
    if "！" <= char <= "～" and (char.isalnum() or char in "＠－．＋＿"):
        return unicodedata.normalize("NFKC", char)
    return char
