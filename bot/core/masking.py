"""Personal data out of a text before it is stored or logged: phone, ID, card, e-mail, plate, long digit runs.

Product rule C1. What it must not touch: amounts, dates, percentages and hot lines such as 12378 or 95xxx, which
lessons talk about.
"""

from __future__ import annotations

import re
import unicodedata

_GAP = r"[\s\-·.]?"
_WIDE_GAP = r"[\s\-·.—_]{0,3}"  # as people dictate: 138 - 1234 - 5678
_DIGIT_EDGE = r"(?<![0-9A-Za-z])"
_DIGIT_END = r"(?![0-9A-Za-z])"
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤川青藏琼宁"

# What eight digits and more may be without being anybody's: service lines, dates, years in a row, amounts.
_SERVICE_LINE = r"(?![48]00(?:-?\d){7}(?!\d))"
_DATE = r"(?!(?:19|20)\d\d-?[01]\d-?[0-3]\d(?!\d))"
_YEARS = r"(?!(?:19|20)\d\d(?:-(?:19|20)\d\d)+(?!\d))"
_NOT_AMOUNT = r"(?!(?:\.\d+)?\s*(?:元|块|万|亿|股|份))"

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
    (
        "[手机号]",
        re.compile(
            rf"(?<!\d)(?:\+?86{_GAP})?"
            rf"(?:1[3-9]\d{_WIDE_GAP}\d{{4}}{_WIDE_GAP}\d{{4}}|1[\s\-][3-9](?:[\s\-]\d){{9}})(?!\d)"
        ),
    ),
    ("[银行卡号]", re.compile(r"(?<!\d)[2-69]\d{3}(?:[\s\-]?\d{4}){2}[\s\-]?\d{1,4}(?:[\s\-]?\d{1,4})?(?!\d)")),
    (
        "[车牌]",
        re.compile(
            rf"[{_PROVINCES}][A-HJ-NP-Z][\s·]?(?=[A-Z]{{0,5}}\d)[A-HJ-NP-Z0-9]{{4,5}}[A-HJ-NP-Z0-9挂学警港澳]"
            r"(?![A-Za-z0-9])",
            re.IGNORECASE,
        ),
    ),
    ("[号码]", re.compile(r"(?<!\d)0\d{2,3}[\s\-]\d{3,4}[\s\-]?\d{4}(?!\d)")),
    ("[号码]", re.compile(rf"(?<![\d.¥￥]){_SERVICE_LINE}{_DATE}{_YEARS}\d(?:-?\d){{7,}}(?!\d){_NOT_AMOUNT}")),
)

_SPOKEN = re.compile(r"[零〇一二三四五六七八九幺](?:[\s\-·，,]?[零〇一二三四五六七八九幺]){6,}")


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
