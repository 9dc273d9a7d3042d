"""The Arrow boundary: anything tabular becomes a ``polars.DataFrame`` here, once."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

import polars as pl

from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import FrameError
from algomancy_data.frames.nesting import check_depth
from algomancy_data.frames.value_ranges import impossible_values


@runtime_checkable
class ArrowStream(Protocol):
    """Anything that exports an Arrow C stream: pyarrow, pandas, DuckDB, Polars and others."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table (the Arrow PyCapsule interface)."""
        ...


Tabular: TypeAlias = "pl.DataFrame | pl.LazyFrame | ArrowStream | dict[str, Any] | list[Any]"


def to_frame(table: Tabular | Any, name: str = "table") -> pl.DataFrame:
    """Turn anything tabular into a ``polars.DataFrame``.

    A Polars frame is returned as it is, a lazy one is collected, Arrow streams are taken without
    a copy where their layout allows it. The index of a pandas frame is dropped and its missing
    values become null, since pandas does not tell NaN from "no value".

    Args:
        table: The table.
        name: What to call it in an error.

    Raises:
        FrameError: It is not tabular, or one of its columns has no Arrow type.

    Example:
        >>> import pyarrow as pa
        >>> to_frame(pa.table({"a": [1, 2]})).shape
        (2, 1)
    """
    if isinstance(table, pl.DataFrame):
        return table
    try:
        with engine_failures(FrameError, f"Taking table {name!r}"):
            return _frame(table, name)
    except FrameError:
        raise
    except Exception as error:
        kind = f"{type(table).__module__}.{type(table).__qualname__}"
        reason = "; ".join(str(part).strip().rstrip(".") for part in error.args)
        advice = (
            "Give each column a name of its own and values of one type, such as "
            'df["a"].astype("string").'
            if kind.startswith("pandas.") and kind.endswith("DataFrame")
            else "Give a Polars, pyarrow or pandas frame, or anything else that exports an Arrow "
            "stream."
        )
        msg = (
            f"Table {name!r} is a {kind}, which cannot be turned into a polars.DataFrame"
            f"{': ' if reason else ''}{reason}. {advice}"
        )
        raise FrameError(msg) from error


def to_frames(tables: Mapping[str, Tabular | Any]) -> dict[str, pl.DataFrame]:
    """Turn tables into Polars frames, in a dict of its own; those that are frames stay the same.

    Raises:
        FrameError: One of them is not tabular, or has a column without an Arrow type.
    """
    return {
        name: table if isinstance(table, pl.DataFrame) else to_frame(table, name)
        for name, table in tables.items()
    }


def _frame(table: Any, name: str) -> pl.DataFrame:
    if isinstance(table, pl.LazyFrame):
        return table.collect()
    if isinstance(table, ArrowStream):
        return _from_arrow(table, name)
    if isinstance(table, pl.Series | str | bytes) or table is None:
        raise TypeError  # Polars would make a one-column frame of it
    rows: Any = list[Any](table) if isinstance(table, Iterator) else table
    check_depth(rows)
    return pl.DataFrame(rows)


def _from_arrow(stream: ArrowStream, name: str) -> pl.DataFrame:
    import pyarrow as pa  # noqa: PLC0415  0.1 s that only foreign frames have to pay

    check_depth(_objects_of_pandas(stream))
    table = _arrow_table(stream)
    for column in table.schema:
        if has_nul_inside(column.type):
            msg = f"column {column.name!r} has a field with a NUL character in its name"
            raise ValueError(msg)
    table = table.drop_columns(_pandas_index_columns(table.schema.metadata))
    for number, column in enumerate(table.columns):
        if "[s" in str(column.type):
            field = table.field(number)
            table = table.set_column(number, field.name, _without_seconds(column, field.name, name))
    # By number: Polars gives a column without a name one of its own.
    frame = pl.from_arrow(table.rename_columns([str(n) for n in range(table.num_columns)]))
    if not isinstance(frame, pl.DataFrame):  # pragma: no cover  a Table always gives a DataFrame
        raise FrameError
    frame.columns = table.column_names
    for values, column in zip(frame, table.columns, strict=True):
        if pa.types.is_time(column.type) and values.null_count() != column.null_count:
            # Polars makes null of it.
            msg = (
                f"Table {name!r}: column {values.name!r} has a time of day outside 00:00 to 24:00."
            )
            raise FrameError(msg)
    problem = impossible_values(frame)
    if problem is not None:
        raise FrameError(problem)
    return frame


def _arrow_table(stream: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415  as above

    # What is pyarrow's does not go through Arrow's C interface, which ends a name at a NUL.
    match stream:
        case pa.Table():
            return stream
        case pa.RecordBatch():
            return pa.Table.from_batches([stream])
        case pa.RecordBatchReader():
            return stream.read_all()
        case _:
            pass
    with warnings.catch_warnings():
        # pandas' integer column labels become their digits, which is what we want.
        warnings.filterwarnings("ignore", "The DataFrame has column names of mixed type")
        return pa.table(stream)


def has_nul_inside(dtype: Any) -> bool:
    r"""Tell whether a field of a type has a NUL in its name, which Arrow's C interface would cut.

    Example:
        >>> import pyarrow as pa
        >>> has_nul_inside(pa.list_(pa.struct({"a\0b": pa.int8()})))
        True
    """
    fields = (dtype.field(number) for number in range(dtype.num_fields))
    return any("\0" in field.name or has_nul_inside(field.type) for field in fields)


def _without_seconds(column: Any, name: str, table: str) -> Any:
    """Return a column with moments and durations in seconds, or with those in it, in milliseconds.

    Polars has no seconds; it multiplies without looking whether there is room.
    """
    import pyarrow as pa  # noqa: PLC0415  as above

    empty = pl.from_arrow(pa.table([pa.nulls(0, column.type)], names=["x"]))
    target = cast("pl.DataFrame", empty).to_arrow().schema.field(0).type
    try:
        return column.cast(target)
    except pa.ArrowInvalid as error:
        msg = (
            f"Table {table!r}: column {name!r} has a moment or duration in seconds that is too "
            f"large for milliseconds, the longest unit there is. Leave it out, or make the column "
            f"a number."
        )
        raise FrameError(msg) from error


def _objects_of_pandas(table: Any) -> list[Any]:
    """Return the columns of a pandas frame in which anything can be; of other tables none."""
    if type(table).__module__.partition(".")[0] != "pandas":
        return []
    columns = (
        [table] if hasattr(table, "dtype") else [table.iloc[:, n] for n in range(table.shape[1])]
    )
    return [column.tolist() for column in columns if column.dtype == object]


def _pandas_index_columns(metadata: dict[bytes, bytes] | None) -> list[str]:
    """Return the columns that pandas added for its index, from the metadata it leaves."""
    if metadata is None or b"pandas" not in metadata:
        return []
    index_columns: list[Any] = json.loads(metadata[b"pandas"])["index_columns"]
    # A RangeIndex is described by a dict and adds no column.
    return [column for column in index_columns if isinstance(column, str)]
