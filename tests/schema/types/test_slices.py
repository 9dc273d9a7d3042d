"""A column that is read in slices becomes what it becomes as a whole, and so do its problems."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.schema import DataType
from algomancy_data.schema.types import Outcome, TextConventions

WORDS = {
    "FLOAT": "1.5|2|1,5|1,234|1.234|1.234,5|1,234.5|12 000|1e3|1e400|NaN|-inf|NA| 7 |x|5%|(5)|"
    "9007199254740993|9.007.199.254.740.993|12,34,567|",
    "INTEGER": "1|2|007|1,234|1.234|1,234,567|1e3|1.0|1,0|1.5|12 000|NA| 7 |x|5-|"
    "9223372036854775808|",
    "BOOLEAN": "true|FALSE|yes|1|0|1.0|NA| y |x|2|",
    "DATETIME": "2024-01-05|2024-01-05 10:30|2024-02-30|2024-01-05T10:30Z|2024-01-05T10:30+02:00|"
    "2024-01-05 10:30:00.1234567|1500-01-01|01/02/2024|13/02/2024|02/13/2024|1/1/24|03-04-2024|"
    "24-04-2024|5.6.2024|5.6.2024 9:30|5.6.2024 09:30:00.1234567|2024/1/5|05/05/2024T10:30|NA|x|"
    "2024-01-05 24:00|0000-01-01|1.1.1500|2024-01-05T10|2024-01-05T10:30+24:00|31.02.2024|"
    "1:2:3:4:5|1/2/2024 1:2:3:4|",
    "INTERVAL": "P1DT2H|PT0.5S|PT0.123456789S|1 day 02:30:00|-1 day, 0:00:05|12:30|2:30:00.1234567|"
    "NA|x|P1Y|P999999999999W|",
    "CATEGORICAL": "a|b| |NA",
    "STRING": "a|b| |NA",
}
COLUMNS = {
    name: st.lists(st.none() | st.sampled_from(words.split("|")), min_size=1, max_size=6)
    | st.lists(st.sampled_from(words.split("|")[:7]), min_size=1, max_size=6)
    for name, words in WORDS.items()
}
CUTS = st.lists(st.integers(0, 6), max_size=3).map(sorted)
CONVENTIONS = st.builds(
    TextConventions,
    decimal_mark=st.sampled_from([None, ".", ","]),
    day_first=st.sampled_from([None, True, False]),
)


def shown(outcome: Outcome) -> tuple[object, ...]:
    refused = None if outcome.refused is None else outcome.refused.to_list()
    guessed = None if outcome.guessed is None else outcome.guessed.to_list()
    values = repr(outcome.values.to_list()) if refused is None else None
    dtype = outcome.values.dtype if refused is None else None
    return refused, guessed, outcome.reason, outcome.advice, values, dtype


@pytest.mark.parametrize("name", WORDS)
@given(data=st.data())
def test_slices_of_a_column_are_read_as_the_whole(name, data) -> None:
    texts = pl.Series("c", data.draw(COLUMNS[name]), pl.String)
    conventions = data.draw(CONVENTIONS)
    edges = [0, *(min(cut, len(texts)) for cut in data.draw(CUTS)), len(texts)]
    slices = [texts[start:end] for start, end in pairwise(edges)]
    kind = DataType[name].column_type
    whole = kind.from_text([texts], conventions)
    assert shown(kind.from_text(slices, conventions)) == shown(whole)
