"""What the folder manager does beyond the contract of all managers."""

from __future__ import annotations

import base64
import json

import polars as pl
import pytest

from algomancy_data import (
    Column,
    DataClassification,
    DataSource,
    DataType,
    FileExtension,
    Schema,
    SchemaType,
    SimpleETLFactory,
    StatefulDataManager,
)
from algomancy_data.errors import (
    DatasetExistsError,
    DatasetNameError,
    StoreError,
    UnstorableError,
)
from algomancy_data.folder.reader import LOCK, PRIVATE
from algomancy_data.store import Addition
from algomancy_data.testing import assert_identical

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")


class Things(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "things", FileExtension.CSV, SchemaType.SINGLE
    ID = Column("id", DataType.INTEGER, primary_key=True)
    NAME = Column("name", DataType.STRING)


def frame(value):
    return pl.DataFrame({"x": [value]})


def names_in(directory):
    return sorted(path.name for path in directory.iterdir())


def inodes(folder):
    return {path.stat().st_ino for path in (folder / PRIVATE).rglob("*.arrow")}


def test_construction_says_that_it_is_deprecated_and_what_to_do(tmp_path):
    with pytest.warns(DeprecationWarning, match="use DatabaseDataManager.*migrate") as warned:
        StatefulDataManager(SimpleETLFactory, [], tmp_path, "json", DataSource)
    assert warned[0].filename == __file__


def test_an_unknown_save_type_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'json', not 'parquet'"):
        StatefulDataManager(SimpleETLFactory, [], tmp_path, "parquet", DataSource)


def test_the_metadata_file_has_the_name_of_the_dataset(open_manager, folder, source):
    open_manager().add_data_source(source("Master Data"))
    assert json.loads((folder / "Master Data.json").read_text())["key"] == "Master Data"


def test_a_missing_folder_is_a_warning_and_is_made_when_it_is_needed(open_manager, folder, source):
    manager = open_manager()
    assert manager.get_data_keys() == []
    assert not folder.exists()
    manager.add_data_source(source())
    assert open_manager().get_data_keys() == ["d"]


def test_the_result_of_an_etl_is_kept_and_a_failed_one_is_not(open_manager, folder):
    manager = open_manager(schemas=[Things])

    def etl(text):
        uri = "data:text/csv;base64," + base64.b64encode(text.encode()).decode()
        return manager.etl_data(manager.prepare_files([("things", "csv", uri)]), "d")

    assert etl("id;name\n1;x\n").is_success
    assert etl("").is_failure
    assert open_manager().get_data("d").get_table("things").rows() == [(1, "x")]


# --- sharing ----------------------------------------------------------------------------------


def test_a_derived_dataset_shares_the_files(open_manager, folder, source):
    manager = open_manager()
    manager.add_data_source(source())
    before = inodes(folder)
    manager.derive_data("d", "derived")
    manager.derive_data("derived", "twice")
    assert inodes(folder) == before
    read = open_manager().get_data("twice")
    assert (read.name, read.ds_type) == ("twice", DataClassification.DERIVED_DATA)
    assert read.id == manager.get_data("twice").id


def test_a_dataset_that_was_not_read_is_derived_without_reading_it(open_manager, folder, source):
    open_manager().add_data_source(source())
    manager = open_manager()
    (table,) = (folder / PRIVATE).rglob("*.arrow")
    content = table.read_bytes()
    table.write_bytes(bytes(len(content)))  # whoever reads it notices
    manager.derive_data("d", "derived")
    with pytest.raises(StoreError):
        manager.get_data("derived")
    table.write_bytes(content)
    assert_identical(manager.get_data("derived").get_table("t"), source().get_table("t"))


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.add_table("new", frame(1)),
        lambda data: data.tables.pop("t"),
        lambda data: data.add_table("t", data.get_table("t").reverse()),
        lambda data: data.get_table("t").replace_column(0, pl.Series("x", [1, 2, 4])),
        lambda data: data.get_table("t").__setitem__((0, "x"), 7),
        lambda data: data.get_table("t").extend(data.get_table("t")),
    ],
    ids=["add", "remove", "replace", "replace a column", "set a value", "extend"],
)
def test_what_was_changed_in_memory_is_derived_as_it_is(open_manager, source, change):
    open_manager().add_data_source(source())
    manager = open_manager()
    change(manager.get_data("d"))
    manager.derive_data("d", "derived")
    changed, derived = manager.get_data("d").tables, open_manager().get_data("derived").tables
    assert list(changed) == list(derived)
    for name, table in changed.items():
        assert_identical(derived[name], table)
    assert_identical(open_manager().get_data("d").get_table("t"), source().get_table("t"))


