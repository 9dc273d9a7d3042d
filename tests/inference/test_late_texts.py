"""A type that the beginning of a file shows is declared only if it loses nothing of the rest."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from algomancy_data import DataType
from algomancy_data.extractor import DataTypeConverter, TextConventions
from algomancy_data.inference import infer_schemas
from algomancy_data.inference.column_types import text_type
from algomancy_data.inference.late_texts import are_types_of

CONVENTIONS = TextConventions()
LONG = "0.12345678901234567890"
LATE = {
    "leading zeros": ("7", "007"),
    "a telephone number": ("7", "+15551234567"),
    "a code with an E": ("7", "12E3"),
    "an underscore": ("7", "1_000"),
    "a whole number as a float": ("7", "1.0"),
    "digits that no float keeps": ("1.5", "1.123456789012345678901"),
    "leading zeros of a fraction": ("1.5", "007.5"),
    "more decimals than a float keeps": ("1.5", LONG),
    "fewer decimals than money has": ("10.50", "1.5"),
    "an exponent below money": ("10.50", "1e2"),
    "an exponent below long decimals": (LONG, "1e3"),
    "another word for true": ("true", "1"),
    "a letter for true": ("true", "T"),
    "a number below nothing": ("", "7"),
    "a gap below whole floats": ("1.0", None),
}
SAME = {
    "plain numbers": ("7", "-1234"),
    "thousands": ("7", "1,234,567"),
    "a word for no value": ("7", "NA"),
    "a gap": ("7", None),
    "floats": ("1.5", "12.0625"),
    "shorter long decimals": (LONG, "0.5"),
    "money": ("10.50", "1,234.00"),
    "no": ("yes", "no"),
    "text": ("x", "007"),
    "dates": ("2024-01-05", "2024-12-31"),
}


def column(first: str, late: str | None) -> tuple[pl.Series, DataType | pl.DataType]:
    texts = pl.Series("v", [first, first, late], pl.String)
    return texts, text_type(texts.head(2), CONVENTIONS).dtype


@pytest.mark.parametrize(("first", "late"), LATE.values(), ids=LATE)
def test_a_late_text_of_another_type_is_seen(first, late) -> None:
    texts, declared = column(first, late)
    frame = texts.to_frame()
    assert not are_types_of(frame, frame.head(2), {"v": declared}, (), CONVENTIONS)


@pytest.mark.parametrize(("first", "late"), SAME.values(), ids=SAME)
def test_a_late_text_of_the_same_type_changes_nothing(first, late) -> None:
    texts, declared = column(first, late)
    frame = texts.to_frame()
    assert are_types_of(frame, frame.head(2), {"v": declared}, (), CONVENTIONS)
    assert are_types_of(frame, frame.head(2), {"v": declared}, ("NA",), CONVENTIONS)


NUMBERS = st.from_regex(
    r"^-?(0|[1-9][0-9]{0,3}|0[0-9]|[1-9],[0-9]{3})(\.[0-9]{1,3}|\.[0-9]{2}|\.0|e[0-9])?$",
    fullmatch=True,
)


@given(
    st.lists(NUMBERS, min_size=1, max_size=3),
    st.lists(NUMBERS | st.sampled_from([None, "NA", "nan"]), min_size=1, max_size=4),
)
def test_what_holds_for_all_texts_is_what_all_of_them_show(start, rest) -> None:
    texts, issues = pl.Series("v", [*start, *rest], pl.String), []
    declared = text_type(texts.head(len(start)), CONVENTIONS).dtype
    frame = texts.to_frame()
    DataTypeConverter.convert_dtypes(frame, {"v": declared}, issues)
    assume(not issues and declared is not DataType.STRING)
    same = text_type(texts, CONVENTIONS).dtype == declared
    assert are_types_of(frame, frame.head(len(start)), {"v": declared}, (), CONVENTIONS) == same


def test_zip_codes_and_long_fractions_at_the_end_of_a_file_are_kept(write, load) -> None:
    many = "".join(f"{10_000 + row};{row / 8};{row}\n" for row in range(300))
    path = write("t.csv", f"zip;x;n\n{many}00501;1.{'123456789' * 3};301\n")
    found = infer_schemas(path, sample_bytes=1_000)
    assert found.to_module() == infer_schemas(path, sample_bytes=None).to_module()
    row = load(path, sample_bytes=1_000).tables["t"].row(-1)
    assert row == ("00501", Decimal(f"1.{'123456789' * 3}"), 301)
