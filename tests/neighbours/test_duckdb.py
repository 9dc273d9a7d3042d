"""DuckDB on both databases, and frames to DuckDB and back."""

from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from algomancy_data import DataSource
from algomancy_data.errors import FrameError

IN_MEMORY = """
import sys
import duckdb
import polars as pl
from algomancy_data import DataSource

def rss(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))

rows = 4_000_000
frame = pl.select(i=pl.int_range(rows)).with_columns(s=pl.format("a text of some length {}", "i"))
source = DataSource("master_data", name="d")
source.add_table("t", frame)
table = source.get_table("t").to_arrow(compat_level=pl.CompatLevel.newest())
duck = duckdb.connect()
duck.execute("SET threads = 1")
small = table_.slice(0, 10)
duck.sql("SELECT sum(i), max(length(s)) FROM small").fetchall()  # what it needs for itself
with open("/proc/self/clear_refs", "w") as clear:
    clear.write("5")  # the peak is what it is now
before = rss("VmRSS")
answer = duck.sql("SELECT sum(i), max(length(s)) FROM table_").fetchone()
print(int(answer[0]) == rows * (rows - 1) // 2, rss("VmHWM") - before, frame.estimated_size())
""".replace("table = ", "table_ = ")


def test_duckdb_reads_a_table_of_a_data_source_without_a_copy():
    done = subprocess.run(
        [sys.executable, "-c", IN_MEMORY], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    right, grown, size = done.stdout.split()
    assert right == "True"
    assert int(grown) < int(size) / 4


def test_a_relation_becomes_a_table(every_dtype):
    frame = every_dtype.drop("Int128", 'Duration("us")')
    arrow = frame.to_arrow(compat_level=pl.CompatLevel.newest())
    assert arrow.num_rows == 2
    source = DataSource("master_data", name="d")
    source.add_table("t", duckdb.sql("FROM arrow"))
    same = frame.cast({pl.Enum: pl.String, pl.Categorical: pl.String, pl.Null: pl.Int32})
    zone = {'Datetime("us", "Europe/Zurich")': pl.Datetime("us", "UTC")}
    back = source.get_table("t")
    assert back.schema['Datetime("us", "Europe/Zurich")'] == pl.Datetime("us", "Etc/UTC")
    assert_frame_equal(back.cast(zone), same.cast(zone))


def test_sums_of_integers_are_decimals_with_all_digits():
    source = DataSource("master_data", name="d")
    source.add_table(
        "t", duckdb.sql("SELECT sum(x) AS total FROM (VALUES (9e18::BIGINT), (9e18::BIGINT)) v(x)")
    )
    assert source.get_table("t")["total"].to_list() == [Decimal(18_000_000_000_000_000_000)]


def test_what_polars_has_no_dtype_for_is_refused_by_name():
    source = DataSource("master_data", name="d")
    relation = duckdb.sql("SELECT INTERVAL '1 month' AS i")
    with pytest.raises(FrameError, match="column 'i' uses calendar intervals"):
        source.add_table("t", relation)


TYPED = """
SELECT "Int64", "UInt64 beyond 2⁶³-1"::UBIGINT, "Int128"::HUGEINT, "Decimal(10, 2)"::DECIMAL(10, 2),
       "Time"::TIME, "Datetime(""ns"")"::TIMESTAMP_NS,
       "Float64 with -0.0"::DOUBLE,
       CASE WHEN "Float64 with NaN__is_nan" = 1 THEN 'nan'::DOUBLE
            ELSE "Float64 with NaN"::DOUBLE END,
       "List"::JSON::BIGINT[], ("Struct"::JSON ->> 'day')::DATE
FROM db.ds__neighbours__d__t
"""


def test_all_values_of_a_file_can_be_had_as_text(in_sqlite, read_by):
    given = [in_sqlite, re.sub(r"\s+", " ", TYPED)]
    assert read_by("duckdb_texts", *given) == [
        "1152921504606846977",
        "18446744073709551615",
        "1267650600228229401496703205376",
        "12.50",
        "06:30:00",
        "2024-02-29 23:59:59.999999999",
        "0.0",
        "nan",
        "[1, NULL]",
        "2024-01-01",
    ]
