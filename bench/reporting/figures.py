"""The ten figures that a user decides by, in front of all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.record import ORDERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reporting.summary import Comparison, Measurement, Results

TPCH: Final = "TPC-H"  # whatever its scale
MANY: Final = "many datasets"
_FILES: Final = {"Polars": "polars read_csv", "pandas": "pandas package's way"}
_WRITE: Final = {
    "Polars": "polars write_database (adbc)",
    "pandas": "pandas to_sql",
    "DuckDB": "DuckDB ATTACH",
}
_READ: Final = {
    "Polars": "polars read_database (adbc)",
    "pandas": "pandas read_sql",
    "DuckDB": "DuckDB ATTACH",
}
_TPCH: Final = {
    "Polars": "polars read_csv, write_database (adbc)",
    "DuckDB": "DuckDB ATTACH",
    "dlt": "dlt",
}
# What is shown: in what words, of which workload and operation, beside whose ways.
_SHOWN: Final = (
    ("CSV files, checked, to frames", ORDERS, "ETL from CSV", _FILES),
    ("frames to SQLite", ORDERS, "persist to SQLite", _WRITE),
    ("frames from SQLite", ORDERS, "first load from SQLite", _READ),
    ("frames to PostgreSQL", ORDERS, "persist to PostgreSQL", _WRITE),
    ("frames from PostgreSQL", ORDERS, "first load from PostgreSQL", _READ),
    ("TPC-H, keys checked, to SQLite", TPCH, "CSV, keys checked, SQLite", _TPCH),
    ("TPC-H, keys checked, to PostgreSQL", TPCH, "CSV, keys checked, PostgreSQL", _TPCH),
    ("many datasets to SQLite", MANY, "persist in one call to SQLite", _WRITE),
    ("memory: frames to SQLite", ORDERS, "peak memory: persist to SQLite", _WRITE),
    ("memory: frames from SQLite", ORDERS, "peak memory: first load from SQLite", _READ),
)
LIBRARIES: Final = ("Polars", "pandas", "DuckDB", "dlt")


@dataclass(frozen=True)
class Figure:
    """Ours beside what users would take instead.

    Args:
        title: In words of the user.
        ours: The measurement.
        others: By library, what it was measured beside.
    """

    title: str
    ours: Measurement
    others: dict[str, Comparison]


def figures(results: Results) -> Iterator[Figure]:
    """Yield those that were measured."""
    for title, workload, operation, libraries in _SHOWN:
        for one in results.measurements:
            if one.operation == operation and one.workload.startswith(workload):
                against = {other.name: other for other in one.against}
                others = {name: against[way] for name, way in libraries.items() if way in against}
                yield Figure(title, one, others)
