"""The columns of the JSON form: exact Polars values as JSON values, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.errors import SerializationError
from algomancy_data.frames.json_values import (
    JSONForm,
    from_json_values,
    json_dtype,
    to_json_values,
)
from algomancy_data.frames.side_by_side import side_by_side
from algomancy_data.frames.tabular import numbered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polars.datatypes import DataType as PolarsDataType

_DATETIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S%.f"
_PANDAS_NAMES: Final[dict[PolarsDataType, str]] = {
    pl.String(): "string",
    pl.Boolean(): "boolean",
    pl.Categorical(): "category",
}


def encode(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with every column in a dtype that JSON holds exactly.

    Raises:
        SerializationError: A column holds values that would not come back identical.
    """
    by_number = numbered(frame)
    encoded = by_number.select(
        to_json_values(pl.col(column.name), column.dtype, _form(column)).alias(column.name)
        for column in by_number
    )
    encoded.columns = frame.columns
    for name, dtype in frame.schema.items():
        if dtype.is_nested():
            _check_nested(frame[name], encoded[name])
    return encoded


def decode(values: Mapping[str, list[Any]], schema: pl.Schema, height: int) -> pl.DataFrame:
    """Return the frame whose encoded columns are ``values``.

    Raises:
        PolarsError: A value does not fit its column's dtype.
    """
    if not schema:
        return pl.DataFrame(height=height)
    series: list[pl.Series] = []
    for name, dtype in schema.items():
        texts = dtype.is_float() and any(isinstance(value, str) for value in values[name])
        form = JSONForm(text_floats=texts)
        series.append(pl.Series(name, values[name], dtype=json_dtype(dtype, form)))
    return decode_frame(side_by_side(series), schema)


def encoded_schema(schema: pl.Schema) -> pl.Schema:
    """Return the dtypes of the columns that :func:`encode` returns for finite values."""
    return pl.Schema({name: json_dtype(dtype) for name, dtype in schema.items()})


