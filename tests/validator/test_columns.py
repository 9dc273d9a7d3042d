from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.schema import Column, ColumnGroup, DataType, Schema
from algomancy_data.validator import (
    ExtractionSuccessVerification,
    RequiredColumnsValidator,
    SchemaValidator,
    ValidationMessage,
    ValidationSeverity,
)

INFO, WARNING, ERROR, CRITICAL = ValidationSeverity


class Flights(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "flights", "csv", "single"
    ID = Column("id", DataType.INTEGER)
    DEPARTURE = Column("departure", DataType.DATETIME)
    GATE = Column("gate", DataType.STRING, optional=True)


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "json", "multi"
    HEAD = ColumnGroup("head", [Column("id", DataType.INTEGER)])
    LINES = ColumnGroup("lines", [Column("sku", DataType.STRING)], ("lines",))


class Legacy(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "legacy", "csv", "single"
    _DATATYPES = {"id": DataType.INTEGER}  # noqa: RUF012  as users wrote it


FLIGHTS = pl.DataFrame(schema={"id": pl.Int64, "departure": pl.Datetime("ns"), "gate": pl.String})


def codes(messages):
    return [(m.code, m.severity, m.table, m.column, m.row) for m in messages]


def test_a_table_as_declared_is_reported_as_a_success():
    messages = SchemaValidator([Flights]).validate({"flights": FLIGHTS})
    assert messages == [ValidationMessage(INFO, "Schema validation successful for 'flights'.")]


def test_missing_columns_are_not_the_business_of_the_schema_validator():
    assert [
        m.severity for m in SchemaValidator([Flights]).validate({"flights": pl.DataFrame()})
    ] == [INFO]


def test_an_undeclared_column_is_reported_with_the_severity_asked_for():
    frame = FLIGHTS.with_columns(extra=pl.lit(1))
    assert codes(SchemaValidator([Flights], CRITICAL).validate({"flights": frame})) == [
        ("UNEXPECTED_COLUMN", CRITICAL, "flights", "extra", None)
    ]


@pytest.mark.parametrize("severity", list(ValidationSeverity))
def test_another_dtype_is_always_a_warning_that_names_both(severity):
    frame = FLIGHTS.with_columns(pl.col("id").cast(pl.Float64))
    messages = SchemaValidator([Flights], severity).validate({"flights": frame})
    assert codes(messages) == [("DTYPE_MISMATCH", WARNING, "flights", "id", None)]
    assert "INTEGER" in messages[0].message
    assert "Int64" in messages[0].message
    assert "Float64" in messages[0].message


def test_a_time_zone_is_another_dtype():
    frame = FLIGHTS.with_columns(pl.col("departure").dt.replace_time_zone("UTC"))
    assert codes(SchemaValidator([Flights]).validate({"flights": frame})) == [
        ("DTYPE_MISMATCH", WARNING, "flights", "departure", None)
    ]


def test_a_table_without_schema_is_reported_and_the_others_are_still_checked():
    messages = SchemaValidator([Flights]).validate({"other": FLIGHTS, "flights": FLIGHTS})
    assert codes(messages) == [
        ("NO_SCHEMA", ERROR, "other", None, None),
        (None, INFO, None, None, None),
    ]


@pytest.mark.parametrize("schemas", [None, [], {}])
def test_without_schemas_there_is_one_message(schemas):
    assert SchemaValidator(schemas, WARNING).validate({"t": FLIGHTS}) == [
        ValidationMessage(WARNING, "No configurations provided.")
    ]


def test_groups_of_a_multi_schema_are_tables_of_their_own():
    data = {"orders.head": pl.DataFrame({"id": ["1"]}), "orders": FLIGHTS}
    assert codes(SchemaValidator({"orders": Orders}).validate(data)) == [
        ("DTYPE_MISMATCH", WARNING, "orders.head", "id", None),
        ("NO_SCHEMA", ERROR, "orders", None, None),
    ]
    assert codes(RequiredColumnsValidator([Orders]).validate(data)) == [
        ("TABLE_NOT_FOUND", WARNING, "orders.lines", None, None)
    ]


def test_legacy_schemas_are_checked_by_type_without_a_warning():
    assert codes(SchemaValidator([Legacy]).validate({"legacy": pl.DataFrame({"id": ["1"]})})) == [
        ("DTYPE_MISMATCH", WARNING, "legacy", "id", None)
    ]


def test_legacy_columns_are_all_required():
    with pytest.warns(DeprecationWarning, match="Legacy"):
        validator = RequiredColumnsValidator([Legacy])
    assert codes(validator.validate({"legacy": pl.DataFrame()})) == [
        ("MISSING_REQUIRED_COLUMN", ERROR, "legacy", "id", None)
    ]


@pytest.mark.parametrize("severity", [WARNING, CRITICAL])
def test_required_columns_that_are_absent_are_reported_one_by_one(severity):
    messages = RequiredColumnsValidator([Flights], severity).validate({"flights": pl.DataFrame()})
    assert codes(messages) == [
        ("MISSING_REQUIRED_COLUMN", severity, "flights", "id", None),
        ("MISSING_REQUIRED_COLUMN", severity, "flights", "departure", None),
    ]


def test_optional_columns_may_be_absent():
    assert RequiredColumnsValidator([Flights]).validate({"flights": FLIGHTS.drop("gate")}) == []


def test_an_absent_declared_table_is_a_warning_whatever_the_severity():
    assert codes(RequiredColumnsValidator([Flights], CRITICAL).validate({})) == [
        ("TABLE_NOT_FOUND", WARNING, "flights", None, None)
    ]


@pytest.mark.parametrize("frame", [pl.DataFrame(), FLIGHTS])
def test_a_table_without_rows_is_a_critical_finding(frame):
    assert codes(ExtractionSuccessVerification().validate({"t": frame})) == [
        ("EMPTY_EXTRACTION", CRITICAL, "t", None, None)
    ]


def test_a_table_with_a_row_was_extracted():
    assert ExtractionSuccessVerification().validate({"t": pl.DataFrame({"a": [None]})}) == []
