from __future__ import annotations

import pytest

from algomancy_data.errors import (
    InvalidSchemaError,
)
from algomancy_data.schema import (
    Column,
    CSVDialect,
    DataType,
    FileExtension,
    Schema,
    SchemaType,
)


class Flights(Schema):
    _FILENAME = "flights"
    _EXTENSION = FileExtension.CSV
    _SCHEMA_TYPE = SchemaType.SINGLE
    NOTE = "not a column"
    YEAR = Column("year", DataType.INTEGER, primary_key=True)
    ID = Column("id", DataType.INTEGER, primary_key=True)
    GATE = Column("gate", DataType.STRING, optional=True, default="-")


@pytest.mark.parametrize(
    ("problem", "settings"),
    [
        ("separator must be", {"separator": ""}),
        ("separator must be", {"separator": "\n"}),
        ("separator must be", {"separator": "é"}),
        ("quote must be", {"quote": "''"}),
        ("quote must be", {"quote": "\r"}),
        ("are both", {"separator": "|", "quote": "|"}),
        ("decimal_mark must be", {"decimal_mark": "'"}),
        ("null_words must be", {"null_words": "NA"}),
        ("true_words must be", {"true_words": "ja"}),
        ("encoding", {"encoding": "utf-9"}),
    ],
    ids=str,
)
def test_a_dialect_that_no_reader_understands_is_refused(problem, settings):
    with pytest.raises(InvalidSchemaError, match=problem):
        type("Wrong", (Flights,), {"_CSV": CSVDialect(**settings)}).csv_dialect()


def test_a_dialect_without_quotes_is_understood():
    dialect = CSVDialect(",", quote=None, decimal_mark=".", null_words=("NA",), encoding="cp1252")
    assert dialect.problem() is None
