"""Relations beside the bare Polars expression, the neighbours, and row tuples on pandas."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import dataframely as dy
import pandera.polars as pa
import polars as pl
import pytest

from algomancy_data import CascadeDropTransformer, ForeignKeyValidator, Relation
from flawed import FLAWED_EVERY, flawed, rows_reported
from harness import Way
from peers import row_tuples
from peers.checks import same
from peers.neighbours import pandera_failures

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from harness import Race

KEYS = {"": ["customer_id"], "composite ": ["country", "customer_id"]}
BARE, TUPLES = "bare polars", "row tuples and sets"


@pytest.fixture(scope="module")
def flawed_tables(rows: int) -> dict[str, pl.DataFrame]:
    return flawed(rows)


@pytest.fixture(scope="module")
def frames_of_pandas(flawed_tables: dict[str, pl.DataFrame]) -> dict[str, pd.DataFrame]:
    return row_tuples.as_pandas(flawed_tables)


def dataframely_check(tables: dict[str, pl.DataFrame], key: list[str]) -> Callable[[], int]:
    """Return what counts the orphans; a collection asks that its tables share their key."""
    known = {"country": dy.String(primary_key=True), "customer_id": dy.Int64(primary_key=True)}
    shared = {name: known[name] for name in key}
    orders: type[dy.Schema] = type(
        "Orders", (dy.Schema,), {**shared, "order_id": dy.Int64(primary_key=True)}
    )
    customers: type[dy.Schema] = type("Customers", (dy.Schema,), shared)

    def known_customer(self: dy.Collection) -> pl.LazyFrame:
        return self.to_dict()["customers"].select(key).unique()

    # Not by a class statement, in which annotations are texts.
    members = {"orders": dy.LazyFrame[orders], "customers": dy.LazyFrame[customers]}
    shop: type[dy.Collection] = type(
        "Shop",
        (dy.Collection,),
        {"__annotations__": members, "known_customer": dy.filter()(known_customer)},
    )
    return lambda: shop.filter(tables)[1]["orders"].counts().get("known_customer", 0)


def pandera_check(tables: dict[str, pl.DataFrame], key: str) -> Callable[[], int]:
    def check() -> int:
        known = tables["customers"][key].implode()
        declared = pa.DataFrameSchema(
            {
                key: pa.Column(
                    pl.Int64,
                    pa.Check(lambda data: data.lazyframe.select(pl.col(data.key).is_in(known))),
                )
            }
        )
        return pandera_failures(declared, tables["orders"])

    return check


def bare_cascade(
    child: pl.DataFrame, parent: pl.DataFrame, columns: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    child = child.join(parent, on=columns, how="semi")
    return child, parent.join(child, on=columns, how="semi")


@pytest.mark.parametrize("kind", KEYS, ids=["single", "composite"])
def test_foreign_key(
    race: Race,
    flawed_tables: dict[str, pl.DataFrame],
    frames_of_pandas: dict[str, pd.DataFrame],
    rows: int,
    kind: str,
) -> None:
    key = KEYS[kind]
    orders, customers = flawed_tables.values()
    validator = ForeignKeyValidator("orders", key, "customers", key)

    def way(name: str, run: Callable[[], int], remark: str = "") -> Way:
        return Way(name, run, check=partial(same, rows // FLAWED_EVERY), remark=remark)

    peers = [
        way(
            BARE, lambda: orders.join(customers, on=key, how="anti").height, "only counts the rows"
        ),
        way(TUPLES, lambda: row_tuples.orphans(*frames_of_pandas.values(), key)),
        way("dataframely", dataframely_check(flawed_tables, key), "checks keys, too"),
    ]
    if not kind:  # pandera has no check of several columns against another table
        peers.append(way("pandera", pandera_check(flawed_tables, *key)))
    race(
        f"validate {kind}foreign key, 1 % orphans",
        way("algomancy-data", lambda: rows_reported(validator.validate(flawed_tables))),
        peers,
    )


@pytest.mark.parametrize("kind", KEYS, ids=["single", "composite"])
def test_cascade(
    race: Race,
    flawed_tables: dict[str, pl.DataFrame],
    frames_of_pandas: dict[str, pd.DataFrame],
    kind: str,
) -> None:
    key = KEYS[kind]
    relation = Relation("orders", tuple(key), "customers", tuple(key), parent_requires_child=True)
    transformer = CascadeDropTransformer(extra_relations=[relation])
    left = [frame.height for frame in bare_cascade(*flawed_tables.values(), key)]

    def ours() -> list[int]:
        data = dict(flawed_tables)
        transformer.transform(data)
        return [frame.height for frame in data.values()]

    def bare() -> list[int]:
        return [frame.height for frame in bare_cascade(*flawed_tables.values(), key)]

    def by_tuples() -> list[int]:
        return [len(frame) for frame in row_tuples.cascade(*frames_of_pandas.values(), key)]

    check = partial(same, left)
    race(
        f"{kind}cascade, 1 % orphans",
        Way("algomancy-data", ours, check=check),
        [Way(BARE, bare, check=check), Way(TUPLES, by_tuples, check=check)],
    )
