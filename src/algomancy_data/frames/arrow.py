"""Frames as Arrow data: which dtypes Arrow holds exactly, and in which form.

What a store keeps as Arrow IPC, Polars writes and its schema is noted beside it (see
:mod:`algomancy_data.frames.dtypes`), since an Arrow file alone does not tell an array of no items
from a list.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.errors import SerializationError, UnstorableError
from algomancy_data.frames.dtypes import dtype_to_json
from algomancy_data.frames.nesting import DEEPEST_IN_FILES, check_dtype_depth, check_type_depth
from algomancy_data.frames.side_by_side import side_by_side
from algomancy_data.frames.values import impossible_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polars.datatypes import DataType as PolarsDataType

__all__ = [
    "ForeignColumnError",
    "arrow_schema",
    "cast_frame",
    "check_storable",
    "check_values",
    "has_nul_inside",
    "has_time",
    "is_known",
    "known_frame",
    "plain_frame",
]


def check_storable(frame: pl.DataFrame, table: str) -> None:
    """Make sure that Arrow data can hold a frame exactly.

    Raises:
        UnstorableError: A column has a dtype that it cannot hold, or a value that its dtype
            cannot have.
    """
    for name, dtype in frame.schema.items():
        try:
            check_dtype_depth([dtype], DEEPEST_IN_FILES)
            dtype_to_json(dtype)
        except RecursionError as error:
            msg = (
                f"Column {name!r} of table {table!r} is nested more than {DEEPEST_IN_FILES} levels "
                f"deep, which Arrow files cannot be. Take out some of the levels."
            )
            raise UnstorableError(msg) from error
        except SerializationError as error:
            msg = (
                f"Column {name!r} of table {table!r} is {dtype}, which Arrow data cannot hold "
                f"exactly. Cast it to another dtype, or leave it out."
            )
            raise UnstorableError(msg) from error
    check_values(frame, table)


def check_values(frame: pl.DataFrame, table: str) -> None:
    """Make sure that no column of a frame has a value that its dtype cannot have.

    Raises:
        UnstorableError: One has.
    """
    problem = impossible_values(frame)
    if problem is not None:
        msg = f"Table {table!r} cannot be kept exactly. {problem}. Mend the value."
        raise UnstorableError(msg)


def arrow_schema(schema: Mapping[str, PolarsDataType]) -> pl.Schema:
    """Return the schema of a frame in Arrow data.

    Example:
        >>> arrow_schema({"a": pl.Array(pl.Int8, 0), "b": pl.Int8()})
        Schema([('a', List(Int8)), ('b', Int8)])
    """
    return pl.Schema({name: _in_arrow(dtype) for name, dtype in schema.items()})


def cast_frame(frame: pl.DataFrame, schema: Mapping[str, PolarsDataType]) -> pl.DataFrame:
    """Return a frame with its columns cast to the dtypes that they do not have yet."""
    found = frame.schema
    return frame.cast({name: to for name, to in schema.items() if found[name] != to})


def _in_arrow(dtype: PolarsDataType) -> PolarsDataType:
    """Return the dtype of a column's Arrow data.

    Polars writes arrays of no items, but it cannot read them.
    """
    match dtype:
        case pl.Array(size=0):
            return pl.List(_in_arrow(cast("PolarsDataType", dtype.inner)))
        case pl.Array():
            return pl.Array(_in_arrow(cast("PolarsDataType", dtype.inner)), dtype.size)
        case pl.List():
            return pl.List(_in_arrow(cast("PolarsDataType", dtype.inner)))
        case pl.Struct():
            return pl.Struct(
                {
                    field.name: _in_arrow(cast("PolarsDataType", field.dtype))
                    for field in dtype.fields
                }
            )
        case _:
            return dtype


ArrowTable: TypeAlias = Any
ArrowColumn: TypeAlias = Any
ArrowType: TypeAlias = Any

_MOST_DIGITS: Final = 38


# Types of values that stand for themselves, whatever bytes they are.
_SIMPLE: Final = (
    *(pl.Int64, pl.Float64, pl.String, pl.Boolean, pl.Datetime, pl.Date, pl.Duration, pl.Binary),
    *(pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.Float32),
)
_ENTRY: Final = ("key", "value")
_OFFSET: Final = r"^[+-][0-9]{2}:?[0-9]{2}$"


class ForeignColumnError(ValueError):
    """A column is of a kind that no frame can hold.

    Args:
        column: Its name.
        what: What it uses.
        instead: What to take instead.
    """

    def __init__(self, column: str, what: str, instead: str) -> None:
        super().__init__(column, what, instead)
        self.column = column
        self.what = what
        self.instead = instead


def plain_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame without unknown extension types and maps.

    What an extension type adds is how values are meant; a map becomes the list of keys and values
    that it is made of, as no store or declared type knows maps.
    """
    changed = [
        _plain(values)
        for values in frame
        if not isinstance(values.dtype, _SIMPLE) and _plain_dtype(values.dtype) != values.dtype
    ]
    return frame.with_columns(changed) if changed else frame


