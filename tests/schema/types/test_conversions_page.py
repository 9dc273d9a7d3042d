"""Every row of the tables in docs/conversions.md does what it says."""

from __future__ import annotations

import ast
import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from algomancy_data.extractor import ConversionIssue, DataTypeConverter, TextConventions
from algomancy_data.schema import CSVDialect, DataType
from algomancy_data.schema.kinds import DeclaredType, column_type_of
from algomancy_data.testing.samples import POLARS_DTYPES

PAGE = Path(__file__).parents[3] / "docs" / "conversions.md"
VALUES = {"nan": float("nan"), "inf": float("inf"), "Decimal": Decimal, "object": object}
VALUES |= {name: getattr(dt, name) for name in ("date", "datetime", "time", "timedelta")}


def cells(line: str) -> list[str]:
    return [cell.strip().removeprefix("`").removesuffix("`") for cell in line.split("|")[1:-1]]


def declared_type(word: str) -> DeclaredType:
    if word in DataType.__members__:
        return DataType[word]
    return eval(word, vars(pl).copy())  # noqa: S307  our page


def rows_of_text() -> list[list[str]]:
    rows: list[list[str]] = []
    types: list[str] = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("### `"):
            types = [line.removeprefix("### `").removesuffix("`")]
        elif line.startswith("## "):
            types = [word for word in re.findall(r"\w+", line) if word in DataType.__members__]
        if line.startswith("| `["):
            rows.extend([name, *cells(line)] for name in types)
    return rows


def rows_of_dtypes() -> list[list[str]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [cells(line) for line in lines if re.match(r"\| `[A-Z]", line)]


def test_the_page_has_rows_for_every_type() -> None:
    assert {row[0] for row in rows_of_text()} >= set(DataType.__members__)
    families = {type(column_type_of(declared_type(row[0]))) for row in rows_of_text()}
    assert families >= {type(column_type_of(dtype)) for dtype in POLARS_DTYPES}
    assert {row[2] for row in rows_of_dtypes()} >= set(DataType.__members__) - {"CATEGORICAL"}


@pytest.mark.parametrize(("type_name", "given", "declared", "becomes", "issue"), rows_of_text())
def test_row_of_text(type_name, given, declared, becomes, issue) -> None:
    dialect = eval(f"CSVDialect({declared})", {"CSVDialect": CSVDialect})  # noqa: S307  our page
    texts = pl.Series("c", ast.literal_eval(given), pl.String)
    conventions = TextConventions.from_dialect(dialect)
    check(texts, declared_type(type_name), conventions, becomes, issue)


@pytest.mark.parametrize(("dtype", "given", "to", "becomes", "issue"), rows_of_dtypes())
def test_row_of_dtypes(dtype, given, to, becomes, issue) -> None:
    values = eval(given, VALUES)  # noqa: S307  our page
    series = pl.Series("c", values, eval(dtype, vars(pl).copy()))  # noqa: S307  our page
    check(series, declared_type(to), TextConventions(), becomes, issue)


def check(
    given: pl.Series, target: DeclaredType, conventions: TextConventions, becomes: str, issue: str
) -> None:
    issues: list[ConversionIssue] = []
    converted = DataTypeConverter.convert_dtypes(
        given.to_frame(), {"c": target}, issues, "t", conventions=conventions
    )["c"]
    assert ", ".join(str(i.severity) for i in issues) == issue
    if becomes == "unchanged":
        assert converted.dtype == given.dtype
        assert repr(converted.to_list()) == repr(given.to_list())
        return
    if isinstance(converted.dtype, pl.Datetime):
        converted = converted.dt.to_string("iso:strict")
    elif isinstance(converted.dtype, pl.Duration):
        converted = converted.dt.to_string("iso")
    else:
        assert column_type_of(target).accepts(converted.dtype)
    assert repr(converted.to_list()) == repr(eval(becomes, VALUES))  # noqa: S307  our page
