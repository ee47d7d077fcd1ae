"""A table in a file, CSV or Excel, as numbered rows of text; what the text means is not decided here."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path

from bot.core.errors import ContentError, Fault

Line = tuple[int, list[str]]
"""A row with its number as the spreadsheet shows it."""

_MOST_BYTES = 50 * 1024 * 1024


def lines_of(path: Path, name: str) -> Iterator[Line]:
    """The rows of a CSV file (UTF-8 or GB18030) or of the first sheet of a workbook (.xlsx). Raises ContentError."""
    return _workbook(path, name) if path.suffix.lower() == ".xlsx" else _csv(path, name)


def _csv(path: Path, name: str) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(_text(path, name), newline=""))
    try:
        for values in reader:
            yield reader.line_num, [value.strip() for value in values]
    except csv.Error as error:
        reason = f"读不出来：{error}；另存为 CSV（逗号分隔）"
        raise ContentError([Fault(name, reader.line_num, "-", reason)]) from error


def _text(path: Path, name: str) -> str:
    raw = _bytes(path, name)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ContentError([Fault(name, 1, "-", "编码认不出来；另存为 UTF-8 的 CSV，或存成 .xlsx")])


def _bytes(path: Path, name: str) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ContentError([Fault(name, 1, "-", "文件太大；人员表不会有 50 MB")])
        return path.read_bytes()
    except OSError as error:
        raise ContentError([Fault(name, 1, "-", f"读不出来：{error.strerror}")]) from error


def _workbook(path: Path, name: str) -> Iterator[Line]:
    """The rows of the first sheet, formulas by the value they had when it was saved."""
    from openpyxl import load_workbook  # here: only the command line needs it, and it takes its time

    raw = io.BytesIO(_bytes(path, name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about parts of the file that we do not read
        try:
            book = load_workbook(raw, read_only=True, data_only=True)
            rows = [list(values) for values in book.worksheets[0].iter_rows(values_only=True)]
            book.close()
        except (zipfile.BadZipFile, KeyError, ValueError, IndexError, TypeError, EOFError, SyntaxError) as error:
            reason = f"读不出来（{type(error).__name__}）；要是没有密码的 Excel 工作簿（.xlsx）"
            raise ContentError([Fault(name, 1, "-", reason)]) from None
    for number, values in enumerate(rows, 1):
        cells = [_cell(value) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        yield number, cells


def _cell(value: object) -> str:
    """A cell as its reader sees it: 1001 and not 1001.0, a day without midnight."""
    match value:
        case None:
            return ""
        case bool():
            return "是" if value else "否"
        case float() if value.is_integer():
            return str(int(value))
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
        case time():
            return f"{value:%H:%M}"
        case date():
            return value.isoformat()
        case _:
            return str(value).strip()
