"""The columns of the JSON form: exact Polars values as JSON values, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.errors import SerializationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from polars.datatypes import DataType as PolarsDataType

_DATETIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S%.f"
_UTC_SUFFIX: Final = "+00:00"
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
    # By number: Polars takes "*" and "^a$" for patterns.
    numbers = [str(number) for number in range(frame.width)]
    numbered = frame.clone()
    numbered.columns = numbers
    encoded = numbered.select(
        _encode(pl.col(number), dtype, finite=_is_finite(column)).alias(number)
        for number, dtype, column in zip(numbers, frame.dtypes, frame, strict=True)
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
        series.append(
            pl.Series(name, values[name], dtype=pl.String() if texts else _encoded(dtype))
        )
    return decode_frame(pl.DataFrame(series), schema)


def encoded_schema(schema: pl.Schema) -> pl.Schema:
    """Return the dtypes of the columns that :func:`encode` returns for finite values."""
    return pl.Schema({name: _encoded(dtype) for name, dtype in schema.items()})


def decode_frame(encoded: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Return the frame that :func:`encode` encoded.

    Raises:
        PolarsError: A value does not fit its column's dtype.
    """
    # By number: Polars takes "*" and "^a$" for patterns.
    numbers = [str(number) for number in range(encoded.width)]
    numbered = encoded.clone()
    numbered.columns = numbers
    decoded = numbered.select(
        _decode(pl.col(number), dtype).alias(number)
        for number, dtype in zip(numbers, schema.dtypes(), strict=True)
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
    return pl.DataFrame(series)


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


def _is_finite(column: pl.Series) -> bool:
    return not column.dtype.is_float() or bool(column.is_finite().all())


def _encode(value: pl.Expr, dtype: PolarsDataType, *, finite: bool = True) -> pl.Expr:
    match dtype:
        case pl.Float16() | pl.Float32() | pl.Float64():
            # Float16 is written with too few digits, as a wider float it is exact.
            wide = value.cast(pl.Float32) if dtype == pl.Float16() else value
            return wide if finite else wide.cast(pl.String)
        case pl.Datetime():
            if dtype.time_zone is None:
                return value.dt.to_string("iso:strict")
            utc = value.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            return utc.dt.to_string("iso:strict") + _UTC_SUFFIX
        case pl.Date() | pl.Time():
            return value.dt.to_string("iso:strict")
        case pl.Duration():
            return value.to_physical()
        case pl.Decimal() | pl.Categorical() | pl.Enum():
            return value.cast(pl.String)
        case pl.Binary():
            return value.bin.encode("base64")
        case pl.List():
            return value.list.eval(_encode(pl.element(), _inner(dtype)))
        case pl.Array():
            return value.arr.to_list().list.eval(_encode(pl.element(), _inner(dtype)))
        case pl.Struct():
            return map_fields(value, dtype, _encode)
        case _:
            return value


def _encoded(dtype: PolarsDataType) -> PolarsDataType:
    match dtype:
        case pl.Float16():
            return pl.Float32()
        case pl.Duration():
            return pl.Int64()
        case pl.List() | pl.Array():
            return pl.List(_encoded(_inner(dtype)))
        case pl.Struct():
            return pl.Struct({field.name: _encoded(_dtype(field)) for field in dtype.fields})
        case _ if dtype.is_temporal() or dtype.is_decimal() or _is_coded_text(dtype):
            return pl.String()
        case _:
            return dtype


def _is_coded_text(dtype: PolarsDataType) -> bool:
    return isinstance(dtype, pl.Binary | pl.Categorical | pl.Enum)


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


def _decode(value: pl.Expr, dtype: PolarsDataType) -> pl.Expr:
    match dtype:
        case pl.Datetime():
            text = value if dtype.time_zone is None else value.str.strip_suffix(_UTC_SUFFIX)
            naive = text.str.to_datetime(_DATETIME_FORMAT, time_unit=dtype.time_unit)
            if dtype.time_zone is None:
                return naive
            return naive.dt.replace_time_zone("UTC").dt.convert_time_zone(dtype.time_zone)
        case pl.Date():
            return value.str.to_date("%Y-%m-%d")
        case pl.Time():
            return value.str.to_time("%H:%M:%S%.f")
        case pl.Binary():
            return value.str.decode("base64")
        case pl.List():
            return value.list.eval(_decode(pl.element(), _inner(dtype)))
        case pl.Array():
            items = value.list.eval(_decode(pl.element(), _inner(dtype)))
            return items.list.to_array(dtype.size)
        case pl.Struct():
            return map_fields(value, dtype, _decode)
        case _:
            return value.cast(dtype)


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


# --- both -------------------------------------------------------------------------------------


def _inner(dtype: pl.List | pl.Array) -> PolarsDataType:
    return cast("PolarsDataType", dtype.inner)


def _dtype(field: pl.Field) -> PolarsDataType:
    return cast("PolarsDataType", field.dtype)


def map_fields(
    value: pl.Expr, dtype: pl.Struct, convert: Callable[[pl.Expr, PolarsDataType], pl.Expr]
) -> pl.Expr:
    """Convert each field of a struct; a null struct stays null rather than one of nulls."""
    if not dtype.fields:
        return value  # and Polars makes no struct without fields
    # By number, since Polars takes a field named "*" or "^…$" for a pattern.
    numbered = value.struct.rename_fields([str(number) for number in range(len(dtype.fields))])
    fields = pl.struct(
        convert(numbered.struct.field(str(number)), _dtype(field)).alias(field.name)
        for number, field in enumerate(dtype.fields)
    )
    return pl.when(value.is_not_null()).then(fields)