def is_known(dtype: ArrowType) -> bool:
    """Tell whether Polars reads a type as it is.

    Raises:
        RecursionError: It is nested too deeply.
    """
    check_type_depth(dtype)
    return _target(dtype) == dtype and not _is_run(dtype)


def known_frame(table: ArrowTable) -> pl.DataFrame:
    """Return the frame of an Arrow table, with each column in a type that Polars has.

    Args:
        table: The table, validated; no two of its columns have one name.

    Raises:
        ForeignColumnError: There is no such type for a column, or it does not hold all values.
        RecursionError: A type is nested too deeply.
    """
    import pyarrow as pa  # noqa: PLC0415  0.1 s that only these files have to pay

    columns: list[pl.Series] = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        check_type_depth(column.type)
        refused = _refused(column.type)
        if refused is not None:
            raise ForeignColumnError(name, *refused)
        try:
            values = cast("pl.Series", pl.from_arrow(_known(column)))
        except pa.ArrowInvalid as error:
            what = f"{_words(column.type)} with values that are too large"
            raise ForeignColumnError(name, what, "a smaller type, or with text") from error
        except (pa.ArrowException, PolarsError, PanicException) as error:
            what, instead = _words(column.type), "another type, such as text"
            raise ForeignColumnError(name, what, instead) from error
        columns.append(values.alias(name))
    return side_by_side(columns) if columns else pl.DataFrame(height=table.num_rows)


def has_nul_inside(dtype: ArrowType) -> bool:
    r"""Tell whether a field's name has a NUL, at which Arrow's C interface would cut it.

    Example:
        >>> import pyarrow as pa
        >>> has_nul_inside(pa.list_(pa.struct({"a\0b": pa.int8()})))
        True
    """
    fields = (dtype.field(number) for number in range(dtype.num_fields))
    return any("\0" in field.name or has_nul_inside(field.type) for field in fields)


def has_time(dtype: ArrowType) -> bool:
    """Tell whether a type is a time of day, or contains one."""
    import pyarrow as pa  # noqa: PLC0415  as above

    inner = (dtype.field(number).type for number in range(dtype.num_fields))
    return pa.types.is_time(dtype) or any(map(has_time, inner))


@lru_cache(maxsize=64)
def is_zone(name: str) -> bool:
    """Tell whether Polars knows a time zone."""
    try:
        pl.Series([0]).cast(pl.Datetime("us", name))
    except (PolarsError, PanicException):
        return False
    return True


# --- Arrow types ------------------------------------------------------------------------------


def _is_run(dtype: ArrowType) -> bool:
    import pyarrow as pa  # noqa: PLC0415

    types = pa.types
    return (
        types.is_run_end_encoded(dtype)
        or types.is_list_view(dtype)
        or types.is_large_list_view(dtype)
        or _refused(dtype) is not None
    )


def _refused(dtype: ArrowType, *, nested: bool = False) -> tuple[str, str] | None:
    """Return what is wrong with a type and what to use instead; None if it can be read."""
    import pyarrow as pa  # noqa: PLC0415

    types = pa.types
    if isinstance(dtype, pa.BaseExtensionType):
        return _refused(dtype.storage_type, nested=nested)
    if types.is_union(dtype):
        return "a union of several types", "a column for each of the types"
    if types.is_interval(dtype):
        what = "calendar intervals (months, days and nanoseconds)"
        return what, "durations, or with a column for each part"
    if types.is_timestamp(dtype) and not _has_zone(dtype):
        return f"the unknown time zone {dtype.tz!r}", "a zone of the IANA database, such as UTC"
    if nested and (types.is_list_view(dtype) or types.is_large_list_view(dtype)):
        return "list views inside other values", "lists"
    if nested and types.is_run_end_encoded(dtype):
        return "run-end encoded values inside others", "plain values"
    if has_nul_inside(dtype):
        return "fields with a NUL character in their names", "other names"
    inner = (dtype.field(number).type for number in range(dtype.num_fields))
    return next((found for one in inner if (found := _refused(one, nested=True))), None)


def _has_zone(dtype: ArrowType) -> bool:
    return dtype.tz is None or is_zone(dtype.tz) or _is_offset(dtype.tz)


def _is_offset(zone: str) -> bool:
    return bool(pl.Series([zone]).str.contains(_OFFSET).all())


