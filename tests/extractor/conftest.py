"""CSV files and the extractors that read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from algomancy_data.extractor import CSVSingleExtractor
from algomancy_data.file import CSVFile
from algomancy_data.schema import Column, CSVDialect, DataType, FileExtension, Schema, SchemaType

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

DEFAULT = CSVDialect()


class MakeExtractor(Protocol):
    def __call__(
        self,
        content: str | bytes,
        columns: dict[str, DataType],
        dialect: CSVDialect = DEFAULT,
        separator: str | None = None,
    ) -> CSVSingleExtractor: ...


def schema_of(columns: dict[str, DataType], dialect: CSVDialect) -> type[Schema]:
    members = {f"COLUMN_{i}": Column(*item) for i, item in enumerate(columns.items())}
    settings = {
        "_FILENAME": "t",
        "_EXTENSION": FileExtension.CSV,
        "_SCHEMA_TYPE": SchemaType.SINGLE,
        "_CSV": dialect,
    }
    return type("Table", (Schema,), settings | members)


@pytest.fixture(scope="session")
def csv_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv")


@pytest.fixture(scope="session")
def extractor(csv_folder: Path) -> MakeExtractor:
    """Write a file and return its extractor; the next call overwrites the file."""

    def make(content, columns, dialect=DEFAULT, separator=None) -> CSVSingleExtractor:
        path = csv_folder / "t.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        schema = schema_of(columns, dialect)
        return CSVSingleExtractor(CSVFile("t", path), schema, separator=separator)

    return make


@pytest.fixture(scope="session")
def extract(extractor: MakeExtractor):
    """Write a file, extract it, and insist that there is no issue."""

    def run(content, columns, dialect=DEFAULT, separator=None) -> pl.DataFrame:
        instance = extractor(content, columns, dialect, separator)
        frame = instance.extract()["t"]
        assert instance.conversion_issues == []
        return frame

    return run
