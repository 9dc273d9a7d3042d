from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.schema import Column, ColumnGroup, CSVDialect, DataType, Schema
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


class Planes(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "planes", "csv", "single"
    TAIL = Column("tailnum", DataType.STRING)
    SEATS = Column("seats", DataType.INTEGER)


@pytest.mark.parametrize("more", [[], ["id"], ["gate"], ["wings"]])
def test_the_file_of_another_table_is_recognized(more):
    frame = pl.DataFrame(schema=dict.fromkeys(["tailnum", "seats", *more], pl.String))
    first, *others = RequiredColumnsValidator([Flights, Planes]).validate({"flights": frame})
    hint = "This looks like the file of table 'planes', whose columns are all there."
    assert first.message.endswith(f" is missing. {hint}")
    assert not any(hint in other.message for other in others)


@pytest.mark.parametrize("columns", [["seats"], ["id", "gate", "tailnum", "seats"], ["x"], ["a b"]])
def test_a_file_that_looks_like_no_other_one_is_taken_for_none(columns):
    frame = pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    messages = RequiredColumnsValidator([Flights, Planes]).validate({"flights": frame})
    assert all(one.message.endswith("is missing.") for one in messages if one.column)


@pytest.mark.parametrize("dialect", [CSVDialect(), CSVDialect(separator=";")])
@pytest.mark.parametrize(("header", "separator"), [("ID,NAME", ","), ("a|b|c, d", "|")])
def test_one_column_whose_name_has_separators_is_pointed_at(dialect, header, separator):
    class Zips(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "zips", "csv", "single"
        _CSV = dialect
        NAME = Column("name", DataType.STRING)

    frame = pl.DataFrame(schema={header: pl.String})
    (message,) = RequiredColumnsValidator([Zips]).validate({"zips": frame})
    assert message.message == (
        f"Required column 'name' is missing. There is one column alone, {header!r}. If "
        f"{separator!r} separates the fields, declare _CSV = CSVDialect(separator={separator!r})."
    )


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