def decode_frame(encoded: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Return the frame that :func:`encode` encoded.

    Raises:
        PolarsError: A value does not fit its column's dtype.
    """
    by_number = numbered(encoded)
    decoded = by_number.select(
        from_json_values(pl.col(number), dtype).alias(number)
        for number, dtype in zip(by_number.columns, schema.dtypes(), strict=True)
    )
    decoded.columns = schema.names()
    return decoded


def pandas_dtypes(frame: pl.DataFrame) -> dict[str, str]:
    """Return the pandas dtype name that suits each column."""
    return {column.name: _pandas_dtype(column) for column in frame}


def decode_pandas(
    values: Mapping[str, list[Any] | pl.Series], dtypes: Mapping[str, str], height: int
) -> pl.DataFrame:
    """Return the frame of a table that the pandas package wrote.

    Its NaN means "no value", as everywhere in pandas, and becomes null.

    Raises:
        PolarsError: A value does not fit its column's dtype.
    """
    if not values:
        return pl.DataFrame(height=height)
    series = [
        _pandas_series(name, column, dtypes.get(name, "object")) for name, column in values.items()
    ]
    return side_by_side(series)


def mixed_as_text(
    values: Mapping[str, list[Any]], dtypes: Mapping[str, str]
) -> tuple[dict[str, list[Any]], list[str]]:
    """Return the columns with texts in those that hold values of several kinds, and their names.

    The pandas package left such columns half converted: ``[True, "on", False]``. A text is as it
    is, anything else as JSON writes it.

    Example:
        >>> mixed_as_text({"x": [True, "on", None], "y": [1, 2]}, {"y": "int64"})
        ({'x': ['true', 'on', None], 'y': [1, 2]}, ['x'])
    """
    mixed = [
        name
        for name, column in values.items()
        if dtypes.get(name, "object") == "object" and not _is_of_one_kind(column)
    ]
    return {
        name: [_as_text(value) for value in column] if name in mixed else column
        for name, column in values.items()
    }, mixed


def _is_of_one_kind(values: list[Any]) -> bool:
    kinds = {type(value) for value in values if not _is_missing(value)}
    if kinds <= {str} or kinds <= {bool}:
        return True
    if not (kinds <= {int, float} or kinds <= {list} or kinds <= {dict}):
        return False
    try:
        read = pl.Series([None if _is_missing(value) else value for value in values], strict=True)
    except (TypeError, OverflowError, PolarsError):
        try:
            read = pl.Series(values, dtype=pl.Float64())
        except (TypeError, OverflowError, PolarsError):
            return False
    # What Polars takes may be less than was given: 2**53 + 1 among floats, a key of an object.
    return all(
        _is_missing(value) or _without_nulls(value) == _without_nulls(kept)
        for value, kept in zip(values, read.to_list(), strict=True)
    )


def _is_missing(value: Any) -> bool:
    return value is None or value != value  # noqa: PLR0124  NaN


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).items()
        return {name: _without_nulls(item) for name, item in members if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in cast("list[Any]", value)]
    return value


def _as_text(value: Any) -> str | None:
    if _is_missing(value):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# --- writing ----------------------------------------------------------------------------------


def _form(column: pl.Series) -> JSONForm:
    has_text = column.dtype.is_float() and not column.is_finite().all()
    return JSONForm(text_floats=has_text)


def _check_nested(column: pl.Series, encoded: pl.Series) -> None:
    """Refuse a nested column that JSON would change, such as a NaN inside a list."""
    written = pl.DataFrame(encoded).write_json().encode()
    read = pl.read_json(written, schema={column.name: encoded.dtype})
    decoded = decode_frame(read, pl.Schema({column.name: column.dtype})).to_series()
    if not decoded.equals(column, check_dtypes=True, null_equal=True):
        msg = (
            f"column {column.name!r} ({column.dtype}) holds values inside its lists or structs "
            f"that JSON cannot hold exactly, such as NaN. Keep the dataset in a database, or "
            f"unnest the column."
        )
        raise SerializationError(msg)


def _pandas_dtype(column: pl.Series) -> str:
    match column.dtype:
        case pl.Datetime(time_unit=unit, time_zone=zone):
            return f"datetime64[{unit}]" if zone is None else f"datetime64[{unit}, {zone}]"
        case pl.Duration(time_unit=unit):
            return f"timedelta64[{unit}]"
        case dtype if dtype.is_integer():
            return str(dtype) if column.has_nulls() else str(dtype).lower()
        case dtype if dtype.is_float():
            return str(dtype).lower()
        case dtype:
            return _PANDAS_NAMES.get(dtype, "object")


# --- reading ----------------------------------------------------------------------------------


def _pandas_series(name: str, values: list[Any] | pl.Series, dtype: str) -> pl.Series:
    try:
        column = _typed_series(name, values, dtype)
    except (TypeError, PolarsError):  # a NaN among other values, which stands for a missing one
        without = [None if value != value else value for value in values]  # noqa: PLR0124  NaN
        try:
            column = _typed_series(name, without, dtype)
        except (TypeError, ValueError, OverflowError, PolarsError) as error:
            msg = f"column {name!r} holds values that are not of its pandas dtype {dtype!r}"
            raise SerializationError(msg) from error
    return column.fill_nan(None) if column.dtype.is_float() else column


def _typed_series(name: str, values: list[Any] | pl.Series, dtype: str) -> pl.Series:
    match dtype.partition("[")[0]:
        case "string" | "str":
            return pl.Series(name, values, dtype=pl.String())
        case "category":
            return pl.Series(name, values, dtype=pl.String()).cast(pl.Categorical())
        case "bool" | "boolean":
            return pl.Series(name, values, dtype=pl.Boolean())
        case "datetime64":
            return _pandas_datetimes(name, values, dtype)
        case "timedelta64":
            unit = cast("Any", dtype.removeprefix("timedelta64[").removesuffix("]"))
            return pl.Series(name, values, dtype=pl.Int64()).cast(pl.Duration(unit))
        case "object":
            series = _untyped_series(name, values)
            # pandas calls a column of missing values an object column: text, most likely.
            return (
                pl.Series(name, [None] * len(series), pl.String()) if _is_empty(series) else series
            )
        case _:
            number = getattr(pl, dtype.capitalize().replace("Uint", "UInt"), None)
            if number is None:
                msg = f"column {name!r} has the unknown pandas dtype {dtype!r}"
                raise SerializationError(msg)
            return pl.Series(name, values, dtype=number(), strict=True)


def _untyped_series(name: str, values: list[Any] | pl.Series) -> pl.Series:
    try:
        return pl.Series(name, values)
    except TypeError:
        values = [None if _is_missing(value) else value for value in values]
    except OverflowError:
        pass
    try:
        return pl.Series(name, values)
    except (TypeError, OverflowError):  # whole numbers before others, or larger than any integer
        return pl.Series(name, values, dtype=pl.Float64())


def _is_empty(series: pl.Series) -> bool:
    """Tell whether there is no value in a column, NaN being none."""
    if series.dtype.is_float():
        return series.fill_nan(None).null_count() == len(series)
    return series.dtype == pl.Null()


def _pandas_datetimes(name: str, values: list[Any] | pl.Series, dtype: str) -> pl.Series:
    unit, _, zone = dtype.removeprefix("datetime64[").removesuffix("]").partition(", ")
    texts = pl.Series(name, values, dtype=pl.String())
    if not zone:
        return texts.str.to_datetime(_DATETIME_FORMAT, time_unit=cast("Any", unit))
    instants = texts.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%z", time_unit=cast("Any", unit), time_zone="UTC"
    )
    return instants.dt.convert_time_zone(zone)
