from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from algomancy_data.errors import ValidationError
from algomancy_data.testing.comparison import assert_identical
from algomancy_data.transformer import CleanTransformer

FRAME = pl.DataFrame(
    {
        " Branch": [" a ", "", "   ", None],
        "n": [1, 2, None, None],
        "c": pl.Series([" x", None, None, None], dtype=pl.Categorical),
    }
)


def cleaned(frame=FRAME, **asked):
    data = {"t": frame}
    CleanTransformer(**asked).transform(data)
    return data["t"]


def test_nothing_changes_unless_asked_for():
    assert cleaned() is FRAME


def test_whitespace_around_text_goes():
    assert cleaned(strip_whitespace=True)[" Branch"].to_list() == ["a", "", "", None]


def test_empty_text_becomes_null():
    assert cleaned(empty_to_null=True)[" Branch"].to_list() == [" a ", None, "   ", None]


def test_whitespace_counts_as_empty_only_when_it_is_stripped():
    out = cleaned(strip_whitespace=True, empty_to_null=True)
    assert out[" Branch"].to_list() == ["a", None, None, None]
    assert_frame_equal(out.drop(" Branch"), FRAME.drop(" Branch"))


def test_rows_without_any_value_go():
    assert cleaned(drop_empty_rows=True).height == 3
    assert cleaned(strip_whitespace=True, empty_to_null=True, drop_empty_rows=True).height == 2


@pytest.mark.parametrize("rename", [str.strip, {" Branch": "Branch", "absent": "x"}])
def test_columns_are_renamed_by_a_function_or_a_mapping(rename):
    assert cleaned(rename_columns=rename).columns == ["Branch", "n", "c"]


def test_columns_may_swap_names():
    frame = pl.DataFrame({"a": [1], "b": [2]})
    assert cleaned(frame, rename_columns={"a": "b", "b": "a"}).to_dict(as_series=False) == {
        "b": [1],
        "a": [2],
    }


def test_two_columns_of_one_name_are_refused():
    frame = pl.DataFrame({"a": [1], "A": [2]})
    with pytest.raises(ValidationError, match=r"\['a', 'A'\] of table 't'"):
        cleaned(frame, rename_columns=str.lower)


@pytest.mark.parametrize("frame", [pl.DataFrame(), FRAME.clear(), pl.DataFrame({"l": [[1], None]})])
def test_frames_without_text_are_no_problem(frame):
    out = cleaned(
        frame,
        rename_columns=str.upper,
        strip_whitespace=True,
        empty_to_null=True,
        drop_empty_rows=True,
    )
    assert out.width == frame.width


def test_text_that_is_larger_than_memory_should_hold_is_tidied_in_parts():
    part = pl.DataFrame({"n": [1, 2, 3], "s": [" a", "", None], "": ["x ", "y", " "]})
    frame = pl.concat([part] * 4)
    whole, parts = {"t": frame}, {"t": frame}
    CleanTransformer(strip_whitespace=True, empty_to_null=True).transform(whole)
    in_parts = CleanTransformer(strip_whitespace=True, empty_to_null=True)
    in_parts.in_memory_bytes = 0
    in_parts.transform(parts)
    assert_identical(parts["t"], whole["t"])
    assert whole["t"]["s"].to_list() == ["a", None, None] * 4


def test_rows_with_a_value_in_any_column_stay():
    frame = pl.DataFrame({"a": [None, 1, None], "b": [None, None, "x"], "c": [None, None, None]})
    tables = {"t": frame, "none": frame.clear(), "all": frame.head(1)}
    CleanTransformer(drop_empty_rows=True).transform(tables)
    assert tables["t"].rows() == [(1, None, None), (None, "x", None)]
    assert (tables["none"].height, tables["all"].height) == (0, 0)
