"""A predicate takes the rows that it takes of the whole frame, whoever looks at them."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from algomancy_data.database import reading

pytestmark = pytest.mark.filterwarnings("ignore::algomancy_data.errors.PortablePathWarning")

x, s = pl.col("x"), pl.col("s")
FRAME = pl.DataFrame(
    {
        "x": [(7 * n) % 30 for n in range(50)] + [None],
        "y": [n % 3 for n in range(51)],
        "s": [f"{n % 4}" for n in range(51)],
        "l": [[n % 5] for n in range(51)],
    }
)
OF_THE_TABLE = [
    x == x.max(),
    x > x.mean(),
    x == x.max().over("y"),
    x.shift() < x,
    x.rank() < 5,
    x.is_first_distinct(),
    x.is_duplicated(),
    x.cum_sum() < 50,
    x.is_in(pl.col("y").implode()),
    pl.int_range(pl.len()) % 5 == 0,
    pl.when(x > x.median()).then(s == "2").otherwise(s == "1"),
    (x > 3) & (pl.len() > 40),
    x.is_in([1, 2]) | (x == x.first()),
    x.fill_null(strategy="forward") > 20,
    x == pl.Series([n % 30 for n in range(51)]),
    s.str.to_integer().sort() > 2,
    x.map_batches(lambda column: column == column.max(), return_dtype=pl.Boolean),
    pl.len() > 60,
    x.max() > 20,
    pl.col("y").is_in(pl.Series([[n % 2] for n in range(51)])),
]
OF_A_ROW = [
    x > 1,
    ~(x.is_between(3, 9) | s.is_in(["1", "2"])),
    x % 2 == pl.col("y"),
    pl.when(x > 5).then(s == "1").otherwise(s != "1"),
    x.is_in(pl.Series([1, 2], dtype=pl.Int64)),
    s.str.contains("[12]") & s.str.starts_with("1"),
    s.cast(pl.Int64) > 2,
    s.cast(pl.Int64, strict=False).is_null().alias("s"),
    pl.lit(value=True),
    pl.any_horizontal(pl.col("x", "y") > 20),
    pl.nth(1) == 1,
    pl.col("^[x]$") > 1,
]


@pytest.mark.parametrize("predicate", [*OF_THE_TABLE, *OF_A_ROW], ids=str)
def test_a_predicate_means_the_same_in_parts(manager, dataset, monkeypatch, predicate):
    monkeypatch.setattr(reading, "ROWS_PER_READ", 7)
    manager.add_data_source(dataset(tables={"t": FRAME}))
    expected = FRAME.filter(predicate)
    assert_frame_equal(manager.get_table("d", "t", predicate=predicate), expected)
    assert_frame_equal(manager.get_table("d", "t", ["s"], predicate), expected[["s"]])
    assert manager.get_table("d", "t", [], predicate).shape == (expected.height, 0)
    if "Series" not in str(predicate):  # which are as long as the whole table
        of_the_first = FRAME.head(20).filter(predicate)
        assert_frame_equal(manager.get_table("d", "t", None, predicate, head=20), of_the_first)
