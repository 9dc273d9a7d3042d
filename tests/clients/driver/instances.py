"""The public attributes of an instance of every class, each made with the same arguments."""

from __future__ import annotations

import base64
import datetime as dt
import io
from enum import Enum
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import sqlalchemy as sa

import algomancy_data as ad
from algomancy_data.database import DatabaseDataManager
from algomancy_data.extractor import (
    ConversionIssue,
    DateFormatError,
    ExtractionSequence,
)
from algomancy_data.relations import Relation
from algomancy_data.transformer import TransformationSequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recording import Recording

CSV = "data:text/csv;base64," + base64.b64encode(b"code;seats\nAA;1\n").decode()
JSON = "data:application/json;base64," + base64.b64encode(b'[{"code": "AA"}]').decode()
MESSAGE = ad.ValidationMessage(ad.ValidationSeverity.ERROR, "bad\nvalue", "t", "c", 1, "CODE")
SHOWN = (str, bool, int, float, type(None), dt.datetime)


class Planes(ad.Schema):
    """A schema that other tables refer to."""

    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "planes", "csv", "single"
    CODE = ad.Column("code", ad.DataType.STRING, primary_key=True)
    SEATS = ad.Column("seats", ad.DataType.INTEGER, optional=True)


class Flights(ad.Schema):
    """A schema that refers to another table."""

    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "flights", "csv", "single"
    NUMBER = ad.Column("number", ad.DataType.INTEGER)
    PLANE = ad.Column(
        "plane",
        ad.DataType.STRING,
        foreign_key=("planes", "code"),
        parent_requires_child=True,
        track_partial_loss=True,
    )


class Records(ad.Schema):
    """A schema of several tables."""

    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "records", "json", "multi"
    ROOT = ad.ColumnGroup("root", [ad.Column("code", ad.DataType.STRING)])


class Sheets(ad.Schema):
    """A schema of sheets."""

    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "sheets", "xlsx", "multi"
    FIRST = ad.ColumnGroup("first", [ad.Column("code", ad.DataType.STRING)])


class Loader(ad.Loader):
    """The smallest loader."""

    def load(self, name, data, validation_messages, ds_type):
        """Return nothing."""


class Silent(ad.Validator):
    """The smallest validator."""

    def validate(self, data):
        """Find nothing."""
        return []


class Still(ad.Transformer):
    """The smallest transformer."""

    def transform(self, data):
        """Change nothing."""


class Logger:
    """A logger that is recognised by its name."""

    def __repr__(self):
        return "the logger"

    def log(self, *_: Any) -> None:
        """Forget what happens."""

    success = warning = error = log_traceback = log


def instances(folder: str, logger: Logger | None) -> Iterator[tuple[str, Any]]:
    """Make an instance of every public class, those with a logger with the given one."""
    yield from managers(folder, logger)
    yield from pipelines(logger)
    yield from inputs(logger)
    yield from transformers(logger)
    yield from validators()


def managers(folder: str, logger: Logger | None) -> Iterator[tuple[str, Any]]:
    """Make managers, and what they keep."""
    manager = (ad.SimpleETLFactory, [Planes, Flights])
    memory = ad.StatelessDataManager(*manager, "json", ad.DataSource, logger)
    yield "StatelessDataManager", memory
    files = ad.StatefulDataManager(*manager, folder, "json", ad.DataSource, logger)
    yield "StatefulDataManager", files
    engine = sa.create_engine("sqlite://")
    database = DatabaseDataManager(*manager, engine, "s", ad.DataSource, logger=logger)
    yield "DatabaseDataManager", database
    made = dt.datetime(2024, 1, 31, 10, 30)
    kind = ad.DataClassification.MASTER_DATA
    yield "DataSource", ad.DataSource(kind, "d", [MESSAGE], "1", made)


def pipelines(logger: Logger | None) -> Iterator[tuple[str, Any]]:
    """Make what an ETL is made of."""
    extraction = ExtractionSequence([], logger)
    validation = ad.ValidationSequence([], logger)
    transformation = TransformationSequence([], logger)
    loader = ad.DataSourceLoader(logger)
    stages = (extraction, validation, transformation, loader)
    yield "ExtractionSequence", extraction
    yield "ValidationSequence", validation
    yield "TransformationSequence", transformation
    yield "DataSourceLoader", loader
    yield "Loader", Loader(logger)
    yield "ETLPipeline", ad.ETLPipeline("d", *stages, logger)
    yield "ETLResult", ad.ETLResult("failed", None, None, None)
    yield "ETLConstructionError", ad.ETLConstructionError("no such file")


