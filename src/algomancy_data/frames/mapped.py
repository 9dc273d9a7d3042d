"""Frames whose memory is a file: written batch by batch, then mapped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import polars as pl

from algomancy_data.frames.arrow import cast_frame
from algomancy_data.frames.scratch import ScratchFile

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from polars.datatypes import DataType as PolarsDataType


class MappedFrames:
    """Batches of one table, written one after the other to a scratch file of Arrow IPC.

    The frame that comes out is one like any other, with a chunk for each batch. Its memory is the
    file: the system takes it back when it needs it, and the file goes with the frame.

    Raises:
        ScratchError: There is no room for the file.

    Example:
        >>> with MappedFrames() as frames:
        ...     frames.write(pl.DataFrame({"a": [1, 2]}))
        ...     frames.write(pl.DataFrame({"a": [3]}))
        ...     frames.mapped()["a"].to_list()
        [1, 2, 3]
    """

    def __init__(self) -> None:
        self._file = ScratchFile()
        self._writer: Any = None
        self._schema = pl.Schema()
        self._in_file = pl.Schema()

    def write(self, batch: pl.DataFrame) -> None:
        """Append a batch.

        Args:
            batch: Frame of the same columns and dtypes as those before, in dtypes that Arrow has.
                Its categories are those that come with it.

        Raises:
            ScratchError: There is no room for it.
            ValueError: It has other columns or dtypes.
        """
        if self._writer is not None and batch.schema != self._schema:
            msg = f"A batch of {batch.schema} cannot follow one of {self._schema}."
            raise ValueError(msg)
        if self._writer is None:
            self._schema = batch.schema
            self._in_file = pl.Schema(
                {name: _in_file(dtype) for name, dtype in self._schema.items()}
            )
        in_file = cast_frame(batch, self._in_file).rechunk().clone()
        for position, column in enumerate(in_file.get_columns()):
            if _has_texts(column.dtype):
                in_file.replace_column(position, _with_own_texts(column))
        table: Any = in_file.to_arrow(compat_level=pl.CompatLevel.newest())
        if self._writer is None:
            import pyarrow as pa  # noqa: PLC0415  0.1 s that only large tables have to pay

            self._writer = pa.ipc.new_file(self._file, table.schema)
        self._writer.write_table(table)

    def mapped(self) -> pl.DataFrame:
        """Return all batches as a frame; nothing can be written after it."""
        if self._writer is None:
            return pl.DataFrame()
        import pyarrow as pa  # noqa: PLC0415

        self._writer.close()
        table = pa.ipc.open_file(pa.BufferReader(self._file.mapped())).read_all()
        frame = pl.from_arrow(table, schema=self._in_file, rechunk=False)
        self._file.close()
        return cast_frame(cast("pl.DataFrame", frame), self._schema)

    def __enter__(self) -> Self:
        """Return the batches."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of the file, unless a frame has it."""
        self._file.close()


def _in_file(dtype: PolarsDataType) -> PolarsDataType:
    """Return the dtype in the file, which has one set of categories: that of its first batch."""
    return pl.String() if isinstance(dtype, pl.Categorical) else dtype


def _with_own_texts(values: pl.Series) -> pl.Series:
    """Return texts without those that other batches share with them: all would be written."""
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
