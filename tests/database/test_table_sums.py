"""The check sums of tables: made while they are written, or of several small ones together."""

from __future__ import annotations

import polars as pl
import sqlalchemy as sa

from algomancy_data.database.table_sums import MOST_ROWS_TOGETHER, TableSums, sums_together
from tests.database.sample_columns import FRAME

LONG = pl.DataFrame(
    {
        "number": range(MOST_ROWS_TOGETHER),
        "text": [f"{row:>{row % 20}}" for row in range(MOST_ROWS_TOGETHER)],
        "some": [None, 0.5] * (MOST_ROWS_TOGETHER // 2),
    }
)


def alone(frame):
    sums = TableSums(frame.width)
    sums.add(frame, {})
    return sums.to_texts()


def test_sums_of_several_tables_are_those_of_each():
    flat = FRAME.drop("list", "record")
    some = [flat, flat.head(2), LONG, flat.reverse(), flat.select("text", "whole"), LONG.reverse()]
    several = [*some, *[LONG.tail(7)] * 50, *some]
    assert sums_together(several) == list(map(alone, several))


def test_tables_of_one_call_have_the_sums_of_those_written_by_themselves(manager, dataset):
    tables = {
        "flat": FRAME.drop("list", "record"),
        "nested": FRAME,
        "long": pl.concat([LONG, LONG]),
        "no rows": LONG.clear(),
        "no columns": pl.DataFrame(height=3),
    }
    manager.add_data_source(dataset("alone", tables))
    manager.add_data_sources([dataset("first", tables), dataset("last", tables)])
    with manager.engine.begin() as connection:
        noted = sa.text("SELECT name, sub_tables FROM algomancy_datasets")
        kept = dict(connection.execute(noted).all())
    of_first, of_last = (
        kept[name].replace(f"ds__s__{name}__", "ds__s__alone__") for name in ("first", "last")
    )
    assert of_first == of_last == kept["alone"]
    assert manager.verify() == []
