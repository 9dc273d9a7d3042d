"""Frames of Python's values, which read back as they were given.

Polars infers a column's type from its first values, drops what does not fit, and looks at the first
rows only: a column that appears later would silently be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NoReturn, cast

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.display.words import counted
from algomancy_data.errors import FrameError
from algomancy_data.frames.arrow_streams import frame_of_stream, no_table
from algomancy_data.frames.nesting import check_depth
from algomancy_data.frames.read_back import EXACT, check_exact, kinds_of, same_value
from algomancy_data.frames.values import python_values

_FAILURES: Final = (
    *(PolarsError, PanicException, TypeError, ValueError, LookupError, AttributeError),
    *(RuntimeError, ArithmeticError),
)


def frame_of_values(table: Any, name: str) -> pl.DataFrame:
    """Return the frame of a dict of columns, of a list of rows, or of an array.

    Args:
        table: The table.
        name: What to call it in an error.

    Raises:
        FrameError: It is no table, or a frame would change a value.
        RecursionError: It is nested too deeply.

    Example:
        >>> frame_of_values([{"a": 1}, {"a": 2, "b": "x"}], "t").rows()
        [(1, None), (2, 'x')]
        >>> frame_of_values({"a": [0.5, 2**53 + 1]}, "t")
        Traceback (most recent call last):
        ...
        algomancy_data.errors.FrameError: Table 't': column 'a' would have 9007199254740992.0 \
instead of 9007199254740993. Give it values of one type, or a polars.Series of the right dtype.
    """
    given: Any = list[Any](table) if isinstance(table, Iterator) else table
    if isinstance(given, list) and given and _are_dicts(given):
        return _frame_of_rows(given, name)
    check_depth(given)
    if isinstance(given, Mapping):
        columns = {
            column: _series_of_array(values, name, column)
            for column, values in cast("Mapping[Any, Any]", given).items()
        }
        frame = _frame(columns, columns, name)
    else:
        columns = {}
        frame = _frame(given, columns, name)
        if isinstance(given, list):
            columns = _columns_of_rows(cast("list[Any]", given), frame)
    for column, values in columns.items():
        check_exact(frame[column], values, name)
    return frame


def _are_dicts(rows: list[Any]) -> bool:
    return all(issubclass(kind, dict) for kind in set(map(type, rows)))


def _frame_of_rows(rows: list[dict[Any, Any]], name: str) -> pl.DataFrame:
    """Return the frame of a list of dicts; a row that lacks a column is null there."""
    names = dict.fromkeys(chain.from_iterable(rows))
    columns = {column: [row.get(column) for row in rows] for column in names}
    kinds = [*map(kinds_of, columns.values())]
    if columns and all(len(some) == 1 and some <= EXACT for some in kinds):
        # As columns in an eighth of the time, where there is no doubt what their types are.
        return _frame(columns, columns, name)
    check_depth(rows)
    frame = _frame(rows, columns, name)
    for column, values in columns.items():
        check_exact(frame[column], values, name)
    return frame


def _frame(data: Any, columns: Mapping[Any, Any], name: str) -> pl.DataFrame:
    for column in columns:
        if not isinstance(column, str):
            msg = f"Table {name!r} has {column!r} for the name of a column. Names are text."
            raise FrameError(msg)
    try:
        return pl.DataFrame(data, infer_schema_length=None)
    except _FAILURES as error:
        _refuse(columns, data, name, error)


def _refuse(columns: Mapping[str, Any], data: Any, name: str, cause: BaseException) -> NoReturn:
    """Raise the error that names the values that cannot be in a frame."""
    lengths = {column: len(v) for column, v in columns.items() if hasattr(v, "__len__")}
    if len(set(lengths.values())) > 1:
        first, *others = lengths.items()
        other = next(other for other in others if other[1] != first[1])
        why = (
            f"column {first[0]!r} has {counted(first[1], 'value')} and column {other[0]!r} "
            f"{other[1]:,}. Give all columns one length."
        )
        raise no_table(data, name, why) from cause
    for column, values in columns.items():
        try:
            pl.DataFrame({"x": values})
        except _FAILURES as error:
            raise no_table(data, name, _no_dtype(column, values)) from error
    if isinstance(data, list) and any(
        isinstance(row, list | tuple) for row in cast("list[Any]", data)
    ):
        why = "its rows differ in length or type. Give each column values of one type."
        raise no_table(data, name, why) from cause
    raise no_table(data, name) from cause


def _no_dtype(column: str, values: Any) -> str:
    if hasattr(values, "dtype"):
        return (
            f"column {column!r} has the type {values.dtype}, which no dtype of Polars holds. "
            f"Convert it first, for instance with astype()."
        )
    given: Iterable[Any] = values if isinstance(values, Iterable) else [values]
    kinds = ", ".join(sorted({type(value).__name__ for value in given}))
    return (
        f"column {column!r} has values of the type {kinds}, which no dtype of Polars holds. Give "
        f"it values of one type, or text."
    )


def _series_of_array(values: Any, table: str, column: Any) -> Any:
    """Return a column of another library as a series, and all other values as they are."""
    if isinstance(values, pl.Series) or not (
        hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__")
    ):
        return values
    import pyarrow as pa  # noqa: PLC0415  0.1 s that only foreign columns have to pay

    try:
        held = pa.table({str(column): values})
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise no_table(values, table, _no_dtype(column, values)) from error
    return frame_of_stream(held, table).to_series()


def _columns_of_rows(rows: list[Any], frame: pl.DataFrame) -> dict[str, list[Any]]:
    """Return the values of each column of a list of lists or tuples."""
    if not rows or not all(isinstance(row, list | tuple) for row in rows):
        return {frame.columns[0]: rows} if frame.width == 1 and frame.height == len(rows) else {}
    lengths = set(map(len, rows))
    if len(rows) == frame.height and lengths == {frame.width} != {frame.height}:
        return dict(zip(frame.columns, map(list[Any], zip(*rows, strict=True)), strict=True))
    if len(rows) == frame.width and lengths == {frame.height}:
        if frame.width == frame.height and not _holds(frame.to_series(0), rows[0]):
            rows = [*map(list[Any], zip(*rows, strict=True))]
        return dict(zip(frame.columns, rows, strict=True))
    return {}


def _holds(values: pl.Series, given: Sequence[Any]) -> bool:
    return all(map(same_value, given, python_values(values)))
