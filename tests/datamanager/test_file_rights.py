"""Who may read and write what is kept in files is decided by the umask, as for any program."""

from __future__ import annotations

import os
import stat

import polars as pl
import pytest

from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager
from algomancy_data.database import DatabaseDataManager


@pytest.fixture
def umask():
    """Let the group read only, and others nothing."""
    before = os.umask(0o027)
    yield
    os.umask(before)


@pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")
@pytest.mark.parametrize("store", ["folder", "sqlite"])
@pytest.mark.usefixtures("umask")
def test_files_have_the_rights_that_the_umask_leaves(tmp_path, store):
    if store == "folder":
        manager = StatefulDataManager(SimpleETLFactory, [], tmp_path / "folder")
    else:
        url = f"sqlite:///{tmp_path / 'data.db'}"
        manager = DatabaseDataManager(SimpleETLFactory, [], url, "s")
    with manager:
        for mode in ("replace", "append"):
            source = DataSource("master_data", name="d")
            source.add_table("t", pl.DataFrame({"x": range(10)}))
            manager.add_data_source(source, mode=mode)
        manager.derive_data("d", "e")
        found = [(path, path.stat().st_mode) for path in tmp_path.rglob("*")]
    assert found
    for path, mode in found:
        assert stat.S_IMODE(mode) == (0o750 if path.is_dir() else 0o640), path
