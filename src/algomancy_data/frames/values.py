"""Single values of a column, for people or for JSON.

Python's dates end with the year 9999 and its times count microseconds, so Polars raises an error
or drops digits without a word where a column has more. Nothing else in the package may make Python
objects of a column whose dtype it has not chosen itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polars.datatypes import DataType as PolarsDataType


_DAY_SECONDS: Final = 86_400
_PER_SECOND: Final = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


# From 0001-01-01 to 9999-12-31, in days since 1970; the longest timedelta.
_FIRST_DAY: Final = -719_162
_LAST_DAY: Final = 2_932_896
_MOST_DAYS: Final = 999_999_999
_LAST_SHORT_YEAR: Final = 9999


class ValueText(str):
    """The text of a value for which Python has no object, such as a date after the year 9999."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the text without quotes, like that of a date or a number."""
        return str(self)


def python_values(values: pl.Series) -> list[Any]:
    """Return the values as Python objects, or as :class:`ValueText` where Python has none.

    The items of a map become ``{"key": …, "value": …}``, since a dict would drop repeated keys.

    Example:
        >>> days = pl.Series([0, 2_932_897], dtype=pl.Int32()).cast(pl.Date())
        >>> python_values(days)
        [datetime.date(1970, 1, 1), +10000-01-01]
        >>> python_values(pl.Series([[1], None]))
        [[1], None]
    """
    dtype = values.dtype
    if dtype.is_temporal():
        return _temporal_values(values)
    if not _has_doubtful(dtype):
        return values.to_list()
    match dtype:
        case pl.BaseExtension():
            return python_values(values.ext.storage())
        case pl.Map():
            entry = pl.Struct({"key": dtype.key, "value": dtype.value})
            return python_values(values.cast(pl.List(entry)))
        case pl.Struct():
            return _structs(values)
        case _:
            return [None if item is None else python_values(item) for item in values]


def python_rows(frame: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a frame with at least one column, as :func:`python_values` has them."""
    return zip(*map(python_values, frame), strict=True)


def _has_doubtful(dtype: PolarsDataType) -> bool:
    """Tell whether Polars may fail to make Python objects of all values."""
    match dtype:
        case pl.List() | pl.Array():
            return _has_doubtful(cast("PolarsDataType", dtype.inner))
        case pl.Struct():
            return any(_has_doubtful(cast("PolarsDataType", f.dtype)) for f in dtype.fields)
        case _:
            return dtype.is_temporal() or isinstance(dtype, pl.Map | pl.BaseExtension)


def _structs(values: pl.Series) -> list[dict[str, Any] | None]:
    names = [field.name for field in cast("pl.Struct", values.dtype).fields]
    columns = [python_values(values.struct.field(name)) for name in names]
    rows = zip(*columns, strict=True)
    return [
        None if is_null else dict(zip(names, row, strict=True))
        for is_null, row in zip(values.is_null(), rows, strict=True)
    ]


def _temporal_values(values: pl.Series) -> list[Any]:
    numbers = values.to_physical()
    doubtful = _beyond_python(values.dtype, numbers).fill_null(value=False)
    if not doubtful.any():
        return values.to_list()
    known = values.zip_with(~doubtful, values.clear(len(values))).to_list()
    for row in doubtful.arg_true():
        known[row] = ValueText(_text(values.dtype, numbers[row]))
    return known


def _beyond_python(dtype: PolarsDataType, numbers: pl.Series) -> pl.Series:
    """Return which values Python cannot hold exactly."""
    match dtype:
        case pl.Date():
            return ~numbers.is_between(_FIRST_DAY, _LAST_DAY)
        case pl.Datetime(time_unit=unit):
            day = _DAY_SECONDS * _PER_SECOND[unit]
            # The local time may be another day.
            edge = 0 if dtype.time_zone is None else 1
            first, last = (_FIRST_DAY + edge) * day, (_LAST_DAY + 1 - edge) * day - 1
        case pl.Duration(time_unit=unit):
            last = _MOST_DAYS * _DAY_SECONDS * _PER_SECOND[unit]
            first = -last
        case _:
            unit, first, last = "ns", 0, _DAY_SECONDS * _PER_SECOND["ns"] - 1
    beyond = ~numbers.is_between(max(first, -(2**63)), min(last, 2**63 - 1))
    return beyond | (numbers % 1_000 != 0) if unit == "ns" else beyond


def _text(dtype: PolarsDataType, number: int) -> str:
    if isinstance(dtype, pl.Date):
        return _date_text(number)
    unit = dtype.time_unit if isinstance(dtype, pl.Datetime | pl.Duration) else "ns"
    seconds, fraction = divmod(number, _PER_SECOND[unit])
    days, second = divmod(seconds, _DAY_SECONDS)
    digits = len(str(_PER_SECOND[unit])) - 1
    part = f".{fraction:0{digits}}" if fraction else ""
    hours = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}{part}"
    if isinstance(dtype, pl.Datetime):
        zone = "" if dtype.time_zone is None else "+00:00"
        return f"{_date_text(days)} {hours}{zone}"
    if not days:
        return hours
    return f"{days} day{'' if abs(days) == 1 else 's'}, {hours}"


def _date_text(days: int) -> str:
    """Return a date of the Gregorian calendar, however remote, in ISO 8601."""
    # Counted in eras of 400 years from 0000-03-01, so that a leap day is the last of its year.
    era, day = divmod(days + 719_468, 146_097)
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    year += 400 * era + (month >= 10)  # noqa: PLR2004  January and February
    month = month - 9 if month >= 10 else month + 3  # noqa: PLR2004
    sign = "-" if year < 0 else "+" if year > _LAST_SHORT_YEAR else ""
    return f"{sign}{abs(year):04}-{month:02}-{day + 1:02}"


_DAY_NANOSECONDS: Final = 86_400_000_000_000


def impossible_values(frame: pl.DataFrame) -> str | None:
    """Return which column has a value that its dtype cannot have, or None.

    It costs one look at the decimals and times of day, and nothing for other columns.

    Example:
        >>> impossible_values(pl.DataFrame({"a": [1]})) is None
        True
    """
    for name, dtype in frame.schema.items():
        if _has_range(dtype):
            for values in _leaves(frame[name]):
                what = _beyond(values)
                if what is not None:
                    return f"Column {name!r} has {what}"
    return None


def _has_range(dtype: PolarsDataType) -> bool:
    match dtype:
        case pl.List() | pl.Array():
            return _has_range(cast("PolarsDataType", dtype.inner))
        case pl.Struct():
            return any(_has_range(cast("PolarsDataType", f.dtype)) for f in dtype.fields)
        case _:
            return isinstance(dtype, pl.Decimal | pl.Time)


def _leaves(values: pl.Series) -> Iterator[pl.Series]:
    match values.dtype:
        case pl.List() | pl.Array():
            if not values.is_empty():
                yield from _leaves(values.explode())
        case pl.Struct():
            for field in values.dtype.fields:
                yield from _leaves(values.struct.field(field.name))
        case _:
            yield values


def _beyond(values: pl.Series) -> str | None:
    """Return what is wrong with the values of a column that is not nested."""
    match values.dtype:
        case pl.Decimal(precision=digits):
            largest = 10**digits - 1
            what = f"a decimal of more than {digits} digits, which its type does not allow"
            first = -largest
        case pl.Time():
            largest, first = _DAY_NANOSECONDS - 1, 0
            what = "a time of day outside 00:00 to 24:00"
        case _:
            return None
    numbers = values.to_physical()
    low, high = cast("Any", numbers.min()), cast("Any", numbers.max())
    return what if low is not None and (low < first or high > largest) else None
