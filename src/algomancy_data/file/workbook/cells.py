"""Single cells: the kind of each, and its exact value.

A workbook has no dates, only numbers shown as dates: only the number format tells them from prices.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.file.workbook.markup import unescape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from algomancy_data.file.workbook.workbook import Workbook

_DAY: Final = 86_400_000
# Milliseconds between 1970 and day 0 of each calendar. The one from 1900 counts a 29 February
# 1900 as day 60, which never was: from day 61 on it is one day ahead.
_START_OF_1904: Final = -2_082_844_800_000
_START_OF_1900: Final = -2_209_075_200_000
_LEAP_DAY: Final = 60
_END: Final = 253_402_300_800_000
_NANOSECONDS: Final = 1_000_000
_NO_DAY: Final = "1900-02-29"
_PIECE: Final = 250_000
_TEXTS: Final = ("s", "str", "inlineStr")
_TRUE: Final = ("1", "true", "TRUE")
_BOOLEANS: Final = (*_TRUE, "0", "false", "FALSE")
_WHOLE: Final = r"^-?[0-9]+$"


class CellKind(StrEnum):
    """What a cell holds."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"
    ERROR = "error"


def decode(workbook: Workbook, raw: pl.DataFrame) -> pl.DataFrame:
    """Return cells with their kind and value.

    Args:
        workbook: Where they are from.
        raw: The cells as :meth:`Workbook.cells` gives them.

    Returns:
        Frame with ``row`` and ``column`` from 0, the ``kind``, the ``text`` that stands for the
        cell (numbers with all digits, dates in ISO 8601), ``milliseconds``: since 1970 for a
        date, since midnight for a time, in all for a duration, else null.
    """
    shown = pl.Series([*workbook.formats, NumberFormat.NUMBER], dtype=pl.String)
    # What becomes of them in between takes much memory.
    if raw.height <= _PIECE:
        return _decoded(workbook, raw, shown)
    return pl.concat([_decoded(workbook, piece, shown) for piece in raw.iter_slices(_PIECE)])


def _decoded(workbook: Workbook, raw: pl.DataFrame, shown: pl.Series) -> pl.DataFrame:
    raw = _without_escapes(raw)
    if raw["type"].is_in(_TEXTS).all():  # as a header is, which is in a hurry
        return raw.select(
            "row",
            "column",
            kind=pl.lit(CellKind.TEXT),
            text="text",
            milliseconds=pl.lit(None, pl.Int64),
        )
    cells = raw.with_columns(shown=shown.gather(raw["style"].clip(upper_bound=len(shown) - 1)))
    moments = ["date", "time", "duration"]
    return (
        cells.with_columns(number=pl.col("text").cast(pl.Float64, strict=False))
        .with_columns(span=(pl.col("number") * _DAY).round())
        # Far from any date, and no integer of 64 bits.
        .with_columns(pl.when(pl.col("span").abs() < 10 * _END).then("span").cast(pl.Int64))
        .with_columns(since_1970=_since_1970(from_1904=workbook.from_1904))
        .with_columns(**_written_moments(any_written=bool((raw["type"] == "d").any())))
        .with_columns(kind=_kind(from_1904=workbook.from_1904))
        .with_columns(
            milliseconds=pl.when(pl.col("type") == "d")
            .then(pl.coalesce("written_day", "written_time"))
            .when(pl.col("kind").is_in(moments))
            .then(pl.when(pl.col("kind") == CellKind.DATE).then("since_1970").otherwise("span"))
        )
        .with_columns(text=_text())
        .select("row", "column", "kind", "text", "milliseconds")
    )


def _since_1970(*, from_1904: bool) -> pl.Expr:
    """Return milliseconds since 1970 of numbers that stand for dates."""
    span = pl.col("span")
    if from_1904:
        return span + _START_OF_1904
    return span + _START_OF_1900 - pl.when(span >= _LEAP_DAY * _DAY).then(_DAY).otherwise(0)


def _written_moments(*, any_written: bool) -> dict[str, pl.Expr]:
    """Return milliseconds of days and times that are written in ISO 8601 instead of numbers."""
    if not any_written:
        return dict.fromkeys(["written_day", "written_time"], pl.lit(None, pl.Int64))
    text = pl.when(pl.col("type") == "d").then(pl.col("text").str.strip_suffix("Z"))
    day = pl.coalesce(
        text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="ms"),
        text.str.to_datetime("%Y-%m-%dT%H:%M", strict=False, time_unit="ms"),
        text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("ms")),
    )
    clock = text.str.strip_prefix("T").str.to_time("%H:%M:%S%.f", strict=False)
    return {
        "written_day": day.cast(pl.Int64),
        "written_time": clock.cast(pl.Int64) // _NANOSECONDS,
    }


