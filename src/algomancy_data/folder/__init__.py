"""A folder of datasets: one JSON file per dataset, its tables as Arrow IPC files beside it."""

from algomancy_data.folder.store import FolderStore

__all__ = ["FolderStore"]
