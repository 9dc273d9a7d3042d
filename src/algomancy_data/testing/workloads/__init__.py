"""The bench's tables at any size: the same rows for the same seed on every machine and release.

Orders and customers, alone or many times, and a table of many columns; as frames or as files. They
need no more than the package itself.
"""

from algomancy_data.testing.workloads.files import (
    CSV_DATETIME,
    write_csv,
    write_ndjson,
    write_parquet,
)
from algomancy_data.testing.workloads.shop import (
    SCHEMAS,
    Customers,
    Orders,
    customers,
    datasets,
    frames,
    orders,
    schemas_for,
    slices,
)
from algomancy_data.testing.workloads.wide import wide, wide_schema

__all__ = [
    "CSV_DATETIME",
    "SCHEMAS",
    "Customers",
    "Orders",
    "customers",
    "datasets",
    "frames",
    "orders",
    "schemas_for",
    "slices",
    "wide",
    "wide_schema",
    "write_csv",
    "write_ndjson",
    "write_parquet",
]
