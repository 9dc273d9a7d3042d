"""Every store keeps a quarantine with its dataset, and brings it back."""

import polars as pl
import pytest

from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
from algomancy_data.database import DatabaseDataManager
from algomancy_data.testing.comparison import assert_identical

CUSTOMERS = "id;name\n1;a\nx;b\n3;c\n3;d\n"
ORDERS = "id;customer;day;note\n10;3;2024-01-01;n\n11;1;soon;n\n12;1;2024-01-02;n\n"


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def reopen(request, tmp_path, open_shop):
    """Return a started manager on one place, a new one each time where a store keeps data."""
    if request.param == "memory":
        manager = StatelessDataManager(SimpleETLFactory, open_shop.SCHEMAS, "json", DataSource)
        yield lambda: manager
        return
    place = f"sqlite:///{tmp_path / 'shop.db'}"
    if request.param == "postgresql":
        place = request.getfixturevalue("empty_postgresql")
    managers = []

    def reopen():
        manager = DatabaseDataManager(
            SimpleETLFactory, open_shop.SCHEMAS, place, "s", DataSource, quarantine=True
        )
        manager.startup()
        managers.append(manager)
        return manager

    yield reopen
    for manager in managers:
        manager.close()


def test_a_quarantine_comes_back_and_is_replayed_by_another_manager(reopen, open_shop):
    result = open_shop(reopen()).load(customers=CUSTOMERS, orders=ORDERS)
    stored = reopen().get_data("shop")
    assert stored.provenance.extracted == result.extracted
    assert stored.list_tables() == [
        *("customers", "orders"),
        *("customers_quarantine", "orders_quarantine"),
    ]
    for name, frame in result.quarantine.items():
        assert_identical(stored.get_table(f"{name}_quarantine"), frame)
    mended = {
        "customers": pl.DataFrame({"_row": [1, 3], "id": [2, 4]}),
        "orders": pl.DataFrame({"_row": [1], "day": ["2024-01-03"]}),
    }
    reopen().replay_data("shop", mended)
    stored = reopen().get_data("shop")
    assert stored.list_tables() == ["customers", "orders"]
    assert stored.get_table("customers")["id"].to_list() == [1, 2, 3, 4]
    assert stored.get_table("orders")["id"].to_list() == [10, 11, 12]


def test_a_derived_dataset_has_a_quarantine_of_its_own(reopen, open_shop):
    open_shop(reopen()).load(customers=CUSTOMERS)
    reopen().derive_data("shop", "copy")
    reopen().delete_data("shop")
    result = reopen().replay_data("copy", {"customers": pl.DataFrame({"_row": [1], "id": [2]})})
    assert result.datasource.get_table("customers")["id"].to_list() == [1, 2]
    reopen().delete_data("copy")
    assert reopen().get_data_keys() == []
