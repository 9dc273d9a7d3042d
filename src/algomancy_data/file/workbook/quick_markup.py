"""The cells of a few columns, read from a sheet's markup by operations on columns of text.

Works on markup as nearly every program writes it. Unusual markup is left to the parser of
:mod:`algomancy_data.file.workbook.markup`, which reads it cell by cell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.file.workbook.cell_references import COLUMNS, ROWS, column_number
from algomancy_data.file.workbook.markup import CELLS, WHITESPACE, unescape

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
_KEPT: Final = r"""<t [^>]*xml:space="preserve"[^>]*>"""
_START: Final = 1000
_PIECE: Final = 2**23
_TRIMMED: Final = ("s", "b", "e")


def quick_cells(markup: bytes, columns: Collection[int] | None) -> pl.DataFrame | None:
    """Return the cells of some columns that have a value, or None if the markup is unusual.

    Args:
        markup: The whole sheet.
        columns: The columns wanted, counted from 0; None for all.

    Returns:
        Frame with ``row``, ``column``, ``type``, ``style`` and ``text`` as in :func:`read_cells`.
    """
    if not is_usual(markup, b"<worksheet") or any(mark in markup for mark in _UNUSUAL):
        return None
    if markup.count(b"<c ") != markup.count(b'<c r="'):
        return None
    frames = [pl.DataFrame(schema=CELLS)]
    start = 0
    while start >= 0:
        end = markup.find(b"<row", start + _PIECE)
        try:
            found = _piece(markup[start:] if end < 0 else markup[start:end], columns)
        except UnicodeDecodeError:
            return None
        if found is None:
            return None
        frames.append(found)
        start = end
    return pl.concat(frames)


def _piece(markup: bytes, columns: Collection[int] | None) -> pl.DataFrame | None:
    """Return the cells of some rows at a time, since the intermediate steps take much memory."""
    # What follows a cell is no part of it: the row after it may say t="…" for itself.
    cells = _split(markup, "<c ").str.splitn("</c>", 2).struct.field("field_0").alias("cell")
    attributes = cells.str.splitn(">", 2).struct.field("field_0").alias("attributes")
    letters = attributes.str.extract('^r="([A-Z]{1,3})[0-9]{1,7}"').alias("letters")
    if letters.null_count():
        return None
    numbers = {name: column_number(name) for name in letters.unique()}
    if any(number >= COLUMNS for number in numbers.values()):
        return None  # the parser says where
    wanted = {n: c for n, c in numbers.items() if columns is None or c in columns}
    given, cell = pl.col("attributes"), pl.col("cell")
    frame = pl.DataFrame([cells, attributes, letters]).filter(
        pl.col("letters").is_in(list(wanted)), ~given.str.ends_with("/")
    )
    if frame.is_empty():
        return pl.DataFrame(schema=CELLS)
    if frame.select(cell.str.count_matches(_INLINE).max()).item() not in {None, 0, 1}:
        return None  # a text in several formats
    inline = cell.str.extract(_INLINE)
    is_kept = cell.str.contains(_KEPT)
    found = frame.select(
        row=given.str.extract(r'^r="[A-Z]+([0-9]+)"').cast(pl.Int64) - 1,
        column=pl.col("letters").replace_strict(wanted, return_dtype=pl.Int64),
        type=given.str.extract(r' t="([^"]+)"').fill_null("n"),
        style=given.str.extract(r' s="([0-9]{1,7})"').cast(pl.Int64).fill_null(0),
        value=cell.str.extract(_VALUE),
        inline=pl.when(is_kept).then(inline).otherwise(inline.str.strip_chars(WHITESPACE)),
    )
    if not found["row"].is_between(0, ROWS - 1).all():
        return None
    kind = pl.col("type")
    text = (
        pl.when(kind == "inlineStr")
        .then(pl.coalesce("inline", "value"))
        .otherwise(pl.coalesce("value", "inline"))
    )
    text = pl.when(kind.is_in(_TRIMMED)).then(text.str.strip_chars(WHITESPACE)).otherwise(text)
    found = found.select("row", "column", "type", "style", text=text).filter(
        pl.col("text").is_not_null() & ~((pl.col("text") == "") & kind.is_in([*_TRIMMED, "n"]))
    )
    return found.with_columns(_without_entities(found["text"]))


def quick_shared_texts(markup: bytes) -> pl.Series | None:
    """Return the texts that cells refer to by number, or None if the markup is unusual."""
    if not is_usual(markup, b"<sst") or any(mark in markup for mark in _UNUSUAL_TEXT):
        return None
    try:
        items = _split(markup, "<si>")
    except UnicodeDecodeError:
        return None
    texts = items.str.extract(_INLINE).fill_null("")
    trimmed = texts.str.strip_chars(WHITESPACE)
    if not texts.equals(trimmed):
        frame = pl.DataFrame({"item": items, "text": texts, "trimmed": trimmed})
        is_kept = pl.col("item").str.contains(_KEPT)
        texts = frame.select(pl.when(is_kept).then("text").otherwise("trimmed")).to_series()
    return _changed(_without_entities(texts), "_x", unescape)


def is_usual(markup: bytes, root: bytes) -> bool:
    """Tell whether markup is UTF-8, and its names have no prefix."""
    start = markup[:_START]
    return root in start and _ENCODING.search(start) is None


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
    """Return texts with those that contain a mark changed, one by one since they are few."""
    rows = texts.str.contains(mark, literal=True).arg_true()
    if rows.is_empty():
        return texts
    changed = [change(text) for text in texts.gather(rows)]
    return texts.scatter(rows, pl.Series(changed, dtype=pl.String))
