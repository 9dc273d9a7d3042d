"""A value that somebody changed behind the store's back is found, by table, column and row."""

from __future__ import annotations

import json
import random
import re
import shutil
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from algomancy_data import BaseDataSource
from algomancy_data.database.table_sums import BLOCK_ROWS
from algomancy_data.errors import AlgomancyDataError, DamagedStoreError, StoreError
from tests.database.sample_columns import FRAME

OLD_STORE = Path(__file__).parents[1] / "data" / "database-v1" / "store.db"
# By column: another value in SQL, for SQLite and for PostgreSQL.
EDITS = {
    "whole": ("5", "5"),
    "float": ("1.5", "1.5"),
    "text": ("'a longer text: X'", "'a longer text: X'"),
    "truth": ("1", "true"),
    "day": ("'0001-01-02'", "'0001-01-02'"),
    "moment": ("'1970-01-01 00:00:00.000001'", "'1970-01-01 00:00:00.000001'"),
    "time": ("'00:00:00.000001000'", "'00:00:00.000001'"),
    "span": ("1", "1"),
    "money": ("'0.01'", "0.01"),
    "wide": ("'1'", "1"),
    "bytes": ("x'00'", r"'\x00'"),
    "kind": ("'b'", "'b'"),
    "category": ("'b'", "'b'"),
    "list": ("'[1]'", "'[1]'"),
    "record": ("'{\"a\":-0.0}'", "'{\"a\":-0.0}'"),
}
pytestmark = pytest.mark.filterwarnings("ignore::algomancy_data.errors.PortablePathWarning")


@pytest.fixture(
    params=["sqlite", pytest.param("sqlite+pysqlite", marks=pytest.mark.long), "postgresql"]
)
def place(request, tmp_path):
    if request.param != "postgresql":
        return f"{request.param}:///{tmp_path / 'data.db'}"
    return request.getfixturevalue("empty_postgresql")


def run(manager, *statements):
    with manager.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_value_that_was_changed_by_hand_is_named_by_table_column_and_row(
    new_manager, place, dataset
):
    manager = new_manager(place)
    is_sqlite = place.startswith("sqlite")
    for name in EDITS:
        manager.add_data_source(dataset(name, {"t": FRAME}))
    manager.derive_data("whole", "copy")
    assert manager.verify() == []
    last = "money = '-0.01'" if is_sqlite else "money = -0.01"
    for name, (sqlite, postgresql) in EDITS.items():
        value = sqlite if is_sqlite else postgresql
        run(manager, f'UPDATE "ds__s__{name}__t" SET "{name}" = {value} WHERE {last}')
    run(manager, f"UPDATE ds__s__copy__t SET whole = 7 WHERE {last}")
    checking = new_manager(place, verify_on_load=True)
    for name, column in {**{name: name for name in EDITS}, "copy": "whole"}.items():
        (damage,) = manager.verify(name)
        said = f"column '{column}' has other values than were written, in row 2"
        assert (damage.dataset, damage.path) == (name, f"ds__s__{name}__t")
        assert said in damage.problem
        with pytest.raises(DamagedStoreError, match=re.escape(said)) as refused:
            checking.get_data(name)
        assert isinstance(refused.value, StoreError)
        assert "'t'" in str(refused.value)
        assert checking.get_table(name, "t", ["void"]).height == 3
        assert manager.get_table(name, "t").height == 3
        with pytest.raises(DamagedStoreError, match=re.escape(said)):
            checking.get_table(name, "t", predicate=pl.col(column).is_not_null())


