"""DataManagers: they ingest, derive, delete and keep DataSources."""

from algomancy_data.datamanager.base import DataManager
from algomancy_data.datamanager.migration import Migration, migrate
from algomancy_data.datamanager.stateful import StatefulDataManager
from algomancy_data.datamanager.stateless import StatelessDataManager
from algomancy_data.folder.export import export_dataset
from algomancy_data.store import DatasetInfo

__all__ = [
    "DataManager",
    "DatasetInfo",
    "Migration",
    "StatefulDataManager",
    "StatelessDataManager",
    "export_dataset",
    "migrate",
]
