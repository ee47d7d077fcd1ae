"""The sentences of the feedback: openings by band, praise and gaps by criterion, flags, safe ways to say it."""

from __future__ import annotations

from lessons.model import Criterion, Point, RedLine
from lessons.scoring.result import Flag

LABEL = "自动评分，仅供练习参考"
JUDGE_LABEL = "模型评分，仅供练习参考"
FALLBACK_LABEL = "判卷模型没有及时应答，这次由离线评分，仅供练习参考"
TRIAL = "这题的自动评分还没通过考试（和课里的例句对不上），点评可以参考，分数不计。"

OPENINGS: dict[int, tuple[str, ...]] = {
    4: (
        "这句话，客户听完会愿意往下说。",
        "人接住了，事也说清了，就是这个感觉。",
        "换我是客户，听到这儿气已经消了一半。",
        "稳。情绪、道理、下一步，一样没落。",
        "听得出来，你是真在替他想办法。",
        "这通电话打完，他大概会记得你的声音。",
    ),
    3: (
        "底子很好，再往前一小步就是优秀。",
        "客户能听进去，还差一点点分量。",
        "方向对了，缺的那块补上就很完整。",
        "这个回应站得住，看看还能怎么更贴近客户。",
        "客户会觉得你在帮他，就差临门一脚。",
        "大半都到位了，剩下一处，说实就行。",
    ),
    2: (
        "能过关，但换个客户也能这么说，还可以更具体。",
        "客户不会挑你的理，可也不会觉得事情往前走了。",
        "话是客气的，再往他这件事上落一落。",
        "有一半做得不错，另一半还空着。",
        "先肯定你愿意接话，再把它说到这个客户心里。",
        "四平八稳，缺一句只对他说的话。",
    ),
    1: (
        "这样说，客户多半会更来气，咱们换个开头。",
        "客户的情绪还悬着，这句话没有接到它。",
        "道理也许没错，只是现在还不是说它的时候。",
        "停一下，想想客户开口之前经历了什么。",
        "客户想听的是“你怎么帮我”，这句里还找不到。",
        "忙起来谁都容易这么回，慢半拍会不一样。",
    ),
    0: (
        "这次先当热身，看完下面再来一遍。",
        "没关系，错在练习里，比错在电话里好。",
        "先别灰心，这种话很多人都说过，改一处就不一样。",
        "这句真说出口会有麻烦，好在这里可以重来。",
        "这一句先不留，咱们换一个说法。",
        "练习就是拿来踩坑的，知道坑在哪儿就值了。",
    ),
}

#: For band 3 reached by doing everything a little.
TOUCHED = (
    "几处都碰到了，再说实一点就上去了。",
    "样样都有一点，挑最要紧的那样说透。",
    "整体过得去，分量还轻了些。",
    "该提的都提了，每样再往前半步。",
    "路子是对的，话再落到他这件事上。",
    "听着舒服，细处还可以更实。",
)

#: For band 2, when it is plain which half is missing.
NOT_HEARD = (
    "事在办了，人还没接住。",
    "办法有了，先让他觉得你懂他，效果会翻倍。",
    "句句都在办事，少一句认他难处的话。",
    "该给的步骤给了，只是他还没觉得被听见。",
    "事情往前走了，他的气还留在原地。",
    "手伸出去了，心还没搭上。",
)
NOT_HELPED = (
    "话是暖的，只是他还不知道接下来怎么办。",
    "人接住了，手还没伸出去。",
    "他会觉得你好说话，可事情还在原地。",
    "情绪安顿了，再给他一个能落脚的下一步。",
    "前半句很好，后半句留白了。",
    "他愿意听你说了，正好把办法递上。",
)

PRAISE: dict[Criterion, tuple[str, ...]] = {
    Criterion.EMPATHY: ("他会觉得你听进去了", "先认他的难处，后面的话才进得去", "说的是他这件事，不是套话"),
    Criterion.LEAD: ("一句问话，把他从气头上带到了事情上", "让他有得选，心就定了一半", "话头交回给他，还往前走了一步"),
    Criterion.EXPLAIN: ("不绕弯，也不拿规定压人", "道理讲清楚了，听着不刺耳", "先铺垫再说不行，容易听进去"),
    Criterion.SOLUTION: ("办什么、什么时候，他都有数了", "在权限里给足了，还给了准日子", "这一步他现在就能看到"),
    Criterion.EXPRESSION: ("像在跟人说话", "语气稳，不卑不亢", "听着自然"),
}

