"""Reading Parquet files from outside: looked at first, then read by Polars.

What Polars would change or does not know, pyarrow reads: INT96 outside the years 1677 to 2262,
groups that are repeated without saying that they are lists, logical types that came later.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.display.words import counted
from algomancy_data.errors import FileContentError
from algomancy_data.extractor.columnar.columns import (
    check_names,
    check_repeated,
    checked_frame,
    known_frame,
    opened_by_pyarrow,
    unreadable_column,
)
from algomancy_data.extractor.columnar.parquet_layout import (
    ParquetLayout,
    ParquetLayoutError,
    parquet_layout,
)
from algomancy_data.extractor.columnar.parquet_pages import ParquetPages, parquet_pages
from algomancy_data.extractor.slices import UnlikeSlicesError
from algomancy_data.file.locations import bytes_of
from algomancy_data.frames.arrow import has_time, is_known
from algomancy_data.frames.mapped import is_exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema import ReadLimits

_ParquetFile: TypeAlias = Any

# What Polars makes of an INT96 that nanoseconds cannot hold.
_SATURATED: Final = 2**63 - 1
_PER_MICROSECOND: Final = 1_000
_EXACT: Final = frozenset(
    [
        *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
        *(pl.Float32, pl.Float64, pl.Boolean, pl.String, pl.Binary, pl.Date),
        *(pl.Categorical, pl.Enum),
    ]
)


def read_parquet(source: Path | bytes, name: str, limits: ReadLimits) -> tuple[pl.DataFrame, int]:
    """Return the frame of a Parquet file, and how many bytes its pages unpack to.

    Args:
        source: Where it is, or what is in it.
        name: Logical name of the file.
        limits: How much it may become in memory.

    Raises:
        FileContentError: It is damaged, or has a column that cannot be read.
        ReadLimitError: It would become too much.
        OSError: It cannot be opened.
    """
    view = source if isinstance(source, bytes) else bytes_of(source)
    return _Parquet(source, view, name, limits).checked()


def parquet_slices(path: Path, name: str, limits: ReadLimits) -> ParquetSlices | None:
    """Return the table of a Parquet file in slices; None if Polars may change a value of it.

    Args:
        path: Where it is.
        name: Logical name of the file.
        limits: How much it may become in memory.

    Raises:
        FileContentError: It is damaged.
        ReadLimitError: It would become too much.
        OSError: It cannot be opened.
    """
    return _Parquet(path, bytes_of(path), name, limits).slices(path)


@dataclass(frozen=True)
class ParquetSlices:
    """The table of a Parquet file, some groups of rows at once.

    Args:
        path: Where it is.
        name: Logical name of the file.
        limits: How much it may become in memory.
        rows: How many rows each slice has.
    """

    path: Path
    name: str
    limits: ReadLimits
    rows: Sequence[int]

    def read(self, columns: AbstractSet[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the slices in order.

        Args:
            columns: The columns wanted; None for all.

        Raises:
            FileContentError: A value is none that its type has.
            ReadLimitError: A slice becomes too much.
            UnlikeSlicesError: Polars cannot read them.
        """
        table = pl.scan_parquet(self.path, glob=False, hive_partitioning=False)
        if columns is not None:
            table = table.select(sorted(columns & set(table.collect_schema())))
        start = 0
        for rows in self.rows:
            try:
                frame = table.slice(start, rows).collect()
            except (PolarsError, PanicException, OSError, ValueError) as error:
                raise UnlikeSlicesError from error
            if frame.height != rows:
                raise UnlikeSlicesError
            check_repeated(self.name, frame, self.limits, self.path.stat().st_size)
            yield checked_frame(frame, self.name)
            start += rows