def test_a_class_with_a_say_in_deriving_is_asked(open_manager, folder, source):
    class Own(DataSource):
        def _post_derive(self):
            self.add_table("extra", frame(1))

    manager = open_manager(Own)
    data = Own("master_data", name="d")
    data.add_table("t", frame(1))
    manager.add_data_source(data)
    manager.derive_data("d", "derived")
    assert open_manager(Own).get_data("derived").list_tables() == ["t", "extra"]


def test_state_that_only_its_own_json_knows_comes_back(open_manager):
    class Own(DataSource):
        note = ""

        def to_json(self):
            return json.dumps({"note": self.note, "rest": super().to_json()})

        @classmethod
        def from_json(cls, json_string):
            values = json.loads(json_string)
            made = super().from_json(values["rest"])
            made.note = values["note"]
            return made

    data = Own("master_data", name="d")
    data.add_table("t", frame(1))
    data.note = "remember"
    open_manager(Own).add_data_source(data)
    read = open_manager(Own).get_data("d")
    assert (read.note, read.get_table("t").item()) == ("remember", 1)


# --- several managers ---------------------------------------------------------------------------


def test_a_manager_notices_what_another_one_does(open_manager, source):
    one, other = open_manager(), open_manager()
    one.add_data_source(source("a", t=frame(1)))
    assert other.get_data("a").get_table("t").item() == 1
    one.add_data_source(source("a", t=frame(2)))
    assert other.get_data("a").get_table("t").item() == 2
    one.add_data_source(source("b"))
    assert other.get_data_keys() == ["a", "b"]
    other.add_data_source(source("c"))
    one.delete_data("a")
    assert other.get_data_keys() == one.get_data_keys() == ["b", "c"]
    assert other.get_data("a") is None
    with pytest.raises(DatasetExistsError):
        one.derive_data("b", "c")


def test_a_dataset_that_is_replaced_or_deleted_stays_readable_for_who_has_it(open_manager, source):
    table = pl.DataFrame({"x": range(500_000), "s": [f"text number {i}" for i in range(500_000)]})
    one, other = open_manager(), open_manager()
    one.add_data_source(source(t=table))
    mapped = other.get_data("d").get_table("t")
    one.add_data_source(source(t=frame(2)))
    assert_identical(mapped, table)
    mapped = other.get_data("d").get_table("t")
    one.delete_data("d")
    assert_identical(mapped, frame(2))


def test_the_same_dataset_is_the_same_object_until_it_is_replaced(open_manager, source):
    open_manager().add_data_source(source())
    manager = open_manager()
    assert manager.get_data("d") is manager.get_data("d")
    before = manager.get_data("d")
    manager.refresh()
    assert manager.get_data("d") is not before


# --- storing and loading on request -------------------------------------------------------------


def test_storing_as_json_is_asked_for_once(open_manager, source):
    manager = open_manager()
    manager.add_data_source(source())
    manager.store_data_source_as_json("d")
    with pytest.raises(DatasetExistsError, match="already exists"):
        manager.store_data_source_as_json("d")
    manager.get_data("d").add_table("more", frame(1))
    manager.store_data_source_as_json("d", allow_overwrite=True)
    assert open_manager().get_data("d").list_tables() == ["t", "more"]
    with pytest.raises(DatasetExistsError):
        open_manager().store_data_source_as_json("d")
    with pytest.raises(AssertionError, match="not found"):
        manager.store_data_source_as_json("nobody")