def _words(dtype: ArrowType) -> str:
    """Return the name of a type in Arrow's specification, without parameters."""
    return f"the Arrow type {str(dtype).partition('<')[0].partition('[')[0].partition('(')[0]}"


def _target(dtype: ArrowType) -> ArrowType:
    """Return Polars' type for a type, which has all the same values."""
    import pyarrow as pa  # noqa: PLC0415

    types = pa.types
    if types.is_decimal256(dtype):
        return pa.decimal128(min(dtype.precision, _MOST_DIGITS), max(dtype.scale, 0))
    if types.is_decimal(dtype) and dtype.scale < 0:
        return pa.decimal128(_MOST_DIGITS, 0)
    if types.is_timestamp(dtype):
        unit = "ms" if dtype.unit == "s" else dtype.unit  # Polars multiplies unseen (upstream.md)
        zone = "UTC" if dtype.tz is not None and _is_offset(dtype.tz) else dtype.tz
        return pa.timestamp(unit, zone)
    if types.is_duration(dtype):
        return pa.duration("ms" if dtype.unit == "s" else dtype.unit)
    if types.is_fixed_size_list(dtype):
        item = _target_field(dtype.value_field)
        return pa.list_(item, dtype.list_size) if dtype.list_size else pa.list_(item)
    if types.is_map(dtype):
        # Polars keeps one value of each key; its items are all there.
        entry = [_target_field(dtype.key_field), _target_field(dtype.item_field)]
        return pa.list_(pa.struct([one.with_name(n) for one, n in zip(entry, _ENTRY, strict=True)]))
    if types.is_list(dtype):
        return pa.list_(_target_field(dtype.value_field))
    if types.is_large_list(dtype):
        return pa.large_list(_target_field(dtype.value_field))
    if types.is_struct(dtype):
        return pa.struct([_target_field(dtype.field(n)) for n in range(dtype.num_fields)])
    return dtype


def _target_field(one: Any) -> Any:
    return one.with_type(_target(one.type))


def _known(column: ArrowColumn) -> ArrowColumn:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import compute as pyarrow_compute  # noqa: PLC0415

    compute: Any = pyarrow_compute

    dtype = column.type
    if isinstance(dtype, pa.BaseExtensionType) and not is_known(dtype.storage_type):
        chunks = [chunk.storage for chunk in column.chunks]
        return _known(pa.chunked_array(chunks, dtype.storage_type))
    if pa.types.is_run_end_encoded(dtype):
        chunks = [compute.run_end_decode(chunk) for chunk in column.chunks]
        column = pa.chunked_array(chunks, dtype.value_type)
    elif pa.types.is_list_view(dtype) or pa.types.is_large_list_view(dtype):
        chunks = [_list_of_view(chunk) for chunk in column.chunks]
        column = pa.chunked_array(chunks, pa.large_list(dtype.value_field))
    target = _target(column.type)
    return column if target == column.type else column.cast(target)


def _list_of_view(views: Any) -> Any:
    """Return the lists of list views, in their order, which a cast of pyarrow 26 does not."""
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import compute as pyarrow_compute  # noqa: PLC0415

    compute: Any = pyarrow_compute

    lengths = compute.fill_null(compute.list_value_length(views), 0).cast(pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), compute.cumulative_sum(lengths)])
    items = views.flatten()
    dtype = pa.large_list(views.type.value_field)
    mask = views.is_null() if views.null_count else None
    return pa.LargeListArray.from_arrays(offsets, items, type=dtype, mask=mask)


# --- Polars types -----------------------------------------------------------------------------


def _plain_dtype(dtype: PolarsDataType) -> PolarsDataType:
    match dtype:
        case pl.Extension() if pl.get_extension_type(dtype.ext_name()) is None:
            return _plain_dtype(cast("PolarsDataType", dtype.ext_storage()))
        case pl.Map():
            key, value = (cast("PolarsDataType", part) for part in (dtype.key, dtype.value))
            entry = {"key": _plain_dtype(key), "value": _plain_dtype(value)}
            return pl.List(pl.Struct(entry))
        case pl.List():
            return pl.List(_plain_dtype(cast("PolarsDataType", dtype.inner)))
        case pl.Array():
            return pl.Array(_plain_dtype(cast("PolarsDataType", dtype.inner)), dtype.size)
        case pl.Struct():
            fields = {f.name: cast("PolarsDataType", f.dtype) for f in dtype.fields}
            return pl.Struct({name: _plain_dtype(inner) for name, inner in fields.items()})
        case _:
            return dtype


def _plain(values: pl.Series) -> pl.Series:
    target = _plain_dtype(values.dtype)
    if target == values.dtype:
        return values
    if isinstance(values.dtype, pl.BaseExtension):
        return _plain(values.ext.storage())
    return values.cast(target)