def _kind(*, from_1904: bool) -> pl.Expr:
    """Return the kind of each cell; what is shown as a date but cannot be one is a number."""
    span, shown = pl.col("span"), pl.col("shown")
    is_day_0 = span.is_between(0, _DAY, closed="left")
    is_clock = is_day_0 & (shown == NumberFormat.TIME) if from_1904 else is_day_0
    is_leap_day = span.is_between(_LEAP_DAY * _DAY, (_LEAP_DAY + 1) * _DAY, closed="left")
    is_date = (span >= 0) & (pl.col("since_1970") < _END)
    moment = (
        pl.when((shown == NumberFormat.DURATION) & span.is_not_null())
        .then(pl.lit(CellKind.DURATION))
        .when((shown == NumberFormat.DURATION) | (shown == NumberFormat.NUMBER))
        .then(pl.lit(CellKind.NUMBER))
        .when(is_clock)
        .then(pl.lit(CellKind.TIME))
        .when(is_leap_day & (not from_1904))
        .then(pl.lit(CellKind.TEXT))
        .when(is_date)
        .then(pl.lit(CellKind.DATE))
        .otherwise(pl.lit(CellKind.NUMBER))
    )
    kind = pl.col("type")
    return (
        pl.when((kind == "n") & pl.col("number").is_not_null())
        .then(moment)
        .when((kind == "b") & pl.col("text").is_in(_BOOLEANS))
        .then(pl.lit(CellKind.BOOLEAN))
        .when(kind == "e")
        .then(pl.lit(CellKind.ERROR))
        .when(pl.col("written_day").is_not_null())
        .then(pl.lit(CellKind.DATE))
        .when(pl.col("written_time").is_not_null())
        .then(pl.lit(CellKind.TIME))
        .otherwise(pl.lit(CellKind.TEXT))
    )


def _text() -> pl.Expr:
    """Return the text of a cell in a column of text."""
    text, kind = pl.col("text"), pl.col("kind")
    number = text.cast(pl.Float64, strict=False)
    short = number.cast(pl.String).str.strip_suffix(".0")
    exact = pl.when(text.str.contains(_WHOLE) | number.is_infinite()).then(text).otherwise(short)
    milliseconds = pl.col("milliseconds")
    return (
        pl.when(kind == CellKind.NUMBER)
        .then(exact)
        .when(kind == CellKind.BOOLEAN)
        .then(pl.when(text.is_in(_TRUE)).then(pl.lit("true")).otherwise(pl.lit("false")))
        .when(kind == CellKind.DATE)
        .then(milliseconds.cast(pl.Datetime("ms")).cast(pl.Datetime("us")).dt.to_string("iso"))
        .when(kind == CellKind.TIME)
        .then((milliseconds * _NANOSECONDS).cast(pl.Time).dt.to_string("%H:%M:%S%.f"))
        .when(kind == CellKind.DURATION)
        .then(milliseconds.cast(pl.Duration("ms")).cast(pl.Duration("us")).dt.to_string("iso"))
        .when((pl.col("type") == "n") & (kind == CellKind.TEXT) & pl.col("number").is_not_null())
        .then(pl.lit(_NO_DAY))
        .otherwise(text)
    )


def _without_escapes(raw: pl.DataFrame) -> pl.DataFrame:
    """Return cells with the characters that the texts in them escape; shared ones have none."""
    rows = ((raw["type"] != "s") & raw["text"].str.contains("_x", literal=True)).arg_true()
    if rows.is_empty():
        return raw
    texts = [unescape(text) for text in raw["text"].gather(rows)]
    return raw.with_columns(raw["text"].scatter(rows, pl.Series(texts, dtype=pl.String)))


class NumberFormat(StrEnum):
    """How a number is shown."""

    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"


# Formats that a workbook need not define; 27 to 36 and 50 to 58 are dates in East Asian locales.
_BUILT_IN: Final[dict[str, NumberFormat]] = {
    **dict.fromkeys(
        map(str, [*range(14, 18), 22, *range(27, 37), *range(50, 59)]), NumberFormat.DATE
    ),
    **dict.fromkeys(map(str, [*range(18, 22), 45, 47]), NumberFormat.TIME),
    "46": NumberFormat.DURATION,
}
FORMAT: Final = "styleSheet/numFmts/numFmt"
"""Where a workbook defines its formats."""
STYLE: Final = "styleSheet/cellXfs/xf"
"""Where it lists the styles of cells."""
_ELAPSED: Final = re.compile(r"\[(?:h+|m+|s+)\]")
# Literal text, padding, colours, locales: letters in them mean nothing.
_LITERAL: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')


def number_format(code: str) -> NumberFormat:
    """Classify a format code.

    Example:
        >>> [str(number_format(code)) for code in ("yyyy-mm-dd hh:mm", "[h]:mm", '[Red]0.0" days"')]
        ['date', 'duration', 'number']
    """
    code = code.lower()
    unquoted = re.sub(r'"[^"]*"|\\.', "", code)
    if _ELAPSED.search(unquoted):
        return NumberFormat.DURATION
    letters = set(_LITERAL.sub("", code).partition(";")[0])
    has_time = bool(letters & set("hs"))
    if letters & set("yd") or ("m" in letters and not has_time):
        return NumberFormat.DATE
    return NumberFormat.TIME if has_time else NumberFormat.NUMBER


def formats_by_style(
    formats: Iterable[Mapping[str, str]], styles: Iterable[Mapping[str, str]]
) -> list[NumberFormat]:
    """Return how each cell style of a workbook shows numbers, by the style's index.

    Args:
        formats: The attributes of the elements at :data:`FORMAT` in the part of the styles.
        styles: Those at :data:`STYLE`.
    """
    own = {
        element.get("numFmtId", ""): number_format(element.get("formatCode", ""))
        for element in formats
    }
    numbers = [element.get("numFmtId", "") for element in styles]
    return [own.get(number) or _BUILT_IN.get(number, NumberFormat.NUMBER) for number in numbers]
