from __future__ import annotations

from typing import ClassVar

from algomancy_data import (
    Column,
    ColumnGroup,
    CSVDialect,
    DataType,
    Schema,
)
from algomancy_data.schema.fingerprint import schema_fingerprint


class Things(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "things", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    NAME = Column("name", DataType.STRING)


class Renamed(Things):
    pass


class OtherType(Things):
    NAME = Column("name", DataType.CATEGORICAL)


class OtherDialect(Things):
    _CSV = CSVDialect(separator=",")


class Legacy(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "things", "csv", "single"
    _DATATYPES: ClassVar = {"id": DataType.INTEGER}


class Several(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "things", "json", "multi"
    HEAD = ColumnGroup("head", [Column("id", DataType.INTEGER)])


class SeveralElsewhere(Several):
    HEAD = ColumnGroup("head", [Column("id", DataType.INTEGER)], ("items",))


class LegacySeveral(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "things", "json", "multi"
    _DATATYPES: ClassVar = {"head": {"id": DataType.INTEGER}}


class WithoutType(Schema):
    """As the framework's placeholder: its type is misspelt."""

    _FILENAME, _EXTENSION, _SCHEMA = "things", "csv", "single"
    ID = Column("id", DataType.INTEGER)


class WithoutTypeElsewhere(WithoutType):
    ID = Column("id", DataType.STRING)


def test_a_fingerprint_tells_declarations_apart_and_not_classes():
    assert schema_fingerprint(Renamed) == schema_fingerprint(Things)
    declarations = [
        *(Things, OtherType, OtherDialect, Legacy, Several, SeveralElsewhere, LegacySeveral),
        *(WithoutType, WithoutTypeElsewhere),
    ]
    assert len({schema_fingerprint(schema) for schema in declarations}) == len(declarations)
