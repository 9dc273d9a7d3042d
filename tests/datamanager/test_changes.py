"""Is a dataset what its files would become again? And trials, and parts of what is declared."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data import (
    Column,
    CSVFile,
    DataType,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
    ValidationSeverity,
)
from algomancy_data.errors import DatasetNotFoundError, ETLConstructionError


class Customers(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "customers", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    CUSTOMER = Column("customer", DataType.INTEGER, foreign_key=("customers", "id"))


class Strict(SimpleETLFactory):
    check_constraints = True
    check_foreign_keys = True


@pytest.fixture
def manager():
    return StatelessDataManager(Strict, [Orders, Customers], halt_on=ValidationSeverity.ERROR)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "orders.csv").write_text("id;customer\n1;1\n2;1\n")
    (tmp_path / "customers.csv").write_text("id\n1\n")
    return {name: CSVFile(name, path=tmp_path / f"{name}.csv") for name in ("orders", "customers")}


def test_a_dataset_is_unchanged_until_a_file_or_a_schema_is(manager, files, tmp_path):
    assert not manager.is_unchanged(files, "d")
    manager.etl_data(files, "d")
    assert manager.is_unchanged(files, "d")
    assert not manager.is_unchanged(files, "d", only=["customers"])
    (tmp_path / "orders.csv").write_text("id;customer\n1;1\n3;1\n")  # of the same size
    assert not manager.is_unchanged(files, "d")
    (tmp_path / "orders.csv").write_text("id;customer\n1;1\n2;1\n")
    assert manager.is_unchanged(files, "d")
    manager.derive_data("d", "copy")
    assert not manager.is_unchanged(files, "copy")

    class Renamed(Customers):
        NAME = Column("name", DataType.STRING, optional=True)

    other = StatelessDataManager(Strict, [Orders, Renamed], store=manager.store)
    assert not other.is_unchanged(files, "d")


def test_a_dataset_with_rows_that_were_added_is_changed(manager, files, tmp_path):
    manager.etl_data(files, "d")
    (tmp_path / "more.csv").write_text("id\n2\n")
    manager.etl_data(
        {"customers": CSVFile("customers", path=tmp_path / "more.csv")}, "d", mode="append"
    )
    assert not manager.is_unchanged(files, "d")


def test_a_trial_keeps_nothing(manager, files, tmp_path):
    tried = manager.etl_data(files, "d", dry_run=True)
    assert tried.is_success
    with pytest.raises(DatasetNotFoundError):
        manager.require_data("d")
    manager.etl_data(files, "d")
    (tmp_path / "more.csv").write_text("id\n1\n")
    again = {"customers": CSVFile("customers", path=tmp_path / "more.csv")}
    codes = {one.code for one in manager.etl_data(again, "d", mode="upsert", dry_run=True).messages}
    assert "KEY_STORED" not in codes
    assert manager.get_table("d", "customers").equals(pl.DataFrame({"id": [1]}))


def test_a_part_of_what_is_declared_can_be_loaded(manager, files):
    result = manager.etl_data(files, "d", only=["orders"])
    assert result.is_success
    assert manager.require_data("d").list_tables() == ["orders"]
    (absent,) = [one for one in result.messages if one.code == "TABLE_NOT_FOUND"]
    assert (absent.severity, absent.table) == (ValidationSeverity.INFO, "customers")
    with pytest.raises(ETLConstructionError, match="ordrs"):
        manager.etl_data(files, "d", only=["ordrs"])
