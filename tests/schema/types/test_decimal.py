"""Decimals are what Python's own make of the same text, or they are refused."""

from __future__ import annotations

import decimal

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from algomancy_data.schema.kinds import column_type_of
from algomancy_data.schema.types import TextConventions

WITH_POINT = TextConventions(decimal_mark=".")
EXACT = decimal.Context(prec=1_000, Emax=10**9, Emin=-(10**9))
DIGITS = st.text("0123456789", max_size=45)
ZEROS = st.integers(0, 130).map("0".__mul__)
NUMBERS = st.builds(
    "{}{}{}.{}{}{}".format,
    st.sampled_from(["", "-", "+"]),
    ZEROS,
    DIGITS.filter(bool),
    ZEROS,
    DIGITS,
    st.just("") | st.integers(-200, 200).map("e{}".format),
)


@pytest.mark.parametrize(
    "dtype", [pl.Decimal(18, 4), pl.Decimal(38, 0), pl.Decimal(38, 38)], ids=str
)
@given(text=NUMBERS)
@example("0." + "0" * 100 + "1e120")
@example("1" + "0" * 150 + ".e-150")
def test_a_number_becomes_what_python_makes_of_it_or_is_refused(dtype, text) -> None:
    # Beside one that is not written plainly, so that the long way is taken.
    texts = pl.Series("c", [text, "0e0"])
    outcome = column_type_of(dtype).from_text([texts], WITH_POINT)
    expected = EXACT.create_decimal(text)
    most = 10 ** (dtype.precision - dtype.scale)
    scaled = EXACT.scaleb(expected, dtype.scale)
    if abs(expected) < most and scaled == EXACT.to_integral_value(scaled):
        assert outcome.refused is None
        assert EXACT.compare(outcome.values[0], expected) == 0
        assert outcome.values.dtype == dtype
    else:
        assert outcome.refused is not None
        assert outcome.refused.to_list() == [True, False]
