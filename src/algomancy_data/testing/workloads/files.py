"""Tables as files, slice by slice, so that a table may be larger than the memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping

CSV_DATETIME: Final = "%Y-%m-%d %H:%M:%S"


def write_csv(
    tables: Mapping[str, pl.DataFrame | Iterable[pl.DataFrame]], folder: str | os.PathLike[str]
) -> dict[str, Path]:
    """Write ``<folder>/<name>.csv`` per table, with semicolons, and return the paths.

    Args:
        tables: A frame, or its slices, by the name of the table.
        folder: Where to; it exists.

    Example:
        >>> import tempfile
        >>> from algomancy_data.testing.workloads import slices
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_csv(slices(2), folder)["customers"]
        ...     print(path.name, path.read_text().splitlines()[0])
        customers.csv customer_id;name;country;credit;since
    """
    return _write(tables, folder, "csv", _write_csv)


def write_ndjson(
    tables: Mapping[str, pl.DataFrame | Iterable[pl.DataFrame]], folder: str | os.PathLike[str]
) -> dict[str, Path]:
    """Write ``<folder>/<name>.ndjson`` per table, as :func:`write_csv` does."""
    return _write(tables, folder, "ndjson", _write_ndjson)


def write_parquet(
    tables: Mapping[str, pl.DataFrame | Iterable[pl.DataFrame]], folder: str | os.PathLike[str]
) -> dict[str, Path]:
    """Write ``<folder>/<name>.parquet`` per table, as :func:`write_csv` does.

    Each slice is a row group.
    """
    return _write(tables, folder, "parquet", _write_parquet)


def _write(
    tables: Mapping[str, pl.DataFrame | Iterable[pl.DataFrame]],
    folder: str | os.PathLike[str],
    extension: str,
    write: Callable[[Iterator[pl.DataFrame], Path], None],
) -> dict[str, Path]:
    paths = {name: Path(folder, f"{name}.{extension}") for name in tables}
    for name, path in paths.items():
        table = tables[name]
        write(iter([table] if isinstance(table, pl.DataFrame) else table), path)
    return paths


def _write_csv(slices: Iterator[pl.DataFrame], path: Path) -> None:
    with path.open("wb") as stream:
        for number, frame in enumerate(slices):
            frame.write_csv(
                stream, separator=";", datetime_format=CSV_DATETIME, include_header=not number
            )


def _write_ndjson(slices: Iterator[pl.DataFrame], path: Path) -> None:
    with path.open("wb") as stream:
        for frame in slices:
            frame.write_ndjson(stream)


def _write_parquet(slices: Iterator[pl.DataFrame], path: Path) -> None:
    from pyarrow import parquet  # noqa: PLC0415  0.1 s that only this format has to pay

    first = _in_arrow(next(slices))
    with parquet.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for frame in slices:
            writer.write_table(_in_arrow(frame))


def _in_arrow(frame: pl.DataFrame) -> Any:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