@pytest.mark.parametrize(
    ("done_by_hand", "problem"),
    [
        ("SET whole = NULL WHERE whole = 2", "column 'whole' has other values .* in row 1"),
        ("SET void = 1 WHERE whole = 2", "column 'void' holds .*row 1"),
        ("SET whole = 'x' WHERE whole = 2", "column 'whole' holds .*type text.*, in row 1"),
        ("SET text = x'41' WHERE whole = 2", "column 'text' holds .*type blob.*, in row 1"),
        ("SET text = CAST(x'ff' AS TEXT) WHERE whole = 2", "'text' holds .*not in UTF-8, in row 1"),
        ("SET text = CAST(x'ff' AS TEXT)", "'text' holds .*not in UTF-8, in row 0"),
        ("SET day = '2024-02-30' WHERE whole = 2", "'day' holds '2024-02-30'.*Date.*, in row 1"),
        ("SET moment = 'now' WHERE whole = 2", "'moment' holds 'now'.*, in row 1"),
        ("SET kind = 'c' WHERE whole = 2", "'kind' holds 'c'.*, in row 1"),
        ("SET list = '[1' WHERE whole = 2", r"'list' holds '\[1'.*, in row 1"),
        ("SET money = '1e99' WHERE whole = 2", "'money' holds '1e99'.*, in row 1"),
        ("SET truth = 2 WHERE whole = 2", "'truth' holds .*, in row 1"),
        ("SET whole = 9, text = 'a text of another length'", "'whole' .*some of the rows 0 to 2"),
    ],
)
def test_a_value_that_cannot_be_read_is_named_and_the_other_columns_are_looked_at(
    path, new_manager, dataset, outside, tmp_path, done_by_hand, problem
):
    frame = FRAME.with_columns(whole=pl.Series([1, 2, 3]))
    manager = new_manager()
    manager.add_data_source(dataset("d", {"t": frame, "other": FRAME}))
    manager.close()
    outside(
        path,
        f"UPDATE ds__s__d__t {done_by_hand}",
        "UPDATE ds__s__d__t SET span = 5 WHERE whole = 1 OR whole = 9 AND rowid = 1",
    )
    shutil.copy(path, tmp_path / "portable.db")
    for reader in (new_manager(), new_manager(f"sqlite+pysqlite:///{tmp_path}/portable.db")):
        damages = reader.verify()
        assert {damage.path for damage in damages} == {"ds__s__d__t"}
        problems = [damage.problem for damage in damages]
        assert any(re.search(problem, one) for one in problems), problems
        assert any("column 'span' has other values" in one for one in problems), problems


def test_a_copy_of_a_damaged_dataset_is_as_damaged_as_the_original(new_manager, place, dataset):
    manager = new_manager(place)
    manager.add_data_source(dataset("d", {"t": FRAME, "other": FRAME}))
    last = "'-0.01'" if place.startswith("sqlite") else "-0.01"
    run(manager, f"UPDATE ds__s__d__t SET whole = 7 WHERE money = {last}")
    new_manager(place, verify_on_load=True).derive_data("d", "copy")
    for name in ("d", "copy"):
        (damage,) = manager.verify(name)
        assert damage.path == f"ds__s__{name}__t"
        assert "column 'whole' has other values than were written, in row 2" in damage.problem
        with pytest.raises(DamagedStoreError, match="'whole' has other values"):
            new_manager(place, verify_on_load=True).get_data(name)
    manager.get_data("d")
    manager.derive_data("d", "copy of what is in memory")
    manager.refresh()
    assert len(manager.verify("copy of what is in memory")) == 1


def test_rows_that_are_missing_are_damage(new_manager, place, dataset):
    manager = new_manager(place)
    manager.add_data_source(dataset(tables={"t": FRAME}))
    run(manager, "DELETE FROM ds__s__d__t WHERE whole = 1")
    with pytest.raises(DamagedStoreError, match="'t', is damaged: it has 2 rows instead of 3"):
        new_manager(place, verify_on_load=True).get_data("d")
    assert new_manager(place).get_data("d").get_table("t").height == 2


def test_damage_is_found_in_every_block_of_a_large_table(new_manager, place, dataset):
    manager = new_manager(place)
    height = 2 * BLOCK_ROWS + 7
    frame = pl.DataFrame({"i": range(height), "s": [f"{i % 7} é" for i in range(height)]})
    manager.add_data_source(dataset(tables={"t": frame}))
    assert manager.verify() == []
    if place.startswith("postgresql"):
        run(manager, f"UPDATE ds__s__d__t SET s = 'x' WHERE i = {height - 1}")
        said = "'s' has other values than were written, in row 100,006"
    else:
        run(manager, "UPDATE ds__s__d__t SET s = '8 é' WHERE i IN (1, 50000, 100002)")
        said = "'s' has other values than were written, in row 1, row 50,000, row 100,002"
    (damage,) = manager.verify()
    assert said in damage.problem
    with pytest.raises(DamagedStoreError, match=said):
        new_manager(place, verify_on_load=True).get_data("d")


