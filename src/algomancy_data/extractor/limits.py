"""A table that was read, against the limits of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.schema.read_limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from algomancy_data.file import File


def within_limits(
    frame: pl.DataFrame, file: File, unpacked_bytes: int | None = None
) -> pl.DataFrame:
    """Return a table that keeps the limits.

    Readers look before they take memory, where they can; this holds for whatever reader, those of
    users included.

    Args:
        frame: The table.
        file: Where it is from.
        unpacked_bytes: How many bytes the content has when it is unpacked, if that is known: no
            text is longer, so not even their sum has to be known.

    Raises:
        ReadLimitError: It does not.
    """
    # A file of no class of ours has none of its own.
    limits = getattr(file, "limits", None) or DEFAULT_LIMITS
    limits.check_shape(file.name, frame.height, frame.width)
    longest = limits.text_bytes
    if longest is None or (unpacked_bytes is not None and unpacked_bytes <= longest):
        return frame
    for column in frame.get_columns():
        if column.dtype == pl.String and column.estimated_size() > longest:
            size = column.str.len_bytes().max()
            limits.check_text(file.name, size if isinstance(size, int) else 0, column.name)
    return frame
