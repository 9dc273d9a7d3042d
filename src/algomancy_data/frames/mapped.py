"""Frames whose memory is a file: written batch by batch, then mapped."""

from __future__ import annotations

from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import polars as pl

from algomancy_data.errors import ScratchError
from algomancy_data.frames.arrow import cast_frame
from algomancy_data.frames.scratch import VARIABLE, ScratchFile
from algomancy_data.memory import IN_MEMORY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import Self

    from polars.datatypes import DataType as PolarsDataType

# A batch of the file is a chunk of the frame: neither many nor large.
_BATCHES_IN_MEMORY: Final = 8
_EXACT: Final = (
    *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
    *(pl.Float32, pl.Float64, pl.Decimal, pl.Boolean, pl.String, pl.Binary, pl.Null),
    *(pl.Date, pl.Datetime, pl.Duration, pl.Time),
)


class MappedFrames:
    """Batches of one table, written one after the other to a scratch file of Arrow IPC.

    The frame that comes out is one like any other, with a chunk for each batch. Its memory is the
    file: the system takes it back when it needs it, and the file goes with the frame.

    Args:
        place: Where another process will look for the file; None for one without a name.

    Raises:
        ScratchError: There is no room for the file.

    Example:
        >>> with MappedFrames() as frames:
        ...     frames.write(pl.DataFrame({"a": [1, 2]}))
        ...     frames.write(pl.DataFrame({"a": [3]}))
        ...     frames.mapped()["a"].to_list()
        [1, 2, 3]
    """

    def __init__(self, place: Path | None = None) -> None:
        self._file = ScratchFile(place)
        self._writer: Any = None
        self._schema = pl.Schema()
        self._in_file = pl.Schema()
        self._rows_alone = 0

    def write(self, batch: pl.DataFrame) -> None:
        """Append a batch.

        Args:
            batch: Frame of the same columns and dtypes as those before, in dtypes that Arrow has.
                Its categories are those that come with it.

        Raises:
            ScratchError: There is no room for it.
            ValueError: It has other columns or dtypes.
        """
        is_first = self._writer is None and not self._rows_alone
        if not is_first and batch.schema != self._schema:
            msg = f"A batch of {batch.schema} cannot follow one of {self._schema}."
            raise ValueError(msg)
        if not batch.width:  # a file of batches has no rows without columns
            self._rows_alone += batch.height
            return
        if self._writer is None:
            self._schema = batch.schema
            self._in_file = _numbered(batch.schema)
        by_number = batch.clone()
        by_number.columns = self._in_file.names()
        in_file = cast_frame(by_number, self._in_file).rechunk().clone()
        for position, column in enumerate(in_file.get_columns()):
            if _has_texts(column.dtype):
                in_file.replace_column(position, _with_own_texts(column))
        table: Any = in_file.to_arrow(compat_level=pl.CompatLevel.newest())
        if self._writer is None:
            import pyarrow as pa  # noqa: PLC0415  0.1 s that only large tables have to pay

            self._writer = pa.ipc.new_file(self._file, table.schema)
        self._writer.write_table(table)

    def mapped(self) -> pl.DataFrame:
        """Return all batches as a frame; nothing can be written after this."""
        schema = self.written()
        if not schema:
            return pl.DataFrame(height=self._rows_alone)
        frame = _frame_in(self._file.mapped(), schema)
        self._file.close()
        return frame

    def written(self) -> pl.Schema:
        """Return the schema that :func:`frame_at` needs; nothing can be written after this."""
        if self._writer is not None:
            self._writer.close()
        return self._schema

    def __enter__(self) -> Self:
        """Return the batches."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file, unless a frame has it."""
        self._file.close()


def frame_at(place: Path, schema: pl.Schema) -> pl.DataFrame:
    """Return all batches that another process wrote to a file, mapped.

    The file may be removed then: it is gone with the frame.

    Args:
        place: Where the file is.
        schema: What :meth:`MappedFrames.written` returned there; at least one column.

    Raises:
        ScratchError: It is not there.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with MappedFrames(Path(folder, "a")) as frames:
        ...         frames.write(pl.DataFrame({"a": [1, 2]}))
        ...         schema = frames.written()
        ...     frame_at(Path(folder, "a"), schema)["a"].to_list()
        [1, 2]
    """
    try:
        with place.open("rb") as file:
            content = memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
    except OSError as error:
        raise ScratchError.from_failure(str(place.parent), VARIABLE, error) from error
    return _frame_in(content, schema)


def _frame_in(content: memoryview, schema: pl.Schema) -> pl.DataFrame:
    import pyarrow as pa  # noqa: PLC0415

    in_file = _numbered(schema)
    table = pa.ipc.open_file(pa.BufferReader(content)).read_all()
    frame = cast("pl.DataFrame", pl.from_arrow(table, schema=in_file, rechunk=False))
    frame.columns = schema.names()
    return cast_frame(frame, schema)


def _numbered(schema: pl.Schema) -> pl.Schema:
    """Return the schema in the file, since not every name of Polars survives Arrow."""
    dtypes = enumerate(schema.dtypes())
    return pl.Schema({str(number): _in_file(dtype) for number, dtype in dtypes})


