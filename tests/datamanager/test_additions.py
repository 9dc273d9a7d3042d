"""Files that are added to a dataset: their keys are checked against what is stored."""

from __future__ import annotations

from contextlib import nullcontext

import polars as pl
import pytest

from algomancy_data import (
    CascadeDropTransformer,
    Column,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatefulDataManager,
    StatelessDataManager,
    Transformer,
    ValidationSeverity,
    rule,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.datamanager.additions import KeysInStore
from algomancy_data.errors import (
    AdditionError,
    ArgumentError,
    QuarantineError,
    RepeatedFileError,
    StoredKeyError,
)
from algomancy_data.store import MemoryStore
from algomancy_data.transformer import TransformationSequence

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")


class Customers(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "customers", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    CODE = Column("code", DataType.STRING, unique=True)
    CUSTOMER = Column("customer", DataType.INTEGER, foreign_key=("customers", "id"))


class CheckedFactory(SimpleETLFactory):
    check_constraints = True
    check_foreign_keys = True


SCHEMAS = [Customers, Orders]
CUSTOMERS = "id\n1\n2\n"
ORDERS = "id;code;customer\n1;a;1\n2;b;2\n"


STORES = ["memory", "folder", "SQLite"]
ALL_STORES = [*STORES, "PostgreSQL"]


@pytest.fixture(params=STORES)
def stores(request, tmp_path):
    """Open a manager for some schemas, on each of the stores."""
    made = []

    def open_store(schemas):
        if request.param == "memory":
            manager = StatelessDataManager(CheckedFactory, schemas, "json", DataSource)
        elif request.param == "PostgreSQL":
            url = request.getfixturevalue("empty_postgresql")
            manager = DatabaseDataManager(CheckedFactory, schemas, url, "s", DataSource)
        elif request.param == "folder":
            place = tmp_path / "f"
            manager = StatefulDataManager(CheckedFactory, schemas, place, "json", DataSource)
        else:
            url = f"sqlite:///{tmp_path / 'data.db'}"
            manager = DatabaseDataManager(CheckedFactory, schemas, url, "s", DataSource)
        manager.startup()
        made.append(manager)
        return manager

    yield open_store
    for manager in made:
        manager.close()


@pytest.fixture
def manager(stores):
    return stores(SCHEMAS)


@pytest.fixture
def deliver(manager, tmp_path):
    """Load files that have some text, ``orders`` unless their names are given."""

    def deliver(orders=None, mode="append", customers=None, **settings):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        items = []
        for name, text in (("customers", customers), ("orders", orders)):
            if text is not None:
                (folder / f"{name}.csv").write_text(text)
                items.append((name, str(folder / f"{name}.csv")))
        files = manager.prepare_files(file_items_with_path=items)
        return manager.etl_data(files, "d", mode=mode, **settings)

    return deliver


def orders_of(manager):
    return manager.get_table("d", "orders").rows()


def test_the_first_delivery_makes_the_dataset_and_others_add_to_it(manager, deliver):
    first = deliver(ORDERS, customers=CUSTOMERS)
    assert (first.load.added, first.load.replaced) == ({"customers": 2, "orders": 2}, {})
    second = deliver("id;code;customer\n3;c;1\n")
    assert second.is_success
    assert second.load.added == {"orders": 1}
    assert second.datasource.get_table("orders").height == 1
    assert orders_of(manager) == [(1, "a", 1), (2, "b", 2), (3, "c", 1)]
    assert manager.get_table("d", "customers").height == 2


def test_without_a_mode_a_delivery_replaces_the_dataset(manager, deliver):
    deliver(ORDERS, customers=CUSTOMERS)
    result = deliver("id;code;customer\n3;c;1\n", mode="replace")
    assert result.load is None
    assert orders_of(manager) == [(3, "c", 1)]


def test_the_provenance_has_each_load_with_its_files(manager, deliver):
    deliver(ORDERS, customers=CUSTOMERS)
    deliver("id;code;customer\n3;c;1\n")
    deliver("id;code;customer\n3;C;1\n4;d;1\n", mode="upsert")
    provenance = manager.describe("d").provenance
    assert [file.name for file in provenance.files] == ["customers", "orders"]
    append, upsert = provenance.loads
    assert (append.mode, append.added, append.replaced) == ("append", {"orders": 1}, {})
    assert (upsert.mode, upsert.added, upsert.replaced) == ("upsert", {"orders": 1}, {"orders": 1})
    assert provenance.made_at <= append.made_at <= upsert.made_at
    hashes = [file.sha256 for load in provenance.loads for file in load.files]
    assert len(set(hashes)) == 2


@pytest.mark.parametrize("row", ["2;c;1", "3;b;1"])
def test_rows_whose_key_is_stored_are_a_finding_and_nothing_is_added(manager, deliver, row):
    deliver(ORDERS, customers=CUSTOMERS)
    result = deliver(f"id;code;customer\n4;d;1\n{row}\n")
    assert result.is_failure
    (found,) = [message for message in result.messages if message.code == "KEY_STORED"]
    assert (found.severity, found.table, found.row) == (ValidationSeverity.CRITICAL, "orders", 1)
    assert found.column == ("id" if row.startswith("2") else "code")
    assert orders_of(manager) == [(1, "a", 1), (2, "b", 2)]


def test_the_quarantine_takes_rows_whose_key_is_stored(manager, deliver):
    deliver(ORDERS, customers=CUSTOMERS)
    result = deliver("id;code;customer\n2;x;1\n3;c;1\n", quarantine=True)
    assert result.is_success
    assert result.load.added == {"orders": 1, "orders_quarantine": 1}
    assert orders_of(manager) == [(1, "a", 1), (2, "b", 2), (3, "c", 1)]
    assert manager.get_table("d", "orders_quarantine")["id"].to_list() == [2]
    with pytest.raises(QuarantineError, match="added"):
        manager.replay_data("d")


def test_rows_may_refer_to_stored_rows_and_to_new_ones(manager, deliver):
    deliver(ORDERS, customers=CUSTOMERS)
    halt_on = ValidationSeverity.ERROR
    settings = {"halt_on": halt_on}
    result = deliver("id;code;customer\n3;c;2\n4;d;3\n", customers="id\n3\n", **settings)
    assert result.is_success
    lost = deliver("id;code;customer\n5;e;2\n6;f;9\n", **settings)
    assert lost.is_failure
    (found,) = [message for message in lost.messages if message.code == "FK_VIOLATION"]
    assert (found.row, found.column) == (1, "customer")


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_rows_whose_bad_values_are_in_other_columns_get_a_quarantine_of_their_own(
    manager, deliver, mode
):
    deliver(ORDERS, customers=CUSTOMERS)
    for row in ("x;3;1", "3;c;x", "y;4;1", "4;d;9", "z;5;1"):
        result = deliver(f"id;code;customer\n{row}\n", mode, quarantine=True)
        assert result.is_success
    assert manager.verify() == []
    tables = dict(manager.require_data("d").tables)
    del tables["customers"]
    kept = {name: table.select("id", "customer").rows() for name, table in tables.items()}
    assert kept == {
        "orders": [(1, 1), (2, 2)],
        "orders_quarantine": [("x", 1), ("y", 1), ("z", 1)],
        "orders_quarantine_2": [(3, "x")],
        "orders_quarantine_3": [(4, 9)],
    }
    assert result.load.added == {"orders": 0, "orders_quarantine": 1}


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_the_quarantine_leaves_rows_that_refer_to_stored_rows(manager, deliver, mode):
    deliver(ORDERS, customers=CUSTOMERS)
    # Customer 1 is there, 3 comes with the delivery, 4 is nowhere, 5 is there twice.
    orders = "id;code;customer\n3;c;1\n4;d;3\n5;e;4\n6;f;5\n"
    result = deliver(orders, mode, "id\n3\n5\n5\n", quarantine=True)
    assert result.is_success
    assert [row[0] for row in orders_of(manager)] == [1, 2, 3, 4]
    assert result.quarantine["orders"]["id"].to_list() == [5, 6]


def test_the_quarantine_takes_rows_that_refer_to_nothing_stored(manager, deliver):
    manager._etl_factory = SimpleETLFactory  # which does not check references
    deliver(ORDERS, customers=CUSTOMERS)
    result = deliver("id;code;customer\n3;c;1\n4;d;9\n", quarantine=True)
    assert [row[0] for row in orders_of(manager)] == [1, 2, 3]
    assert result.quarantine["orders"]["_reasons"].to_list() == [["QUARANTINE_ORPHAN"]]


def test_a_cascade_leaves_rows_that_refer_to_stored_rows(manager, deliver):
    cascade = CascadeDropTransformer(SCHEMAS)
    manager._etl_factory = type(
        "Cascading",
        (SimpleETLFactory,),
        {
            "create_transformation_sequence": classmethod(
                lambda *_: TransformationSequence([cascade])
            )
        },
    )
    deliver(ORDERS, customers=CUSTOMERS)
    assert deliver("id;code;customer\n3;c;1\n4;d;3\n5;e;4\n", customers="id\n3\n").is_success
    assert [drop.rows().to_list() for drop in cascade.drops] == [[2]]
    assert deliver("id;code;customer\n6;f;9\n7;g;3\n").is_success
    assert [row[0] for row in orders_of(manager)] == [1, 2, 3, 4, 7]
    deliver("id;code;customer\n1;a;1\n", mode="replace", customers="id\n2\n")
    assert orders_of(manager) == []


def test_a_cascade_leaves_parents_whose_children_are_stored(stores, tmp_path):
    class Busy(Orders):
        CUSTOMER = Column(
            "customer",
            DataType.INTEGER,
            foreign_key=("customers", "id"),
            parent_requires_child=True,
        )

    class Cascading(SimpleETLFactory):
        @classmethod
        def create_transformation_sequence(cls, schemas=None, logger=None):
            return TransformationSequence([CascadeDropTransformer(schemas)])

    manager = stores([Customers, Busy])
    manager._etl_factory = Cascading

    def deliver(customers, orders, mode):
        texts = {"customers": customers, "orders": orders}
        for name, text in texts.items():
            (tmp_path / f"{name}.csv").write_text(text)
        items = [(name, str(tmp_path / f"{name}.csv")) for name in texts]
        manager.etl_data(manager.prepare_files(file_items_with_path=items), "d", mode=mode)

    deliver(CUSTOMERS, ORDERS, "append")
    # 2 has the order that is there, 3 a new one, 4 none.
    deliver("id\n2\n3\n4\n", "id;code;customer\n3;c;3\n", "upsert")
    assert manager.get_table("d", "customers")["id"].to_list() == [1, 2, 3]


def test_an_upsert_replaces_rows_with_a_stored_key_and_adds_the_others(manager, deliver):
    deliver(ORDERS + "3;c;1\n", customers=CUSTOMERS)
    result = deliver("id;code;customer\n2;B;1\n4;d;1\n", mode="upsert")
    assert (result.load.added, result.load.replaced) == ({"orders": 1}, {"orders": 1})
    assert orders_of(manager) == [(1, "a", 1), (3, "c", 1), (2, "B", 1), (4, "d", 1)]
    assert manager.verify() == []


def test_an_upsert_may_keep_a_unique_value_but_not_take_that_of_another_row(manager, deliver):
    deliver(ORDERS, customers=CUSTOMERS)
    assert deliver("id;code;customer\n2;b;1\n", mode="upsert").is_success
    with pytest.raises(StoredKeyError, match=r"'orders'.*\(code\).*code='a'"):
        deliver("id;code;customer\n3;c;1\n2;a;1\n", mode="upsert")
    assert orders_of(manager) == [(1, "a", 1), (2, "b", 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2;x;1\n2;y;1\n", "2 rows share theirs, such as id=2"),
        (";x;1\n", "1 of its values is null"),
    ],
)
def test_an_upsert_needs_the_key_once_in_each_row(manager, deliver, text, said):
    deliver(ORDERS, customers=CUSTOMERS)
    with pytest.raises(AdditionError, match=said):
        deliver(f"id;code;customer\n{text}", mode="upsert")
    assert orders_of(manager) == [(1, "a", 1), (2, "b", 2)]


def test_a_file_that_was_loaded_is_refused_by_its_content(manager, deliver):
    deliver(ORDERS, customers=CUSTOMERS)
    more = "id;code;customer\n3;c;1\n"
    deliver(more)
    for text in (more, ORDERS):
        with pytest.raises(RepeatedFileError, match=r"orders\.csv.*'d'"):
            deliver(text)
    assert len(orders_of(manager)) == 3


def test_a_file_that_was_loaded_is_skipped_on_request(manager, deliver):
    deliver(ORDERS, customers=CUSTOMERS)
    result = deliver(ORDERS, customers="id\n3\n", repeated="skip")
    assert result.skipped == ("orders",)
    assert result.load.added == {"customers": 1}
    nothing = deliver(ORDERS, repeated="skip")
    assert nothing.is_success
    assert (nothing.skipped, nothing.load) == (("orders",), None)
    assert len(manager.describe("d").provenance.loads) == 1


def test_tables_that_the_dataset_has_are_not_missed_in_what_is_added(manager, deliver):
    absent = deliver(ORDERS)
    missed = next(one for one in absent.messages if one.code == "TABLE_NOT_FOUND")
    assert (missed.severity, missed.table) == ("WARNING", "customers")
    deliver(ORDERS, "replace", customers=CUSTOMERS)
    more = deliver("id;code;customer\n3;c;1\n")
    repeated = deliver(ORDERS, repeated="skip")
    assert all(one.severity == "INFO" for one in [*more.messages, *repeated.messages])


def test_what_cannot_become_of_a_repeated_file_is_refused(manager, deliver):
    with pytest.raises(ArgumentError, match="'refuse' or 'skip', not 'skp'"):
        deliver(ORDERS, repeated="skp")


def test_what_is_no_mode_is_refused(manager, deliver):
    with pytest.raises(ValueError, match="'merge'"):
        deliver(ORDERS, mode="merge")
    with pytest.raises(ValueError, match="'merge'"):
        manager.add_data_source(DataSource("master_data", name="d"), mode="merge")


def test_a_data_source_is_checked_by_the_declared_keys(manager, deliver):
    deliver(ORDERS, customers=CUSTOMERS)

    def add(row, mode="append"):
        source = DataSource("master_data", name="d")
        source.add_table("orders", pl.DataFrame([row], ["id", "code", "customer"], orient="row"))
        manager.add_data_source(source, mode=mode)

    with pytest.raises(StoredKeyError, match="id=2"):
        add((2, "x", 1))
    with pytest.raises(StoredKeyError, match="code='b'"):
        add((3, "b", 1))
    with pytest.raises(AdditionError, match="customer=9"):
        add((3, "c", 9))
    add((3, "c", 1))
    add((1, "A", 1), mode="upsert")
    assert orders_of(manager) == [(2, "b", 2), (3, "c", 1), (1, "A", 1)]


def test_a_dataset_that_was_changed_in_memory_only_takes_no_rows(manager, deliver):
    deliver(ORDERS, customers=CUSTOMERS)
    manager.get_data("d").add_table("other", {"x": [1]})
    if isinstance(manager, StatelessDataManager):  # the memory is the store
        assert deliver("id;code;customer\n3;c;1\n").is_success
        return
    with pytest.raises(AdditionError, match="set_data"):
        deliver("id;code;customer\n3;c;1\n")
    manager.refresh()
    assert deliver("id;code;customer\n4;d;1\n").is_success


class Lines(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "lines", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    ORDER = Column("order", DataType.INTEGER)
    PRICE = Column("price", DataType.INTEGER, min=0)

    @rule(group_by=["order"])
    def fits_a_box(cls):
        return pl.len() <= 2


LINES = "id;order;price\n1;1;5\n2;1;5\n3;2;5\n"


@pytest.fixture
def lines(stores, tmp_path):
    manager = stores([Lines])

    def deliver(text, mode="append", **settings):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.csv"
        path.write_text(text)
        files = manager.prepare_files(file_items_with_path=[("lines", str(path))])
        return manager.etl_data(files, "d", mode=mode, **settings)

    deliver.manager = manager
    assert deliver(LINES).is_success
    return deliver


def broken(result):
    return [(one.row, one.key) for one in result.messages if one.code == "RULE_VIOLATED"]


@pytest.mark.parametrize("stores", ALL_STORES, indirect=True)
@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_rules_hold_for_added_rows_together_with_those_that_are_stored(lines, mode):
    rows = "id;order;price\n4;1;5\n5;2;-1\n6;3;5\n"
    refused = lines(rows, mode, halt_on=ValidationSeverity.ERROR)
    assert not refused.is_success
    assert broken(refused) == [(1, "min"), (0, "fits_a_box")]
    kept = lines(rows, mode, halt_on=ValidationSeverity.ERROR, quarantine=True)
    assert kept.is_success
    assert lines.manager.get_table("d", "lines")["id"].to_list() == [1, 2, 3, 6]
    assert lines.manager.get_table("d", "lines_quarantine")["id"].to_list() == [4, 5]


@pytest.mark.parametrize("stores", ALL_STORES, indirect=True)
def test_an_upsert_judges_groups_as_they_will_be(lines):
    moved = lines("id;order;price\n2;2;7\n4;1;5\n", "upsert", halt_on=ValidationSeverity.ERROR)
    assert moved.is_success, moved.messages
    assert lines.manager.get_table("d", "lines").sort("id")["order"].to_list() == [1, 2, 2, 1]


@pytest.mark.parametrize("stores", ALL_STORES, indirect=True)
def test_rows_that_keep_a_rule_with_others_are_refused_when_these_were_changed(lines):
    class Late(Transformer):
        def transform(self, data):
            lines.manager.delete_rows("d", "lines", pl.col("id") == 3)

    lines.manager._etl_factory = type(
        "Changing",
        (SimpleETLFactory,),
        {
            "create_transformation_sequence": classmethod(
                lambda cls, schemas=None, logger=None: TransformationSequence([Late()])
            )
        },
    )
    with pytest.raises(AdditionError, match=r"'lines' that were there .* Load them again"):
        lines("id;order;price\n4;2;5\n")
    assert lines.manager.get_table("d", "lines")["id"].to_list() == [1, 2]


def test_a_store_is_asked_for_keys_in_the_class_of_the_manager():
    asked = []

    class Own(DataSource):
        pass

    class Asked(MemoryStore):
        def load(self, name, cls, *options, **named):
            asked.append(cls)
            return super().load(name, cls, *options, **named)

    store = Asked()
    source = Own("master_data", name="d")
    source.add_table("t", {"id": [1, 2]})
    store.save("d", source)
    keys = KeysInStore(store, store.describe("d"), Own, nullcontext())
    known = keys.referred("t", ["id"], pl.DataFrame({"id": [2, 3]}))
    assert known.to_list() == [True, False]
    assert keys.rows("t", lambda rows: rows.select("id")).height == 2
    assert set(asked) == {Own}
    (reference,) = keys.seen.references
    assert (reference.table, reference.keys.rows()) == ("t", [(2,)])
    assert keys.seen.tables == {"t"}
