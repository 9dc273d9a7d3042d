"""A file that is no longer where it was opened: nothing is written into it in silence."""

from __future__ import annotations

import shutil
import subprocess
import sys

import polars as pl
import pytest
from sqlalchemy.exc import OperationalError

from algomancy_data.errors import StoreError

MOVES = {
    "removed": "import os, sys; os.unlink(sys.argv[1])",
    "moved": "import os, sys; os.rename(sys.argv[1], sys.argv[1] + '.old')",
    "replaced": """
import os, sqlite3, sys
path = sys.argv[1]
other = sqlite3.connect(path + ".new")
other.execute("CREATE TABLE theirs(x)")
other.commit()
other.close()
for ending in "-wal", "-shm":
    os.unlink(path + ending)
os.replace(path + ".new", path)
""",
    "copied anew": """
import os, shutil, sys
shutil.copy(sys.argv[1], sys.argv[1] + ".copy")
os.replace(sys.argv[1] + ".copy", sys.argv[1])
""",
    "log removed": "import os, sys; os.unlink(sys.argv[1] + '-wal')",
    "folder renamed": """
import os, sys
folder = os.path.dirname(sys.argv[1])
os.rename(folder, folder + ".old")
""",
}
FRAME = pl.DataFrame({"x": [1, 2]})


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    yield folder / "data.db"
    shutil.rmtree(tmp_path / "folder.old", ignore_errors=True)


@pytest.fixture
def elsewhere(path):
    """Do something to the file from another process."""

    def do(move):
        subprocess.run([sys.executable, "-c", MOVES[move], str(path)], check=True)

    return do


@pytest.mark.parametrize("move", MOVES)
def test_every_call_on_a_file_that_is_gone_is_refused(new_manager, dataset, elsewhere, move):
    manager = new_manager()
    manager.add_data_source(dataset(tables={"t": FRAME}))
    elsewhere(move)
    calls = {
        "add": lambda: manager.add_data_source(dataset("e", tables={"t": FRAME})),
        "replace": lambda: manager.add_data_source(dataset(tables={"t": FRAME})),
        "derive": lambda: manager.derive_data("d", "e"),
        "delete": lambda: manager.delete_data("d"),
        "list": manager.get_data_keys,
        "read": lambda: manager.get_data("d"),
        "query": lambda: manager.query("SELECT * FROM t"),
    }
    for call in calls.values():
        with pytest.raises(StoreError, match=r"(removed|replaced) .*while it was open.*close\(\)"):
            call()


@pytest.mark.parametrize("move", MOVES)
def test_what_is_under_way_is_not_acknowledged(new_manager, dataset, elsewhere, move):
    manager = new_manager()
    manager.add_data_source(dataset(tables={"t": FRAME}))

    def write():
        with manager.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE half(x)")
            elsewhere(move)

    with pytest.raises(OperationalError, match="while it was open"):
        write()


def test_a_manager_that_begins_anew_works_on_what_is_there(new_manager, dataset, elsewhere, path):
    manager = new_manager()
    manager.add_data_source(dataset(tables={"t": FRAME}))
    elsewhere("replaced")
    other = new_manager()  # while the first one still has the old file open
    other.add_data_source(dataset("e", tables={"t": FRAME}))
    with pytest.raises(StoreError, match="replaced"):
        manager.get_data_keys()
    manager.close()
    manager.startup()
    assert manager.get_data_keys() == other.get_data_keys() == ["e"]


def test_others_may_do_with_the_file_what_is_theirs(new_manager, dataset, path, outside):
    manager = new_manager()
    manager.add_data_source(dataset(tables={"t": FRAME}))
    outside(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    outside(path, "VACUUM")
    outside(path, "CREATE TABLE theirs(x)")
    manager.add_data_source(dataset("e", tables={"t": FRAME}))
    assert outside(path, "SELECT name FROM algomancy_datasets ORDER BY name") == [["d"], ["e"]]
