"""The manager that keeps its data in memory."""

from __future__ import annotations

from algomancy_data.datamanager.base import DataManager
from algomancy_data.datasource import BASEDATASOURCE


class StatelessDataManager(DataManager[BASEDATASOURCE]):
    """Keeps DataSources in memory; they are gone when the process ends.

    Takes the arguments of :class:`DataManager`; ``save_type`` has no meaning here.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import DataClassification, DataSource, SimpleETLFactory
        >>> manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
        >>> source = DataSource(DataClassification.MASTER_DATA, name="a")
        >>> source.add_table("t", pl.DataFrame({"x": [1]}))
        >>> manager.add_data_source(source)
        >>> manager.derive_data("a", "b")
        >>> manager.get_data_keys()
        ['a', 'b']
    """
