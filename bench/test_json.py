"""Nested JSON to tables beside what Polars needs for the same document as lines, and unnesting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from algomancy_data import (
    Column,
    ColumnGroup,
    DataType,
    FileExtension,
    JSONFile,
    JSONMultiExtractor,
    Schema,
    SchemaType,
)
from algomancy_data.testing.workloads import orders
from harness import Way

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Race

# A record with its lines is about as long as five rows of the other benchmarks.
RECORD_SHARE = 5
LINES = 5


class Orders(Schema):
    """Orders, and the lines inside them."""

    _FILENAME = "orders"
    _EXTENSION = FileExtension.JSON
    _SCHEMA_TYPE = SchemaType.MULTI
    ORDER = ColumnGroup(
        "order",
        [
            Column("order_id", DataType.INTEGER, primary_key=True),
            Column("created", DataType.DATETIME),
            Column("amount", DataType.FLOAT),
            Column("customer.id", DataType.INTEGER),
            Column("customer.code", DataType.STRING),
        ],
    )
    LINE = ColumnGroup(
        "line",
        [
            Column("order_id", DataType.INTEGER, foreign_key=("order", "order_id")),
            Column("sku", DataType.STRING),
            Column("quantity", DataType.INTEGER),
            Column("price", DataType.FLOAT),
        ],
        source_path=("lines",),
    )


@pytest.fixture(scope="module")
def paths(rows: int, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return one document, as a list and as one record per line."""
    folder = tmp_path_factory.mktemp("json")
    order = pl.col("order_id")
    line = [
        pl.struct(
            sku=pl.format("{}-{}", pl.col("code"), pl.lit(number)),
            quantity=order * number % 17,
            price=order * number % 9_973 / 100,
        )
        for number in range(1, LINES + 1)
    ]
    document = orders(max(rows // RECORD_SHARE, 1)).select(
        "order_id",
        pl.col("created").dt.to_string("iso:strict"),
        "amount",
        customer=pl.struct(id="customer_id", code="code"),
        lines=pl.concat_list(line),
    )
    paths = {"list": folder / "orders.json", "lines": folder / "orders.ndjson"}
    document.write_json(paths["list"])
    document.write_ndjson(paths["lines"])
    return paths


@pytest.mark.parametrize("form", ["list", "lines"])
def test_nested_json(race: Race, paths: dict[str, Path], rows: int, form: str) -> None:
    def extract() -> dict[str, pl.DataFrame]:
        return JSONMultiExtractor(JSONFile("orders", paths[form]), Orders).extract()

    def read_ndjson() -> dict[str, pl.DataFrame]:
        document = pl.read_ndjson(paths["lines"])
        order = document.drop("lines").unnest("customer", separator=".")
        line = document.select("order_id", "lines").explode("lines").unnest("lines")
        order = order.with_columns(pl.col("created").str.to_datetime())
        return {"orders.order": order, "orders.line": line}

    expected = read_ndjson()

    def check(found: dict[str, pl.DataFrame]) -> None:
        for name, frame in expected.items():
            assert found[name].select(frame.columns).equals(frame)

    race(
        f"extract nested JSON, {form}",
        Way("algomancy-data", extract, check=check),
        [
            Way(
                "polars read_ndjson, unnest, explode",
                read_ndjson,
                check=check,
                remark="" if form == "lines" else "given lines instead of a list",
            )
        ],
        rows=max(rows // RECORD_SHARE, 1) * (1 + LINES),
    )
