"""Formats of the user's own, through the registry and a manager."""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import TYPE_CHECKING

import polars as pl
import pytest

from algomancy_data import (
    Column,
    DataSource,
    DataType,
    ETLConstructionError,
    File,
    Schema,
    SchemaType,
    SimpleETLFactory,
    SingleExtractor,
    StatelessDataManager,
    register_extractor,
    registry,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Own(StrEnum):
    PIPES = "pipes"


class Items(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "items", Own.PIPES, SchemaType.SINGLE
    ID = Column("id", DataType.INTEGER)


class PipesExtractor(SingleExtractor):
    """One line, values between pipes."""

    def _extract_file(self) -> pl.DataFrame:
        return pl.DataFrame({"id": self.file.content.strip().split("|")})


@pytest.fixture(params=[Own.PIPES, "pipes"], ids=repr)
def manager(request) -> Iterator[StatelessDataManager]:
    register_extractor(request.param, SchemaType.SINGLE, PipesExtractor)
    yield StatelessDataManager(SimpleETLFactory, [Items], "json", DataSource)
    del registry._extractors["pipes", SchemaType.SINGLE]


@pytest.mark.parametrize("name", ["items.pipes", "items.PIPES", "items.txt", "items"])
def test_a_path_in_a_format_of_ones_own_is_extracted(manager, tmp_path, name) -> None:
    (tmp_path / name).write_text("1|2")
    files = manager.prepare_files(file_items_with_path=[("items", str(tmp_path / name))])
    assert type(files["items"]) is File
    assert manager.etl_data(files, "d").datasource.get_table("items").rows() == [(1,), (2,)]


def test_an_upload_in_a_format_of_ones_own_is_extracted(manager) -> None:
    content = "data:;base64," + base64.b64encode(b"3|4").decode()
    files = manager.prepare_files([("items", "pipes", content)])
    assert manager.etl_data(files, "d").datasource.get_table("items").rows() == [(3,), (4,)]


def test_parts_in_a_format_of_ones_own_are_one_table(manager, tmp_path) -> None:
    for number in (1, 2, 10):
        (tmp_path / f"{number}.pipes").write_text(str(number))
    files = manager.prepare_files(file_items_with_path=[("items", str(tmp_path))])
    table = manager.etl_data(files, "d").datasource.get_table("items")
    assert table["id"].to_list() == [1, 2, 10]


def test_the_suffix_names_the_format_where_no_schema_does(manager, tmp_path) -> None:
    (tmp_path / "other.pipes").write_text("1")
    path = str(tmp_path / "other.pipes")
    files = manager.prepare_files(file_items_with_path=[("other", path)])
    assert files["other"].extension == Own.PIPES


def test_a_format_without_an_extractor_is_refused_with_those_known(tmp_path) -> None:
    manager = StatelessDataManager(SimpleETLFactory, [Items], "json", DataSource)
    (tmp_path / "items.pipes").write_text("1")
    with pytest.raises(ETLConstructionError, match=r"extension 'pipes'.*register_extractor"):
        manager.prepare_files(file_items_with_path=[("items", str(tmp_path / "items.pipes"))])
