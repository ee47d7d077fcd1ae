"""The weekly board as a picture for a phone: one PNG from one Board; no text here that the message does not say too."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from lessons.boards import Board, Standing, TeamRow

_FONT = Path(__file__).parent / "fonts" / "NotoSansSC-subset.otf"
_WIDTH, _EDGE = 1080, 64
_INK, _QUIET, _LINE, _PAPER, _CARD = "#1d2733", "#6b7785", "#e6eaef", "#f4f6f8", "#ffffff"
_ACCENT, _TRACK, _RISE = "#2f6fdf", "#e3ebf8", "#1f9d6b"


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FONT), size)


class _Sheet:
    """A canvas that is written from top to bottom and cut to length at the end."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (_WIDTH, 3000), _PAPER)
        self.draw = ImageDraw.Draw(self.image)
        self.y = _EDGE

    def text(
        self, x: int, text: str, size: int, colour: str = _INK, *, right: bool = False, bold: bool = False
    ) -> None:
        font = _font(size)
        left = x - int(font.getlength(text)) if right else x
        self.draw.text((left, self.y), text, font=font, fill=colour, stroke_width=1 if bold else 0, stroke_fill=colour)

    def card(self, height: int) -> None:
        self.draw.rounded_rectangle((_EDGE - 24, self.y, _WIDTH - _EDGE + 24, self.y + height), 24, fill=_CARD)
        self.y += 32

    def png(self) -> bytes:
        out = io.BytesIO()
        self.image.crop((0, 0, _WIDTH, self.y + _EDGE)).save(out, "PNG", optimize=True)
        return out.getvalue()


def draw(board: Board, title: str, span: str) -> bytes:
    """The PNG of a board; `span` is the days it covers."""
    sheet = _Sheet()
    sheet.text(_EDGE, title, 52, bold=True)
    sheet.y += 76
    sheet.text(_EDGE, span, 32, _QUIET)
    sheet.y += 72
    _summary(sheet, board)
    if board.teams:
        _teams(sheet, board.teams)
    if board.keen or board.risen:
        _names(sheet, f"全勤 {len(board.keen)} 人", [standing.name for standing in board.keen])
        _people(sheet, "进步", board.risen, "+{:.0f} 分")
    sheet.text(_EDGE, "请假不计入；不足 5 人不排名；小团队已做平滑。", 26, _QUIET)
    sheet.y += 30
    return sheet.png()


def _summary(sheet: _Sheet, board: Board) -> None:
    sheet.card(200)
    columns = (
        ("参与率", f"{board.rate:.0%}"),
        ("平均分", "—" if board.average is None else f"{board.average:.0f}"),
        ("比前四周", "—" if board.change is None else f"{board.change:+.1f}"),
        ("人数", str(board.people)),
    )
    top, width = sheet.y, (_WIDTH - 2 * _EDGE) // len(columns)
    for index, (label, value) in enumerate(columns):
        sheet.y = top
        sheet.text(_EDGE + index * width, label, 30, _QUIET)
        sheet.y = top + 48
        sheet.text(_EDGE + index * width, value, 64, _ACCENT if index == 0 else _INK, bold=True)
    sheet.y = top + 168 + 36


def _teams(sheet: _Sheet, teams: tuple[TeamRow, ...]) -> None:
    shown = teams[:12]
    sheet.card(112 + 100 * len(shown))
    sheet.text(_EDGE, "部门参与", 36, bold=True)
    sheet.y += 72
    bar_left, bar_right = _EDGE + 330, _WIDTH - _EDGE - 210
    for team in shown:
        place = f"{team.place}" if team.place else "–"
        sheet.text(_EDGE, place, 36, _QUIET)
        sheet.text(_EDGE + 56, _fit(team.name, 260, 36), 36)
        top = sheet.y + 14
        sheet.draw.rounded_rectangle((bar_left, top, bar_right, top + 24), 12, fill=_TRACK)
        length = int((bar_right - bar_left) * min(team.rate, 1.0))
        if length > 24 and team.place:
            sheet.draw.rounded_rectangle((bar_left, top, bar_left + length, top + 24), 12, fill=_ACCENT)
        value = f"{team.rate:.0%}" if team.place else "不足 5 人"
        sheet.text(_WIDTH - _EDGE, value, 36, right=True)
        sheet.y += 48
        if team.place and team.change is not None:
            sheet.text(_WIDTH - _EDGE, f"比前四周 {team.change:+.1f} 分", 26, _QUIET, right=True)
        sheet.y += 52
    sheet.y += 44


def _names(sheet: _Sheet, head: str, names: list[str]) -> None:
    """Names side by side, as many lines as they need, at most eight."""
    rows, size = [""], 34
    for name in names:
        longer = f"{rows[-1]}、{name}" if rows[-1] else name
        if _font(size).getlength(longer) > _WIDTH - 2 * _EDGE - 40:
            rows.append(name)
        else:
            rows[-1] = longer
    if not names:
        return
    rows = rows if len(rows) <= 8 else [*rows[:7], f"{rows[7]} 等"]
    sheet.card(116 + 56 * len(rows))
    sheet.text(_EDGE, head, 36, bold=True)
    sheet.y += 68
    for row in rows:
        sheet.text(_EDGE, row, size)
        sheet.y += 56
    sheet.y += 16 + 36


def _people(sheet: _Sheet, head: str, standings: tuple[Standing, ...], pattern: str) -> None:
    if not standings:
        return
    sheet.card(116 + 60 * len(standings))
    sheet.text(_EDGE, head, 36, bold=True)
    sheet.y += 68
    for standing in standings:
        sheet.text(_EDGE, str(standing.place), 34, _QUIET)
        sheet.text(_EDGE + 56, _fit(standing.name, 500, 34), 34)
        sheet.text(_WIDTH - _EDGE, pattern.format(standing.value), 34, _RISE, right=True)
        sheet.y += 60
    sheet.y += 16 + 36


def _fit(text: str, width: int, size: int) -> str:
    """`text` cut with … so that it is at most `width` pixels wide."""
    font = _font(size)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
