"""The way out of a folder: its datasets go into another manager, one by one, each verified."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from algomancy_data.datamanager.comparison import difference
from algomancy_data.datamanager.stateful import StatefulDataManager
from algomancy_data.errors import DatasetExistsError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from algomancy_data.datamanager.base import DataManager
    from algomancy_data.datasource import BASEDATASOURCE


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
    """Copy datasets from one manager to another: out of a folder into a database, or elsewhere.

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
