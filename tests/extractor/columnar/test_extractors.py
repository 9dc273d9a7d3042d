"""Parquet and Arrow files: every dtype, conversions, and what goes wrong."""

from __future__ import annotations

import base64
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes
from pyarrow import feather, parquet

from algomancy_data import (
    ArrowFile,
    ArrowSingleExtractor,
    DataSource,
    ParquetFile,
    ParquetSingleExtractor,
    ReadLimits,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.errors import FileContentError
from algomancy_data.schema import Column, DataType, FileExtension, Schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EVERYTHING = pl.DataFrame(
    {
        "i": pl.Series([1, None, 2**63 - 1], dtype=pl.Int64),
        "f": [0.1 + 0.2, float("nan"), None],
        "s": ["007", "", None],
        "b": [True, None, False],
        "d": pl.Series([datetime(2024, 1, 5), None, datetime(1, 1, 1)], dtype=pl.Datetime("us")),
        "t": pl.Series([timedelta(1), None, timedelta(microseconds=1)], dtype=pl.Duration("us")),
        "l": [[1, None], [], None],
        "n": [{"a": 1, "b": ["x"]}, {"a": None, "b": None}, None],
        "time": [time(1, 2, 3), None, time(0)],
        "decimal": [Decimal("1.10"), None, Decimal("-0.01")],
        "binary": [b"\0\xff", b"", None],
        "category": pl.Series(["x", None, "y"], dtype=pl.Categorical),
    }
)
WRITERS: dict[str, tuple[type, Callable[[pl.DataFrame, Path], object]]] = {
    "parquet": (ParquetFile, lambda frame, path: frame.write_parquet(path)),
    "parquet, not compressed": (
        ParquetFile,
        lambda frame, path: frame.write_parquet(path, compression="uncompressed"),
    ),
    "parquet by pyarrow": (
        ParquetFile,
        lambda frame, path: parquet.write_table(frame.to_arrow(), path),
    ),
    "arrow file": (ArrowFile, lambda frame, path: frame.write_ipc(path)),
    "arrow file, compressed": (
        ArrowFile,
        lambda frame, path: frame.write_ipc(path, compression="zstd"),
    ),
    "arrow stream": (ArrowFile, lambda frame, path: frame.write_ipc_stream(path)),
    "feather": (
        ArrowFile,
        lambda frame, path: feather.write_feather(frame.to_arrow(), str(path)),
    ),
}
EXTRACTORS = {ParquetFile: ParquetSingleExtractor, ArrowFile: ArrowSingleExtractor}
DECLARED = {
    "i": DataType.INTEGER,
    "f": DataType.FLOAT,
    "s": DataType.STRING,
    "b": DataType.BOOLEAN,
    "d": DataType.DATETIME,
    "t": DataType.INTERVAL,
}


def schema_of(columns: dict[str, DataType], extension="parquet") -> type[Schema]:
    members = {f"COLUMN_{i}": Column(*item) for i, item in enumerate(columns.items())}
    settings = {"_FILENAME": "t", "_EXTENSION": extension, "_SCHEMA_TYPE": "single"}
    return type("Table", (Schema,), settings | members)


@pytest.fixture(params=WRITERS)
def kind(request) -> str:
    return request.param


@pytest.fixture
def write(tmp_path, kind):
    def run(frame: pl.DataFrame, name: str = "t.bin") -> Path:
        WRITERS[kind][1](frame, tmp_path / name)
        return tmp_path / name

    return run


def extractor_of(kind, path=None, columns=DECLARED, content=None):
    file_type = WRITERS[kind][0]
    return EXTRACTORS[file_type](file_type("t", path, content), schema_of(columns))


def test_every_dtype_comes_back(kind, write) -> None:
    extractor = extractor_of(kind, write(EVERYTHING))
    assert_frame_equal(extractor.extract()["t"], EVERYTHING)
    assert extractor.conversion_issues == []


def test_an_upload_is_read_like_a_file(kind, write) -> None:
    content = "data:;base64," + base64.b64encode(write(EVERYTHING).read_bytes()).decode()
    assert_frame_equal(extractor_of(kind, content=content).extract()["t"], EVERYTHING)


def test_a_table_without_rows_keeps_its_columns(kind, write) -> None:
    frame = extractor_of(kind, write(EVERYTHING.clear())).extract()["t"]
    assert_frame_equal(frame, EVERYTHING.clear())


def test_the_file_may_be_overwritten_after_the_extraction(kind, write) -> None:
    frame = pl.DataFrame({"s": [f"a text of some length {row}" for row in range(50_000)]})
    path = write(frame)
    extracted = extractor_of(kind, path).extract()["t"]
    with path.open("r+b") as stream:  # the same bytes of the disk: a mapping would see it
        stream.write(b"\xff" * path.stat().st_size)
    assert_frame_equal(extracted, frame)


@given(frame=dataframes(max_cols=4, max_size=5, excluded_dtypes=[pl.Enum, pl.Categorical]))
def test_any_frame_comes_back(tmp_path_factory, frame) -> None:
    folder = tmp_path_factory.mktemp("any")
    frame.write_parquet(folder / "t.parquet", row_group_size=2)
    frame.write_ipc(folder / "t.arrow")
    in_slices = ReadLimits(in_memory_bytes=1)
    for file in (
        ParquetFile("t", folder / "t.parquet"),
        ParquetFile("t", folder / "t.parquet", read_limits=in_slices),
        ArrowFile("t", folder / "t.arrow"),
    ):
        extractor = EXTRACTORS[type(file)](file, schema_of({"not there": DataType.STRING}))
        assert_frame_equal(extractor.extract()["t"], frame)


def test_nested_columns_are_read_in_slices(tmp_path) -> None:
    numbers = pl.int_range(60, eager=True).alias("n")
    frame = pl.DataFrame([numbers]).with_columns(
        tags=pl.concat_list(pl.format("t{}", "n"), pl.lit(None, pl.String)),
        inner=pl.struct(a="n", b=pl.concat_list("n")),
    )
    frame.write_parquet(tmp_path / "t.parquet", row_group_size=5)
    file = ParquetFile("t", tmp_path / "t.parquet", read_limits=ReadLimits(in_memory_bytes=400))
    found = ParquetSingleExtractor(file, schema_of({"n": DataType.INTEGER})).extract()["t"]
    assert_frame_equal(found, frame)
    assert found.n_chunks() > 3


# --- conversions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "target", "becomes"),
    [
        (pl.Series([1, None], dtype=pl.Int8), DataType.INTEGER, [1, None]),
        (pl.Series([2**63 - 1], dtype=pl.UInt64), DataType.INTEGER, [2**63 - 1]),
        (pl.Series([1.5, None], dtype=pl.Float32), DataType.FLOAT, [1.5, None]),
        (pl.Series([1, 2], dtype=pl.Int64), DataType.FLOAT, [1.0, 2.0]),
        (pl.Series([1.0, None]), DataType.INTEGER, [1, None]),
        (pl.Series([1, 0]), DataType.BOOLEAN, [True, False]),
        (pl.Series([date(2024, 1, 5)]), DataType.DATETIME, [datetime(2024, 1, 5)]),
        (pl.Series(["2024-01-05"]), DataType.DATETIME, [datetime(2024, 1, 5)]),
        (pl.Series(["1,5"]), DataType.FLOAT, [1.5]),
        (pl.Series([7, None]), DataType.STRING, ["7", None]),
        (pl.Series([["a", "b"]]), DataType.STRING, ['["a","b"]']),
        (pl.Series([Decimal("1.50")]), DataType.FLOAT, [1.5]),
        (pl.Series([None, None]), DataType.INTEGER, [None, None]),
    ],
    ids=repr,
)
def test_a_column_of_another_dtype_is_converted(tmp_path, given, target, becomes) -> None:
    pl.DataFrame({"c": given}).write_parquet(tmp_path / "t.parquet")
    extractor = extractor_of("parquet", tmp_path / "t.parquet", {"c": target})
    values = extractor.extract()["t"]["c"]
    assert extractor.conversion_issues == []
    assert target.accepts(values.dtype)
    assert values.to_list() == becomes


