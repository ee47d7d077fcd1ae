"""What of a template and of its situation is searched, as folded text by field; no scoring here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lessons.model import METHOD_NAMES, AnyLesson, Lesson, Method, Template
from lessons.search.normalise import fold

#: Other names that people use for a method.
METHOD_ALIASES: dict[Method, tuple[str, ...]] = {
    Method.FOUR_STEPS: ("沟通四步", "四步法", "共赢沟通"),
    Method.FOLLOW_THEN_LEAD: ("先跟", "后带", "接纳情绪"),
    Method.WARM_WORDS: ("暖心话", "暖心", "暖心话术"),
    Method.ALTHOUGH_BUT: ("虽然 但是", "顺耳解释"),
    Method.PEAK_END: ("峰终",),
    Method.NEED_ICEBERG: ("冰山", "冰山理论", "第三选择"),
    Method.ACCEPTANCE: ("期望值", "期望管理", "陪客户接受结果"),
    Method.APOLOGY: ("道歉五步", "有效道歉", "怎么道歉"),
    Method.SIX_W_THREE_H: ("6w3h", "还原场景"),
    Method.CONSTRUCTIVE_NO: ("说不", "怎么拒绝", "委婉拒绝"),
    Method.SAFETY_FIRST: ("人身安全", "安全第一"),
    Method.NEGOTIATION: ("谈判技巧", "投诉谈判"),
}


@dataclass(frozen=True)
class Document:
    """One searchable thing: a template, or a situation with everything its templates say.

    Every text is folded; `methods` are all names of its methods.
    """

    id: str
    title: str
    keywords: tuple[str, ...]
    sayings: tuple[str, ...]
    methods: tuple[str, ...]
    when: str
    text: str

    @property
    def phrasings(self) -> tuple[str, ...]:
        """The texts worth comparing by meaning."""
        return tuple(text for text in (self.title, *self.sayings, self.when) if text)


def of_template(template: Template) -> Document:
    return Document(
        template.id,
        fold(template.title),
        _folded(template.keywords),
        _folded(template.customers_say),
        method_names(template.methods),
        fold(template.when),
        fold(template.text),
    )


def of_situations(lessons: Iterable[AnyLesson], templates: Sequence[Template]) -> list[Document]:
    """One document for every situation that a template answers, in the order they are first named."""
    known = {lesson.id: lesson for lesson in lessons if isinstance(lesson, Lesson)}
    members: dict[str, list[Template]] = {}
    for template in templates:
        for situation in template.situations:
            members.setdefault(situation, []).append(template)
    return [_situation(name, known.get(name), group) for name, group in members.items()]


def lesson_phrasings(lessons: Iterable[AnyLesson], situations: Sequence[Document]) -> list[tuple[str, ...]]:
    """For each situation the folded texts of its lesson that are worth comparing by meaning."""
    known = {lesson.id: lesson for lesson in lessons if isinstance(lesson, Lesson)}
    return [
        _folded([lesson.title, lesson.customer.says, *lesson.customers_say]) if lesson is not None else ()
        for lesson in (known.get(situation.id) for situation in situations)
    ]


def method_names(methods: Iterable[Method]) -> tuple[str, ...]:
    """Every folded name of the methods, the official one first."""
    return tuple(fold(name) for method in methods for name in (METHOD_NAMES[method], *METHOD_ALIASES[method]))


def _situation(name: str, lesson: Lesson | None, templates: Sequence[Template]) -> Document:
    main = [template for template in templates if template.situations[0] == name] or templates
    keywords = [keyword for template in main for keyword in template.keywords]
    sayings = [saying for template in main for saying in template.customers_say]
    titles = [template.title for template in main]
    if lesson is not None:
        sayings = [lesson.customer.says, *lesson.customers_say, *sayings]
    return Document(
        name,
        fold(lesson.title) if lesson is not None else "",
        _folded(keywords),
        _folded(sayings),
        method_names(lesson.methods) if lesson is not None else (),
        fold(" ".join([*titles, *(template.when for template in main)])),
        fold(lesson.context) if lesson is not None else "",
    )


def _folded(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(folded for text in texts if (folded := fold(text))))