def raw_directory(folder, name):
    (folder / name).mkdir(parents=True)
    (folder / name / "things.csv").write_text("id;name\n1;x\n")


def test_what_is_in_memory_only_is_stored_as_json_on_request(open_manager, folder):
    raw_directory(folder, "d")
    manager = open_manager(schemas=[Things])
    assert manager.get_data_keys() == ["d"]
    assert not (folder / "d.json").exists()
    manager.store_data_source_as_json("d")
    stored = open_manager().get_data("d").get_table("things")
    assert_identical(stored, manager.get_data("d").get_table("things"))
    assert stored.rows() == [(1, "x")]


def test_a_foreign_file_is_overwritten_only_on_request(open_manager, folder, source):
    folder.mkdir()
    (folder / "d.json").write_text('{"theirs": 1}')
    manager = open_manager()
    manager.add_data_source(source())
    assert (folder / "d.json").read_text() == '{"theirs": 1}'
    assert open_manager().get_data_keys() == ["d"]
    raw_directory(folder, "e")
    other = open_manager(schemas=[Things])
    (folder / "e.json").write_text("{}")
    with pytest.raises(DatasetExistsError):
        other.store_data_source_as_json("e")
    other.store_data_source_as_json("e", allow_overwrite=True)
    assert json.loads((folder / "e.json").read_text())["key"] == "e"


def test_store_data_writes_raw_files_that_the_next_startup_reads(open_manager, folder):
    manager = open_manager(schemas=[Things])
    manager.store_data("raw", {"things": pl.DataFrame({"id": [1, 2], "name": ["x", "y"]})})
    assert (folder / "raw" / "things.csv").read_text() == "id;name\n1;x\n2;y\n"
    assert manager.get_data("raw").ds_type is DataClassification.DERIVED_DATA
    read = open_manager(schemas=[Things]).get_data("raw")
    assert read.is_master_data()
    assert read.get_table("things").rows() == [(1, "x"), (2, "y")]
    with pytest.raises(Exception, match="already exists"):
        manager.store_data("raw", {"things": frame(1)})
    with pytest.warns(DeprecationWarning, match="USE_OLD_VERSION"):
        manager.store_data("again", {"things": frame(1)}, USE_OLD_VERSION=True)


@pytest.mark.parametrize(("name", "table"), [("../x", "t"), ("d", "../t"), ("d", "a.b"), ("", "t")])
def test_raw_files_cannot_leave_the_folder(open_manager, folder, name, table):
    with pytest.raises(DatasetNameError):
        open_manager().store_data(name, {table: frame(1)})
    assert not folder.exists()


@pytest.mark.parametrize(
    "values",
    [pl.Series("l", [[1]]), pl.Series("l", [2**62]).cast(pl.Datetime("ms"))],
    ids=["a list", "a year beyond any calendar"],
)
def test_a_table_that_csv_cannot_hold_leaves_nothing(open_manager, folder, values):
    manager = open_manager()
    with pytest.raises(UnstorableError, match="'odd' cannot be written as CSV"):
        manager.store_data("d", {"t": frame(1), "odd": values.to_frame()})
    assert names_in(folder) == [PRIVATE]
    assert names_in(folder / PRIVATE) == ["lock"]
    assert manager.get_data_keys() == []


def test_loading_from_elsewhere_keeps_a_copy(open_manager, folder, source, tmp_path):
    elsewhere = open_manager(path=tmp_path / "elsewhere")
    elsewhere.add_data_source(source("ours"))
    (tmp_path / "elsewhere" / "theirs.json").write_text(source("theirs").to_json())
    (tmp_path / "elsewhere" / "raw").mkdir()
    (tmp_path / "elsewhere" / "raw" / "things.part1.csv").write_text("id;name\n1;x\n")
    manager = open_manager(schemas=[Things])
    manager.load_data_from_file("ours.json", root=tmp_path / "elsewhere")
    manager.load_data_from_file("theirs.json", root=tmp_path / "elsewhere")
    manager.load_data_from_dir("raw", root=tmp_path / "elsewhere")
    again = open_manager()
    assert again.get_data_keys() == ["ours", "theirs", "raw"]
    assert_identical(again.get_data("theirs").get_table("t"), source().get_table("t"))
    assert again.get_data("raw").get_table("things").rows() == [(1, "x")]


