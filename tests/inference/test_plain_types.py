"""What is seen of many columns at a glance is what each of them says by itself."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data import DataType
from algomancy_data.extractor import TextConventions
from algomancy_data.inference.column_types import TextType, text_type, text_types
from algomancy_data.inference.plain_types import names_of_some, plain_marks, plain_types

KINDS = (
    *("^-?(0|[1-9][0-9]{0,3})$", r"^-?[0-9]{1,4}\.[0-9]{1,5}$", r"^[0-9]{1,2}\.[0-9]{2}$"),
    *("^[0-9]{1,3},[0-9]{1,4}$", "^[a-zA-Z]{1,4}[0-9]?$", "^[PpIiNnTtFfYy][a-z]{0,3}[0-9]?$"),
    *("^20(00|24)-(02-(28|29|30)|1[0-3]-[0-3][0-9])$", "^2024-0[1-3]-05[ T][0-2][0-9]:[0-5]0$"),
    *("^(true|false|yes|no|Y|n|t|inf|nan|NaN|-inf)$", "^[0-2][0-9]:[0-5][0-9](:00)?$"),
    "^(2024|9999)-(01-01|12-31)[ T](00|23):59(:05)?(Z|[+-](00|14):?(00|59))$",
)
ODD = st.sampled_from(["NA", "", " ", None, "007", "1e5", "+1", "-", "1_000", "P1D", "Pt 1", "-x"])


@st.composite
def tables(draw):
    height = draw(st.integers(1, 5))
    columns = []
    for number in range(draw(st.integers(1, 6))):
        values = st.from_regex(draw(st.sampled_from(KINDS)), fullmatch=True)
        if draw(st.booleans()):
            values |= ODD
        padded = values.map(lambda text: text and f" {text}") if draw(st.booleans()) else values
        texts = draw(st.lists(padded, min_size=height, max_size=height))
        columns.append(pl.Series(f"c{number}", texts, pl.String))
    return pl.DataFrame(columns)


@given(
    table=tables(),
    mark=st.sampled_from([None, ".", ","]),
    null_words=st.sampled_from([TextConventions().null_words, ()]),
)
def test_a_glance_sees_what_each_column_says(table, mark, null_words):
    conventions = TextConventions(decimal_mark=mark, null_words=null_words)
    alone = {column.name: text_type(column, conventions) for column in table.iter_columns()}
    assert text_types(table, conventions) == alone
    for name, verdict in plain_types(table, conventions).items():
        assert TextType.of(verdict) == alone[name]


def test_thirty_prices_without_a_last_zero_are_money_as_well():
    prices = [f"{number}.99" for number in range(30)]
    table = pl.DataFrame(
        {"few": prices[:29] + prices[:1], "many": prices, "gaps": [None, *prices[1:]]}
    )
    found = {name: column.dtype for name, column in text_types(table, TextConventions()).items()}
    assert plain_types(table, TextConventions()).keys() == found.keys()
    assert found == {"few": DataType.FLOAT, "many": pl.Decimal(18, 2), "gaps": DataType.FLOAT}
    assert found["gaps"] is text_type(table["gaps"], TextConventions()).dtype


@pytest.mark.parametrize("table", [pl.DataFrame(), pl.DataFrame(schema={"a": pl.String})])
def test_without_a_value_there_is_nothing_to_see(table):
    assert plain_types(table, TextConventions()) == {}
    assert plain_marks(table, TextConventions()) == {}
    assert names_of_some(table, pl.Series.is_null) == set()


def test_the_mark_of_numbers_is_seen_where_one_alone_is_possible():
    table = pl.DataFrame(
        {"point": ["1.5"], "comma": ["1,5"], "either": ["1.234"], "whole": ["1"], "text": ["x"]}
    )
    marks = {"point": ".", "comma": ",", "either": None, "whole": None}
    assert plain_marks(table, TextConventions()) == marks
