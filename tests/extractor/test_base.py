"""What every extractor does: conversion, names of tables, declarations."""

from __future__ import annotations

import logging

import polars as pl
import pytest

from algomancy_data.errors import SchemaKindError, UndeclaredTableError
from algomancy_data.extractor import ExtractionSequence, MultiExtractor, SingleExtractor
from algomancy_data.file import CSVFile
from algomancy_data.schema import Column, ColumnGroup, CSVDialect, DataType, Schema, SchemaType

FILE = CSVFile("f", content="data:,")


class One(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "f", "csv", SchemaType.SINGLE
    NUMBER = Column("number", DataType.INTEGER)


class Many(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "f", "csv", SchemaType.MULTI
    LEFT = ColumnGroup("left", [Column("number", DataType.INTEGER)])
    RIGHT = ColumnGroup("right", [Column("number", DataType.FLOAT)])


class Fixed(SingleExtractor):
    def __init__(self, frame: pl.DataFrame, file: CSVFile = FILE, logger=None) -> None:
        super().__init__(file, One, logger)
        self.frame = frame
        self.runs = 0

    def _extract_file(self) -> pl.DataFrame:
        self.runs += 1
        return self.frame


class FixedMany(MultiExtractor):
    frames: dict[str, pl.DataFrame]

    def _extract_files(self) -> dict[str, pl.DataFrame]:
        return self.frames


def test_a_single_extractor_converts_and_does_not_touch_its_input() -> None:
    frame = pl.DataFrame({"number": ["1"], "more": ["x"]})
    extractor = Fixed(frame)
    assert extractor.extract()["f"].rows() == [(1, "x")]
    assert frame.rows() == [("1", "x")]
    assert (extractor.file, extractor.schema, extractor.logger) == (FILE, One, None)


def test_issues_are_kept_and_logged(caplog) -> None:
    extractor = Fixed(pl.DataFrame({"number": ["x"]}), logger=logging.getLogger("own"))
    extractor.extract()
    assert [issue.table for issue in extractor.conversion_issues] == ["f"]
    assert "Table 'f', column 'number' as INTEGER" in caplog.text


def test_a_multi_extractor_names_its_tables_after_file_and_group() -> None:
    extractor = FixedMany(FILE, Many)
    extractor.frames = {
        "left": pl.DataFrame({"number": ["1"]}),
        "right": pl.DataFrame({"number": ["x"]}),
    }
    frames = extractor.extract()
    assert list(frames) == ["f.left", "f.right"]
    assert frames["f.left"]["number"].to_list() == [1]
    assert [issue.table for issue in extractor.conversion_issues] == ["f.right"]


def test_a_multi_extractor_knows_the_table_of_a_group_and_the_group_of_a_table() -> None:
    extractor = FixedMany(files=FILE, schema=Many)
    assert extractor.get_extraction_key("left") == "f.left"
    assert extractor.get_schema_name("f.left") == "left"


def test_a_multi_extractor_refuses_tables_without_a_group() -> None:
    extractor = FixedMany(FILE, Many)
    extractor.frames = {"middle": pl.DataFrame()}
    with pytest.raises(UndeclaredTableError, match=r"'middle' was extracted, .* 'left', 'right'"):
        extractor.extract()


def test_a_multi_extractor_refuses_a_single_schema() -> None:
    with pytest.raises(SchemaKindError, match="MULTI"):
        FixedMany(FILE, One).extract()


def test_an_extraction_says_what_was_found_in_which_table() -> None:
    many = FixedMany(FILE, Many)
    many.frames = {"left": pl.DataFrame({"number": [1]}), "right": pl.DataFrame({"number": ["x"]})}
    found = ExtractionSequence([many]).extraction()
    assert list(found.frames) == ["f.left", "f.right"]
    assert [issue.column for issue in found.tables["f.right"].issues] == ["number"]
    assert (found.tables["f.left"].issues, len(found.issues)) == ([], 1)


def test_what_the_dialect_says_about_values_holds_for_every_format() -> None:
    dialect = CSVDialect(decimal_mark=",", null_words=("-",), day_first=True, true_words=("ja",))
    frame = pl.DataFrame({"number": ["1.234", "-"]})
    single = type("GermanOne", (One,), {"_CSV": dialect})
    many = FixedMany(FILE, type("GermanMany", (Many,), {"_CSV": dialect}))
    many.frames = {"left": frame, "right": frame}
    extractor = Fixed(frame)
    extractor.schema = single
    assert extractor.extract()["f"]["number"].to_list() == [1234, None]
    assert {name: f["number"].to_list() for name, f in many.extract().items()} == {
        "f.left": [1234, None],
        "f.right": [1234.0, None],
    }
    assert extractor._conventions == many._conventions
    assert (many._conventions.day_first, many._conventions.true_words) == (True, ("ja",))
