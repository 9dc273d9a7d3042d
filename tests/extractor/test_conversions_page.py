"""Every row of the tables in docs/conversions.md does what it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import polars as pl
import pytest

from algomancy_data.extractor import ConversionIssue, DataTypeConverter, TextConventions
from algomancy_data.schema import DataType

PAGE = Path(__file__).parents[2] / "docs" / "conversions.md"


def rows_of_page() -> list[tuple[str, str, str, str, str]]:
    rows: list[tuple[str, str, str, str, str]] = []
    types: list[str] = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            types = [word for word in re.findall(r"\w+", line) if word in DataType.__members__]
        if line.startswith("| `["):
            given, mark, becomes, issue = (
                cell.strip().strip("`") for cell in line.strip("|").split(" |")
            )
            rows.extend((name, given, mark, becomes, issue) for name in types)
    return rows


ROWS = rows_of_page()


def test_the_page_has_rows_for_every_type() -> None:
    assert {row[0] for row in ROWS} == set(DataType.__members__)
    assert len(ROWS) > 60


@pytest.mark.parametrize(("type_name", "given", "mark", "becomes", "issue"), ROWS)
def test_row(type_name, given, mark, becomes, issue) -> None:
    target = DataType[type_name]
    texts = pl.Series("c", ast.literal_eval(given), pl.String)
    issues: list[ConversionIssue] = []
    converted = DataTypeConverter.convert_dtypes(
        texts.to_frame(), {"c": target}, issues, "t", conventions=TextConventions(mark or None)
    )["c"]
    assert ", ".join(str(i.severity) for i in issues) == issue
    if becomes == "unchanged":
        assert converted.equals(texts)
        return
    if isinstance(converted.dtype, pl.Datetime):
        converted = converted.dt.to_string("iso:strict")
    else:
        assert target.accepts(converted.dtype)
    assert repr(converted.to_list()) == becomes.replace('"', "'")
