"""An attempt at a job is done with the dataset of the files that it is about, and no others."""

from __future__ import annotations

import pytest

from algomancy_data import Column, CSVFile, DataSource, DataType, Schema, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import FileChangedError
from algomancy_data.provenance import InputFile
from algomancy_data.store import Attempt, Outcome


class Sales(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "sales", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)


@pytest.fixture
def manager():
    manager = DatabaseDataManager(SimpleETLFactory, [Sales], "sqlite://", "s", DataSource)
    manager.startup()
    yield manager
    manager.close()


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_a_file_that_changed_meanwhile_is_not_loaded(manager, tmp_path, mode):
    path = tmp_path / "sales.csv"
    path.write_text("id\n1\n")
    expected = InputFile("sales", "csv", str(path), 5, "0" * 64)
    history = manager.store.history
    attempt = history.begin(Attempt("b", "k", "d", mode, "host/1", files=(expected,)))
    files = {"sales": CSVFile("sales", path=str(path))}
    with pytest.raises(FileChangedError, match="'sales' was changed while it was loaded"):
        manager.etl_data(files, "d", mode=mode, attempt=attempt)
    assert manager.get_data_keys() == []
    assert [one.outcome for one in history.attempts()] == [Outcome.RUNNING]


def test_what_decides_of_a_load_changes_the_fingerprint(manager):
    before = manager.fingerprint(["sales"])
    assert manager.fingerprint(["sales"]) == before
    assert manager.fingerprint([]) != before
    manager.quarantine = True
    assert manager.fingerprint(["sales"]) != before
