"""Rows between frames and SQLite's tables."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.database.engines import begun, store_engine
from algomancy_data.database.sqlite.bulk import SQLiteBulk

VIEWS_ALONE = 2  # buffers: which are null, and the views


@pytest.mark.parametrize(
    ("texts", "buffers"),
    [
        (["twelve bytes", None, ""], VIEWS_ALONE),
        (["twelve bytes", None, "thirteen byte"], VIEWS_ALONE + 1),
    ],
)
def test_a_frame_keeps_no_texts_beside_views_that_have_them(texts, buffers) -> None:
    engine = store_engine("sqlite://")
    query = " UNION ALL ".join(
        "SELECT NULL AS x" if one is None else f"SELECT {one!r} AS x" for one in texts
    )
    with begun(engine) as connection:
        column = SQLiteBulk().fetch(connection, query, len(texts))["x"]
    engine.dispose()
    assert column.to_list() == texts
    assert len(column.to_arrow(compat_level=pl.CompatLevel.newest()).buffers()) == buffers
