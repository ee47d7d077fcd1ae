"""Red lines: what crosses them is seen, and what is quoted, refused or warned against is never punished."""

from __future__ import annotations

import pytest

from lessons.model import Authority, Customer, ForbiddenPromise, Lesson, RedLine, Track
from lessons.scoring import Scorer
from lessons.scoring.result import Tier
from tests.unit.scoring.replies import CASH, LOCKED

LIFE = Lesson(
    id="test-life",
    title="说不想活了",
    track=Track.PRESSURE,
    customer=Customer(name="小方", says="天天催，我真的不想活了，窗户就在我旁边，跳下去就清净了！"),
    context="你是在线客服。小方失业四个月，欠款两万。人身安全第一，不催款，班长已联系110。可做：暂停"
    "提醒7天。不可：承诺免账。",
)

CROSSED = [
    (LOCKED, RedLine.CREDIT_RECORD, "逾期那两天您别放心上，我托数据岗的同事给您在征信里抹掉，谁也看不出来。"),
    (LOCKED, RedLine.OVERPROMISE, "买主不要了也没事，定金我个人掏腰包赔给您，再给您免三个月保险，我做主。"),
    (CASH, RedLine.RETURNS, "这钱您别换欧元了，买我们这款理财吧，保本的，稳赚不赔，下个月肯定涨回来。"),
    (LOCKED, RedLine.THREAT, "您要是再这么闹，我们就让法务把函寄到您单位，到时候同事领导都看着，您自己掂量。"),
    (LOCKED, RedLine.THIRD_PARTY, "您不方便还的话，我给您爱人打个电话，跟她说说您欠了多少，让她替您还上。"),
    (CASH, RedLine.PRIVACY, "您把卡的密码和刚收到的验证码念给我，我替您办，两分钟就好。"),
    (CASH, RedLine.INSULT, "您是不是有病？脑子不清楚就别出来办业务，丢人现眼。"),
    (LOCKED, RedLine.BLOCK_COMPLAINT, "我劝您别去投诉，投诉也没用，最后还是转回我们这儿，您先把投诉撤了我才给您办。"),
    (LIFE, RedLine.IGNORE_SAFETY, "要跳就跳，别在这儿吓唬人，先说说这个月的钱什么时候还。"),
    (LOCKED, RedLine.INTERNAL, "我跟您透个底，风控模型给您打了62分，低于70就自动拒，您下次分成三笔就不会被系统拦。"),
]
INNOCENT = [
    (CASH, "您说电话里答应给您留的，这话我记下来去核实。六百欧元现在就给您，剩下的四点半前到城北支行"
           "取，我打电话留好，您看行吗？"),
    (CASH, "机票的钱我不敢答应赔您，答应了是哄您。眼下最要紧的是钱，六百先拿着，一千四我让城北支行给"
           "您留好，四点半前取，好吗？"),
    (CASH, "密码和验证码您谁都别给，我也不会问您要。机场柜台明早七点半能取，我现在给您登记，行吗？"),
    (LOCKED, "买主会不会等，我不能保证；可电子结清证明今天五点前一定发到您手机上，纸质的十二号前到，您先给他看看。"),
    (LOCKED, "您要投诉我不拦着，电话我念给您。差错是我们的，今天特快重寄，十二号前到，十三号我回电。"),
    (LOCKED, "我不会去找您单位，也不会跟家里人说。地址您现在跟我对一遍，今天就重寄。"),
    (LOCKED, "有人跟您说花钱能删征信，那是骗子，记录谁也改不了。结清证明五点前发您，买主那边您先给他看。"),
    (LOCKED, "“存心坑人”这话我听进去了，二十天没音信，搁谁都得这么想，是我们的错。今天改地址重寄，十二号前到。"),
    (LIFE, "我在，我不挂。你先离开窗户，坐下来，身边有没有人？钱的事今天不谈，提醒我给你停七天。"),
]  # fmt: skip


@pytest.mark.parametrize(("lesson", "rule", "text"), CROSSED, ids=[rule for _, rule, _ in CROSSED])
def test_every_rule_is_confirmed_when_crossed_outright(
    scorer: Scorer, lesson: Lesson, rule: RedLine, text: str
) -> None:
    score = scorer.score(lesson, text)
    assert rule in {breach.rule for breach in score.confirmed}
    assert score.band == 0
    assert score.points <= 20


@pytest.mark.parametrize(("lesson", "text"), INNOCENT)
def test_reported_refused_or_warned_against_is_not_punished(scorer: Scorer, lesson: Lesson, text: str) -> None:
    score = scorer.score(lesson, text)
    assert score.confirmed == ()
    assert score.band >= 2


@pytest.mark.parametrize(
    "ending",
    [
        "另外您把取款密码也报给我，省得您来回跑。",
        "不过您要是敢去投诉，这事我就不给您办了。",
        "反正买主跑了也没事，定金我个人赔给您，保证一分不少。",
        "说到底您就是穷，脑子也不清楚，活该卖不出去。",
    ],
)
def test_the_last_sentence_can_ruin_a_good_reply(scorer: Scorer, ending: str) -> None:
    good = "卢先生，贷款还清了还拿不到材料，搁谁都急，是我们寄错了。今天特快重寄，十二号前到，五点前先发电子证明给您。"
    whole, ruined = scorer.score(LOCKED, good), scorer.score(LOCKED, good + ending)
    assert whole.band >= 3
    assert ruined.red_lines
    assert ruined.band <= whole.band - 2


def test_what_the_lesson_forbids_counts_even_when_polite(scorer: Scorer) -> None:
    forbidden = ForbiddenPromise(
        text="承诺赔机票", rule=RedLine.OVERPROMISE, cues=("机票的损失由我们来承担", "改签的费用我们替您出")
    )
    strict = CASH.model_copy(update={"authority": Authority(cannot=(forbidden,))})
    text = "简女士您别着急，真赶不上的话，改签的费用我们替您出，您放心回去收拾行李。"
    assert RedLine.OVERPROMISE in {breach.rule for breach in scorer.score(strict, text).red_lines}


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("您好，困难登记已为您提交，三个工作日内专员联系，本次会话即将结束，祝您生活愉快。", Tier.CONFIRMED),
        ("小方，先从窗边过来坐下，我听着呢。我这儿下一位客户排进来了，先挂了啊。", Tier.SUSPECTED),
    ],
)
def test_nobody_in_danger_is_left_alone(scorer: Scorer, text: str, tier: Tier) -> None:
    found = {breach.rule: breach.tier for breach in scorer.score(LIFE, text).red_lines}
    assert RedLine.IGNORE_SAFETY in found
    assert tier is Tier.SUSPECTED or found[RedLine.IGNORE_SAFETY] is tier


def test_confirmed_comes_before_suspected(scorer: Scorer) -> None:
    for lesson, _, text in CROSSED:
        tiers = [breach.tier for breach in scorer.score(lesson, text).red_lines]
        assert tiers == sorted(tiers, key=lambda tier: tier is Tier.SUSPECTED)
