"""Parquet files that are read in one query: the same as one by one, or not read in this way."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from pyarrow import parquet

from algomancy_data import Column, DataType, ParquetFile, ParquetSingleExtractor, Schema
from algomancy_data.errors import FileContentError
from algomancy_data.extractor.columnar.parquet_parts import read_parquet_parts
from algomancy_data.testing import assert_identical

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from algomancy_data.file import File

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 6)
WHOLE = pl.DataFrame(
    {
        "number": range(10),
        "name": ["é" * n for n in range(10)],
        "share": [None, float("nan"), -0.0, *map(float, range(7))],
        "day": [date(2026, 1, 1 + n) for n in range(10)],
        "moment": [MOMENT + timedelta(days=n) for n in range(10)],
        "is_odd": [n % 2 == 1 for n in range(10)],
    }
)
SIZES = (4, 1, 5)


class Numbers(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "numbers", "parquet", "single"
    NUMBER = Column("number", DataType.INTEGER)


def write(parts: Sequence[pl.DataFrame], folder: Path) -> list[File]:
    for number, part in enumerate(parts):
        part.write_parquet(folder / f"{number}.parquet")
    return files_in(folder)


def files_in(folder: Path) -> list[File]:
    return [part.file for part in ParquetFile("numbers", folder).parts() or ()]


def divided(frame: pl.DataFrame) -> list[pl.DataFrame]:
    starts = [sum(SIZES[:n]) for n in range(len(SIZES))]
    return [frame.slice(start, size) for start, size in zip(starts, SIZES, strict=True)]


def test_each_file_has_its_rows_whoever_wrote_it(tmp_path) -> None:
    parts = divided(WHOLE)
    write(parts, tmp_path)
    parquet.write_table(parts[1].to_arrow(), tmp_path / "1.parquet", row_group_size=1)
    found = read_parquet_parts(files_in(tmp_path))
    assert found is not None
    for (frame, unpacked_bytes), part in zip(found, parts, strict=True):
        assert_identical(frame, part)
        assert unpacked_bytes > 0


def test_columns_have_the_order_of_the_first_file(tmp_path) -> None:
    first, second, third = divided(WHOLE)
    files = write([first, second.select(reversed(second.columns)), third], tmp_path)
    found = read_parquet_parts(files)
    assert found is not None
    assert_identical(pl.concat(frame for frame, _ in found), WHOLE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pl.Series([1, 2]), pl.Series([1, 2], dtype=pl.Int32)),
        (pl.Series([1, 2]), pl.Series([1, 2], dtype=pl.Duration("us"))),
        (pl.Series([1, 2]), pl.Series([1, 2], dtype=pl.Datetime("us"))),
        (pl.Series([1, 2], dtype=pl.Int32), pl.Series([1, 2], dtype=pl.Date)),
        (pl.Series([1, 2], dtype=pl.Int32), pl.Series([1, 2], dtype=pl.UInt32)),
        (pl.Series([MOMENT]), pl.Series([MOMENT.replace(tzinfo=UTC)])),
        (pl.Series([MOMENT]), pl.Series([MOMENT], dtype=pl.Datetime("ns"))),
        (pl.Series([1.5]), pl.Series([1.5], dtype=pl.Float32)),
        (pl.Series(["a"]), pl.Series([b"a"])),
        (pl.Series(["a"]), pl.Series(["a"], dtype=pl.Categorical)),
        (pl.Series(["a"], dtype=pl.Enum(["a", "b"])), pl.Series(["a"], dtype=pl.Enum(["b", "a"]))),
        (pl.Series([1, 2]), pl.Series([None, None])),
        (pl.Series([1, 2]), pl.Series([], dtype=pl.Int32)),
        (pl.Series([[1]]), pl.Series([[1]])),
    ],
    ids=lambda values: f"{values.dtype} {len(values)}",
)
def test_what_takes_a_closer_look_is_left_to_those_who_read_one_by_one(
    tmp_path, one, other
) -> None:
    for order in ((one, other), (other, one)):
        files = write([pl.DataFrame({"number": values}) for values in order], tmp_path)
        assert read_parquet_parts(files) is None


@pytest.mark.parametrize("column", ["number", "more"])
def test_another_column_is_an_error_that_names_the_part(tmp_path, column) -> None:
    first, second, third = divided(WHOLE)
    other = second.drop(column) if column in second.columns else second.with_columns(more=1)
    files = write([first, other, third], tmp_path)
    assert read_parquet_parts(files) is None
    with pytest.raises(FileContentError, match=r"part '1\.parquet' (lacks|has) "):
        ParquetSingleExtractor(ParquetFile("numbers", tmp_path), Numbers).extract()


@pytest.mark.parametrize("place", ["start", "pages", "end"])
def test_a_damaged_file_is_named(tmp_path, place) -> None:
    files = write(divided(WHOLE), tmp_path)
    path = tmp_path / "1.parquet"
    content = bytearray(path.read_bytes())
    where = {"start": slice(0, 4), "pages": slice(4, 60), "end": slice(-4, None)}[place]
    content[where] = bytes(len(content[where]))
    path.write_bytes(content)
    assert read_parquet_parts(files) is None
    with pytest.raises(FileContentError, match=r"'numbers/1\.parquet'"):
        ParquetSingleExtractor(ParquetFile("numbers", tmp_path), Numbers).extract()


def test_a_file_that_is_gone_is_left_to_those_who_say_so(tmp_path) -> None:
    files = write(divided(WHOLE), tmp_path)
    (tmp_path / "2.parquet").unlink()
    assert read_parquet_parts(files) is None
