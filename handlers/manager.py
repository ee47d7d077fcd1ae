"""For managers: the weekly board of their departments, and how the team stands today. For everybody: 排行."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from bot.core.messages import Button, Line, Message, hint, say, strong
from handlers import board_picture
from handlers.context import Desk, Reply, Talk
from lessons import boards
from lessons.boards import Board, Row
from storage import assignments, people, settings
from storage import boards as board_rows
from storage.database import Tx
from storage.models import Assignment, Role


def week_of(day: date, back: int = 1) -> tuple[date, date]:
    """Monday and Sunday of the week `back` weeks before the one `day` is in."""
    monday = day - timedelta(days=day.weekday(), weeks=back)
    return monday, monday + timedelta(days=6)


async def ranking(talk: Talk, words: str) -> Reply:
    """排行 [本周]: a manager's board; a learner's own place among neighbours."""
    first, last = week_of(talk.today, 0 if words.strip() in {"本周", "这周"} else 1)
    if Role.MANAGER in talk.roles:
        scope = await people.managed_by(talk.tx, talk.person_id)
        message = await board_message(talk.tx, talk.desk, scope, first, last, talk.now, str(talk.person_id))
        return Reply((message,), talk.state)
    return Reply((await _own_place(talk, first, last),), talk.state)


async def board_message(
    tx: Tx, desk: Desk, scope: frozenset[int], first: date, last: date, now: datetime, reader: str,
    *, hangs: bool = False,
) -> Message:  # fmt: skip
    """The board of some departments as text with its picture; `hangs`: where everybody sees it."""
    rows = await board_rows.week(tx, first, last, scope)
    tree = await people.departments(tx)
    names = {key: tree[key].name for key in scope if key in tree}
    board = boards.build(rows, names)
    board = boards.for_everybody(board) if hangs else board
    span = f"{first.month}月{first.day}日–{last.month}月{last.day}日"
    title = f"周榜｜{span}"
    if not board.asked:
        return say("这一周没有推题，所以没有榜。", hint("看本周到现在的情况，打“排行 本周”。"), title=title)
    message = Message(tuple(board_lines(board)), title=title, buttons=(Button("团队今天", "团队"),))
    png = board_picture.draw(board, "接话教练周榜", span)
    name = f"board-{first.isoformat()}-{reader}"
    picture = await settings.put_picture(tx, name, png, now)
    return replace(message, picture=picture)


def board_lines(board: Board) -> list[Line]:
    """A board as lines; the picture says the same."""
    average = "—" if board.average is None else f"{board.average:.0f}"
    moved = "" if board.change is None else f"，比前四周 {board.change:+.1f}"
    lines = [strong(f"参与率 {board.rate:.0%}（{board.answered}/{board.asked} 题）"), Line(f"平均 {average} 分{moved}")]
    if len(board.teams) > 1 or any(team.place for team in board.teams):
        lines.append(strong("部门参与"))
        for team in board.teams:
            if team.place is None:
                lines.append(hint(f"–  {team.name}（不足 {boards.K} 人，不排名）"))
            else:
                moved = "" if team.change is None else f"　进步 {team.change:+.1f}"
                lines.append(Line(f"{team.place}. {team.name}　{team.rate:.0%}{moved}"))
    if not board.enough:
        lines.append(hint(f"不足 {boards.K} 人，个人榜不显示。"))
    if board.keen:
        lines += [strong(f"全勤 {len(board.keen)} 人"), Line(_names([standing.name for standing in board.keen]))]
    if board.risen:
        lines.append(strong("进步最大"))
        lines += [Line(f"{s.place}. {s.name}　+{s.value:.0f} 分") for s in board.risen]
    lines.append(hint("请假的日子不计；退出排行的人只算进合计；小团队做了平滑。只列前几名，不排末位。"))
    return lines


def _names(names: Sequence[str], most: int = 40) -> str:
    return "、".join(names[:most]) + (f" 等 {len(names)} 人" if len(names) > most else "")


async def _own_place(talk: Talk, first: date, last: date) -> Message:
    team = await board_rows.week(talk.tx, first, last, [talk.person.department_id])
    mine = next((row for row in team if row.person_id == talk.person_id), None)
    head = f"我的这一周｜{first.month}月{first.day}日–{last.month}月{last.day}日"
    if mine is None or not mine.asked:
        return say("这一周没有你的题，好好休息也是应该的。", title=head, buttons=(Button("我的", "我的"),))
    lines = [Line(f"答了 {mine.answered}/{mine.asked} 题")]
    if mine.points is not None:
        before = "" if mine.before is None else f"，前四周 {mine.before:.0f} 分"
        lines.append(Line(f"平均 {mine.points:.0f} 分{before}"))
    lines += _neighbour_lines(team, talk)
    return Message(tuple(lines), title=head, buttons=(Button("我的", "我的"),))


def _neighbour_lines(team: list[Row], talk: Talk) -> list[Line]:
    if not talk.person.on_boards:
        return [hint("你已退出排行，打“加入排行”可以回来。")]
    near = boards.neighbours(team, talk.person_id)
    if near is None:
        return [hint(f"同组参与的人不足 {boards.K} 位，或你这周还没有可比的成绩，先不排。")]
    lines = [strong("本组进步榜，你和前后几位")]
    for standing in near:
        me = "（你）" if standing.person_id == talk.person_id else ""
        value = f"　{standing.value:+.0f} 分" if me or standing.value > 0 else ""
        lines.append(Line(f"{standing.place}. {standing.name}{me}{value}"))
    return [*lines, hint("比的是和自己过去四周的差。不想出现打“退出排行”。")]


async def team(talk: Talk, _words: str) -> Reply:
    """团队: who has answered today, and why the others have not."""
    scope = await people.managed_by(talk.tx, talk.person_id)
    members = await people.learners(talk.tx, scope)
    if not members:
        return Reply((say("你名下还没有学员。"),), talk.state)
    absent = await people.absent_on(talk.tx, talk.today)
    groups: dict[str, list[str]] = {}
    lines: list[Line] = []
    asked = answered = 0
    for person in members:
        rows = [r for r in await assignments.of_day(talk.tx, person.id or 0, talk.today) if r.reason != "own"]
        if absent.get(person.id or 0) == "leave":
            groups.setdefault("请假", []).append(person.name)
        elif absent.get(person.id or 0):
            groups.setdefault("已暂停", []).append(person.name)
        elif rows:
            asked += 1
            done = _done(rows)
            answered += done
            if not done:
                key = "推送了还没答" if any(r.opens_at <= talk.now for r in rows) else "还没到推送时间"
                groups.setdefault(key, []).append(person.name)
    lines.append(strong(f"今天 {answered}/{asked} 人答了题" if asked else "今天没有推题"))
    lines += [
        Line(f"{head} {len(groups[head])} 人：{_names(groups[head])}")
        for head in ("推送了还没答", "还没到推送时间", "请假", "已暂停")
        if head in groups
    ]
    lines.append(hint("只看有没有参与，不看个人分数和原话。"))
    return Reply((say(*lines, title=f"团队｜{len(members)} 人", buttons=(Button("周榜", "排行"),)),), talk.state)


def _done(rows: list[Assignment]) -> bool:
    return any(row.status == assignments.ANSWERED for row in rows)
