from datetime import datetime

import polars as pl
import pytest

from algomancy_data import (
    Column,
    CSVDialect,
    DataClassification,
    DataSource,
    DataType,
    Quarantine,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
    Transformer,
    ValidationSeverity,
)
from algomancy_data.errors import DatasetNotFoundError, QuarantineError, StoreError
from algomancy_data.transformer import TransformationSequence

CUSTOMERS = "id;name\n1;a\nx;b\n3;c\n3;d\n"


def mended(table="customers", **columns):
    columns["_row"] = columns.pop("row")
    return {table: pl.DataFrame(columns)}


@pytest.fixture
def loaded(shop):
    shop.load(customers=CUSTOMERS)
    return shop.manager


def test_mended_rows_take_their_old_places(loaded):
    result = loaded.replay_data("shop", mended(row=[1, 3], id=[2, 4]))
    assert result.is_success
    assert result.quarantine == {}
    source = loaded.get_data("shop")
    assert source.list_tables() == ["customers"]
    assert source.get_table("customers").rows() == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]


def test_rows_that_fail_again_stay_with_their_numbers(loaded):
    result = loaded.replay_data("shop", mended(row=[1, 2], id=["y", "1"]))
    aside = result.quarantine["customers"]
    assert aside.select("id", "_row").rows() == [("1", 0), ("y", 1), ("1", 2)]
    assert aside["_reasons"].to_list() == [
        ["PK_DUPLICATE"],
        ["CONVERSION_FAILED"],
        ["PK_DUPLICATE"],
    ]
    assert result.datasource.get_table("customers").rows() == [(3, "d")]
    result = loaded.replay_data("shop", mended(row=[1, 2], id=[2, 9]))
    assert result.datasource.get_table("customers").rows() == [
        (1, "a"),
        (2, "b"),
        (9, "c"),
        (3, "d"),
    ]


def test_nothing_mended_changes_nothing(loaded):
    before = loaded.get_data("shop")
    result = loaded.replay_data("shop")
    assert result.datasource.id != before.id
    for name, frame in before.tables.items():
        assert result.datasource.get_table(name).equals(frame)


def test_what_is_known_about_the_dataset_stays(loaded):
    loaded.derive_data("shop", "copy")
    before = loaded.get_data("copy")
    loaded.replay_data("copy", mended(row=[1], id=[2]))
    after = loaded.get_data("copy")
    assert after.ds_type is DataClassification.DERIVED_DATA
    assert after.provenance.files == before.provenance.files
    assert after.provenance.schemas == before.provenance.schemas
    assert after.provenance.derived_from == "shop"
    assert after.provenance.tables["customers"].rows == 2


def test_a_replay_that_halts_leaves_the_dataset_as_it_was(loaded):
    before = loaded.get_data("shop")
    settings = Quarantine(codes={"CONVERSION_FAILED"})
    result = loaded.replay_data("shop", quarantine=settings, halt_on=ValidationSeverity.ERROR)
    assert result.is_failure
    assert loaded.get_data("shop") is before


def test_the_whole_quarantine_may_be_given_back_mended(loaded):
    aside = loaded.get_data("shop").get_table("customers_quarantine")
    new = aside.with_columns(id=pl.col("_row") + 10)
    result = loaded.replay_data("shop", {"customers": new})
    assert result.datasource.get_table("customers")["id"].to_list() == [1, 11, 12, 13]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (mended("orders", row=[1]), "No rows of table 'orders' are in quarantine"),
        ({"customers": pl.DataFrame({"id": [1]})}, "need the column '_row'"),
        (mended(row=[0], id=[1]), "no row 0 in quarantine"),
        (mended(row=[None], id=[1]), "no row None in quarantine"),
        (mended(row=[1, 1], id=[1, 2]), "row 1 is there more than once"),
        (mended(row=[1], ID=[1]), "column 'ID', which the table has not"),
        (mended(row=[1], id=[datetime(2024, 1, 1)]), "do not go together"),
    ],
)
def test_rows_that_do_not_fit_are_refused(loaded, given, reason):
    before = loaded.get_data("shop")
    with pytest.raises(QuarantineError, match=reason):
        loaded.replay_data("shop", given)
    assert loaded.get_data("shop") is before


def test_there_must_be_a_quarantine(shop):
    with pytest.raises(DatasetNotFoundError):
        shop.manager.replay_data("nobody")
    shop.load(customers="id;name\n1;a\n")
    with pytest.raises(QuarantineError, match="no rows in quarantine"):
        shop.manager.replay_data("shop")


def test_a_table_that_was_changed_by_hand_is_refused(loaded):
    source = loaded.get_data("shop")
    good = source.get_table("customers")
    source.tables["customers"] = good.clear()
    aside = source.get_table("customers_quarantine")
    source.tables["customers_quarantine"] = aside.filter(pl.col("_row") > 1)
    with pytest.raises(QuarantineError, match="row numbers that do not fit"):
        loaded.replay_data("shop")
    source.tables["customers_quarantine"] = aside.drop("name")
    with pytest.raises(QuarantineError, match="is not the quarantine of 'customers'"):
        loaded.replay_data("shop")


