"""Feedback: what worked in the learner's own words, one thing to add, the red line with its rule and a safer way."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.messages import Message, Style
from bot.platforms.wecom.render import PART_BYTES, render
from lessons import feedback
from lessons.catalogue import Catalogue
from lessons.feedback import basis, choice, models, opening_of, review
from lessons.feedback.words import NOT_HEARD, NOT_HELPED, OPENINGS, PARTIAL, PRAISE, SAFER, SAFER_THAN_ASKING, TOUCHED
from lessons.model import CRITERION_NAMES, RED_LINE_NAMES, Criterion, Knowledge, Lesson, RedLine
from lessons.scoring.result import BAND_NAMES, Breach, Flag, Mark, Score, Tier, Verdict

REPLY = "您辛苦挣的钱，换我也想问个明白。年费三百我现在就给您申请，五个工作日到账，您看先办哪一笔？"
QUOTE = "换我也想问个明白"


def score(
    mark: Mark = Mark.HIT,
    *,
    band: int = 3,
    flags: tuple[Flag, ...] = (),
    red_lines: tuple[Breach, ...] = (),
    quote: str | None = QUOTE,
    **marks: Mark,
) -> Score:
    """A score with one mark everywhere but where another is given."""
    criteria = {c: Verdict(marks.get(c, mark), quote) for c in Criterion}
    return Score("x", band, band * 25, criteria, red_lines, flags, "test")


def breach(rule: RedLine, tier: Tier = Tier.CONFIRMED, quote: str = "五千八全给您退") -> Breach:
    return Breach(rule, tier, quote)


@pytest.fixture
def lesson(content: Catalogue) -> Lesson:
    found = content.lessons["unmet-refund-all-fees"]
    assert isinstance(found, Lesson)
    return found


def sizes(message: Message) -> list[int]:
    """The bytes of every text of a message as WeCom gets it."""
    payloads = render(message)
    return [len(str(payload[payload["msgtype"]]["content"]).encode()) for payload in payloads]


def test_the_head_says_band_and_points(content: Catalogue, lesson: Lesson) -> None:
    for band, name in enumerate(BAND_NAMES):
        message = review(lesson, score(band=band), REPLY, 0, content.rules)
        assert message.title == f"点评｜{name} · {band * 25} 分"


def test_every_criterion_is_named_with_the_learners_words(content: Catalogue, lesson: Lesson) -> None:
    text = review(lesson, score(), REPLY, 0, content.rules).plain
    for criterion, name in CRITERION_NAMES.items():
        words = "" if criterion is Criterion.EXPRESSION else f"「{QUOTE}」"
        assert f"{name}：{words}" in text
    assert text.count(QUOTE) == 4, "the expression is earned by the whole"


def test_what_was_done_best_is_praised_once(content: Catalogue, lesson: Lesson) -> None:
    lines = review(lesson, score(), REPLY, 0, content.rules).lines
    praised = [line.text for line in lines if f"「{QUOTE}」，" in line.text]
    assert len(praised) == 1
    assert praised[0].startswith(CRITERION_NAMES[Criterion.SOLUTION]), "all alike: what weighs most"


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        (Mark.HIT, [words for praise in PRAISE.values() for words in praise]),
        (Mark.PARTIAL, list(PARTIAL.values())),
        (Mark.NOT_NEEDED, ["这一题不需要"]),
    ],
)
def test_each_mark_has_its_words(content: Catalogue, lesson: Lesson, mark: Mark, words: list[str]) -> None:
    lines = review(lesson, score(mark, quote=None), REPLY, 0, content.rules).lines
    for name in CRITERION_NAMES.values():
        row = next(line.text for line in lines if f"{name}：" in line.text)
        assert any(row.endswith(f"：{word}") for word in words), row


def test_what_is_missing_is_named_and_much_of_it_in_one_line(content: Catalogue, lesson: Lesson) -> None:
    few = review(lesson, score(lead=Mark.MISS, quote=None), REPLY, 0, content.rules).plain
    assert f"○ {CRITERION_NAMES[Criterion.LEAD]}：还没看到" in few
    many = review(lesson, score(Mark.MISS, band=1, quote=None), REPLY, 0, content.rules)
    row = next(line.text for line in many.lines if "还没看到" in line.text)
    assert all(name in row for c, name in CRITERION_NAMES.items() if c is not Criterion.EXPRESSION)
    assert many.plain.count("还没看到") == 1
    assert f"○ {CRITERION_NAMES[Criterion.EXPRESSION]}：听着有点硬" in many.plain


def test_words_that_cross_a_line_are_not_praised(content: Catalogue, lesson: Lesson) -> None:
    crossed = (breach(RedLine.OVERPROMISE, quote=QUOTE),)
    text = review(lesson, score(band=0, red_lines=crossed), REPLY, 0, content.rules).plain
    assert text.count(f"「{QUOTE}」") == 1, "in the red line only"


def test_half_done_is_not_shown_with_words_that_show_nothing(content: Catalogue, lesson: Lesson) -> None:
    def row(words: str) -> str:
        judged = score(explain=Mark.PARTIAL)
        judged.criteria[Criterion.EXPLAIN] = Verdict(Mark.PARTIAL, words)
        lines = review(lesson, judged, REPLY, 0, content.rules).lines
        return next(line.text for line in lines if CRITERION_NAMES[Criterion.EXPLAIN] in line.text)

    assert "「五个工作日到账」" in row("五个工作日到账")
    assert "「" not in row("唐姐")
    assert "「" not in row(QUOTE), "praised a line above"


@pytest.mark.parametrize(
    ("quote", "asks"),
    [("您把验证码念给我", True), ("一条六个数字的短信，您念给我听", True), ("我把他手机号给您", False)],
)
def test_asking_for_a_secret_and_telling_one_are_mended_differently(
    content: Catalogue, lesson: Lesson, quote: str, asks: bool
) -> None:
    judged = score(band=0, red_lines=(breach(RedLine.PRIVACY, quote=quote),))
    text = review(lesson, judged, quote, 0, content.rules).plain
    assert (SAFER_THAN_ASKING in text) is asks
    assert (SAFER[RedLine.PRIVACY] in text) is not asks


def test_the_one_thing_to_add_is_the_gap_that_is_worth_most(content: Catalogue, lesson: Lesson) -> None:
    missing = review(lesson, score(expression=Mark.MISS, empathy=Mark.MISS), REPLY, 0, content.rules).plain
    assert f"最值得补的一步：{CRITERION_NAMES[Criterion.EMPATHY]}" in missing
    assert lesson.points[Criterion.EMPATHY].want in missing
    assert missing.count("最值得补的一步") == 1
    partial = review(lesson, score(solution=Mark.PARTIAL, lead=Mark.MISS), REPLY, 0, content.rules).plain
    assert f"最值得补的一步：{CRITERION_NAMES[Criterion.LEAD]}" in partial
    assert "最值得补的一步" not in review(lesson, score(), REPLY, 0, content.rules).plain


def test_the_example_is_one_the_learner_has_not_used(content: Catalogue, lesson: Lesson) -> None:
    cues = lesson.points[Criterion.EMPATHY].cues
    for unused in cues:
        said = "，".join(cue for cue in cues if cue != unused)
        text = review(lesson, score(empathy=Mark.MISS), said, 0, content.rules).plain
        assert f"【{unused}，】{said}" in text


def test_a_reply_without_a_tone_to_build_on_gets_another_beginning(content: Catalogue, lesson: Lesson) -> None:
    text = review(lesson, score(Mark.MISS, band=1, quote=None), "规定就是这样。", 0, content.rules).plain
    assert "换成这样开头：" in text
    assert any(cue in text for cue in lesson.points[Criterion.EMPATHY].cues)
    assert any(cue in text for cue in lesson.points[Criterion.SOLUTION].cues)
    warm = review(lesson, score(Mark.MISS, band=1, empathy=Mark.HIT), REPLY, 0, content.rules).plain
    assert "换成这样开头：" not in warm, "a beginning that works is kept"


@pytest.mark.parametrize("rule", RedLine)
def test_a_red_line_names_itself_its_rule_and_a_safer_way(content: Catalogue, lesson: Lesson, rule: RedLine) -> None:
    message = review(lesson, score(band=0, red_lines=(breach(rule),)), REPLY, 0, content.rules)
    text = message.plain
    assert f"红线：{RED_LINE_NAMES[rule]}" in text
    assert "「五千八全给您退」" in text
    resting = [
        r for r in content.rules.values() if rule in r.red_lines and lesson.track in (r.tracks or [lesson.track])
    ]
    assert all(f"《{known.name}》" in text for known in resting)
    assert ("依据：" in text) == bool(resting)
    assert SAFER[rule] in text
    assert "先改这一处" in text
    assert "最值得补的一步" not in text, "first the red line, everything else later"
    assert any(line.style is Style.WARN and "红线" in line.text for line in message.lines)


def test_every_red_line_has_a_safer_way() -> None:
    assert set(SAFER) == set(RedLine)
    assert all(not text.endswith(("。", "？")) for text in SAFER.values()), "the sentence is closed where it is used"


def test_a_suspicion_is_no_accusation(content: Catalogue, lesson: Lesson) -> None:
    suspected = breach(RedLine.OVERPROMISE, Tier.SUSPECTED)
    text = review(lesson, score(lead=Mark.MISS, red_lines=(suspected,)), REPLY, 0, content.rules).plain
    assert "没有按红线算" in text
    assert "红线：" not in text
    assert SAFER[RedLine.OVERPROMISE] not in text
    assert "最值得补的一步" in text


@pytest.mark.parametrize("flag", Flag)
def test_every_flag_is_explained(content: Catalogue, lesson: Lesson, flag: Flag) -> None:
    message = review(lesson, score(Mark.MISS, band=0, flags=(flag,), quote=None), REPLY, 0, content.rules)
    warnings = [line for line in message.lines if line.style is Style.WARN]
    assert len(warnings) == 1
    judged = flag is Flag.TOO_LONG
    assert (CRITERION_NAMES[Criterion.EMPATHY] in message.plain) is judged


def test_a_long_quote_is_cut_and_a_quote_stays_on_its_line(content: Catalogue, lesson: Lesson) -> None:
    long = "您听我说\n" + "我帮您看看" * 20
    lines = review(lesson, score(quote=long), REPLY, 0, content.rules).lines
    quoted = [line.text for line in lines if "「" in line.text]
    assert quoted
    assert all("\n" not in line and "…」" in line and len(line) < 60 for line in quoted)


@given(st.lists(st.text(max_size=30), min_size=2, max_size=12), st.integers(0, 4))
def test_an_opening_is_never_used_twice_in_a_row(texts: list[str], band: int) -> None:
    last = -1
    for text in texts:
        opening = opening_of(score(band=band), text, last)
        assert opening != last
        assert opening == opening_of(score(band=band), text, last), "settled by the text"
        last = opening


def test_every_band_has_openings_of_its_own(content: Catalogue, lesson: Lesson) -> None:
    openings = [
        review(lesson, score(band=band), REPLY, number, content.rules).lines[0].text
        for band in range(5)
        for number in {opening_of(score(band=band), str(n), -1) for n in range(60)}
    ]
    assert len(openings) == len(set(openings)) == 30


def test_the_opening_of_a_middling_reply_says_which_half_is_missing(content: Catalogue, lesson: Lesson) -> None:
    def first(**marks: Mark) -> str:
        return review(lesson, score(band=2, **marks), REPLY, 0, content.rules).lines[0].text

    assert first(empathy=Mark.MISS) in NOT_HEARD
    assert first(solution=Mark.MISS) in NOT_HELPED
    assert first() in OPENINGS[2]
    soft = review(lesson, score(Mark.PARTIAL, band=3), REPLY, 0, content.rules).lines[0].text
    assert soft in TOUCHED
    assert first(empathy=Mark.MISS, solution=Mark.MISS) in OPENINGS[2]
    assert {len(words) for words in (*OPENINGS.values(), NOT_HEARD, NOT_HELPED, TOUCHED)} == {6}, (
        "one counter serves them all"
    )


def test_the_models_show_good_and_bad_with_reasons_and_the_tip(lesson: Lesson) -> None:
    message = models(lesson)
    assert message is not None
    assert lesson.answers is not None
    text = message.plain
    for words in (lesson.answers.good.text, lesson.answers.bad.text, *lesson.answers.good.why, str(lesson.tip)):
        assert words in text
    assert text.index("可以这样接") < text.index("别这样接") < text.index("带走一招")
    assert models(lesson.model_copy(update={"answers": None})) is None


WORST = (
    score(Mark.MISS, band=0, red_lines=tuple(breach(rule, quote="字" * 60) for rule in (RedLine.OVERPROMISE,))),
    score(Mark.PARTIAL, band=2, quote="字" * 60),
    score(Mark.MISS, band=1, flags=(Flag.TOO_LONG, Flag.STUFFING), quote="字" * 60),
    score(Mark.HIT, band=4),
)


def test_every_built_in_lesson_has_feedback_that_fits(content: Catalogue) -> None:
    """On WeCom a longer text is cut in silence: every part keeps to the limit, and typical feedback is one part."""
    for lesson, result in product(content.situations(), WORST):
        message = review(lesson, result, REPLY, 1, content.rules)
        assert len(sizes(message)) == 1, f"{lesson.id}: a review is read at one glance"
        assert max(sizes(message)) <= PART_BYTES
        compared = models(lesson)
        assert compared is not None, lesson.id
        assert max(sizes(compared)) <= PART_BYTES
        assert len(sizes(compared)) <= 2, lesson.id


def test_every_knowledge_item_answers_every_choice(content: Catalogue) -> None:
    items = [lesson for lesson in content.lessons.values() if isinstance(lesson, Knowledge)]
    assert len(items) >= 5
    for lesson in items:
        for index, option in enumerate(lesson.choices):
            message = choice(lesson, index)
            assert option.why in message.plain
            assert lesson.explain in message.plain
            assert message.title == ("答对了" if option.right else "再看一眼")
            assert option.right or f"更合适的是 {lesson.right_letter}：" in message.plain
            assert max(sizes(message)) <= PART_BYTES


def test_only_known_rules_are_cited(content: Catalogue) -> None:
    assert basis(["pipl", "nothing"], content.rules) == "《中华人民共和国个人信息保护法》（2021-11-01 起施行）"
    assert basis(["nothing"], content.rules) == ""
    undated = content.rules["pipl"].model_copy(update={"effective": None})
    assert basis(["pipl"], {"pipl": undated}) == "《中华人民共和国个人信息保护法》"


def test_the_label_says_that_a_machine_judged() -> None:
    assert "自动评分" in feedback.LABEL
    assert feedback.points_text(score(band=3)) == "良好 · 75 分"
