"""Columns of Arrow types in files: what no frame holds is refused with the name of the file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from algomancy_data.errors import FileContentError
from algomancy_data.frames import arrow
from algomancy_data.frames.values import impossible_values

if TYPE_CHECKING:
    from collections.abc import Sequence

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


# Of a value that is no text, or of the view of a text, and of whether it is null.
_VALUE_BYTES: Final = 17


def check_repeated(
    file: str,
    frame: pl.DataFrame,
    limits: ReadLimits,
    stored: int,
    texts: Sequence[int | None] | None = None,
) -> None:
    """Refuse a frame whose texts take far more memory than its file is large.

    They may be in the file once, and in a million rows: then they take little in the frame as well,
    but not where anything is made of them.

    Args:
        file: Logical name of the file.
        frame: The frame.
        limits: How much it may become in memory.
        stored: How many bytes the file has as it is stored.
        texts: How many bytes the texts of each column have at most, None of a nested one or if only
            its values tell. To add up those of all texts takes as long as to read them.

    Raises:
        ReadLimitError: They do.
    """
    columns = frame.get_columns()
    allowed = limits.most_memory(stored)
    if texts is not None:
        share = allowed / max(len(columns), 1)
        if sum(map(partial(_at_most, share), columns, texts)) <= allowed:
            return
    limits.check_memory(file, sum(map(_bytes_of, columns)), stored)


def _at_most(share: float, values: pl.Series, texts: int | None) -> int:
    """Return how many bytes values take at most, without a look at them if that is no more."""
    if texts is not None and (most := texts + _VALUE_BYTES * len(values)) <= share:
        return most
    return _bytes_of(values)


def _bytes_of(values: pl.Series) -> int:
    return int(values.estimated_size()) + _bytes_of_categories(values)


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


def opened_by_pyarrow(source: Path | bytes) -> Any:
    """Open a file for pyarrow, or a copy of its bytes, that is nothing of Python's.

    One of its threads may be the last to let go of it, when the table has long been returned. If it
    then needed the interpreter, and that was about to end, the process would be aborted.

    Raises:
        OSError: It cannot be opened.
    """
    import pyarrow as pa  # noqa: PLC0415  as above

    if isinstance(source, Path):
        return pa.memory_map(str(source))
    sink = pa.BufferOutputStream()
    sink.write(source)
    return pa.BufferReader(sink.getvalue())
