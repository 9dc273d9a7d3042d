"""Documents of one table, extracted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from algomancy_data import Column, DataType, JSONFile, JSONSingleExtractor, Schema

if TYPE_CHECKING:
    import polars as pl


@pytest.fixture(scope="session")
def schema_of():
    """Declare a table of these columns."""
    return declared


def declared(columns: dict[str, DataType], extension: str = "json") -> type[Schema]:
    members = {f"COLUMN_{i}": Column(*item) for i, item in enumerate(columns.items())}
    settings = {"_FILENAME": "t", "_EXTENSION": extension, "_SCHEMA_TYPE": "single"}
    return type("Table", (Schema,), settings | members)


@pytest.fixture
def extractor(tmp_path):
    def make(content, columns=None, file_type=JSONFile) -> JSONSingleExtractor:
        path = tmp_path / "t.json"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return JSONSingleExtractor(
            file_type("t", path), declared(columns or {"id": DataType.INTEGER})
        )

    return make


@pytest.fixture
def extract(extractor):
    """Extract, and insist that there is no issue."""

    def run(content, columns=None, file_type=JSONFile) -> pl.DataFrame:
        instance = extractor(content, columns, file_type)
        frame = instance.extract()["t"]
        assert instance.conversion_issues == []
        return frame

    return run
