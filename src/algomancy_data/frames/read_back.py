"""Refuses tables whose frame does not read back as they were given."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from operator import attrgetter
from types import NoneType
from typing import Any, Final, cast

import polars as pl

from algomancy_data.errors import FrameError
from algomancy_data.frames.values import python_values

EXACT: Final = frozenset({int, float, str, bytes, bool, date})
"""Types of Python: a column of values of one of them is what it was, or Polars raises an error."""

# What pandas has for no value, beside NaN.
_MISSING: Final = frozenset({"NAType", "NaTType"})
_LONGEST: Final = 60


def check_exact(values: pl.Series, given: Any, table: str) -> None:
    """Make sure that a column has the values that were given.

    Args:
        values: The column.
        given: A list, a tuple or an array; anything else is not looked at.
        table: Name of the table.

    Raises:
        FrameError: One is another.
    """
    if hasattr(given, "__array_interface__"):
        if given.dtype.kind in "mM":
            _check_moments(values, given, table)
        if not given.dtype.hasobject:
            return
        given = given.tolist()
    if not isinstance(given, list | tuple) or values.dtype == pl.Object():
        return
    before = cast("Sequence[Any]", given)
    kinds = kinds_of(before)
    if not kinds or (len(kinds) == 1 and kinds <= EXACT) or _is_same(values, before):
        return
    after = python_values(values)
    for old, new in zip(before, after, strict=True):
        if not same_value(old, new):
            raise _changed(table, values.name, old, new)


def kinds_of(values: Iterable[Any]) -> set[type]:
    """Return the types of values, without that of None."""
    return {*map(type, values)} - {NoneType}


def _is_same(values: pl.Series, before: Sequence[Any]) -> bool:
    """Tell whether a column certainly has the given values, without looking at each.

    False says nothing. What has values in it is compared by these: a list does not show that a
    number in it was a truth value.
    """
    kinds = kinds_of(before)
    if not kinds:
        return values.null_count() == len(before)
    if len(kinds) > 1:
        return False
    (kind,) = kinds
    dtype = values.dtype
    if kind is datetime and dtype == pl.Datetime("us"):
        moments = filter(None, before)
        return {*map(attrgetter("tzinfo"), moments)} == {None} and _has_nulls_of(values, before)
    if kind is list and isinstance(dtype, pl.List):
        return _is_same_list(values, before)
    if kind is dict and isinstance(dtype, pl.Struct):
        return _is_same_struct(values, dtype, before)
    if kind in {list, tuple, dict} or (kind is bool) != (dtype == pl.Boolean()):
        return False
    try:
        return list(before) == python_values(values)
    except (TypeError, ValueError):
        return False


def _is_same_list(values: pl.Series, before: Sequence[Any]) -> bool:
    lengths = [None if one is None else len(one) for one in before]
    if lengths != values.list.len().to_list():
        return False
    filled = values.filter(values.list.len() > 0)
    return _is_same(filled.explode(), [*chain.from_iterable(filter(None, before))])


def _is_same_struct(values: pl.Series, dtype: pl.Struct, before: Sequence[Any]) -> bool:
    names = [field.name for field in dtype.fields]
    given = {*chain.from_iterable(filter(None, before))}
    return (
        given <= {*names}
        and _has_nulls_of(values, before)
        and all(_is_same(values.struct.field(name), _field_of(before, name)) for name in names)
    )


def _field_of(rows: Sequence[Any], name: str) -> list[Any]:
    return [None if row is None else row.get(name) for row in rows]


def _has_nulls_of(values: pl.Series, before: Sequence[Any]) -> bool:
    nulls = values.is_null()
    return not nulls.any() or nulls.to_list() == [one is None for one in before]


def _check_moments(values: pl.Series, given: Any, table: str) -> None:
    """Compare the numbers of numpy's dates and durations, of which some become null."""
    counts = pl.Series(given.astype("int64"))
    there = pl.Series(given == given)  # noqa: PLR0124  NaT is not itself
    same = (values.to_physical().cast(pl.Int64()) == counts).fill_null(value=False)
    wrong = (there & ~same).arg_true()
    if len(wrong):
        raise _changed(table, values.name, given[wrong[0]], python_values(values[wrong])[0])


def _changed(table: str, column: str, before: object, after: object) -> FrameError:
    return FrameError(
        f"Table {table!r}: column {column!r} would have {_short(after)} instead of "
        f"{_short(before)}. Give it values of one type, or a polars.Series of the right dtype."
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def same_value(before: Any, after: Any) -> bool:
    """Tell whether a value of a frame is the one that was given.

    Example:
        >>> same_value((1, 2), [1, 2]), same_value(1, "1"), same_value(True, 1)
        (True, False, False)
    """
    if before is after:
        return True
    if after is None:
        return type(before).__name__ in _MISSING or bool(before != before)  # noqa: PLR0124
    if isinstance(before, enum.Enum):
        return same_value(before.value, after)
    if isinstance(after, dict):
        fields = _fields(before)
        return (
            fields is not None
            and fields.keys() <= after.keys()
            and all(same_value(fields.get(name), inner) for name, inner in after.items())
        )
    if isinstance(after, list):
        if hasattr(before, "tolist"):
            before = before.tolist()
        items = (
            list[Any](before)
            if isinstance(before, Iterable) and not isinstance(before, str | bytes)
            else None
        )
        return items is not None and len(items) == len(after) and all(map(same_value, items, after))
    if _is_truth(before) != _is_truth(after):
        return False
    try:
        return bool(before == after or (before != before and after != after))  # noqa: PLR0124  NaN
    except (TypeError, ValueError):
        return False


def _is_truth(value: object) -> bool:
    return type(value).__name__ in {"bool", "bool_"}


def _fields(value: Any) -> Mapping[str, Any] | None:
    """Return the fields of what becomes a struct: a dict, a named tuple, or an object."""
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value)
    if hasattr(value, "_asdict"):
        return value._asdict()
    return getattr(value, "__dict__", None)
