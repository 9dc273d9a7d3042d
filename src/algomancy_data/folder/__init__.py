"""A folder of datasets: one JSON file per dataset, its tables as Arrow IPC files beside it."""

from algomancy_data.folder.content import Content, put_together, take_apart
from algomancy_data.folder.manifest import Identity, Manifest
from algomancy_data.folder.reader import Found
from algomancy_data.folder.store import FolderStore

__all__ = [
    "Content",
    "FolderStore",
    "Found",
    "Identity",
    "Manifest",
    "put_together",
    "take_apart",
]
