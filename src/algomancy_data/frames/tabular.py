"""The Arrow boundary: anything tabular becomes a ``polars.DataFrame`` here, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import FrameError, ScratchError
from algomancy_data.frames.arrow_streams import ArrowStream, frame_of_stream, no_table
from algomancy_data.frames.lazy import collected
from algomancy_data.frames.nesting import NESTED, check_dtype_depth
from algomancy_data.frames.python_tables import frame_of_values
from algomancy_data.memory import IN_MEMORY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "numbered",
    "to_frame",
    "to_frames",
    "unique_names",
]


Tabular: TypeAlias = "pl.DataFrame | pl.LazyFrame | ArrowStream | dict[str, Any] | list[Any]"


def to_frame(
    table: Tabular | Any, name: str = "table", in_memory_bytes: int = IN_MEMORY_BYTES
) -> pl.DataFrame:
    """Turn anything tabular into a ``polars.DataFrame``.

    A Polars frame is returned as it is, a lazy one is collected: into a scratch file if it is
    larger than memory should hold. Arrow streams are taken without a copy where their layout allows
    it. The index of a pandas frame is dropped and its missing values become null, since pandas does
    not tell NaN from "no value".

    Args:
        table: The table.
        name: What to call it in an error.
        in_memory_bytes: Up to which size what a query gives is made in memory.

    Raises:
        FrameError: It is not tabular, a column has no Polars dtype, or one that would change a
            value.
        ScratchError: There is no room for what is larger than memory.

    Example:
        >>> import pyarrow as pa
        >>> to_frame(pa.table({"a": [1, 2]})).shape
        (2, 1)
    """
    if isinstance(table, pl.DataFrame) and NESTED.isdisjoint(map(type, table.dtypes)):
        return table
    with engine_failures(FrameError, f"Taking table {name!r}"):
        if isinstance(table, pl.DataFrame):
            check_dtype_depth(table.dtypes)
            return table
        return _frame(table, name, in_memory_bytes)


def to_frames(
    tables: Mapping[str, Tabular | Any], in_memory_bytes: int = IN_MEMORY_BYTES
) -> dict[str, pl.DataFrame]:
    """Turn tables into Polars frames, in a new dict; frames stay the same objects.

    Args:
        tables: The tables by name.
        in_memory_bytes: Up to which size what a query gives is made in memory.

    Raises:
        FrameError: One of them is not tabular, or has a column without an Arrow type.
    """
    return {
        name: table if isinstance(table, pl.DataFrame) else to_frame(table, name, in_memory_bytes)
        for name, table in tables.items()
    }


def _frame(table: Any, name: str, in_memory_bytes: int) -> pl.DataFrame:
    if isinstance(table, pl.LazyFrame):
        frame = _collected(table, name, in_memory_bytes)
        check_dtype_depth(frame.dtypes)
        return frame
    if isinstance(table, ArrowStream):
        return frame_of_stream(table, name)
    if isinstance(table, pl.Series | str | bytes) or table is None:
        raise no_table(table, name)  # Polars would make a one-column frame of it
    return frame_of_values(table, name)


def _collected(table: pl.LazyFrame, name: str, in_memory_bytes: int) -> pl.DataFrame:
    try:
        return collected(table, in_memory_bytes)
    except ScratchError:
        raise
    except (PolarsError, OSError) as error:
        msg = (
            f"Table {name!r} is a polars.LazyFrame whose query fails. Call its collect() to see "
            f"why, and mend it."
        )
        raise FrameError(msg) from error


def unique_names(written: Sequence[str]) -> list[str]:
    """Return unique names for a header, with empty ones named by position.

    Example:
        >>> unique_names(["a", "a", "", "b"])
        ['a', 'a.1', 'Unnamed: 2', 'b']
    """
    names: dict[str, None] = {}  # in order, and quick to look up in wide files
    taken = set(written)
    numbers: dict[str, int] = {}  # the last one tried, by stem
    for position, given in enumerate(written):
        name = given or f"Unnamed: {position}"
        if name in names or (not given and name in taken):
            stem, number = name, numbers.get(name, 0) + 1
            while (name := f"{stem}.{number}") in taken or name in names:
                number += 1
            numbers[stem] = number
        names[name] = None
    return list(names)


def numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with numbers as names, since Polars takes ``*`` and ``^…$`` for patterns.

    Example:
        >>> import polars as pl
        >>> numbered(pl.DataFrame({"*": [1], "^a$": [2]})).columns
        ['0', '1']
    """
    with_numbers = frame.clone()
    with_numbers.columns = [str(number) for number in range(frame.width)]
    return with_numbers
