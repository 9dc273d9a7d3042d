"""Stores: where a DataManager keeps its datasets."""

from algomancy_data.store.base import Copied, Loaded, Saved, Store
from algomancy_data.store.integrity import Damage, Leftover
from algomancy_data.store.memory import MemoryStore
from algomancy_data.store.summary import DatasetSummary, TableSummary

__all__ = [
    "Copied",
    "Damage",
    "DatasetSummary",
    "Leftover",
    "Loaded",
    "MemoryStore",
    "Saved",
    "Store",
    "TableSummary",
]
