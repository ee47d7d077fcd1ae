"""Content as a trainer would write it: one complete lesson, knowledge item, template file and campaign to vary."""

from __future__ import annotations

from pathlib import Path

LESSON = """\
id: test-late-fee
title: 一天滞纳金
track: unmet
methods: [follow-then-lead]
customer:
  name: 石先生
  says: 就晚了一天，你们扣我三十块滞纳金，还讲不讲理？
context: 你是信用卡客服。石先生上月账单晚还一天，被收了 30 元违约金。
facts:
  - 晚还一天，违约金 30 元
  - 今年第一次晚还
authority:
  can: [首次晚还可申请退还违约金，三个工作日到账]
  cannot:
    - text: 保证以后都能退
      rule: overpromise
points:
  empathy:
    want: 接住他觉得冤的心情
    cues: [就差一天被扣三十，换我也憋屈, 您一直按时还，这次确实冤]
  lead:
    want: 问一句把注意力带到怎么退
    cues: [我先看看能不能给您申请退, 您看我现在就帮您报上去行吗]
  explain:
    want: 说清为什么会收
    cues: [系统过了还款日就会自动记, 不是针对您，是到点自动算的]
  solution:
    want: 申请退还并说时间
    cues: [我现在就申请退，三个工作日到账, 顺手帮您设个还款提醒]
  expression:
    want: 说人话
    cues: [石先生您听我说, 这事儿我来办]
answers:
  good:
    text: 石先生，就差一天被扣三十，换我也憋屈。您今年头一回晚还，我现在就给您申请退，三个工作日到账，要不要设个提醒？
    why: [接住了冤, 当场办]
  bad:
    text: 规定就是这样，晚一天也是晚，谁让您自己不记着。
    why: [只讲规定, 指责客户]
tip: 钱少气大，先认那份冤。
customers_say:
  - 就晚一天也要收钱
  - 三十块凭什么
  - 我用了你们这么多年
rules: [complaint-handling]
samples:
  - text: 就差一天被扣三十，换我也憋屈。我现在就给您申请退还，三个工作日到账，您看要不要设个提醒？
    band: 4
  - text: 您好，很抱歉给您带来不便，我会帮您反映，请耐心等待。
    band: 2
  - text: 规定就是这样，自己不记着怪谁。
    band: 0
"""

BRIEF = """\
id: test-brief
title: 刚写了一半的课
track: unmet
customer:
  name: 石先生
  says: 就晚了一天，你们扣我三十块滞纳金，还讲不讲理？
context: 你是信用卡客服。石先生上月账单晚还一天，被收了 30 元违约金。
"""

KNOWLEDGE = """\
kind: knowledge
id: test-first-step
title: 第一步做什么
context: 客户一上来就喊。
question: 先做哪一步？
choices:
  - {text: 先讲规定, why: 火上浇油}
  - {text: 先接住情绪, right: true, why: 人安顿好了才听得进}
  - {text: 先给办法, why: 他还听不进去}
explain: 先人后事。
"""

TEMPLATES = """\
templates:
  - id: tpl-test-late-fee
    title: 晚还一天被收违约金
    situations: [test-late-fee]
    text: 就差一天被扣钱，换谁都觉得冤。我现在就给您申请退，【三】个工作日到账。
    when: 首次晚还、金额不大
    avoid: 别说“规定就是这样”
    basis: 先跟后带
    customers_say: [晚一天也要收钱, 三十块凭什么, 我又不是故意的]
    keywords: [违约金, 滞纳金, 晚还]
"""

CAMPAIGN = """\
id: test-campaign
title: 试一试
audience:
  everyone: true
lessons: [test-late-fee]
starts_on: 2026-11-23
"""


def folder(home: Path, **files: str) -> Path:
    """A content folder: `lesson="…"` becomes lesson.yaml, `templates="…"` templates/templates.yaml."""
    home.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = home / "templates" / "templates.yaml" if name == "templates" else home / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return home


def line_of(text: str, words: str) -> int:
    """The number of the first line that holds `words`."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if words in line)
