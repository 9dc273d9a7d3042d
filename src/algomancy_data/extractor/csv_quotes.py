"""Whether the reader may have taken a quote inside an unquoted field for one around it.

``"x";5" pipe`` has nothing unclear about it. But where a quoted field stands before it, the reader
lets the quote open a text that goes on over separators and lines until the next quote.
"""

from __future__ import annotations

import mmap
import re
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from algomancy_data.extractor.csv_content import CSVContent
    from algomancy_data.extractor.csv_layout import CSVLayout


def may_be_misread(frame: pl.DataFrame, content: CSVContent, layout: CSVLayout) -> bool:
    """Tell whether some value swallowed a separator or a line end without being quoted.

    Such a value has a quote in it beside what it swallowed. So may a quoted one, hence a look at
    the file itself, which has clear quotes in that case.

    Args:
        frame: What the reader made of the content.
        content: The content.
        layout: The characters that structure it.
    """
    if layout.quote is None or not _contains(content, layout.quote.encode()):
        return False
    swallowed = f"[{re.escape(layout.separator)}{layout.line_end}]"
    # All columns at once, each in a thread; few values, if any, are looked at a second time.
    quoted = frame.select(pl.col(pl.String).str.contains(layout.quote, literal=True))
    if any(frame[mask.name].filter(mask).str.contains(swallowed).any() for mask in quoted):
        return not _has_clear_quotes(content, layout)
    return False


def _contains(content: CSVContent, byte: bytes) -> bool:
    if isinstance(content.source, bytes):
        return byte in content.source
    with (
        content.source.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as view,
    ):
        return view.find(byte) >= 0


def _has_clear_quotes(content: CSVContent, layout: CSVLayout) -> bool:
    """Tell whether each field is quoted as a whole, or has no quote at all."""
    quote, separator = re.escape(layout.quote or ""), re.escape(layout.separator)
    end = layout.line_end
    field = rf"(?:{quote}(?:[^{quote}]|{quote}{quote})*{quote}|[^{quote}{separator}{end}]*)"
    pattern = rf"\A(?:{field}(?:{separator}|\r?{end}))*{field}\z"
    text = pl.Series([content.read()], dtype=pl.Binary).cast(pl.String)
    return bool(text.str.contains(pattern).all())
