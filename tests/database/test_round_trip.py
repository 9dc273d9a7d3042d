"""Every frame that the database takes comes back identical, through a manager that never saw it."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from algomancy_data.database import reading
from algomancy_data.database.portable.bulk import RowBulk, TextBulk
from algomancy_data.database.postgresql import bulk
from algomancy_data.database.sqlite.bulk import SQLiteBulk
from algomancy_data.testing.samples import makeable

if TYPE_CHECKING:
    from collections.abc import Callable

LOWEST, HIGHEST = -(2**63), 2**63 - 1
UNITS = ("ms", "us", "ns")
ZONES = (None, "UTC", "Europe/Amsterdam", "America/St_Johns")
SECONDS_PER_UNIT = {"ms": 10**3, "us": 10**6, "ns": 10**9}
# Seconds since 1970 of 0000-12-31, 1900, 1969, 2013, 9999-12-31, 10000-01-01 and years far away.
MOMENTS = (-62_135_596_801, -2_208_988_801, -1, 1_357_020_000, 253_402_300_799, 253_402_300_800)
FAR_MOMENTS = (-62_200_000_000, -90_000_000_000, 900_000_000_000, 0)
AWKWARD_NAMES = [
    *("", "Name", "name", "rowid", "_rowid_", "_ROWID_", "oid", "a'b", 'a"b', "a]b", "a`b"),
    *("%s", "%(x)s", "a%%b", ":x", "?", "$1", "@x", "a\nb", "😀", "a\0b", "a\0c", "x" * 300),
    *("é" * 150, "É", "é", "column_0", "a; DROP TABLE x; --", " ", "no_columns"),
]
TEMPORALS = [datetime(2026, 3, 1, 9), date(2026, 3, 1), time(9), timedelta(hours=9)]
TEXTS = ["", "\0", "a\0b", "😀", "\ud7ff\ue000", "\U0010ffff", "'", '"', None, "x" * 1_000_000]


def moments(unit: str, zone: str | None) -> pl.DataFrame:
    """Return datetimes in and beyond the years that ISO 8601 knows, each with odd fractions."""
    factor = SECONDS_PER_UNIT[unit]
    seconds = MOMENTS + FAR_MOMENTS if unit != "ns" else (-1, 1_357_020_000, 9_000_000_000)
    ticks = [second * factor + fraction for second in seconds for fraction in (0, 1, factor - 1)]
    return column([*ticks, None], pl.Datetime(unit, zone))


def column(values: list[Any], dtype: Any) -> pl.DataFrame:
    """Return a frame of one column; numbers become temporals by their physical value."""
    if isinstance(dtype, pl.Datetime | pl.Duration | pl.Time | pl.Date):
        physical = pl.Int32 if dtype == pl.Date else pl.Int64
        return pl.DataFrame({"x": pl.Series(values, dtype=physical).cast(dtype)})
    return pl.DataFrame({"x": pl.Series(values, dtype=dtype)})


FLOATS = [math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, 1.7976931348623157e308, 0.1, None, 3.0]
FRAMES: dict[str, pl.DataFrame] = {
    **{
        f"{dtype}": column([dtype.min().pipe(pl.select).item(), 0, None, high], dtype)
        for dtype in (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32)
        for high in [dtype.max().pipe(pl.select).item()]
    },
    "UInt64": column([0, HIGHEST, None], pl.UInt64),
    "Float64": column(FLOATS, pl.Float64),
    "Float64 without NaN and -0.0": column([1.0, 2.0, None], pl.Float64),
    "Float32": column([math.nan, math.inf, -0.0, 1e-45, 3.4028235e38, 0.1, None], pl.Float32),
    "Boolean": column([True, False, None], pl.Boolean),
    "String": column(TEXTS, pl.String),
    "Binary": column([b"", b"\0", b"\xff\0", None, b"x" * 100_000], pl.Binary),
    "Date": column([0, -1, 2_932_896, 2_932_897, -719_163, -800_000, 90_000_000, None], pl.Date()),
    "Date without a text": column([LOWEST >> 32, HIGHEST >> 32, 0, None], pl.Date()),
    "Time": column([0, 1, 86_399_999_999_999, None], pl.Time()),
    **{f"Duration {unit}": column([0, LOWEST, HIGHEST, None], pl.Duration(unit)) for unit in UNITS},
    **{f"Datetime {unit} {zone}": moments(unit, zone) for unit in UNITS for zone in ZONES},
    **{
        f"Datetime without a text {unit} {zone}": column(
            [LOWEST, HIGHEST, 0, None], pl.Datetime(unit, zone)
        )
        for unit in UNITS
        for zone in ZONES
    },
    "Categorical": column(["b", "a", None, "b"], pl.Categorical()),
    "Enum": column(["b", "a", None, "b"], pl.Enum(["unused", "a", "b", ""])),
    "Null": column([None, None], pl.Null),
    "Int128": column([-(2**127), 2**127 - 1, 0, None], pl.Int128),
    "UInt128": column([0, 2**128 - 1, None], pl.UInt128),
    "UInt64 beyond 63 bits": column([0, 2**64 - 1, None], pl.UInt64),
    "Float16": column([math.nan, math.inf, -0.0, 6e-8, 65504.0, 0.1, None], pl.Float16),
    "Decimal": column(["-0.01", "99999999.99", None], pl.String).cast(pl.Decimal(10, 2)),
    "Decimal of 38 digits": column(["9" * 38, "-" + "9" * 38, None], pl.String).cast(
        pl.Decimal(38, 0)
    ),
    "List": column([[1, None], [], None], pl.List(pl.Int64)),
    "List of floats": column([[math.nan, None, -0.0], [math.inf], None], pl.List(pl.Float64)),
    "Array": column([[1, None], None], pl.Array(pl.Int8, 2)),
    "Struct": column(
        [{"a": "x\0", "b": b"\xff"}, {"a": None, "b": None}, None],
        pl.Struct({"a": pl.String, "b": pl.Binary}),
    ),
    "all nulls": pl.DataFrame(
        {"s": [None] * 3, "f": [None] * 3, "b": [None] * 3, "d": [None] * 3},
        schema={"s": pl.String, "f": pl.Float64, "b": pl.Binary, "d": pl.Datetime("us", "UTC")},
    ),
    "text after 3,000 nulls": pl.DataFrame(
        {"s": [None] * 3000 + ["late"], "f": [None] * 3000 + [1.5], "i": [*range(3000), None]}
    ),
    "no rows": pl.DataFrame(
        schema={"s": pl.String, "f": pl.Float32, "d": pl.Date, "t": pl.Datetime("ns"), "n": pl.Null}
    ),
    "no columns": pl.DataFrame(),
    "no columns but rows": pl.DataFrame(height=5),
    "200 columns": pl.DataFrame({f"c{number}": [number, None] for number in range(200)}),
    "as many columns as there can be": pl.DataFrame({f"c{n}": [n] for n in range(2000)}),
    "awkward names": pl.DataFrame({name: [n] for n, name in enumerate(AWKWARD_NAMES)}),
    "NUL in the name of a column of any dtype": pl.DataFrame(
        {f"\0{n}": [value] for n, value in enumerate([1, 1.5, -0.0, "s", b"b", True, *TEMPORALS])}
    ),
    "a name that a mask would have": pl.DataFrame(
        {"x": [math.nan, 1.0], "x__is_nan": [7, 8], "X__IS_NAN": [math.nan, None]}
    ),
    "chunks": pl.concat([pl.DataFrame({"i": [1, 2], "s": ["a", None]})] * 5, rechunk=False),
    "a slice": pl.DataFrame(
        {"i": range(100), "s": map(str, range(100)), "b": [n % 3 == 0 for n in range(100)]}
    ).slice(33, 17),
}


@pytest.fixture
def round_trip(
    new_manager: Callable[..., Any], dataset: Callable[..., Any]
) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Write a frame, and read it through another manager."""

    def trip(frame: pl.DataFrame) -> pl.DataFrame:
        writer = new_manager()
        writer.add_data_source(dataset(tables={"t": frame}))
        writer.close()
        reader = new_manager(verify_on_load=True)
        assert reader.verify() == []
        return reader.get_data("d").get_table("t")

    return trip


