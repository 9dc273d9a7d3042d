"""Many columns are asked together what each of them would say by itself."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algomancy_data import DataType
from algomancy_data.extractor import DataTypeConverter, TextConventions
from algomancy_data.inference.column_types import TextTypes, column_findings, text_type
from algomancy_data.inference.csv_sniffer import columns_with_words

KINDS = (
    *("^-?(0|[1-9][0-9]{0,3})$", r"^-?[0-9]{1,4}\.[0-9]{1,5}$", r"^[0-9]{1,2}\.[0-9]{2}$"),
    *("^[0-9]{1,3},[0-9]{1,4}$", "^[a-zA-Z]{1,4}[0-9]?$", "^[PpIiNnTtFfYy][a-z]{0,3}[0-9]?$"),
    *("^20(00|24)-(02-(28|29|30)|1[0-3]-[0-3][0-9])$", "^2024-0[1-3]-05[ T][0-2][0-9]:[0-5]0$"),
    *("^(true|false|yes|no|Y|n|t|inf|nan|NaN|-inf)$", "^[0-2][0-9]:[0-5][0-9](:00)?$"),
    *("^(2024|9999)-(01-01|12-31)[ T](00|23):59(:05)?(Z|[+-](00|14):?(00|59))$", "^0[0-9]{4}$"),
    *(r"^-?[0-9]{1,2}\.[0-9]{14,18}$", "^[1-9][0-9]{18,21}$", r"^[0-9]{1,3}\.0$", "^[1-9]e[0-9]$"),
    *(r"^[0-3]?[0-9]/[01]?[0-9]/20[0-9]{2}$", r"^[0-3]?[0-9][.-][01][0-9][.-]2024( 9:30)?$"),
    *("^[1-9],[0-9]{3}(,[0-9]{3})?$", r"^[1-9]\.[0-9]{3}(,5)?$", "^[1-9][ '_][0-9]{3}$"),
    *("^[0-9]{1,2} (kg|Main St)$", "^[0-9]{1,2}%$", r"^[$€][1-9],[0-9]{3}\.50$", r"^[0-9]\.?5?%$"),
    *(r"^\+1 555 [0-9]{4}$", "^[0-9]{3}-[0-9]{4}$", "^P[0-9]D$", "^PT[0-9]{1,2}(H|M|S)$"),
    *(
        "^[0-9] days( 0[0-9]:30:00)?$",
        r"^10:30:00\.[0-9]{1,9}$",
        r"^2024-01-05 10:30:00\.[0-9]{7}$",
    ),
    *(
        r"^\([0-9]\)$",
        "^[0-9]-$",
        r"^[0-9]?\.[0-9]$",
        r"^[0-9]\.$",
        "^[\u2212+-][0-9]$",
        "^[0-9]+.?[0-9]+$",
    ),
)
ODD = st.sampled_from(
    [
        "NA",
        "",
        " ",
        None,
        "007",
        "1e5",
        "+1",
        "-",
        "1_000",
        "P1D",
        "Pt 1",
        "-x",
        "1,5",
        "1.5",
        "nan",
    ]
)


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


CONVENTIONS = st.builds(
    TextConventions,
    decimal_mark=st.sampled_from([None, ".", ","]),
    null_words=st.sampled_from([TextConventions().null_words, ()]),
    day_first=st.sampled_from([None, True, False]),
)


@given(table=tables(), conventions=CONVENTIONS)
def test_together_they_say_what_each_column_says(table, conventions):
    columns = table.get_columns()
    assert TextTypes(columns, conventions).found == [
        text_type(column, conventions) for column in columns
    ]


@given(table=tables(), conventions=CONVENTIONS)
def test_what_is_found_in_a_column_reads_all_of_it_without_a_guess(table, conventions):
    for column in table.get_columns():
        found, issues = text_type(column, conventions), []
        types = {column.name: found.dtype}
        DataTypeConverter.convert_dtypes(column.to_frame(), types, issues, conventions=conventions)
        assert not issues or found.undecided is not None, (found, issues)


@settings(max_examples=25)
@given(table=tables())
def test_columns_of_json_are_found_together_as_well(table):
    together = column_findings(table, has_dates=False)
    for column, found in zip(table.get_columns(), together, strict=True):
        assert [found] == column_findings(column.to_frame(), has_dates=False)


def test_long_columns_and_short_ones_are_found_in_one_table():
    rows = 40_000  # more than are asked together
    table = pl.DataFrame({"a": ["1,5"] * rows, "b": ["13/02/2024"] * rows, "c": ["x"] * rows})
    found = TextTypes([*table.get_columns(), pl.Series(["7"])], TextConventions()).found
    wanted = [DataType.FLOAT, pl.Date(), DataType.STRING, DataType.INTEGER]
    assert [one.dtype for one in found] == wanted


def test_thirty_prices_without_a_last_zero_are_money_as_well():
    prices = [f"{number}.99" for number in range(30)]
    columns = [
        pl.Series(prices[:29] + prices[:1]),
        pl.Series(prices),
        pl.Series([None, *prices[1:]]),
    ]
    found = [one.dtype for one in TextTypes(columns, TextConventions()).found]
    assert found == [DataType.FLOAT, pl.Decimal(18, 2), DataType.FLOAT]


@pytest.mark.parametrize("table", [pl.DataFrame(), pl.DataFrame(schema={"a": pl.String})])
def test_without_a_value_there_is_nothing_to_see(table):
    found = TextTypes(table.get_columns(), TextConventions()).found
    assert [one.dtype for one in found] == [DataType.STRING] * table.width
    assert columns_with_words(table) == []
