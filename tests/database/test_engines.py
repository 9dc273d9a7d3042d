"""Whatever is wrong with a database is said in words, without a traceback of the driver's."""

from __future__ import annotations

import polars as pl
import pytest
import sqlalchemy as sa

from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.database.engines import store_engine, store_errors
from algomancy_data.errors import PortablePathWarning, StoreError


def manager_on(engine: sa.Engine | sa.URL | str) -> DatabaseDataManager[DataSource]:
    return DatabaseDataManager(SimpleETLFactory, [], engine, "s", DataSource)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("data.db", "'data.db' is no database URL.*sqlite:///data.db"),
        ("postgresql//me:hush@host/db", r"'\*\*\*@host/db' is no database URL"),
        (
            "postgresql://me:hush@127.0.0.1:1/db",
            r"://me:\*\*\*@127.0.0.1:1/db failed while opening",
        ),
        ("mysql+pymysql://user:hush@host/db", r"mysql\+pymysql://user:\*\*\*@host/db is another"),
        ("sqlite+nothing:///data.db", r"sqlite\+nothing:///data.db is wrong"),
        ("sqlite://data.db", r"sqlite\+adbc:///relative.db"),
        ("sqlite://user:hush@host/data.db", "SQLite is a file"),
        ("sqlite:///data.db?journal_mode=off", "journal_mode must be one of"),
        ("sqlite:///data.db?busy_timeout=soon", "busy_timeout must be a number, not 'soon'"),
        ("sqlite:///data.db?page_size=large", "page_size must be a number"),
        ("sqlite:///data.db?speed=high", "Unknown options.*speed"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url, said):
    with pytest.raises(StoreError, match=said) as refusal:
        manager_on(url).startup()
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize("kind", ["url", "engine"])
def test_another_driver_works_with_one_warning_that_names_the_fast_one(path, kind):
    url = f"sqlite+pysqlite:///{path}"
    engine = url if kind == "url" else sa.create_engine(url)
    with pytest.warns(PortablePathWarning, match=r"sqlite\+adbc:///.*many times faster") as warned:
        manager = manager_on(engine)
    assert len(warned) == 1
    manager.startup()
    assert manager.get_data_keys() == []
    manager.close()


@pytest.mark.parametrize("kind", ["text", "url", "engine"])
def test_a_database_is_given_as_text_url_or_engine(path, kind):
    url = sa.make_url(f"sqlite:///{path}")
    given = {
        "text": f"sqlite:///{path}",
        "url": url,
        "engine": sa.create_engine(url.set(drivername="sqlite+adbc")),
    }[kind]
    manager = manager_on(given)
    manager.startup()
    assert manager.get_data_keys() == []
    manager.close()
    assert path.exists()


def missing_folder(path):
    return path / "nowhere" / "data.db", r"there is no folder '.*nowhere'\. Make it first"


def below_a_file(path):
    path.write_text("")
    return path / "data.db", "is a file, not a folder"


def a_directory(path):
    path.mkdir()
    return path, "it is a folder"


def no_database(path):
    path.write_text("name;height\nSchiphol;-3\n" * 100)
    return path, "opening it: file is not a database. The file is something else"


@pytest.mark.parametrize("make", [missing_folder, below_a_file, a_directory, no_database])
def test_a_path_that_is_no_database_is_named_with_a_way_out(path, make):
    wrong, said = make(path)
    manager = manager_on(f"sqlite:///{wrong}")
    with pytest.raises(StoreError, match=said) as refusal:
        manager.startup()
    assert f"The database sqlite:///{wrong} failed" in str(refusal.value)
    manager.close()


def test_a_database_that_only_lets_itself_be_read_is_named(new_manager, dataset):
    # Root may write everywhere, so the file's permissions would not do.
    manager = new_manager()
    with manager.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="Check the permissions"):
        manager.add_data_source(dataset())
    manager.engine.dispose()
    manager.add_data_source(dataset())


def test_a_disk_that_is_full_leaves_the_old_state(new_manager, dataset, outside, path):
    manager = new_manager()
    manager.add_data_source(dataset(tables={"t": pl.DataFrame({"x": [1]})}))
    with manager.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 20").scalar()
    with pytest.raises(StoreError, match=r"disk is full.*Free some space"):
        manager.add_data_source(dataset(tables={"t": pl.DataFrame({"x": range(100_000)})}))
    assert manager.get_data("d").get_table("t").item() == 1
    assert outside(path, 'SELECT x FROM "ds__s__d__t"') == [[1]]
    assert outside(path, "PRAGMA integrity_check") == [["ok"]]
    manager.add_data_source(dataset(tables={"t": pl.DataFrame({"x": [2]})}))
    assert new_manager().get_data("d").get_table("t").item() == 2


def test_an_odd_path_is_taken_as_it_is(tmp_path):
    odd = tmp_path / "a b%20c#d'é😀.db"
    manager = manager_on(sa.URL.create("sqlite", database=str(odd)))
    manager.startup()
    manager.close()
    assert [item.name for item in tmp_path.iterdir()] == [odd.name]


def test_the_directory_may_change_after_the_manager_was_made(tmp_path, monkeypatch, dataset):
    monkeypatch.chdir(tmp_path)
    manager = manager_on("sqlite:///data.db")
    manager.startup()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    manager.close()
    manager.add_data_source(dataset())
    assert manager.get_data_keys() == ["d"]
    manager.close()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_ctrl_c_is_ctrl_c_also_where_what_ends_the_work_fails():
    engine = store_engine("sqlite://")

    def press_ctrl_c():
        with store_errors(engine, "writing"), engine.connect() as connection:
            try:
                raise KeyboardInterrupt
            finally:
                connection.exec_driver_sql("no statement of SQL")

    with pytest.raises(KeyboardInterrupt) as interrupt:
        press_ctrl_c()
    assert "no statement of SQL" in str(interrupt.value.__cause__)
    engine.dispose()