def test_loading_what_is_in_the_folder_reads_it_in_place(open_manager, folder, source):
    manager = open_manager(schemas=[Things])
    folder.mkdir()
    (folder / "old.json").write_text(source("old").to_json())
    (folder / "raw").mkdir()
    (folder / "raw" / "things.csv").write_text("id;name\n1;x\n")
    manager.load_data_from_file("old.json")
    manager.load_data_from_dir("raw")
    assert sorted(manager.get_data_keys()) == ["old", "raw"]
    assert names_in(folder) == ["old.json", "raw"]
    with pytest.raises(FileNotFoundError):
        manager.load_data_from_file("nothing.json")
    with pytest.raises(FileNotFoundError):
        manager.load_data_from_dir("nothing")


@pytest.mark.parametrize("by_root", [True, False])
def test_deleting_what_was_loaded_from_elsewhere_leaves_the_file_there(
    open_manager, folder, source, tmp_path, by_root
):
    folder.mkdir()
    open_manager(path=tmp_path / "elsewhere").add_data_source(source())
    before = sorted(tmp_path.joinpath("elsewhere").rglob("*"))
    manager = open_manager()
    if by_root:
        manager.load_data_from_file("d.json", root=tmp_path / "elsewhere")
    else:
        manager.load_data_from_file("../elsewhere/d.json")
    manager.delete_data("d")
    assert sorted(tmp_path.joinpath("elsewhere").rglob("*")) == before


def test_a_metadata_file_that_was_renamed_by_hand_is_found(open_manager, folder, source):
    open_manager().add_data_source(source())
    (folder / "d.json").rename(folder / "renamed.json")
    manager = open_manager()
    assert manager.get_data_keys() == ["d"]
    manager.add_data_source(source(t=frame(2)))
    assert names_in(folder) == [PRIVATE, "renamed.json"]
    assert open_manager().get_data("d").get_table("t").item() == 2


def test_what_no_metadata_file_is_about_is_described_under_its_name(open_manager, folder, source):
    (folder / "raw").mkdir(parents=True)
    (folder / "raw" / "things.csv").write_text("id;name\n1;x\n")
    (folder / "strange name.json").write_text(source("old").to_json())
    manager = open_manager(schemas=[Things])
    described = {info.name: info.version.partition(" ")[0] for info in manager.describe_all()}
    assert described == {"raw": "raw", "old": "file"}
    assert manager.describe("raw").version == f"raw {manager.get_data('raw').id}"


def test_keys_of_a_dataset_without_a_metadata_file_are_known_too(open_manager, folder, source):
    folder.mkdir()
    (folder / "strange name.json").write_text(source("old", t=frame(1)).to_json())
    keys = pl.DataFrame({"x": [9, 1]})
    found = open_manager().store.known_keys("old", "t", ["x"], keys, DataSource)
    assert found.to_list() == [False, True]


def test_what_cannot_be_kept_is_said_of_its_dataset(open_manager, folder, source):
    manager = open_manager()
    with pytest.raises(UnstorableError, match=r"^Dataset 'd': half of a surrogate pair"):
        manager.store.save("d", source("d", **{"\ud800": frame(1)}))
    assert manager.store.names() == []
    assert not folder.exists()


def test_what_a_writer_knows_of_a_dataset_is_what_another_process_reads(open_manager, source):
    manager = open_manager()
    saved = manager.store.save("d", source())
    assert saved.provenance == open_manager().describe("d").provenance
    added = manager.store.add("d", source(), Addition())
    read = open_manager().describe("d")
    assert manager.describe("d") == read
    assert added.provenance == read.provenance
    assert read.tables["t"].rows == 6