def inputs(logger: Logger | None) -> Iterator[tuple[str, Any]]:
    """Make schemas, files, and their extractors."""
    csv = ad.CSVFile("planes", content=CSV)
    json = ad.JSONFile("records", content=JSON)
    frame = pd.DataFrame({"code": ["AA"], "seats": [1]})
    yield "CSVFile", csv
    yield "JSONFile", json
    yield "XLSXFile", ad.XLSXFile("planes", content=workbook())
    yield "File", ad.File("planes", "own")
    yield "Column", ad.Column("c", ad.DataType.FLOAT)
    yield "ColumnGroup", ad.ColumnGroup("g", [], ("path",))
    yield "Schema", Planes()
    yield "ConversionIssue", ConversionIssue("t", "c", ad.DataType.FLOAT, "why")
    yield "DateFormatError", DateFormatError("no date")
    yield "CSVSingleExtractor", ad.CSVSingleExtractor(csv, Planes, logger)
    yield "JSONSingleExtractor", ad.JSONSingleExtractor(json, Planes, logger)
    yield "JSONMultiExtractor", ad.JSONMultiExtractor(json, Records, logger)
    yield "XLSXSingleExtractor", ad.XLSXSingleExtractor(ad.XLSXFile("planes"), Planes, "s", logger)
    yield "XLSXMultiExtractor", ad.XLSXMultiExtractor(ad.XLSXFile("sheets"), Sheets, logger)
    yield "DataFrameExtractor", ad.DataFrameExtractor("planes", frame, Planes, logger)


def transformers(logger: Logger | None) -> Iterator[tuple[str, Any]]:
    """Make transformers, and the relations that some of them follow."""
    schemas = [Planes, Flights]
    relation = Relation("flights", ("plane",), "planes", ("code",))
    snapshot = ad.CascadeSnapshot(schemas, logger=logger)
    cascade = ad.CascadeDropTransformer(schemas, [relation], snapshot, logger=logger)
    yield "Relation", relation
    yield "Transformer", Still("still", logger)
    yield "NoopTransformer", ad.NoopTransformer(logger)
    yield "CleanTransformer", ad.CleanTransformer(logger)
    yield "JoinTransformer", ad.JoinTransformer("a", "b", "key", "c", logger)
    yield "CascadeSnapshot", snapshot
    yield "CascadeDropTransformer", cascade
    yield "OptionalColumnGuard", ad.OptionalColumnGuard(schemas, logger)


def validators() -> Iterator[tuple[str, Any]]:
    """Make validators, and what they say."""
    schemas = [Planes, Flights]
    yield "ValidationError", ad.ValidationError("no", {"a": 1})
    yield "ValidationMessage", MESSAGE
    yield "ValidationResult", ad.ValidationResult(False, [MESSAGE])  # noqa: FBT003
    yield "Validator", Silent()
    yield "DefaultValidator", ad.DefaultValidator()
    yield "ExtractionSuccessVerification", ad.ExtractionSuccessVerification()
    yield "SchemaValidator", ad.SchemaValidator(schemas)
    yield "RequiredColumnsValidator", ad.RequiredColumnsValidator(schemas)
    yield "PrimaryKeyValidator", ad.PrimaryKeyValidator(schemas)
    yield "UniqueValueValidator", ad.UniqueValueValidator("t", ["a"])
    yield "MissingValueValidator", ad.MissingValueValidator("t", ["a"])
    yield "ForeignKeyValidator", ad.ForeignKeyValidator("l", "a", "r", "b")


def drive(recording: Recording, folder: str):
    """Write down of each attribute what it holds, and whether it can be set."""
    for logger in (Logger(), None):
        for name, instance in instances(folder, logger):
            for attribute in dir(instance):
                if attribute[0] == "_" or callable(getattr(type(instance), attribute, None)):
                    continue
                value = getattr(instance, attribute)
                found = [shown(value), can_be_set(instance, attribute, value)]
                recording.keep(f"{name}({'' if logger is None else 'logger'}).{attribute}", found)


def shown(value: Any) -> Any:
    """Return what can be compared: plain values as they are, of others the class."""
    if isinstance(value, Enum) or type(value) in SHOWN:
        return str(value)
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(shown, value)]
    if isinstance(value, Logger | ad.Relation):
        return repr(value)
    if isinstance(value, ad.ValidationMessage):
        return str(value)
    if isinstance(value, type):
        return value.__name__
    return "dict" if isinstance(value, dict) else "other"


def workbook() -> str:
    """Return a workbook as an uploader sends it."""
    book = openpyxl.Workbook()
    book.active.append(["code"])
    book.active.append(["AA"])
    written = io.BytesIO()
    book.save(written)
    return "data:;base64," + base64.b64encode(written.getvalue()).decode()


def can_be_set(instance: Any, attribute: str, value: Any) -> bool:
    """Tell whether an attribute takes the value that it has."""
    try:
        setattr(instance, attribute, value)
    except (AttributeError, ValueError):
        return False
    return True
