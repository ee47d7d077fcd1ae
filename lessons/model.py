"""What a lesson, a knowledge item, a template and a rule are; no files and no scoring here."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=64)]


class Criterion(StrEnum):
    """The five things a reply is judged on, in the order a conversation needs them."""

    EMPATHY = "empathy"
    LEAD = "lead"
    EXPLAIN = "explain"
    SOLUTION = "solution"
    EXPRESSION = "expression"


CRITERION_NAMES = {
    Criterion.EMPATHY: "先跟·接住情绪",
    Criterion.LEAD: "后带·引导到解决",
    Criterion.EXPLAIN: "顺耳解释",
    Criterion.SOLUTION: "双赢方案",
    Criterion.EXPRESSION: "表达",
}


class RedLine(StrEnum):
    """The rules of which one confirmed breach caps the score; codes as in the rating guide."""

    CREDIT_RECORD = "credit-record"
    OVERPROMISE = "overpromise"
    RETURNS = "returns"
    THREAT = "threat"
    THIRD_PARTY = "third-party"
    PRIVACY = "privacy"
    INSULT = "insult"
    BLOCK_COMPLAINT = "block-complaint"
    IGNORE_SAFETY = "ignore-safety"
    INTERNAL = "internal"


RED_LINE_NAMES = {
    RedLine.CREDIT_RECORD: "承诺修改或删除征信记录",
    RedLine.OVERPROMISE: "承诺权限外的退费、减免、赔付或放款",
    RedLine.RETURNS: "承诺保本、保收益、代客操作或预测行情",
    RedLine.THREAT: "威胁、恐吓、诱导或逼迫还款",
    RedLine.THIRD_PARTY: "向第三人透露债务，或未经授权联系第三人",
    RedLine.PRIVACY: "索要密码、验证码，或泄露客户个人信息",
    RedLine.INSULT: "侮辱、讽刺、歧视",
    RedLine.BLOCK_COMPLAINT: "阻挠客户投诉，或教唆其不要向监管反映",
    RedLine.IGNORE_SAFETY: "对轻生、自残表达置之不理或激将",
    RedLine.INTERNAL: "泄露内部审批评分、反洗钱或风控细节",
}


class Track(StrEnum):
    UNMET = "unmet"
    AGENT = "agent"
    PROCESS = "process"
    PRESSURE = "pressure"
    PRIVACY = "privacy"
    COLLECTION = "collection"
    BRANCH = "branch"
    SECURITIES = "securities"
    KNOWLEDGE = "knowledge"


TRACK_NAMES = {
    Track.UNMET: "无法满足的诉求",
    Track.AGENT: "针对员工的投诉",
    Track.PROCESS: "业务流程与规则",
    Track.PRESSURE: "外部施压与舆情",
    Track.PRIVACY: "个人信息与消费者权益",
    Track.COLLECTION: "合规柔性催收",
    Track.BRANCH: "网点厅堂",
    Track.SECURITIES: "证券基金",
    Track.KNOWLEDGE: "法规与方法",
}


class Method(StrEnum):
    FOUR_STEPS = "four-steps"
    FOLLOW_THEN_LEAD = "follow-then-lead"
    WARM_WORDS = "warm-words"
    ALTHOUGH_BUT = "although-but"
    PEAK_END = "peak-end"
    NEED_ICEBERG = "need-iceberg"
    ACCEPTANCE = "acceptance"
    APOLOGY = "apology"
    SIX_W_THREE_H = "6w3h"
    CONSTRUCTIVE_NO = "constructive-no"
    SAFETY_FIRST = "safety-first"
    NEGOTIATION = "negotiation"


METHOD_NAMES = {
    Method.FOUR_STEPS: "共赢沟通四步",
    Method.FOLLOW_THEN_LEAD: "先跟后带",
    Method.WARM_WORDS: "暖心表达",
    Method.ALTHOUGH_BUT: "虽然但是",
    Method.PEAK_END: "峰终定律",
    Method.NEED_ICEBERG: "需求冰山",
    Method.ACCEPTANCE: "期望值管理",
    Method.APOLOGY: "有效道歉五步",
    Method.SIX_W_THREE_H: "6W3H 提问",
    Method.CONSTRUCTIVE_NO: "建设性说不",
    Method.SAFETY_FIRST: "安全优先",
    Method.NEGOTIATION: "谈判",
}


class Part(BaseModel):
    """Base of every part of a content file: frozen, and an unknown key is a fault, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Customer(Part):
    """Who is in front of the learner and the words the learner answers."""

    name: Text = Field(description="称呼，例如 唐女士")
    mood: Text | None = Field(None, description="情绪与处境，一句话")
    says: Text = Field(description="客户原话，学员要回应的就是它")


class Point(Part):
    """What a good reply does for one criterion in this lesson."""

    want: Text = Field(description="这一项希望学员做到什么，一句话")
    cues: tuple[Text, ...] = Field((), description="能得分的说法举例，三到六条，口语短句，彼此说法不同")