class _Parquet:
    """A Parquet file that is open.

    Args:
        source: Where it is, or what is in it.
        view: All of it.
        name: Logical name of the file.
        limits: How much it may become in memory.
    """

    def __init__(
        self, source: Path | bytes, view: bytes | memoryview, name: str, limits: ReadLimits
    ) -> None:
        self._source = source
        self._view = view
        self._name = name
        self._limits = limits

    def checked(self) -> tuple[pl.DataFrame, int]:
        """Return the frame, and how many bytes the pages unpack to."""
        layout, pages = checked_layout(self._view, self._name, self._limits)
        reads = layout.is_sure and pages.are_sure
        frame = self._by_polars() if layout.is_plain and reads else None
        texts = pages.texts
        if (
            frame is None
            or frame.height != layout.rows
            or not is_read_exactly(frame.dtypes, layout)
        ):
            frame, texts = self._with_care(layout.rows, frame, reads=reads), None
        check_repeated(self._name, frame, self._limits, len(self._view), texts)
        return checked_frame(frame, self._name), pages.unpacked_bytes

    def slices(self, path: Path) -> ParquetSlices | None:
        """Return the table in slices of about some bytes, if Polars reads it as it is."""
        layout, pages = checked_layout(self._view, self._name, self._limits)
        if not (layout.is_sure and pages.are_sure and layout.rows):
            return None
        schema = pl.Schema(pl.read_parquet_schema(path))
        if not (layout.is_plain and is_read_exactly(schema.dtypes(), layout)) and not (
            is_exact(schema) and self._is_read_as_it_is()
        ):
            return None
        slice_bytes = self._limits.slice_bytes
        at_once = max(layout.rows * slice_bytes // max(pages.unpacked_bytes, 1), 1)
        rows = list(_together(layout.group_rows, at_once))
        return ParquetSlices(path, self._name, self._limits, rows)

    def _with_care(self, rows: int, frame: pl.DataFrame | None, *, reads: bool) -> pl.DataFrame:
        """Return the frame, with what Polars would change or does not know from pyarrow.

        Args:
            rows: How many rows it must have.
            frame: What Polars has read, if it has already.
            reads: Whether it may be tried.
        """
        described = self._described()
        if frame is None and (described is None or (reads and _are_known(described[1]))):
            frame = self._by_polars()
        if described is None:
            if frame is None or frame.height != rows:
                raise self._damaged("its values are not what its schema says")
            return frame
        metadata, schema = described
        check_names(self._name, schema.names)
        if not schema.names:
            return pl.DataFrame(height=rows)
        if frame is None or frame.height != rows or not _are_known(schema):
            frame = self._by_pyarrow(schema.names)
        elif again := self._not_exact(metadata, schema, frame):
            frame = frame.with_columns(self._by_pyarrow(again))
        if frame.height != rows:
            raise self._damaged(f"it has {counted(frame.height, 'row')} instead of {rows:,}")
        return frame

    def _described(self) -> tuple[Any, Any] | None:
        """Return the footer and the schema as pyarrow has them; None if only Polars knows a type.

        These are integers of 128 bits.
        """
        import pyarrow as pa  # noqa: PLC0415

        try:
            file = self._opened()
            described = file.metadata, file.schema_arrow
            self._check_columns(file.metadata)
        except pa.ArrowNotImplementedError:
            return None
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise self._damaged("its footer is not readable") from error
        return described

    def _opened(self, **options: Any) -> _ParquetFile:
        from pyarrow import parquet  # noqa: PLC0415  0.1 s that only Parquet has to pay

        return parquet.ParquetFile(self._opened_source, **options)

    @cached_property
    def _opened_source(self) -> Any:
        return opened_by_pyarrow(self._source)

    def _check_columns(self, metadata: Any) -> None:
        """Refuse what neither library reads as what it is."""
        for number in range(metadata.num_columns):
            column = metadata.schema.column(number)
            if column.converted_type == "INTERVAL":
                what = "calendar intervals (months, days and milliseconds)"
                instead = "durations, or with a column for each part"
                raise unreadable_column(self._name, column.path, what, instead)

    def _by_polars(self) -> pl.DataFrame | None:
        """Return the frame, or None if Polars cannot read it."""
        try:
            return pl.read_parquet(self._source, glob=False, hive_partitioning=False)
        except (PolarsError, PanicException, OSError, ValueError):
            return None

    def _not_exact(self, metadata: Any, schema: Any, frame: pl.DataFrame) -> list[str]:
        """Return the columns of which Polars may have changed a value."""
        return [
            name
            for name, doubt in _doubts(metadata, schema).items()
            if doubt is _Doubt.TIME
            or (doubt is _Doubt.LEGACY and _is_saturated(frame[name]))
            or (doubt is _Doubt.JSON and frame.schema[name] == pl.Binary())
        ]

    def _is_read_as_it_is(self) -> bool:
        """Tell whether Polars reads all columns, nested ones too, as :meth:`_with_care` would."""
        described = self._described()
        if described is None:
            return False
        metadata, schema = described
        check_names(self._name, schema.names)
        return bool(schema.names) and _are_known(schema) and not _doubts(metadata, schema)

    def _by_pyarrow(self, names: list[str]) -> pl.DataFrame:
        """Return some columns."""
        import pyarrow as pa  # noqa: PLC0415

        table = self._table(names, "us")
        legacy = [n for n, one in enumerate(table.schema) if _has_timestamps(one.type)]
        if legacy:
            table = self._with_exact_times(table, names)
        try:
            table.validate(full=True)
        except pa.ArrowException as error:
            raise self._damaged("its values are not what its schema says") from error
        return known_frame(table, self._name)

    def _table(self, names: list[str], unit: str) -> Any:
        """Return some columns, with INT96 in a unit of time."""
        import pyarrow as pa  # noqa: PLC0415

        # pyarrow makes a text anew each time that it is there, so these are looked at first.
        described = self._opened()
        file = self._opened(
            coerce_int96_timestamp_unit=unit,
            page_checksum_verification=True,
            read_dictionary=_texts_in_dictionaries(described, parquet_layout(self._view)),
        )
        failures = (pa.ArrowException, OSError, UnicodeDecodeError, KeyError)
        try:
            is_whole = len(names) == len(file.schema_arrow.names)
            table = file.read(columns=None if is_whole else names).select(names)
            return self._without_dictionaries(table, described.schema_arrow)
        except failures as error:
            for name in names:
                try:
                    file.read(columns=[name])
                except failures as cause:
                    if "LZO" in str(cause):
                        what, instead = "LZO compression", "ZSTD, or without compression"
                        raise unreadable_column(self._name, name, what, instead) from cause
                    how = f"its column {name!r} is not readable"
                    raise self._damaged(how) from error
            raise self._damaged("it is not readable") from error

    def _without_dictionaries(self, table: Any, schema: Any) -> Any:
        """Return a table with texts for those that it has by number, unless they are too much.

        Raises:
            ReadLimitError: They do.
        """
        import pyarrow as pa  # noqa: PLC0415

        for number, column in enumerate(table.columns):
            name = table.schema.field(number).name
            its_type = schema.field(schema.get_field_index(name)).type
            if column.type != its_type and _is_text(its_type):
                size = sum(map(_bytes_of_texts, column.chunks))
                self._limits.check_memory(self._name, size, len(self._view))
                is_binary = pa.types.is_binary(its_type) or pa.types.is_large_binary(its_type)
                wide = pa.large_binary() if is_binary else pa.large_string()
                table = table.set_column(number, name, column.cast(wide))
        return table

    def _with_exact_times(self, table: Any, names: list[str]) -> Any:
        """Return INT96 columns with nanoseconds where all values have room, else microseconds."""
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import compute as pyarrow_compute  # noqa: PLC0415

        compute: Any = pyarrow_compute

        wrapped = self._table(names, "ns")
        for number, (name, micro, nano) in enumerate(
            zip(names, table.columns, wrapped.columns, strict=True)
        ):
            if micro.type == nano.type:
                continue
            if not pa.types.is_timestamp(micro.type):
                back = nano.cast(micro.type, safe=False)
                if not back.equals(micro):
                    what, instead = "nested INT96 times", "microseconds (INT64)"
                    raise unreadable_column(self._name, name, what, instead)
                table = table.set_column(number, wrapped.schema.field(number), nano)
                continue
            ours, theirs = (column.cast(pa.int64()) for column in (micro, nano))
            # Both are exact but for a multiple of 2**64, which this takes away as it came.
            rest = compute.subtract(theirs, compute.multiply(ours, _PER_MICROSECOND))
            fits = compute.equal(compute.cast(nano, micro.type, safe=False), micro)
            if compute.all(fits, min_count=0).as_py():
                table = table.set_column(number, wrapped.schema.field(number), nano)
            elif compute.any(compute.not_equal(rest, 0), min_count=0).as_py():
                what = "INT96 times with nanoseconds and with years outside 1677 to 2262"
                raise unreadable_column(self._name, name, what, "microseconds (INT64)")
        return table

    def _damaged(self, how: str) -> FileContentError:
        return _damaged(self._name, how)


def checked_layout(
    view: bytes | memoryview, name: str, limits: ReadLimits
) -> tuple[ParquetLayout, ParquetPages]:
    """Return what a Parquet file and its pages say of themselves, if that can be true.

    Args:
        view: All of it.
        name: Logical name of the file.
        limits: How much it may become in memory.

    Raises:
        FileContentError: It cannot.
        ReadLimitError: It would become too much.
    """
    stored = len(view)
    try:
        layout = parquet_layout(view)
        limits.check_shape(name, layout.rows, layout.columns, stored)
        pages = parquet_pages(view, layout)
    except ParquetLayoutError as error:
        raise _damaged(name, f"its {error}") from error
    limits.check_unpacked(name, pages.unpacked_bytes, stored)
    return layout, pages


def _damaged(name: str, how: str) -> FileContentError:
    msg = f"File {name!r} cannot be read as Parquet; it may be damaged: {how}. "
    return FileContentError(f"{msg}Write it again.")


def _together(groups: Iterable[int], at_once: int) -> Iterator[int]:
    """Yield how many rows to read at once: whole groups where they are small enough."""
    rows = 0
    for group in groups:
        if rows and rows + group > at_once:
            yield rows
            rows = 0
        rows += group
        while rows > 2 * at_once:
            yield at_once
            rows -= at_once
    if rows:
        yield rows


class _Doubt(Enum):
    """Why Polars may change a value of a column."""

    TIME = "a time of day that there is not becomes null"
    LEGACY = "an INT96 may be beyond what it holds"
    JSON = "text may be taken for bytes, if nothing but the logical type says so"


def _doubts(metadata: Any, schema: Any) -> dict[str, _Doubt]:
    """Return the columns of which Polars may change a value."""
    import pyarrow as pa  # noqa: PLC0415  as above

    columns = map(metadata.schema.column, range(metadata.num_columns))
    legacy = {
        column.path.partition(".")[0] for column in columns if column.physical_type == "INT96"
    }
    found: dict[str, _Doubt] = {}
    for name, column in zip(schema.names, schema, strict=True):
        if has_time(column.type):
            found[name] = _Doubt.TIME
        elif name in legacy:
            found[name] = _Doubt.LEGACY
        elif isinstance(column.type, pa.JsonType):
            found[name] = _Doubt.JSON
    return found


def is_read_exactly(dtypes: list[PolarsDataType], layout: ParquetLayout) -> bool:
    """Tell whether Polars changes no value of a plain file that it read as these dtypes."""
    return not layout.has_arrow_types or all(
        type(dtype) in _EXACT or _is_exact_time(dtype) for dtype in dtypes
    )


def _is_exact_time(dtype: PolarsDataType) -> bool:
    # Milliseconds may have been seconds, which Polars multiplies without looking (upstream.md).
    match dtype:
        case pl.Datetime(time_unit=unit, time_zone=zone):
            return unit != "ms" and zone in {None, "UTC"}
        case pl.Duration(time_unit=unit):
            return unit != "ms"
        case _:
            return False


def _are_known(schema: Any) -> bool:
    # Few types, of however many columns.
    return all(map(is_known, {column.type for column in schema}))


def _has_timestamps(dtype: Any) -> bool:
    import pyarrow as pa  # noqa: PLC0415

    inner = (dtype.field(number).type for number in range(dtype.num_fields))
    return pa.types.is_timestamp(dtype) or any(map(_has_timestamps, inner))


def _texts_in_dictionaries(file: _ParquetFile, layout: ParquetLayout) -> list[str]:
    """Return the columns of texts that a dictionary has once, however often they are there.

    The layout says which have one: pyarrow, asked for a damaged chunk of a column, ends the process
    (upstream.md).
    """
    schema, columns = file.schema_arrow, file.metadata.schema
    names = (columns.column(number).path for number in range(len(columns)))
    return [
        name
        for name, has_dictionary in zip(names, layout.has_dictionary, strict=True)
        if has_dictionary
        and (index := schema.get_field_index(name)) >= 0
        and _is_text(schema.field(index).type)
    ]


def _is_text(dtype: Any) -> bool:
    import pyarrow as pa  # noqa: PLC0415

    return dtype in {pa.string(), pa.binary(), pa.large_string(), pa.large_binary()}


def _bytes_of_texts(chunk: Any) -> int:
    from pyarrow import compute as pyarrow_compute  # noqa: PLC0415

    compute: Any = pyarrow_compute
    lengths = compute.binary_length(chunk.dictionary).cast("int64").take(chunk.indices)
    return compute.sum(lengths, min_count=0).as_py()


def _is_saturated(values: pl.Series) -> bool:
    if isinstance(values.dtype, pl.Datetime):
        return values.to_physical().max() == _SATURATED
    return True  # nested ones are compared with what pyarrow reads
