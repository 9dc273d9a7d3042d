"""Small Parquet files that are one table, read in one query of Polars.

A query for each has to be planned, opens the file when nothing else is done, and has few values to
divide among the cores.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.extractor.columnar.columns import check_repeated, checked_frame
from algomancy_data.extractor.columnar.parquet import checked_layout, is_read_exactly
from algomancy_data.extractor.columnar.parquet_layout import MAGIC
from algomancy_data.file.locations import bytes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algomancy_data.extractor.columnar.parquet_pages import ParquetPages
    from algomancy_data.file import File


class _Look(NamedTuple):
    """What a file says of itself, and how many bytes it has."""

    rows: int
    pages: ParquetPages
    stored: int


def read_parquet_parts(files: Sequence[File]) -> list[tuple[pl.DataFrame, int]] | None:
    """Return the frames of several files, and how many bytes the pages of each unpack to.

    None if one of them is damaged, unlike the first, or anything else that takes a closer look:
    read by itself, it is clear which one, and what is to be done.

    Args:
        files: The parts of a table, in order.
    """
    try:
        return _read(files)
    except (PolarsError, PanicException, OSError, ValueError):
        return None


def _read(files: Sequence[File]) -> list[tuple[pl.DataFrame, int]] | None:
    paths = [stored for file in files if isinstance(stored := file.stored(), Path)]
    if len(paths) < len(files):
        return None
    schema: pl.Schema | None = None
    looks: list[_Look] = []
    for file, path in zip(files, paths, strict=True):
        view = bytes_of(path)
        layout, pages = checked_layout(view, file.name, file.limits)
        is_plain = layout.is_plain and layout.is_sure and pages.are_sure
        if not is_plain or bytes(view[: len(MAGIC)]) != MAGIC:
            return None
        # Polars itself would leave out the zone of a moment, and columns of a file without rows.
        its_schema = _scan(path).collect_schema()
        schema = schema or its_schema
        if dict(its_schema) != dict(schema) or not is_read_exactly(schema.dtypes(), layout):
            return None
        looks.append(_Look(layout.rows, pages, len(view)))
    whole = _scan(paths).collect()
    if whole.height != sum(look.rows for look in looks):
        return None
    whole = checked_frame(whole, files[0].name)
    found: list[tuple[pl.DataFrame, int]] = []
    first = 0
    for file, look in zip(files, looks, strict=True):
        frame = whole.slice(first, look.rows)
        check_repeated(file.name, frame, file.limits, look.stored, look.pages.texts)
        found.append((frame, look.pages.unpacked_bytes))
        first += frame.height
    return found


def _scan(source: Path | list[Path]) -> pl.LazyFrame:
    return pl.scan_parquet(source, glob=False, hive_partitioning=False)