class Louder(Transformer):
    def transform(self, data):
        data["customers"] = data["customers"].with_columns(pl.col("name").str.to_uppercase())


class Loud(SimpleETLFactory):
    @classmethod
    def create_transformation_sequence(cls, schemas=None, logger=None):
        return TransformationSequence([Louder()], logger)


def test_tables_that_transformers_changed_are_refused(open_shop):
    shop = open_shop(factory=Loud)
    result = shop.load(customers=CUSTOMERS)
    assert result.datasource.get_table("customers").rows() == [(1, "A")]
    with pytest.raises(QuarantineError, match="transformers changed it"):
        shop.manager.replay_data("shop")


class Replacing(SimpleETLFactory):
    """Somebody else replaces the dataset while a replay runs."""

    shop = None

    @classmethod
    def create_transformation_sequence(cls, schemas=None, logger=None):
        if cls.shop is not None:
            shop, cls.shop = cls.shop, None
            shop.load(customers=CUSTOMERS)
        return super().create_transformation_sequence(schemas, logger)


def test_a_dataset_that_was_replaced_meanwhile_is_not_overwritten(open_shop, monkeypatch):
    shop = open_shop(factory=Replacing)
    shop.load(customers=CUSTOMERS)
    monkeypatch.setattr(Replacing, "shop", shop)
    with pytest.raises(StoreError, match="was replaced while"):
        shop.manager.replay_data("shop", mended(row=[1], id=[2]))
    assert "customers_quarantine" in shop.manager.get_data("shop").list_tables()


# --- text with two readings -----------------------------------------------------------------


def table_of(dialect):
    class Table(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
        _CSV = dialect
        ID = Column("id", DataType.INTEGER, primary_key=True)
        PRICE = Column("price", DataType.FLOAT)
        DAY = Column("day", DataType.DATETIME)

    return Table


FILE = "id;price;day\n1;2.345,5;31/01/2024\n2;1,234;01/02/2024\n2;free;soon\n2;3,5;02/02/2024\n"


@pytest.mark.parametrize("declared", [True, False])
def test_text_with_two_readings_stays_unless_the_schema_decides(open_shop, declared):
    plain, said = CSVDialect(), CSVDialect(decimal_mark=",", day_first=True)
    shop = open_shop(schemas=[table_of(said if declared else plain)])
    first = shop.load(t=FILE)
    assert first.datasource.get_table("t").rows() == [(1, 2345.5, datetime(2024, 1, 31))]
    given = mended("t", row=[1, 3], id=[3, 4])
    result = shop.manager.replay_data("shop", given)
    aside = result.quarantine["t"]
    if declared:
        assert aside["_row"].to_list() == [2]
        assert result.datasource.get_table("t").rows()[1:] == [
            (3, 1.234, datetime(2024, 2, 1)),
            (4, 3.5, datetime(2024, 2, 2)),
        ]
        return
    assert aside["_row"].to_list() == [1, 2]
    assert result.datasource.get_table("t")["price"].to_list() == [2345.5, 3.5]
    assert aside["_messages"].to_list()[0] == [
        "price: Value can be read in two ways",
        "day: Value can be read in two ways",
    ]
    assert any("declare decimal_mark or day_first" in m.message for m in result.messages)
    given = mended("t", row=[1], price=[1.234], day=[datetime(2024, 2, 1)], id=[3])
    result = shop.manager.replay_data("shop", given)
    assert result.datasource.get_table("t")["price"].to_list() == [2345.5, 1.234, 3.5]


def test_numbers_that_become_text_again_are_read_back_as_the_same(open_shop):
    """A good row that becomes a duplicate joins rows whose column is text."""
    said = CSVDialect(decimal_mark=",", day_first=True)
    shop = open_shop(schemas=[table_of(said)])
    shop.load(t="id;price;day\n1;1,234;01/02/2024\n5;free;02/02/2024\nx;2;02/02/2024\n")
    result = shop.manager.replay_data("shop", mended("t", row=[2], id=[1]))
    assert result.quarantine["t"]["price"].to_list() == ["1,234", "free", "2"]
    result = shop.manager.replay_data("shop", mended("t", row=[2], id=[2]))
    assert result.datasource.get_table("t").rows() == [
        (1, 1.234, datetime(2024, 2, 1)),
        (2, 2.0, datetime(2024, 2, 2)),
    ]


def test_a_finer_time_goes_with_the_others(open_shop):
    manager = StatelessDataManager(
        SimpleETLFactory, [table_of(CSVDialect())], "json", DataSource, quarantine=True
    )
    shop = open_shop(manager)
    shop.load(t="id;price;day\n1;1;2024-01-01\nx;1;2024-01-02\n")
    given = mended("t", row=[1], id=["2"], day=["2024-01-02T00:00:00.000000001"])
    result = manager.replay_data("shop", given)
    assert result.datasource.get_table("t").schema["day"] == pl.Datetime("ns")
    assert result.datasource.get_table("t")["day"].dt.nanosecond().to_list() == [0, 1]
