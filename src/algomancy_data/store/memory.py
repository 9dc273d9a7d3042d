"""The store that keeps DataSources in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import uuid4

from algomancy_data.datasource import tables_of
from algomancy_data.errors import DatasetNotFoundError
from algomancy_data.metrics import NO_PHASE
from algomancy_data.store.base import Store
from algomancy_data.store.info import DatasetInfo, kept_provenance
from algomancy_data.store.outcomes import Loaded, Saved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from algomancy_data.datasource import BASEDATASOURCE, BaseDataSource
    from algomancy_data.metrics import Phase


class MemoryStore(Store):
    """Keeps the DataSources themselves; they are gone when the process ends.

    Example:
        >>> from algomancy_data import DataSource
        >>> store = MemoryStore()
        >>> source = DataSource("master_data", name="a")
        >>> source.add_table("t", {"x": [1, 2]})
        >>> _ = store.save("a", source)
        >>> store.names(), store.describe("a").rows, store.load("a", DataSource).data is source
        (['a'], 2, True)
    """

    shares_objects: ClassVar[bool] = True

    def __init__(self) -> None:
        self._kept: dict[str, Loaded[Any]] = {}

    @property
    def location(self) -> str:
        """The word "memory"."""
        return "in memory"

    @property
    def objects(self) -> Mapping[str, BaseDataSource]:
        """The DataSources by name."""
        return {name: kept.data for name, kept in self._kept.items()}

    def names(self) -> list[str]:
        """Return the names of the datasets, in order of creation."""
        return list(self._kept)

    def version(self, name: str) -> str | None:
        """Return the version of a dataset, or None if there is none of that name."""
        kept = self._kept.get(name)
        return None if kept is None else kept.version

    def describe(self, name: str) -> DatasetInfo:
        """Return the metadata of a DataSource as it is now."""
        kept = self._require(name)
        return DatasetInfo.of(name, kept.data, version=kept.version)

    def load(
        self,
        name: str,
        cls: type[BASEDATASOURCE],  # noqa: ARG002  it has its class
        *,
        phase: Phase = NO_PHASE,  # noqa: ARG002  nothing is read
    ) -> Loaded[BASEDATASOURCE]:
        """Return the DataSource that was saved."""
        return cast("Loaded[BASEDATASOURCE]", self._require(name))

    def save(self, name: str, data: BaseDataSource, *, phase: Phase = NO_PHASE) -> Saved:
        """Keep a DataSource, shared with the caller."""
        return self.save_all({name: data}, phase=phase)[name]

    def save_all(
        self, datasets: Mapping[str, BaseDataSource], *, phase: Phase = NO_PHASE
    ) -> dict[str, Saved]:
        """Keep DataSources, shared with the caller."""
        frames = {name: tables_of(data) for name, data in datasets.items()}
        phase.handles([frame for tables in frames.values() for frame in tables.values()])
        for name, data in datasets.items():
            data.provenance = kept_provenance(data, frames[name], phase.sizes)
        kept = {name: Loaded(data, uuid4().hex) for name, data in datasets.items()}
        self._kept |= kept
        return {name: Saved(one.version, one.data.provenance) for name, one in kept.items()}

    def drop(self, name: str) -> None:
        """Forget a DataSource."""
        del self._kept[name]

    def _require(self, name: str) -> Loaded[Any]:
        kept = self._kept.get(name)
        if kept is None:
            raise DatasetNotFoundError.from_available(name, self._kept)
        return kept