class ForbiddenPromise(Part):
    """Something this lesson's staff may not say or grant, and the red line it would break."""

    text: Text = Field(description="不可以做或说的事")
    rule: RedLine | None = Field(None, description="踩到的红线；只是不妥而非红线时留空")
    cues: tuple[Text, ...] = Field((), description="踩线的说法举例，口语短句，包括听起来很客气的")


class Authority(Part):
    """The limits of what the staff member may grant."""

    can: tuple[Text, ...] = Field((), description="权限内可以做的，每条写清办什么、何时")
    cannot: tuple[ForbiddenPromise, ...] = ()


class Answer(Part):
    """A model answer, good or bad, with the reasons that make it so."""

    text: Text
    why: tuple[Text, ...] = Field(min_length=1, description="好或不好在哪里，逐条")


class Answers(Part):
    good: Answer
    bad: Answer


class Sample(Part):
    """A reply with the band it must get; a lesson whose samples do not land is refused."""

    text: Text
    band: Annotated[int, Field(ge=0, le=4)]
    kind: Text = Field("plain", description="plain 或它的毛病，例如 polite-illegal、ruined-ending")


class Lesson(Part):
    """One situation: an angry customer, the facts, and what a good reply does with them."""

    kind: Literal["situation"] = "situation"
    id: Slug
    title: Text
    track: Track
    version: Annotated[int, Field(ge=1)] = 1
    methods: tuple[Method, ...] = ()
    minutes: Annotated[int, Field(ge=1, le=15)] = 3
    customer: Customer
    context: Text = Field(description="学员看到的背景：你是谁、发生了什么")
    facts: tuple[Text, ...] = Field((), description="回复里可以引用的事实，逐条")
    authority: Authority = Authority()
    points: dict[Criterion, Point] = Field(default_factory=dict)
    answers: Answers | None = None
    tip: Text | None = Field(None, description="一句方法提示，学员一分钟能用上")
    customers_say: tuple[Text, ...] = Field((), description="客户常说，至少三句，真实口语")
    rules: tuple[Slug, ...] = Field((), description="依据，rules.yaml 里的编号")
    samples: tuple[Sample, ...] = ()

    def __hash__(self) -> int:
        return hash((self.id, self.version, self.customer))


class Choice(Part):
    text: Text
    right: bool = False
    why: Text = Field(description="为什么对或不对，一句话")


class Knowledge(Part):
    """A short question on a rule or a method, answered by choosing."""

    kind: Literal["knowledge"] = "knowledge"
    id: Slug
    title: Text
    track: Literal[Track.KNOWLEDGE] = Track.KNOWLEDGE
    version: Annotated[int, Field(ge=1)] = 1
    minutes: Annotated[int, Field(ge=1, le=15)] = 1
    context: Text = Field(description="一段情境引子，让问题落到工作里")
    question: Text
    choices: tuple[Choice, ...] = Field(min_length=3, max_length=5)
    explain: Text = Field(description="答完之后的讲解，三四句话")
    tip: Text | None = None
    rules: tuple[Slug, ...] = ()

    @model_validator(mode="after")
    def _one_right(self) -> Knowledge:
        if sum(choice.right for choice in self.choices) != 1:
            raise ValueError("choices 里要有且只有一项 right: true")
        return self

    @property
    def right_letter(self) -> str:
        """The letter of the right choice, A for the first."""
        return "ABCDE"[[choice.right for choice in self.choices].index(True)]


AnyLesson = Lesson | Knowledge


class Template(Part):
    """A response template (话术) to be read out or pasted while a customer waits."""

    id: Slug
    title: Text = Field(description="不超过 20 字，一眼看出什么时候用")
    situations: tuple[Slug, ...] = Field(min_length=1, description="对应的情景编号，主要的放第一个")
    methods: tuple[Method, ...] = ()
    text: Text = Field(description="可以直接说出口的话，可用【】标出要替换的内容")
    when: Text = Field(description="何时用")
    avoid: Text = Field(description="别说：容易踩的说法与原因")
    basis: Text = Field(description="依据：方法或规则，一句话")
    customers_say: tuple[Text, ...] = Field(min_length=3, description="客户常说，三到八句，说法各不相同")
    keywords: tuple[Text, ...] = Field(min_length=2, description="检索词，二到八个")
    rules: tuple[Slug, ...] = ()


class TemplateFile(Part):
    """One file of templates that belong together, usually those of one situation."""

    templates: tuple[Template, ...] = Field(min_length=1)


class Rule(Part):
    """A regulation that content may cite; cited exactly or not at all."""

    id: Slug
    name: Text = Field(description="全称")
    short: Text = Field(description="简称，卡片上用")
    number: Text | None = Field(None, description="文号")
    article: Text | None = Field(None, description="条款号；不确定就不写")
    issuer: Text
    effective: Text | None = Field(None, description="施行日期 YYYY-MM-DD；不确定就不写")
    note: Text | None = Field(None, description="本产品引用它的哪一点，不确定条款号就不写条款号")
    red_lines: tuple[RedLine, ...] = Field((), description="哪些红线以它为依据，点评里会引用")
    tracks: tuple[Track, ...] = Field((), description="只对这些主线适用；不写表示都适用")


class RuleFile(Part):
    rules: tuple[Rule, ...] = Field(min_length=1)
