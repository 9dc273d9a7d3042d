"""Orders with flaws of which the number is known, and how many of them messages report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.testing.workloads import frames

if TYPE_CHECKING:
    from collections.abc import Iterable

    from algomancy_data.messages import ValidationMessage

FLAWED_EVERY = 100


def flawed(rows: int) -> dict[str, pl.DataFrame]:
    """Return orders and customers; 1 % of the orders are flawed.

    They have an unknown customer, and the code and the number of the row before. A column
    ``country`` is, with ``customer_id``, a reference of two columns.
    """
    tables = frames(rows)
    orders, customers = tables["orders"], tables["customers"]
    number = pl.int_range(pl.len())
    picked = number % FLAWED_EVERY == FLAWED_EVERY - 1
    country = customers["country"].gather(orders["customer_id"] - 1)
    orders = orders.with_columns(
        pl.col("code", "order_id").gather(number - picked.cast(pl.Int64)),
        country.alias("country"),
        customer_id=pl.when(picked).then(-pl.col("customer_id")).otherwise("customer_id"),
    )
    return {"orders": orders, "customers": customers}


def rows_reported(messages: Iterable[ValidationMessage]) -> int:
    """Return how many bad rows messages tell of: one each, or as many as the last one sums up."""
    return sum(message.count for message in messages)
