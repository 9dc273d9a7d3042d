"""Migration: datasets are copied into another manager, one by one, and verified."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from algomancy_data.datamanager.stateful import StatefulDataManager
from algomancy_data.datasource import DataSource
from algomancy_data.errors import DatasetExistsError, StoreError
from algomancy_data.frames.identical import identical

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from algomancy_data.datamanager.base import DataManager
    from algomancy_data.datasource import BASEDATASOURCE, BaseDataSource


@dataclass(frozen=True)
class Migration:
    """The outcome of :func:`migrate`.

    Args:
        copied: Names of the datasets that were copied and verified.
        already_there: Names of those that the target had, identical.
        failed: Why the others were not copied, by name.
    """

    copied: tuple[str, ...] = ()
    already_there: tuple[str, ...] = ()
    failed: dict[str, Exception] = field(default_factory=dict[str, Exception])

    @property
    def is_complete(self) -> bool:
        """Whether the target has every dataset."""
        return not self.failed


def migrate(
    source: DataManager[BASEDATASOURCE],
    target: DataManager[BASEDATASOURCE],
    names: Iterable[str] | None = None,
) -> Migration:
    """Copy datasets from one manager to another, such as from a folder to a database.

    Each dataset is written, read again from where it was written, and compared, before it counts
    as copied. Nothing is deleted from the source. Call it again after whatever ended it: datasets
    that the target has already, identical, are not written again. One that fails does not keep
    the others from being copied.

    Args:
        source: Where the datasets are; started.
        target: Where they are to go; started. Its DataSources in memory are forgotten.
        names: Which datasets; None for all.

    Returns:
        What was copied and what was not. What the source could not read at its startup counts as
        failed, by its path, unless ``names`` are given. A dataset of the same name that is another
        one is left alone, with a ``DatasetExistsError``.

    Example:
        >>> from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
        >>> old, new = (
        ...     StatelessDataManager(SimpleETLFactory, [], "json", DataSource) for _ in "ab"
        ... )
        >>> old.add_data_source(DataSource("master_data", name="a"))
        >>> migrate(old, new).copied, migrate(old, new).already_there
        (('a',), ('a',))
    """
    copied: list[str] = []
    already_there: list[str] = []
    failed: dict[str, Exception] = {}
    if names is None and isinstance(source, StatefulDataManager):
        failed.update(source.startup_errors)
    for name in source.get_data_keys() if names is None else names:
        try:
            is_new = _copy(source, target, name)
        except Exception as error:  # noqa: BLE001  of whatever class: the others are to be copied
            failed[name] = error
            continue
        finally:
            target.refresh()  # so that no more than one dataset is in memory
        (copied if is_new else already_there).append(name)
    return Migration(tuple(copied), tuple(already_there), failed)


def _copy(
    source: DataManager[BASEDATASOURCE], target: DataManager[BASEDATASOURCE], name: str
) -> bool:
    """Copy a dataset; return False if it is there already."""
    data = source.require_data(name)
    there = target.get_data(name)
    if there is not None:
        if difference(data, there, name) is not None:
            raise DatasetExistsError.from_name(name)
        return False
    target.set_data(name, data)
    target.refresh()
    problem = difference(data, target.require_data(name), name)
    if problem is not None:
        target.delete_data(name)
        msg = f"Dataset {name!r} did not come back identical, and was deleted again: {problem}."
        raise StoreError(msg)
    return True


def difference(one: BaseDataSource, other: BaseDataSource, key: str) -> str | None:
    """Return what two DataSources differ in, or None.

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
