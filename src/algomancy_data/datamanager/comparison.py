"""Whether two DataSources are the same data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data.datasource import DataSource
from algomancy_data.frames.identical import identical

if TYPE_CHECKING:
    import polars as pl

    from algomancy_data.datasource import BaseDataSource


def difference(one: BaseDataSource, other: BaseDataSource, key: str) -> str | None:
    """Return in what two DataSources differ; None if they do not.

    NaN is NaN, null is null, and 0.0 is not -0.0.

    Args:
        one: What was written.
        other: What was read.
        key: Name under which it was written. Some managers make it the DataSource's own name.

    Example:
        >>> import polars as pl
        >>> a, b = (DataSource("master_data", name="a", ds_id="1") for _ in "ab")
        >>> b._creation_datetime = a.creation_datetime
        >>> a.add_table("t", pl.DataFrame({"x": [0.0]}))
        >>> b.add_table("t", pl.DataFrame({"x": [-0.0]}))
        >>> difference(a, b, "a")
        "the values of column 'x' of table 't' differ"
    """
    if other.name not in {one.name, key}:
        return f"its name is {other.name!r} instead of {one.name!r}"
    for what in ("id", "ds_type", "creation_datetime"):
        if getattr(one, what) != getattr(other, what):
            return f"its {what} is {getattr(other, what)!r} instead of {getattr(one, what)!r}"
    if not isinstance(one, DataSource) or not isinstance(other, DataSource):
        return None if one.to_json() == other.to_json() else "its to_json() differs"
    if one.list_tables() != other.list_tables():
        return f"its tables are {other.list_tables()} instead of {one.list_tables()}"
    found = (_frame_difference(name, one.tables[name], other.tables[name]) for name in one.tables)
    return next((problem for problem in found if problem is not None), None)


def _frame_difference(table: str, one: pl.DataFrame, other: pl.DataFrame) -> str | None:
    if one.shape != other.shape or list(one.schema.items()) != list(other.schema.items()):
        return f"table {table!r} has {other.shape} {other.schema} instead of {one.shape}"
    for column in one:
        if not identical(column, other[column.name]):
            return f"the values of column {column.name!r} of table {table!r} differ"
    return None
