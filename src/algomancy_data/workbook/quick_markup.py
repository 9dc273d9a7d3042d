"""The cells of a few columns out of the markup of a sheet, by columns of text.

Works on markup as nearly every program writes it, and says so when it is not: then the parser of
:mod:`algomancy_data.workbook.markup` reads it, cell by cell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.workbook.markup import unescape

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

# Comments, CDATA, attributes in single quotes, cells without a reference, empty values, prefixes.
_UNUSUAL: Final = (b"<!", b"='", b"<c>", b"<c/", b"<c\n", b"<c\r", b"<c\t", b"<v/>", b":c ")
_UNUSUAL_TEXT: Final = (b"<!", b"<si/", b"<si ", b"<r>", b"<r ", b"<rPh", b"<t/>", b":si>")
_ENCODING: Final = re.compile(rb"""encoding=["'](?!utf-8["'])""", re.IGNORECASE)
_ENTITY: Final = re.compile(r"&(?:#([0-9]+)|#x([0-9A-Fa-f]+)|(amp|lt|gt|quot|apos));")
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_VALUE: Final = r"<v(?: [^>]*)?>([^<]*)</v>"
_INLINE: Final = r"<t(?: [^>]*)?>([^<]*)</t>"
_START: Final = 1000
_LETTERS: Final = 26


def quick_cells(markup: bytes, columns: Collection[int]) -> pl.DataFrame | None:
    """Return the cells of some columns that have a value, or None if the markup is unusual.

    Args:
        markup: The whole sheet, known to be well formed.
        columns: The columns wanted, counted from 0.

    Returns:
        Frame with ``row``, ``column``, ``type``, ``style`` and ``text`` as in :func:`read_cells`.
    """
    if not _is_usual(markup, b"<worksheet", _UNUSUAL):
        return None
    if markup.count(b"<c ") != markup.count(b'<c r="'):
        return None
    letters = {_letters(column): column for column in columns}
    pieces = _split(markup, "<c ")
    wanted = pieces.filter(pieces.str.contains(rf'^r="(?:{"|".join(letters)})[0-9]'))
    # What follows a cell is no part of it: the row after it may say t="…" for itself.
    cells = wanted.str.splitn("</c>", 2).struct.field("field_0").alias("cell")
    attributes = cells.str.splitn(">", 2).struct.field("field_0").alias("attributes")
    cell, given = pl.col("cell"), pl.col("attributes")
    frame = pl.DataFrame([cells, attributes]).filter(~given.str.ends_with("/"))
    if frame.select(cell.str.count_matches(_INLINE).max()).item() not in {None, 0, 1}:
        return None  # a text in several formats
    found = frame.select(
        row=given.str.extract(r'^r="[A-Z]+([0-9]+)"').cast(pl.Int64) - 1,
        column=given.str.extract(r'^r="([A-Z]+)').replace_strict(letters, return_dtype=pl.Int64),
        type=given.str.extract(r' t="([^"]*)"').fill_null("n"),
        style=given.str.extract(r' s="([0-9]+)"').cast(pl.Int64).fill_null(0),
        text=pl.coalesce(cell.str.extract(_VALUE), cell.str.extract(_INLINE)),
    )
    text = pl.col("text")
    found = found.filter(text.is_not_null() & ~((text == "") & (pl.col("type") == "n")))
    return found.with_columns(_without_entities(found["text"]))


def quick_shared_texts(markup: bytes) -> pl.Series | None:
    """Return the texts that cells refer to by number, or None if the markup is unusual."""
    if not _is_usual(markup, b"<sst", _UNUSUAL_TEXT):
        return None
    texts = _split(markup, "<si>").str.extract(_INLINE).fill_null("")
    return _changed(_without_entities(texts), "_x", unescape)


def _is_usual(markup: bytes, root: bytes, unusual: tuple[bytes, ...]) -> bool:
    """Tell whether the markup is UTF-8, its names have no prefix, and nothing unusual is in it."""
    start = markup[:_START]
    return (
        root in start
        and _ENCODING.search(start) is None
        and not any(mark in markup for mark in unusual)
    )


def _split(markup: bytes, mark: str) -> pl.Series:
    """Return what follows each mark."""
    return pl.Series([markup.decode()]).str.split(mark).explode().slice(1)


def _without_entities(texts: pl.Series) -> pl.Series:
    r"""Return texts as a parser would: entities resolved, line ends ``\n``."""
    texts = _changed(texts, "\r", lambda text: text.replace("\r\n", "\n").replace("\r", "\n"))
    return _changed(texts, "&", lambda text: _ENTITY.sub(_resolve, text))


def _resolve(entity: re.Match[str]) -> str:
    decimal, hexadecimal, name = entity.groups()
    if name:
        return _NAMED[name]
    return chr(int(decimal) if decimal else int(hexadecimal, 16))


def _changed(texts: pl.Series, mark: str, change: Callable[[str], str]) -> pl.Series:
    """Return texts with those changed that contain a mark: few, so one by one."""
    rows = texts.str.contains(mark, literal=True).arg_true()
    if rows.is_empty():
        return texts
    changed = [change(text) for text in texts.gather(rows)]
    return texts.scatter(rows, pl.Series(changed, dtype=pl.String))


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, _LETTERS)
        letters = chr(ord("A") + rest) + letters
    return letters
