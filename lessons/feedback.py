"""A score as words a learner wants to read: what worked, the one thing to add, the red line, the model answers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from bot.core.messages import Line, Message, good, hint, quote, strong, warn
from lessons.model import CRITERION_NAMES, RED_LINE_NAMES, Criterion, Knowledge, Lesson, Point, RedLine, Rule
from lessons.scoring.result import BAND_NAMES, Flag, Mark, Score, Tier, Verdict

LABEL = "自动评分，仅供练习参考"

_OPENINGS: dict[int, tuple[str, ...]] = {
    4: (
        "这句话，客户听完会愿意往下说。",
        "人接住了，事也说清了，就是这个感觉。",
        "换我是客户，听到这儿气已经消了一半。",
        "稳。情绪、道理、下一步，一样没落。",
    ),
    3: (
        "底子很好，再往前一小步就是优秀。",
        "客户能听进去，还差一点点分量。",
        "方向对了，缺的那块补上就很完整。",
        "这个回应站得住，看看还能怎么更贴近客户。",
    ),
    2: (
        "话是客气的，只是还没碰到客户最在意的那一点。",
        "能过关，但换个客户也能这么说，还可以更具体。",
        "有一半做得不错，另一半还空着。",
        "先肯定你愿意接话，再把它说到这个客户心里。",
    ),
    1: (
        "这样说，客户多半会更来气，咱们换个开头。",
        "客户的情绪还悬着，这句话没有接到它。",
        "道理也许没错，只是现在还不是说它的时候。",
        "停一下，想想客户开口之前经历了什么。",
    ),
    0: (
        "这次先当热身，看完下面再来一遍。",
        "没关系，错在练习里，比错在电话里好。",
        "先别灰心，这种话很多人都说过，改一处就不一样。",
        "这句真说出口会有麻烦，好在这里可以重来。",
    ),
}

_FLAGS = {
    Flag.EMPTY: "没有看到给客户的话。",
    Flag.TOO_SHORT: "这句太短，看不出你会怎么接。",
    Flag.TOO_LONG: "这段很长，只按前面的部分评了；给客户的话三四句最好记。",
    Flag.STUFFING: "像是把要点词排在一起，客户听不成一句话。",
    Flag.COPIED: "和例答几乎一样，这次不计分；用自己的话说一遍才算。",
    Flag.OFF_TOPIC: "说的好像不是这位客户的事，再看一眼题目。",
    Flag.GRADER: "里面有写给评分的话，评分只看你对客户说的部分。",
    Flag.NO_CHINESE: "请用中文写你会对客户说的话。",
}

_WEIGHTS = {
    Criterion.SOLUTION: 3.0,
    Criterion.EMPATHY: 2.6,
    Criterion.EXPLAIN: 1.8,
    Criterion.LEAD: 1.6,
    Criterion.EXPRESSION: 1.4,
}

_GENERAL = {
    Criterion.EMPATHY: Point(want="先说出客户的处境和感受，再谈事情", cues=("这事搁谁身上都着急",)),
    Criterion.LEAD: Point(want="用一句问话把注意力带到怎么解决", cues=("您看我先帮您查哪一笔",)),
    Criterion.EXPLAIN: Point(want="把不能办的原因说得好入耳", cues=("不是不想办，是这一步要先核实才安全",)),
    Criterion.SOLUTION: Point(want="给一个权限内、有时间的下一步", cues=("我现在就提交，今天下班前给您回话",)),
    Criterion.EXPRESSION: Point(want="像平时跟人说话，不背稿、不反问", cues=("您听我慢慢说",)),
}

SAFER: dict[RedLine, str] = {
    RedLine.CREDIT_RECORD: "可以说：记录我改不了，您觉得有误，我帮您提交异议，有结果第一时间告诉您。",
    RedLine.OVERPROMISE: "可以说：我先帮您提交，结果以审核为准，几号前一定给您回话。",
    RedLine.RETURNS: "可以说：往后怎么走谁也说不准，我陪您把风险和手上的选择理一遍。",
    RedLine.THREAT: "可以说：我想跟您一起找一个您还得动的办法，您每个月大概能拿出多少？",
    RedLine.THIRD_PARTY: "可以说：这件事我只跟您本人沟通，不会告诉其他人。",
    RedLine.PRIVACY: "可以说：密码和验证码您别告诉任何人，包括我；核实身份我用别的办法。",
    RedLine.INSULT: "可以说：我听得出您是真着急，咱们先把这件事弄清楚。",
    RedLine.BLOCK_COMPLAINT: "可以说：投诉是您的权利，渠道我告诉您；同时我这边也接着帮您办。",
    RedLine.IGNORE_SAFETY: "可以说：您先别挂，您的安全最要紧，您现在身边有人吗？同时按应急流程上报。",
    RedLine.INTERNAL: "可以说：综合评估的细节我看不到也不能说，我能做的是告诉您现在可以怎么办。",
}

_QUOTE_ROOM = 32
_OPENING_COUNT = len(_OPENINGS[4])


def points_text(score: Score) -> str:
    """`良好 · 75 分`."""
    return f"{BAND_NAMES[score.band]} · {score.points} 分"


def opening_of(score: Score, text: str, last: int) -> int:
    """Which opening to use: settled by the text, never the one used last."""
    number = _number(text) % _OPENING_COUNT
    return (number + 1) % _OPENING_COUNT if number == last else number


def review(lesson: Lesson, score: Score, text: str, opening: int, rules: dict[str, Rule]) -> Message:
    """What the learner reads first: band, verdicts with quotes, red lines, and the one thing to add."""
    lines: list[Line] = [Line(_OPENINGS[score.band][opening])]
    lines += [warn(_FLAGS[flag]) for flag in score.flags]
    lines += breaches(score, rules)
    if not set(score.flags) & {Flag.EMPTY, Flag.TOO_SHORT, Flag.NO_CHINESE, Flag.COPIED}:
        lines += [_verdict(criterion, verdict) for criterion, verdict in score.criteria.items()]
    lines += _to_add(lesson, score, text)
    return Message(tuple(lines), title=f"点评｜{points_text(score)}")


def models(lesson: Lesson) -> Message | None:
    """What the learner compares with: a good and a bad answer with reasons, and the tip."""
    if lesson.answers is None:
        return None
    answers = lesson.answers
    lines = [
        strong("可以这样接"),
        quote(answers.good.text),
        *(good(why) for why in answers.good.why),
        strong("别这样接"),
        quote(answers.bad.text),
        *(warn(why) for why in answers.bad.why),
    ]
    if lesson.tip:
        lines += [strong("带走一招"), Line(lesson.tip)]
    return Message(tuple(lines), title="对照着看")


def choice(lesson: Knowledge, picked: int) -> Message:
    """What the learner reads after choosing: right or not, why, and the explanation."""
    chosen = lesson.choices[picked]
    right = next(option for option in lesson.choices if option.right)
    lines = [good(f"选对了。{chosen.why}") if chosen.right else warn(f"这一项不合适。{chosen.why}")]
    if not chosen.right:
        lines.append(good(f"更合适的是 {lesson.right_letter}：{right.text}。{right.why}"))
    lines.append(Line(lesson.explain))
    if lesson.tip:
        lines += [strong("带走一招"), Line(lesson.tip)]
    return Message(tuple(lines), title="答对了" if chosen.right else "再看一眼")


def basis(rule_ids: Sequence[str], rules: dict[str, Rule]) -> str:
    """`《消费投诉处理管理办法》（2020-03-01 起施行）`, of the rules that are known."""
    known = [rules[rule_id] for rule_id in rule_ids if rule_id in rules]
    return "、".join(f"《{r.name}》" + (f"（{r.effective} 起施行）" if r.effective else "") for r in known)


def breaches(score: Score, rules: dict[str, Rule]) -> list[Line]:
    """Every red line with the words that cross it and a safe way to say the same, then the rules they rest on."""
    lines: list[Line] = []
    for breach in score.confirmed:
        lines.append(warn(f"红线：{RED_LINE_NAMES[breach.rule]}。你说的是「{short(breach.quote)}」"))
        lines.append(Line(SAFER[breach.rule]))
    if lines:
        crossed = {breach.rule for breach in score.confirmed}
        cited = basis([rule.id for rule in rules.values() if crossed & set(rule.red_lines)], rules)
        lines.append(hint("踩到红线，其他说得再好也只能到“重来”。" + (f"依据：{cited}" if cited else "")))
    for breach in score.red_lines:
        if breach.tier is Tier.SUSPECTED:
            name = RED_LINE_NAMES[breach.rule]
            lines.append(warn(f"留意：「{short(breach.quote)}」容易被听成“{name}”。没有按红线算，说的时候再稳一点。"))
    return lines


def _verdict(criterion: Criterion, verdict: Verdict) -> Line:
    name, words = CRITERION_NAMES[criterion], f"「{short(verdict.quote)}」" if verdict.quote else ""
    if verdict.mark is Mark.HIT:
        return good(f"{name}：{words or '做到了'}")
    if verdict.mark is Mark.PARTIAL:
        return Line(f"△ {name}：{words + '，' if words else ''}有这个意思，还可以更实")
    if verdict.mark is Mark.NOT_NEEDED:
        return Line(f"－ {name}：这一题不需要")
    return Line(f"○ {name}：还没看到" + (f"（{words}这句拖了后腿）" if words else ""))


def _to_add(lesson: Lesson, score: Score, text: str) -> list[Line]:
    """The criterion worth most, what it wants here, and one way to say it that the learner has not used."""
    if score.confirmed or Flag.COPIED in score.flags:
        return []
    gaps = {Mark.MISS: 1.0, Mark.PARTIAL: 0.5}
    worth = {c: _WEIGHTS[c] * gaps.get(v.mark, 0.0) for c, v in score.criteria.items()}
    criterion = max(worth, key=lambda c: worth[c], default=None)
    if criterion is None or worth[criterion] == 0:
        return []
    point = lesson.points.get(criterion, _GENERAL[criterion])
    fresh = [cue for cue in point.cues if cue not in text] or list(_GENERAL[criterion].cues)
    lines = [strong(f"最值得补的一步：{CRITERION_NAMES[criterion]}"), Line(point.want + "。")]
    lines.append(Line(f"比如：“{fresh[_number(text) % len(fresh)].rstrip('。')}”"))
    return lines


def short(text: str | None) -> str:
    """A quote short enough for one line of a phone."""
    clean = " ".join((text or "").split())
    return clean if len(clean) <= _QUOTE_ROOM else clean[: _QUOTE_ROOM - 1] + "…"


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:4], "big")