CHANGES = {
    "saving dataset 'd'": lambda store, data: store.save("d", data),
    "adding rows to dataset 'd'": lambda store, data: store.add("d", data, Addition()),
    "deleting rows of dataset 'd'": lambda store, data: store.delete_rows(
        "d", "t", pl.col("x") > 0, type(data)
    ),
    "deriving dataset 'copy'": lambda store, data: store.copy("d", "copy", "1", type(data)),
    "deleting dataset 'd'": lambda store, _: store.drop("d"),
    "clearing leftovers": lambda store, _: store.clear_leftovers(),
}


@pytest.mark.parametrize("doing", CHANGES)
def test_a_folder_that_fails_is_named_with_what_was_done(open_manager, folder, source, doing):
    manager = open_manager()
    manager.add_data_source(source("d"))
    (folder / PRIVATE / LOCK).unlink()
    (folder / PRIVATE / LOCK).mkdir()
    with pytest.raises(StoreError) as error:
        CHANGES[doing](manager.store, source("d"))
    assert str(error.value).startswith(f"The folder {str(folder)!r} failed while {doing}: ")
    assert str(error.value).endswith(
        "Everything is as it was before. Check its permissions and the space on its disk."
    )
    (folder / PRIVATE / LOCK).rmdir()
    assert open_manager().get_data_keys() == ["d"]
    assert open_manager().get_data("d").get_table("t").rows() == [(1, "a"), (2, None), (3, "b")]


def test_a_folder_that_cannot_be_begun_is_named(open_manager, folder, source):
    folder.mkdir()
    manager = open_manager()
    assert names_in(folder) == []
    (folder / PRIVATE).write_text("no directory")
    with pytest.raises(
        StoreError, match=f"The folder '{folder}' failed while .* as it was before. A file is where"
    ) as refusal:
        manager.add_data_source(source("d"))
    assert "Errno" not in str(refusal.value)


def test_a_folder_below_a_file_is_refused_with_what_to_do(open_manager, folder, source):
    folder.write_text("")
    with pytest.raises(StoreError, match=r"File exists: .* choose another folder\."):
        open_manager().add_data_source(source("d"))
    assert folder.read_text() == ""


# --- deleting -----------------------------------------------------------------------------------


def test_deleted_data_does_not_return_whatever_it_was_read_from(open_manager, folder, source):
    folder.mkdir()
    (folder / "strange name.json").write_text(source("old").to_json())
    (folder / "raw").mkdir()
    (folder / "raw" / "things.csv").write_text("id;name\n1;x\n")
    manager = open_manager(schemas=[Things])
    manager.store_data_source_as_json("raw")
    manager.add_data_source(source("new"))
    for key in manager.get_data_keys():
        manager.delete_data(key)
    assert names_in(folder) == [PRIVATE]
    assert names_in(folder / PRIVATE) == ["lock"]


def test_raw_files_go_with_the_derived_dataset_that_took_their_name(open_manager, folder, source):
    (folder / "raw").mkdir(parents=True)
    (folder / "raw" / "things.csv").write_text("id;name\n1;x\n")
    manager = open_manager(schemas=[Things])
    manager.add_data_source(source("raw", "derived_data"))
    assert (folder / "raw").is_dir()
    manager.delete_data("raw")
    assert names_in(folder) == [PRIVATE]


def test_a_replaced_old_file_is_replaced_where_it_is(open_manager, folder, source):
    folder.mkdir()
    (folder / "strange name.json").write_text(source("old", t=frame(1)).to_json())
    open_manager().add_data_source(source("old", t=frame(2)))
    manager = open_manager()
    assert manager.startup_errors == []
    assert manager.get_data("old").get_table("t").item() == 2
    assert names_in(folder) == [PRIVATE, "strange name.json"]


def test_deleting_never_leaves_the_folder(open_manager, folder, source, tmp_path):
    (tmp_path / "outside").mkdir()
    manager = open_manager()
    manager.add_data_source(source("../outside"))
    manager.delete_data("../outside")
    assert (tmp_path / "outside").is_dir()
