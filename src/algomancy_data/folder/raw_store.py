"""The store of a folder that also has raw files and files of the pandas package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data.folder.content import read_old_file
from algomancy_data.folder.file_names import plain_stem
from algomancy_data.folder.raw import write_raw
from algomancy_data.folder.reader import SUFFIX
from algomancy_data.folder.store import FolderStore, report_held
from algomancy_data.metrics import NO_PHASE
from algomancy_data.store import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import polars as pl

    from algomancy_data.datasource import BaseDataSource
    from algomancy_data.metrics import Phase
    from algomancy_data.store import Saved


class RawFolderStore(FolderStore):
    """A :class:`FolderStore` with what a :class:`~algomancy_data.StatefulDataManager` adds to it.

    Takes the arguments of :class:`FolderStore`.
    """

    def replace_file(self, name: str, data: BaseDataSource, *, phase: Phase = NO_PHASE) -> Saved:
        """Write a dataset to ``<name>.json``, even if that replaces a foreign file."""
        is_foreign = self.has_file(name) and self._index.look_up(name) is None
        return self._save(name, data, self._plain_path(name) if is_foreign else None, phase)

    def has_file(self, name: str) -> bool:
        """Tell whether a dataset is in the folder, or its file would replace another one."""
        return self._index.look_up(name) is not None or self._plain_path(name).exists()

    def is_saved(self, name: str) -> bool:
        """Tell whether a dataset is kept in this package's format."""
        return self._index.look_up(name) is not None

    def _plain_path(self, name: str) -> Path:
        return self._root / f"{plain_stem(name) or ''}{SUFFIX}"

    def read_file(self, path: Path, *, phase: Phase = NO_PHASE) -> tuple[str, BaseDataSource]:
        """Return the name and DataSource of a metadata file, or a file of records.

        Raises:
            StoreError: It is damaged.
            SerializationError: The class does not understand it.
        """
        found = self._files.read(path)
        if found is not None:
            return found.manifest.name, self._read(found, self._cls, phase, verify=True)
        data = read_old_file(path, self._cls)
        report_held(phase, data, path)
        return data.name, data

    def add_file(self, path: Path, *, phase: Phase = NO_PHASE) -> None:
        """Note the dataset of such a file; see :meth:`read_file`."""
        found = self._files.read(path)
        if found is not None:
            self._index.note(self._files.checked(found))
            return
        data = read_old_file(path, self._cls)
        check_name(data.name)
        report_held(phase, data, path)
        self._index.note_old(path, data)

    def add_raw(self, name: str, data: BaseDataSource) -> None:
        """Keep the DataSource of a directory of raw files until the store is closed."""
        self._index.note_raw(name, data, self._root / name)

    def write_raw(
        self,
        name: str,
        data: BaseDataSource,
        frames: Mapping[str, pl.DataFrame],
        *,
        phase: Phase = NO_PHASE,
    ) -> None:
        """Write tables as CSV files to a directory, and keep their DataSource until the end.

        Raises:
            UnstorableError: CSV cannot hold a table.
            StoreError: The folder fails.
        """
        directory = self._root / name
        phase.handles(frames.values())
        with self._files.writing(f"storing the files of {name!r}"):
            write_raw(self._files, directory, frames, phase)
        self.add_raw(name, data)