def test_a_page_that_cannot_be_read_is_damage_of_its_table(path, new_manager, dataset):
    manager = new_manager(f"sqlite:///{path}?journal_mode=delete")
    manager.add_data_source(
        dataset("d", {"t": pl.DataFrame({"x": [f"{i:>99}" for i in range(999)]})})
    )
    manager.add_data_source(dataset("sound", {"t": FRAME}))
    manager.close()
    content = path.read_bytes()
    at = content.index(f"{500:>99}".encode()) // 4096 * 4096
    path.write_bytes(content[:at] + b"\xff" * 4096 + content[at + 4096 :])
    manager = new_manager()
    with pytest.raises(DamagedStoreError, match="'t', is damaged"):
        manager.get_data("d")
    assert {damage.dataset for damage in manager.verify()} >= {"d"}
    assert manager.verify("sound") == []


def test_a_store_without_check_sums_is_read_and_said_to_be_unverified(path, new_manager, caplog):
    shutil.copy(OLD_STORE, path)
    manager = new_manager(session="demo", verify_on_load=True)
    name = manager.get_data_keys()[0]
    assert manager.get_data(name) is not None
    assert manager.verify(name) == []
    assert "was not verified" in caplog.text


class Note(BaseDataSource):
    """Kept as a text: its name, and whatever."""

    def to_json(self):
        return json.dumps({"name": self.name})

    @classmethod
    def from_json(cls, json_string):
        fields, _ = json.JSONDecoder().raw_decode(json_string)
        return cls("master_data", fields["name"])


def test_a_payload_whose_text_is_in_the_row_has_a_check_sum(new_manager, place, caplog):
    manager = new_manager(place, cls=Note)
    manager.add_data_source(Note("master_data", "short"))
    manager.refresh()
    assert manager.verify() == []
    assert manager.get_data("short").name == "short"
    run(manager, "UPDATE algomancy_datasets SET payload = payload || ' '")
    (damage,) = manager.verify()
    assert (damage.dataset, damage.path) == ("short", "algomancy_datasets")
    assert "the check sum of the text" in damage.problem
    for verify_on_load in (False, True):
        with pytest.raises(
            DamagedStoreError, match="'short' is damaged: the check sum of the text"
        ):
            new_manager(place, cls=Note, verify_on_load=verify_on_load).get_data("short")
    assert "verified" not in caplog.text


def test_a_payload_that_an_earlier_version_wrote_is_said_to_be_unverified(
    path, new_manager, caplog
):
    shutil.copy(OLD_STORE, path)
    manager = new_manager(session="notes", cls=Note, verify_on_load=True)
    for name in ("short", "in chunks"):
        assert manager.get_data(name) is not None
        assert manager.verify(name) == []
    said = "Of dataset 'short', the text of its payload was not verified"
    assert caplog.text.count(said) == caplog.text.count("not verified") == 2


def test_check_sums_are_in_the_description_of_the_tables_and_nowhere_else(
    path, new_manager, dataset, outside
):
    new_manager().add_data_source(
        dataset(tables={"t": FRAME, "empty": FRAME.clear(), "none": pl.DataFrame()})
    )
    (row,) = outside(
        path,
        "SELECT json_extract(sub_tables, '$[0].sums'), json_extract(sub_tables, '$[1].sums[0]'), "
        "json_extract(sub_tables, '$[2].sums') FROM algomancy_datasets",
    )
    assert row[0].count(",") == FRAME.width - 1
    assert row[1:] == ["", "[]"]
    described = sa.inspect(new_manager().engine).get_columns("ds__s__d__t")
    assert {one["name"] for one in described} == {*FRAME.columns, "float__is_nan"}


def test_no_flipped_bit_of_a_file_goes_unnoticed(path, new_manager, dataset, tmp_path):
    manager = new_manager(f"sqlite:///{path}?page_size=1024&journal_mode=delete")
    manager.add_data_source(dataset(tables={"t": pl.concat([FRAME] * 30)}))
    written = manager.get_data("d").get_table("t")
    manager.close()
    content, flips = path.read_bytes(), random.Random(14)  # noqa: S311  no secret
    for number in range(40):
        mutated = bytearray(content)
        mutated[flips.randrange(len(content))] ^= 1 << flips.randrange(8)
        copy = tmp_path / f"{number}.db"
        copy.write_bytes(mutated)
        reader = None
        try:
            reader = new_manager(f"sqlite:///{copy}", verify_on_load=True)
            data = reader.get_data("d")
        except AlgomancyDataError:
            continue
        finally:
            if reader is not None:
                reader.close()
        assert data is not None
        assert data.get_table("t").equals(written)