@pytest.mark.parametrize(
    ("given", "target", "rows"),
    [
        (pl.Series([1.0, 1.5]), DataType.INTEGER, (1,)),
        (pl.Series([2**53, 2**53 + 1]), DataType.FLOAT, (1,)),
        (pl.Series([2**64 - 1], dtype=pl.UInt64), DataType.INTEGER, (0,)),
        (pl.Series([0, 2]), DataType.BOOLEAN, (1,)),
        (pl.Series([1]), DataType.DATETIME, (0,)),
        (pl.Series([[1]]), DataType.INTEGER, (0,)),
    ],
    ids=repr,
)
def test_a_value_that_would_change_is_reported(tmp_path, given, target, rows) -> None:
    pl.DataFrame({"c": given}).write_parquet(tmp_path / "t.parquet")
    extractor = extractor_of("parquet", tmp_path / "t.parquet", {"c": target})
    assert extractor.extract()["t"]["c"].equals(given.alias("c"))
    assert [issue.rows for issue in extractor.conversion_issues] == [rows]


# --- what goes wrong --------------------------------------------------------------------------


def test_a_damaged_file_gives_no_other_error(kind, write) -> None:
    path = write(pl.DataFrame({"i": [1, 2], "s": ["a", None]}))
    content = path.read_bytes()
    refused = 0
    for end in range(0, len(content) - 1, 7):
        path.write_bytes(content[:end])
        try:
            extractor_of(kind, path).extract()
        except FileContentError:
            refused += 1
    assert refused > 10


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is no Parquet file"),
        (b"a;b\n", "is no Parquet file"),
        (b"PARE....PARE", "encrypted"),
        (b"PAR1....PAR1", "may be damaged"),
    ],
)
def test_what_is_no_parquet_is_refused(tmp_path, content, problem) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(ValueError, match=f"File 't' .*{problem}"):
        extractor_of("parquet", tmp_path / "t.parquet").extract()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "neither an Arrow file nor"),
        (b"PAR1", "neither an Arrow file nor"),
        (b"FEA1", "Feather of version 1"),
        (b"ARROW1\0\0", "may be damaged"),
        (b"\xff\xff\xff\xff", "may be damaged"),
    ],
)
def test_what_is_no_arrow_is_refused(tmp_path, content, problem) -> None:
    (tmp_path / "t.arrow").write_bytes(content)
    with pytest.raises(ValueError, match=f"File 't' .*{problem}"):
        extractor_of("arrow file", tmp_path / "t.arrow").extract()


