from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import asdict
from typing import ClassVar

import polars as pl

from algomancy_data import (
    Column,
    ColumnGroup,
    CSVDialect,
    DataType,
    Schema,
    ValidationSeverity,
    rule,
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


def test_a_fingerprint_tells_rules_apart():
    def declare(**rules):
        return type("Ruled", (Things,), {"NAME": Column("name", DataType.STRING, **rules)})

    def on_rows(severity=ValidationSeverity.ERROR, least=1, group_by=()):
        made = rule(group_by=group_by, severity=severity)(lambda _: pl.col("id").max() > least)
        return type("Ruled", (Things,), {"large": made})

    declarations = [
        Things,
        declare(min_length=1),
        declare(min_length=2),
        declare(regex="a"),
        declare(regex="a", severity=ValidationSeverity.WARNING),
        declare(is_in=["a"]),
        declare(check=lambda name: name != "a"),
        declare(check=lambda name: name != "b"),
        declare(check={"a": lambda name: name != "b"}),
        declare(check=5),  # wrong, and yet not the same as others
        on_rows(),
        on_rows(least=2),
        on_rows(severity=ValidationSeverity.WARNING),
        on_rows(group_by=["name"]),
    ]
    assert len({schema_fingerprint(schema) for schema in declarations}) == len(declarations)
    assert schema_fingerprint(declare(check=lambda name: name != "a")) == schema_fingerprint(
        declare(check=lambda name: name != "a")
    )


RULED = """
import polars as pl
from algomancy_data import Column, DataType, Schema, rule
from algomancy_data.schema.fingerprint import schema_fingerprint

class Ruled(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "things", "csv", "single"
    ID = Column("id", DataType.INTEGER, check=[lambda id: id > 1, pl.col("id") < 9], is_in=[1, 2])
    @rule(group_by="id")
    def once(cls):
        return pl.len() == 1

class Wrong(Ruled):
    ID = Column("id", DataType.INTEGER, check=lambda id: id.typo())

print(schema_fingerprint(Ruled), schema_fingerprint(Wrong))
"""


def test_a_fingerprint_is_the_same_in_every_process():
    found = {
        subprocess.run([sys.executable, "-c", RULED], capture_output=True, check=True).stdout
        for _ in range(2)
    }
    assert len(found) == 1


def test_a_schema_without_rules_has_the_fingerprint_that_it_had_before_there_were_any():
    flags = dict.fromkeys(("optional", "primary_key"), False) | {"default": None}
    flags |= {"nullable": False, "unique": False, "description": "", "foreign_key": None}
    flags |= {"parent_requires_child": False, "track_partial_loss": False}
    document = {
        "file": "things",
        "extension": "csv",
        "type": "single",
        "csv": asdict(Things.csv_dialect()),
        "columns": [
            {"name": "id", "dtype": "int64", **flags, "primary_key": True},
            {"name": "name", "dtype": "string", **flags},
        ],
    }
    text = json.dumps(document, default=repr)
    assert schema_fingerprint(Things) == hashlib.sha256(text.encode()).hexdigest()