PARTIAL: dict[Criterion, str] = {
    Criterion.EMPATHY: "有这个意思，再说到他这件事上",
    Criterion.LEAD: "有这个意思，再给他一个好回答的问题",
    Criterion.EXPLAIN: "开了头，原因还可以说得更明白",
    Criterion.SOLUTION: "有方向，再补上办什么、什么时候",
    Criterion.EXPRESSION: "还行，再口语一点",
}

MISSED: dict[Criterion, str] = {
    Criterion.EMPATHY: "还没看到",
    Criterion.LEAD: "还没看到",
    Criterion.EXPLAIN: "还没看到",
    Criterion.SOLUTION: "还没看到",
    Criterion.EXPRESSION: "听着有点硬",
}

FLAGS = {
    Flag.EMPTY: "没有看到给客户的话。",
    Flag.TOO_SHORT: "这句太短，看不出你会怎么接。",
    Flag.TOO_LONG: "这段很长，只按前面的部分评了；给客户的话三四句最好记。",
    Flag.STUFFING: "像是把要点词排在一起，客户听不成一句话。",
    Flag.COPIED: "和例答几乎一样，或是照抄了题目，这次不计分；用自己的话说一遍才算。",
    Flag.OFF_TOPIC: "说的好像不是这位客户的事，再看一眼题目。",
    Flag.GRADER: "里面有写给评分的话，评分只看你对客户说的部分。",
    Flag.NO_CHINESE: "请用中文写你会对客户说的话。",
}

GENERAL = {
    Criterion.EMPATHY: Point(want="先说出客户的处境和感受，再谈事情", cues=("这事搁谁身上都着急",)),
    Criterion.LEAD: Point(want="用一句问话把注意力带到怎么解决", cues=("您看我先帮您查哪一笔",)),
    Criterion.EXPLAIN: Point(want="把不能办的原因说得好入耳", cues=("不是不想办，是这一步要先核实才安全",)),
    Criterion.SOLUTION: Point(want="给一个权限内、有时间的下一步", cues=("我现在就提交，今天下班前给您回话",)),
    Criterion.EXPRESSION: Point(want="像平时跟人说话，不背稿、不反问", cues=("您听我慢慢说",)),
}

#: What to say to the customer instead of the words that cross the line.
SAFER: dict[RedLine, str] = {
    RedLine.CREDIT_RECORD: "记录我改不了，也不能哄您；要是您觉得报得不对，我帮您提交异议，有结果告诉您",
    RedLine.OVERPROMISE: "我先帮您提交，结果以审核为准，说好的日子我一定给您回话",
    RedLine.RETURNS: "往后怎么走谁也说不准，我陪您把风险和手上的选择理一遍",
    RedLine.THREAT: "我不想逼您，想跟您一起找一个行得通的办法，您眼下最难的是哪一处",
    RedLine.THIRD_PARTY: "这件事我只跟您本人沟通，不会告诉其他人",
    RedLine.PRIVACY: "别人的信息我不能说，您的我也一样替您守着；这件事我来查，查完给您回话",
    RedLine.INSULT: "我听得出您是真着急，咱们先把这件事弄清楚",
    RedLine.BLOCK_COMPLAINT: "投诉是您的权利，渠道我告诉您；同时我这边也接着帮您办",
    RedLine.IGNORE_SAFETY: "您先别挂，您的安全最要紧，您现在在哪儿，身边有人吗",
    RedLine.INTERNAL: "综合评估的细节我看不到也不能说，我能做的是告诉您现在可以怎么办",
}

#: The same where the words ask for a password or a code.
SAFER_THAN_ASKING = "密码和验证码您别告诉任何人，包括我；核实身份我用别的办法"
