from __future__ import annotations

import datetime as dt
from operator import ge, gt, le, lt

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from algomancy_data.schema.rule_values import is_among, keeps_bound

COMPARE = {"min": ge, "min_exclusive": gt, "max": le, "max_exclusive": lt}
NANOSECONDS = {"ns": 1, "us": 1_000, "ms": 1_000_000}
INT64 = st.integers(-(2**63), 2**63 - 1)
EPOCH = dt.datetime(1970, 1, 1)


def nanoseconds(value):
    length = value - EPOCH if isinstance(value, dt.datetime) else value
    return length // dt.timedelta(microseconds=1) * 1_000


@given(
    ticks=st.lists(INT64 | st.integers(-3, 3) | st.none(), min_size=1),
    value=st.datetimes() | st.just(EPOCH) | st.timedeltas(),
    unit=st.sampled_from(list(NANOSECONDS)),
)
@example([2**63 - 1, None], dt.datetime(9999, 12, 31), "ns")
@example([0, 1, 2], dt.timedelta(microseconds=1_001), "ms")
def test_bounds_are_exact_in_whatever_unit_of_time_a_column_is(ticks, value, unit):
    dtype = pl.Datetime(unit) if isinstance(value, dt.datetime) else pl.Duration(unit)
    frame = pl.DataFrame([pl.Series("x", ticks, pl.Int64).cast(dtype)])
    for bound, compare in COMPARE.items():
        kept = frame.with_columns(ok=keeps_bound(pl.col("x"), bound, value, dtype))["ok"]
        expected = [
            tick is None or compare(tick * NANOSECONDS[unit], nanoseconds(value)) for tick in ticks
        ]
        assert kept.fill_null(value=True).to_list() == expected


@pytest.mark.parametrize("unit", list(NANOSECONDS))
def test_moments_are_among_others_in_whatever_unit_of_time_a_column_is(unit):
    dtype = pl.Datetime(unit)
    allowed = [EPOCH, EPOCH + dt.timedelta(microseconds=1), dt.datetime(9999, 1, 1)]
    frame = pl.DataFrame([pl.Series("x", [0, 1, 1_000, None], pl.Int64).cast(dtype)])
    among = frame.select(is_among(pl.col("x"), allowed, dtype)).to_series().to_list()
    expected = {
        "ns": [True, False, True, None],
        "us": [True, True, False, None],
        "ms": [True, False, False, None],
    }
    assert among == expected[unit]
