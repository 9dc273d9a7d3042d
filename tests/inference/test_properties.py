"""Random frames, written as files: what is inferred loads them, with every value as it was."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import polars.selectors as cs
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

TRICKY = [
    *("007", "1,5", "1.5", "1,234", "1.234", "1 234", "+41791234567", "1e5", "12E3", "0", "1"),
    *("NA", "-", "NULL", "nan", "None", "?", "yes", "no", "true", "Y", "t", "inf"),
    *("01/02/2024", "2024-01-01", "10:30", "10:30:00", "P1D", "2024", "\u22125"),
    *('"', "'", '5" pipe', "a;b", "a,b", "a\tb", "a|b", "'quoted'", "#", "<html>", "sep=,", " x "),
]
COLUMNS = {
    pl.Int64(): st.integers(-(2**63), 2**63 - 1),
    pl.Float64(): st.floats(allow_nan=False, allow_infinity=False),
    pl.Boolean(): st.booleans(),
    pl.Datetime("us"): st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)),
    pl.String(): st.sampled_from(TRICKY)
    | st.text(
        st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=12
    ),
    pl.Duration("us"): st.timedeltas(dt.timedelta(days=-900), dt.timedelta(days=900)),
}
# A letter first: a column that is named 1 above a 2 looks like a file without a header.
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20).map(
    "name {}".format
)


@st.composite
def frames(draw):
    height = draw(st.integers(1, 12))
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    columns = []
    for name in names:
        dtype = draw(st.sampled_from(list(COLUMNS)))
        values = st.none() | COLUMNS[dtype] if draw(st.booleans()) else COLUMNS[dtype]
        content = draw(st.lists(values, min_size=height, max_size=height))
        columns.append(pl.Series(name, content, dtype))
    return pl.DataFrame(columns)


_NUMBER = str.maketrans({",": ".", " ": "", "\u2212": "-"})


def means_the_same(found: pl.Series, written: pl.Series) -> bool:
    """Tell whether a column holds what was written, whichever of its meanings was taken."""
    pairs = zip(found.to_list(), written.to_list(), strict=True)
    return all(_same(a, b) for a, b in pairs)


def _same(found: object, written: object) -> bool:
    if found == written:
        return True
    if isinstance(written, str):
        return _is_reading(found, written)
    if found is None or written is None:
        return False
    # A column of few values may look like one of another type: 1 and 2.0, or P1D.
    if isinstance(written, float) and isinstance(found, int | str):
        return float(found) == written
    return str(found).lower() == str(written).lower()


def _is_reading(found: object, text: str) -> bool:
    """Tell whether a value is what a text says: digits may be numbers, nothing may be null."""
    plain = text.strip()
    if found is None:
        return plain in {"", "-", "--", "---", ".", "?"} or plain.isalpha()
    if isinstance(found, bool):
        return plain.lower() in ({"true", "yes", "y", "t"} if found else {"false", "no", "n", "f"})
    if isinstance(found, float) and math.isnan(found):
        return plain.lower() == "nan"
    if isinstance(found, int | float):
        return Decimal(plain.translate(_NUMBER)) == Decimal(str(found))
    if isinstance(found, dt.datetime):
        return plain in {f"{found:%m/%d/%Y}", f"{found:%Y-%m-%d}"}
    if isinstance(found, dt.timedelta):
        return found == dt.timedelta(days=1) and plain == "P1D"
    return False


@settings(max_examples=80)  # each one is inferred and loaded
@given(frame=frames(), separator=st.sampled_from(",;\t|"))
def test_a_csv_file_loads_with_its_values(frame, separator, load):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        frame.with_columns(cs.duration().dt.to_string("iso")).write_csv(
            path, separator=separator, quote_style="non_numeric"
        )
        loaded = load(path)
    found = loaded.tables["table"]
    assert found.columns == frame.columns
    assert found.height == frame.height
    for name in frame.columns:
        assert means_the_same(found[name], frame[name]), (found[name], frame[name])


@settings(max_examples=40)  # as above
@given(frame=frames())
def test_a_parquet_file_loads_with_its_values_and_types(frame, load):
    with TemporaryDirectory() as folder:
        frame.write_parquet(Path(folder) / "table.parquet")
        loaded = load(Path(folder) / "table.parquet")
    assert_frame_equal(loaded.tables["table"], frame)
