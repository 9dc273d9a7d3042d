"""Stores: where a DataManager keeps its datasets."""

from algomancy_data.store.base import (
    Copied,
    Damage,
    Leftover,
    Loaded,
    Saved,
    Store,
    check_name,
)
from algomancy_data.store.info import DatasetInfo, TableInfo
from algomancy_data.store.memory import MemoryStore

__all__ = [
    "Copied",
    "Damage",
    "DatasetInfo",
    "Leftover",
    "Loaded",
    "MemoryStore",
    "Saved",
    "Store",
    "TableInfo",
    "check_name",
]
