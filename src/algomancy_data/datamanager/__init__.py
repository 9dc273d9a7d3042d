"""DataManagers: they ingest, derive, delete and keep DataSources."""

from algomancy_data.datamanager.base import DataManager
from algomancy_data.datamanager.stateful import StatefulDataManager
from algomancy_data.datamanager.stateless import StatelessDataManager

__all__ = ["DataManager", "StatefulDataManager", "StatelessDataManager"]
