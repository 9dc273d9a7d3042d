"""A column of each kind that check sums are made of."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import polars as pl

FRAME = pl.DataFrame(
    {
        "whole": [1, 2, None],
        "float": [1.5, math.nan, -0.0],
        "text": ["a", None, "a longer text: ß"],
        "truth": [True, None, False],
        "day": [date(2024, 2, 29), None, date(1, 1, 1)],
        "moment": [datetime(2024, 2, 29, 1, 2, 3, 4), None, datetime(1970, 1, 1)],
        "time": [time(1, 2, 3), None, time(0)],
        "span": [timedelta(1), None, timedelta(0)],
        "money": [Decimal("1.50"), None, Decimal("-0.01")],
        "wide": pl.Series([2**100, None, -1], dtype=pl.Int128),
        "bytes": [b"\0\xff", None, b""],
        "kind": pl.Series(["b", None, "a"], dtype=pl.Enum(["a", "b"])),
        "category": pl.Series(["b", None, "a"], dtype=pl.Categorical),
        "list": [[1, None], None, []],
        "record": [{"a": 1.5}, None, {"a": None}],
        "void": pl.Series([None] * 3, dtype=pl.Null),
    }
)
