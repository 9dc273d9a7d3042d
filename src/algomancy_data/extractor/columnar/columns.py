"""Columns of Arrow types in files: what no frame holds is refused with the name of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.errors import FileContentError
from algomancy_data.frames import arrow
from algomancy_data.frames.values import impossible_values

if TYPE_CHECKING:
    from algomancy_data.schema import ReadLimits


def unreadable_column(file: str, column: str, what: str, instead: str) -> FileContentError:
    """Return the error for a column of a kind that nothing here can read."""
    return FileContentError(
        f"File {file!r}: column {column!r} uses {what}, which cannot be read. "
        f"Rewrite it with {instead}."
    )


def check_names(file: str, names: list[str]) -> None:
    """Refuse columns of one name.

    Raises:
        FileContentError: There are two.
    """
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"File {file!r} has more than one column {twice!r}. Give each a name of its own."
        raise FileContentError(msg)


def check_repeated(file: str, frame: pl.DataFrame, limits: ReadLimits, stored: int) -> None:
    """Refuse a frame whose texts take far more memory than its file is large.

    They may be in the file once, and in a million rows: then they take little in the frame as well,
    but not where anything is made of them.

    Args:
        file: Logical name of the file.
        frame: The frame.
        limits: How much it may become in memory.
        stored: How many bytes the file has as it is stored.

    Raises:
        ReadLimitError: They do.
    """
    texts = sum(map(_bytes_of_categories, frame.get_columns()))
    limits.check_memory(file, int(frame.estimated_size()) + texts, stored)


def _bytes_of_categories(values: pl.Series) -> int:
    """Return how many bytes categories have as texts; other texts, their frame counts itself."""
    match values.dtype:
        case pl.Categorical() | pl.Enum():
            return int(values.cat.len_bytes().cast(pl.UInt64).sum())
        case pl.List() | pl.Array():
            return _bytes_of_categories(values.explode())
        case pl.Struct():
            return sum(map(_bytes_of_categories, values.struct.unnest().get_columns()))
        case _:
            return 0


def checked_frame(frame: pl.DataFrame, file: str) -> pl.DataFrame:
    """Return a frame without unknown extension types and maps, and with no impossible values.

    Raises:
        FileContentError: A value is none that its type has.
    """
    frame = arrow.plain_frame(frame)
    problem = impossible_values(frame)
    if problem is not None:
        msg = f"File {file!r} may be damaged. {problem}."
        raise FileContentError(msg)
    return frame


def known_frame(table: arrow.ArrowTable, file: str) -> pl.DataFrame:
    """Return the frame of an Arrow table, with each column in a type that Polars has.

    Args:
        table: The table, validated.
        file: Logical name of the file that it is from.

    Raises:
        FileContentError: There is no such type for a column, or it does not hold all values.
    """
    check_names(file, table.column_names)
    try:
        return arrow.known_frame(table)
    except arrow.ForeignColumnError as error:
        raise unreadable_column(file, error.column, error.what, error.instead) from error
