"""A value that is written by a documented rule is read back as that value."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.schema import DataType

INT64 = st.integers(-(2**63), 2**63 - 1)


NEUTRAL_MARKS = " \u00a0\u2009\u202f'\u2019_"


@given(
    st.lists(INT64, min_size=1), st.sampled_from(NEUTRAL_MARKS), st.sampled_from(["-", "\u2212"])
)
def test_thousands_with_any_neutral_mark(read, values, mark, minus) -> None:
    texts = [f"{value:,}".replace(",", mark).replace("-", minus) for value in values]
    assert read(texts, DataType.INTEGER).to_list() == values


@given(st.lists(INT64, min_size=1))
def test_indian_groups(read, values) -> None:
    def grouped(value: int) -> str:
        digits = str(abs(value))
        head, tail = digits[:-3], digits[-3:]
        pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)]
        return ("-" if value < 0 else "") + ",".join([*reversed(pairs), tail])

    texts = [grouped(value) for value in values] + ["12,34,567"]
    assert read(texts, DataType.INTEGER).to_list() == [*values, 1234567]


@given(st.lists(INT64, min_size=1), st.integers(0, 5))
def test_whole_numbers_in_scientific_notation(read, values, shift) -> None:
    texts = [f"{Decimal(value).scaleb(-shift):f}e{shift}" for value in values]
    assert read(texts, DataType.INTEGER, decimal_mark=".").to_list() == values
