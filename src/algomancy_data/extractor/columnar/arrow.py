"""Reading Arrow IPC files and streams from outside: looked at first, then read by Polars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.errors import FileContentError
from algomancy_data.extractor.columnar.columns import (
    check_names,
    check_repeated,
    checked_frame,
    known_frame,
    opened_by_pyarrow,
)
from algomancy_data.file.locations import bytes_of
from algomancy_data.frames.arrow import is_zone
from algomancy_data.frames.arrow_layout import MAGIC, ArrowField, ArrowLayoutError, arrow_layout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from algomancy_data.schema import ReadLimits

_NEVER_READ: Final = frozenset(
    {"interval", "union", "list view", "large list view", "map", "run-end encoded"}
)
_SECONDS: Final = 0
_WIDEST_DECIMAL: Final = 128
_WIDEST_INTEGER: Final = 64


def read_arrow(source: Path | bytes, name: str, limits: ReadLimits) -> tuple[pl.DataFrame, int]:
    """Return the frame of an Arrow file or stream, and how many bytes its buffers unpack to.

    Args:
        source: Where it is, or what is in it.
        name: Logical name of the file.
        limits: How much it may become in memory.

    Raises:
        FileContentError: It is damaged, or has a column that cannot be read.
        ReadLimitError: It would become too much.
        OSError: It cannot be opened.
    """
    data = bytes_of(source)
    try:
        layout = arrow_layout(data)
    except ArrowLayoutError as error:
        raise damaged(name, f"its {error}") from error
    limits.check_shape(name, layout.rows, len(layout.fields))
    limits.check_unpacked(name, layout.unpacked_bytes, len(data))
    check_names(name, [one.name for one in layout.fields])
    is_stream = bytes(data[: len(MAGIC)]) != MAGIC
    every = (one for column in layout.fields for one in column.all_fields())
    foreign = layout.is_big_endian or any(map(_is_foreign, every))
    frame = None if foreign else _by_polars(source, is_stream)
    if frame is None:
        frame = _by_pyarrow(source, is_stream, name)
        check_repeated(name, frame, limits, len(data))
        return checked_frame(frame, name), layout.unpacked_bytes
    check_repeated(name, frame, limits, len(data), layout.texts)
    # Polars makes null of a time of day that there is not (upstream.md), which only a column's own
    # nulls tell.
    if _has_inner_times(layout.fields) and not _has_wide_integers(layout.fields):
        _by_pyarrow(source, is_stream, name)  # refuses it
    for number, dtype in enumerate(frame.dtypes):
        if isinstance(dtype, pl.Time):
            values = frame.to_series(number)
            if values.null_count() != layout.nulls[number]:
                how = f"column {values.name!r} has a time of day outside 00:00 to 24:00"
                raise damaged(name, how)
    return checked_frame(frame, name), layout.unpacked_bytes


def _by_polars(source: Path | bytes, is_stream: bool) -> pl.DataFrame | None:  # noqa: FBT001
    """Return the frame, or None if Polars cannot read it: not all that is Arrow, it knows."""
    try:
        return pl.read_ipc_stream(source) if is_stream else pl.read_ipc(source)
    except (FileNotFoundError, PermissionError):
        raise
    except (PolarsError, PanicException, OSError, ValueError):
        return None


def damaged(name: str, how: str) -> FileContentError:
    """Return the error for a file that contradicts itself."""
    msg = f"File {name!r} cannot be read as Arrow; it may be damaged: {how}. Write it again."
    return FileContentError(msg)


def _has_inner_times(columns: Sequence[ArrowField]) -> bool:
    inner = (one for column in columns for child in column.children for one in child.all_fields())
    return any(one.kind.name == "time" for one in inner)


def _has_wide_integers(columns: Sequence[ArrowField]) -> bool:
    """Tell whether there are integers of 128 bits: Polars' own, which pyarrow does not read."""
    every = (one for column in columns for one in column.all_fields())
    return any(one.kind.name == "integer" and one.bits > _WIDEST_INTEGER for one in every)


def _is_foreign(one: ArrowField) -> bool:
    match one.kind.name:
        case "decimal":
            return one.bits > _WIDEST_DECIMAL or one.scale < 0
        case "timestamp":
            return one.unit == _SECONDS or not (one.zone == "" or is_zone(one.zone))
        case "duration":
            return one.unit == _SECONDS
        case "fixed-size list":
            return one.unit == 0
        case kind:
            return kind in _NEVER_READ


def _by_pyarrow(source: Path | bytes, is_stream: bool, name: str) -> pl.DataFrame:  # noqa: FBT001
    import pyarrow as pa  # noqa: PLC0415  0.1 s that only these files have to pay

    try:
        with opened_by_pyarrow(source) as opened:
            reader = pa.ipc.open_stream(opened) if is_stream else pa.ipc.open_file(opened)
            table = reader.read_all()
        table.validate(full=True)
    except (FileNotFoundError, PermissionError):
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise damaged(name, "its values are not what its schema says") from error
    return known_frame(cast("Any", table), name)
