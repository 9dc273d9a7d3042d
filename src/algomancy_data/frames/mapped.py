"""Frames whose memory is a file: written batch by batch, then mapped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import polars as pl
import pyarrow as pa

from algomancy_data.frames.scratch import ScratchFile

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


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

    def write(self, batch: pl.DataFrame) -> None:
        """Append a batch.

        Args:
            batch: Frame of the same columns and dtypes as those before, in dtypes that Arrow has.

        Raises:
            ScratchError: There is no room for it.
        """
        table: Any = batch.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
        if self._writer is None:
            self._schema = batch.schema
            self._writer = pa.ipc.new_file(self._file, table.schema)
        self._writer.write_table(table)

    def mapped(self) -> pl.DataFrame:
        """Return all batches as a frame; nothing can be written after it."""
        if self._writer is None:
            return pl.DataFrame()
        self._writer.close()
        table = pa.ipc.open_file(pa.BufferReader(self._file.mapped())).read_all()
        frame = pl.from_arrow(table, schema=self._schema, rechunk=False)
        self._file.close()
        return cast("pl.DataFrame", frame)

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