def assert_identical(read: pl.DataFrame, written: pl.DataFrame) -> None:
    assert read.schema == written.schema
    assert read.shape == written.shape
    assert_frame_equal(read, written, check_exact=True)
    reciprocals = pl.selectors.float().pow(-1).fill_nan(None)
    signs = [frame.select(reciprocals) for frame in (read, written)]
    assert signs[0].equals(signs[1]), "0.0 and -0.0 are equal but for their reciprocals"


@pytest.mark.parametrize("case", FRAMES)
def test_a_frame_comes_back_identical(round_trip, case):
    assert_identical(round_trip(FRAMES[case]), FRAMES[case])


def test_a_table_larger_than_one_read_comes_back_in_order(round_trip, monkeypatch):
    monkeypatch.setattr(reading, "ROWS_PER_READ", 7)
    frame = pl.DataFrame({"i": range(50), "s": [None] * 49 + ["late"], "f": [0.5] * 50})
    assert_identical(round_trip(frame), frame)


def test_a_table_written_in_several_parts_comes_back_in_order(round_trip, monkeypatch):
    for kind in (bulk.PostgreSQLBulk, SQLiteBulk, RowBulk, TextBulk):
        monkeypatch.setattr(kind, "rows_per_write", 7)
    monkeypatch.setattr(bulk, "_BYTES_PER_BATCH", 1)
    monkeypatch.setattr(bulk, "_FEWEST_ROWS_PER_BATCH", 3)
    frame = pl.DataFrame({"i": range(50), "s": [None] * 49 + ["late"], "f": [math.nan] * 50})
    assert_identical(round_trip(frame), frame)


@pytest.mark.parametrize("rows_per_read", [10, 1_000_000])
def test_a_table_read_over_several_connections_comes_back_in_order(
    round_trip, monkeypatch, rows_per_read
):
    monkeypatch.setattr(reading, "ROWS_PER_READ", rows_per_read)
    monkeypatch.setattr(reading.Readers, "fewest_rows", 2)
    frame = pl.DataFrame({"i": range(99), "s": [None] * 98 + ["late"], "f": [math.nan] * 99})
    assert_identical(round_trip(frame), frame)


def test_tables_come_back_in_order_with_their_exact_names(new_manager, dataset):
    names = ["z", "a", "p.Root", "A", "a b", "😀", "x" * 300, "no__edge_"]
    written = {name: pl.DataFrame({"x": [number]}) for number, name in enumerate(names)}
    new_manager().add_data_source(dataset(tables=written))
    read = new_manager().get_data("d")
    assert read.list_tables() == names
    assert [read.get_table(name).item() for name in names] == list(range(len(names)))


def test_a_dataset_keeps_its_identity_type_and_creation_time(new_manager, dataset):
    written = dataset()
    new_manager().add_data_source(written)
    read = new_manager().get_data("d")
    assert read == written
    assert (read.name, read.ds_type, read.creation_datetime) == (
        written.name,
        written.ds_type,
        written.creation_datetime,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    frame=makeable(
        dataframes(max_cols=6, max_size=8, allow_time_zones=True, excluded_dtypes=[pl.Extension])
    )
)
def test_any_frame_comes_back_identical(round_trip, frame):
    assert_identical(round_trip(frame), frame)
