"""Stores: where a DataManager keeps its datasets."""

from algomancy_data.store.addition import Addition
from algomancy_data.store.base import Store, check_name
from algomancy_data.store.history import Attempt, History, MemoryHistory, Outcome
from algomancy_data.store.info import DatasetInfo, TableInfo
from algomancy_data.store.memory import MemoryStore
from algomancy_data.store.outcomes import Added, Copied, Damage, Leftover, Loaded, Saved

__all__ = [
    "Added",
    "Addition",
    "Attempt",
    "Copied",
    "Damage",
    "DatasetInfo",
    "History",
    "Leftover",
    "Loaded",
    "MemoryHistory",
    "MemoryStore",
    "Outcome",
    "Saved",
    "Store",
    "TableInfo",
    "check_name",
]