Gather: TypeAlias = "Callable[[Iterable[pl.DataFrame]], pl.DataFrame]"
"""Makes one frame of batches, of which there is at least one."""


def in_memory(batches: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Join batches into a frame in memory."""
    held = list(batches)
    return pl.concat(held) if len(held) != 1 else held[0]


def mapped_frame(
    batches: Iterable[pl.DataFrame], in_memory_bytes: int = IN_MEMORY_BYTES
) -> pl.DataFrame:
    """Join batches into a frame that is mapped from a scratch file.

    Columns of dtypes that such a file does not give back exactly stay in memory, such as categories
    and integers of 128 bits.

    Args:
        batches: At least one; all of one schema.
        in_memory_bytes: Up to which size a table is made in memory; batches are written together
            up to an eighth of it.

    Raises:
        ScratchError: There is no room for the file.

    Example:
        >>> batch = pl.DataFrame(
        ...     {"a": [1, 2], "c": ["x", "y"]}, {"a": pl.Int8, "c": pl.Categorical}
        ... )
        >>> mapped_frame([batch, batch]).equals(pl.concat([batch, batch]))
        True
    """
    names: list[str] = []
    in_memory: list[pl.DataFrame] = []
    with MappedFrames() as frames:
        for batch in _sized(batches, max(in_memory_bytes // _BATCHES_IN_MEMORY, 1)):
            if not batch.width:  # rows that are only counted
                in_memory.append(batch)
                continue
            names = batch.columns
            columns = dict(zip(names, batch.get_columns(), strict=True))
            fitting = {name: one for name, one in columns.items() if _fits(name, one.dtype)}
            left = {name: one for name, one in columns.items() if name not in fitting}
            frames.write(pl.DataFrame(fitting))
            in_memory.append(pl.DataFrame(left).rechunk())
        kept = pl.concat(in_memory)
        both = [*frames.mapped(), *kept]
    if not both:
        return kept
    by_name = {column.name: column for column in both}
    # By a dict: Polars gives a column without a name one of its own (upstream.md).
    return pl.DataFrame({name: by_name[name] for name in names})


def _sized(batches: Iterable[pl.DataFrame], most_bytes: int) -> Iterator[pl.DataFrame]:
    """Yield the rows in larger batches, since a filter may leave few in each."""
    pending: list[pl.DataFrame] = []
    size = 0
    for batch in batches:
        pending.append(batch)
        size += int(batch.estimated_size())
        if size >= most_bytes:
            yield pl.concat(pending)
            pending, size = [], 0
    if pending:
        yield pl.concat(pending)


def is_exact(schema: pl.Schema) -> bool:
    """Tell whether :class:`MappedFrames` returns frames of a schema unchanged.

    Example:
        >>> is_exact(pl.Schema({"a": pl.Int64})), is_exact(pl.Schema({"a": pl.Int128}))
        (True, False)
    """
    return all(
        isinstance(dtype, pl.Categorical) or _fits(name, dtype) for name, dtype in schema.items()
    )


def _fits(name: str, dtype: PolarsDataType) -> bool:
    """Tell whether a mapped Arrow file returns a column unchanged."""
    if not name or "\0" in name:
        return False
    match dtype:
        case pl.List():
            return _fits(name, cast("PolarsDataType", dtype.inner))
        case pl.Array():
            return dtype.size > 0 and _fits(name, cast("PolarsDataType", dtype.inner))
        case pl.Struct():
            return bool(dtype.fields) and all(
                _fits(field.name, cast("Any", field.dtype)) for field in dtype.fields
            )
        case _:
            return isinstance(dtype, _EXACT)


def _in_file(dtype: PolarsDataType) -> PolarsDataType:
    """Return the dtype in the file, which has one set of categories: that of its first batch."""
    return pl.String() if isinstance(dtype, pl.Categorical) else dtype


def _with_own_texts(values: pl.Series) -> pl.Series:
    """Return texts in a buffer of their own: else those of other batches would be written, too."""
    if values.dtype.is_nested():
        # A slice of lists has the values of all lists.
        values = values.gather(pl.int_range(len(values), eager=True))
    else:
        shared: Any = values.to_arrow(compat_level=pl.CompatLevel.newest())
        # A view takes 16 bytes, and has its text besides if that is longer than 12.
        if shared.get_total_buffer_size() <= 2 * values.estimated_size() + 32 * len(values):
            return values
    own: Any = values.to_arrow(compat_level=pl.CompatLevel.oldest())
    return cast("pl.Series", pl.from_arrow(own)).alias(values.name)


def _has_texts(dtype: PolarsDataType) -> bool:
    match dtype:
        case pl.List() | pl.Array():
            return _has_texts(cast("PolarsDataType", dtype.inner))
        case pl.Struct():
            return any(_has_texts(cast("PolarsDataType", field.dtype)) for field in dtype.fields)
        case _:
            return isinstance(dtype, pl.String | pl.Binary)
