"""What no table of PostgreSQL can hold is refused before anything is written."""

from __future__ import annotations

import random
from base64 import b64encode
from decimal import Decimal

import polars as pl
import pytest
from adbc_driver_manager import Error

from algomancy_data.database.postgresql import codec, column_types
from algomancy_data.errors import UnstorableError


def wide(width: int, values: list, dtype: pl.DataType | None = None) -> pl.DataFrame:
    return pl.DataFrame([pl.Series(f"c{n}", values, dtype=dtype) for n in range(width)])


def texts(width: int, length: int) -> pl.DataFrame:
    """Return one row of texts that do not compress."""
    chosen = random.Random(length)  # noqa: S311  no secret
    size = length * 3 // 4
    return pl.DataFrame(
        {f"c{n}": [b64encode(chosen.randbytes(size)).decode()] for n in range(width)}
    )


FITTING = {
    "1,600 booleans": wide(1600, [True, None]),
    "1,600 small integers": wide(1600, [1, None], pl.Int8()),
    "1,600 long columns of no rows": wide(1600, [], pl.Int64()),
    "1,600 long columns of nulls": wide(1600, [None], pl.Int64()),
    "1,600 long columns with few values": wide(1600, [None, None], pl.Int64()).with_columns(
        pl.Series(f"c{n}", [n, None]) for n in range(900)
    ),
    "1,600 short texts": texts(1600, 4),
    "as many integers as a page has room for": wide(1017, [1]),
    "alignment": pl.DataFrame({f"c{n}": [True] if n % 2 else [n] for n in range(508)}),
    "300 long texts": texts(300, 3000),
    "250 decimals": wide(250, [Decimal("9" * 31)], pl.Decimal(38, 7)),
}
REFUSED = {
    "1,601 columns": (wide(1601, [1]), r"1,601 columns.*at most 1,600"),
    "1,600 integers": (wide(1600, [1]), r"Row 0 .* 12,824 bytes on a page.* room for 8,160"),
    "one integer too many": (wide(1018, [1]), r"Row 0 .* 8,168 bytes on a page"),
    "one long row": (wide(1018, [None, None, 1, None]), r"Row 2 of table 'wide'"),
    "600 long texts": (texts(600, 3000), r"Row 0 .* on a page"),
}


@pytest.mark.parametrize("case", FITTING)
def test_a_wide_frame_that_fits_comes_back(round_trip, case):
    assert round_trip(FITTING[case]).equals(FITTING[case])


@pytest.mark.parametrize("case", REFUSED)
def test_a_frame_that_does_not_fit_is_refused(case):
    frame, message = REFUSED[case]
    with pytest.raises(UnstorableError, match=rf"'wide'.*{message}|{message}.*Split the table"):
        codec.plan(frame, "wide")


@pytest.mark.parametrize("case", [case for case in REFUSED if case != "1,601 columns"])
def test_postgresql_would_have_refused_it_as_well(write, connection, monkeypatch, case):
    monkeypatch.setattr(column_types, "MAX_PAGE_BYTES", 10**9)
    with pytest.raises(Error, match="row is too big"):
        write(connection, REFUSED[case][0], "too_wide")
    with connection.cursor() as cursor:
        cursor.execute("ROLLBACK")


def test_a_row_longer_than_a_message_is_refused(monkeypatch):
    monkeypatch.setattr(column_types, "MAX_ROW_BYTES", 100)
    frame = pl.DataFrame({"s": ["x" * 60, "é" * 30, ""], "b": [b"", b"x" * 40, b"x" * 60]})
    codec.plan(frame, "long")  # no row has more, though the longest values of both columns do
    longer = frame.with_columns(l=pl.Series([[], [1], None], dtype=pl.List(pl.Int8)))
    with pytest.raises(UnstorableError, match=r"Row 1 of table 'long' takes 103 bytes in a row"):
        codec.plan(longer, "long")