# --- through a manager ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "suffix", ["parquet", "pq", "PARQUET", "arrow", "feather", "ipc", "arrows"]
)
@pytest.mark.parametrize("declared", [True, False])
def test_a_manager_knows_the_format_by_schema_or_suffix(tmp_path, suffix, declared) -> None:
    is_parquet = suffix.lower() in {"parquet", "pq"}
    extension = FileExtension.PARQUET if is_parquet else FileExtension.ARROW
    path = tmp_path / f"t.{suffix}"
    frame = pl.DataFrame({"i": [1]})
    _ = frame.write_parquet(path) if is_parquet else frame.write_ipc(path)
    schemas = [schema_of({"i": DataType.INTEGER}, extension)]
    manager = StatelessDataManager(
        SimpleETLFactory, schemas if declared else [], "json", DataSource
    )
    files = manager.prepare_files(file_items_with_path=[("t", str(path))])
    assert files["t"].extension is extension
    if declared:
        result = manager.etl_data(files, "d")
        assert result.datasource.get_table("t").rows() == [(1,)]


@given(values=st.lists(st.none() | st.integers(-(2**63), 2**64 - 1), min_size=1, max_size=5))
def test_an_integer_is_exact_or_reported(tmp_path_factory, values) -> None:
    path = tmp_path_factory.mktemp("integers") / "t.parquet"
    given_values = pl.Series("c", values, dtype=pl.Int128)
    pl.DataFrame({"c": given_values}).write_parquet(path)
    extractor = extractor_of("parquet", path, {"c": DataType.INTEGER})
    extracted = extractor.extract()["t"]["c"]
    assert extracted.to_list() == values
    too_large = [row for row, value in enumerate(values) if value is not None and value >= 2**63]
    assert [list(issue.rows) for issue in extractor.conversion_issues] == [too_large][
        : bool(too_large)
    ]


def test_integers_of_polars_beside_times_inside_of_structs_are_read(tmp_path) -> None:
    frame = pl.DataFrame(
        {"i": [2**100, None], "s": [{"t": time(23, 59)}, None]},
        schema={"i": pl.Int128, "s": pl.Struct({"t": pl.Time})},
    )
    frame.write_ipc(tmp_path / "t.arrow")
    file = ArrowFile("t", tmp_path / "t.arrow")
    extractor = EXTRACTORS[ArrowFile](file, schema_of({"not there": DataType.STRING}))
    assert_frame_equal(extractor.extract()["t"], frame)
