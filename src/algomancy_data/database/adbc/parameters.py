"""Rows of parameters as Arrow data, which ADBC's drivers bind."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from adbc_driver_manager import AdbcStatusCode, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

_INT32: Final = 2**31
_TEXTS: Final = {str: pa.string(), bytes: pa.binary()}
# Types of parameters that mean the same to Arrow, whatever else is imported.
_AS_THEY_ARE: Final = frozenset({type(None), bool, int, float, str, bytes})
_PLAIN: Final = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}


def bound(rows: Sequence[Sequence[Any]] | None, given: Any) -> Any:
    """Return Arrow data for rows of parameters; what is Arrow data already stays it."""
    if hasattr(given, "__arrow_c_stream__"):
        return _without_views(pa.RecordBatchReader.from_stream(given))
    if given is None or hasattr(given, "__arrow_c_array__"):
        return given
    columns = [_array(values) for values in zip(*rows or (), strict=True)]
    if rows and not columns:
        if len(rows) == 1:
            return None
        raise data_error("Rows without parameters are executed one by one.")
    return pa.RecordBatch.from_arrays(columns, [str(i) for i in range(len(columns))])


def _without_views(data: Any) -> Any:
    """Return Arrow data without text views: SQLite's driver crashes when it binds one."""
    fields = [field.with_type(_PLAIN.get(field.type, field.type)) for field in data.schema]
    schema = pa.schema(fields)
    return data if schema == data.schema else data.cast(schema)


def _array(values: Sequence[Any]) -> Any:
    types = set(map(type, values))
    if len(types) == 1 and (plain := _plain_array(values, *types)) is not None:
        return plain
    if timedelta in types:
        values = [None if value is None else _interval(value) for value in values]
    elif datetime in types and len({value.tzinfo is None for value in values if value}) > 1:
        raise data_error("Times with and without a time zone have no type in common.")
    elif time in types:
        # Arrow's times have no zone, and would drop it.
        values = [str(value) if value and value.tzinfo else value for value in values]
    try:
        if not types <= _AS_THEY_ARE:
            values = [_in_utc(value) for value in values]
        is_small = int in types and types <= {int, type(None)} and _are_small(values)
        return pa.array(values, pa.int32() if is_small else None)
    except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
        raise data_error(f"A parameter has no Arrow type: {error}") from error


def _plain_array(values: Sequence[Any], kind: type) -> Any:
    """Return an array of texts, bytes, whole numbers or nulls; None for others.

    It is made of their memory, in a fifth of the time that ``pa.array`` takes for one value, which
    asks pandas what it would make of it, and imports pandas where it is installed.
    """
    if kind is type(None):
        return pa.Array.from_buffers(pa.null(), len(values), [None])
    if kind is int:
        # PostgreSQL takes a small integer where it wants a large one, but not the reverse.
        code, type_ = ("i", pa.int32()) if _are_small(values) else ("q", pa.int64())
        try:
            buffers = [None, pa.py_buffer(array(code, values))]
        except OverflowError:
            return None
        return pa.Array.from_buffers(type_, len(values), buffers)
    if kind not in _TEXTS:
        return None
    try:
        contents = values if kind is bytes else list(map(str.encode, values))
    except UnicodeEncodeError as error:
        raise data_error(f"A parameter has no Arrow type: {error}") from error
    if sum(map(len, contents)) >= _INT32:
        return None
    ends = array("i", accumulate(map(len, contents), initial=0))
    content = contents[0] if len(contents) == 1 else b"".join(contents)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(content)]
    return pa.Array.from_buffers(_TEXTS[kind], len(values), buffers)


def _in_utc(value: Any) -> Any:
    """Return an instant in UTC, also those of a list; any other value as it is.

    With pandera 0.35 imported, Arrow takes the local time of an instant for that in UTC.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo is None else value.astimezone(UTC)
    return [_in_utc(item) for item in value] if isinstance(value, list) else value


def _are_small(values: Sequence[Any]) -> bool:
    return all(value is None or -_INT32 <= value < _INT32 for value in values)


def _interval(value: timedelta) -> Any:
    microseconds = value.seconds * 1_000_000 + value.microseconds
    return pa.MonthDayNano([0, value.days, microseconds * 1000])


def data_error(message: str) -> DataError:
    """Return the error for a value that cannot be a parameter, or a result."""
    return DataError(message, status_code=AdbcStatusCode.INVALID_DATA)
