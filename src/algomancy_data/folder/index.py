"""What is known about the datasets of a folder, and where their files are."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from algomancy_data.datasource import DataClassification
from algomancy_data.errors import AlgomancyDataError, DamagedStoreError
from algomancy_data.folder.file_names import RESERVED_STEMS, plain_stem
from algomancy_data.folder.reader import SUFFIX, signature

if TYPE_CHECKING:
    from pathlib import Path

    from algomancy_data.datasource import BaseDataSource
    from algomancy_data.folder.reader import Found
    from algomancy_data.folder.writer import FolderWriter

RESERVED_FILES: Final = frozenset(f"{stem}{SUFFIX}" for stem in RESERVED_STEMS)
"""Names of files that are no datasets: the framework has its own things in them."""


@dataclass
class Item:
    """What is known about a dataset.

    Args:
        ordinal: Where it stands in the order of creation.
        found: Its metadata file, if it is kept as this package keeps data.
        data: The DataSource, if it is kept otherwise.
        old_file: The file of records that it was read from, in the form of the pandas package.
        directory: The directory of raw files that it was read from.
        signature: What changes when that file is replaced or written to.
        problem: Why the metadata file could not be read when it was last looked at.
    """

    ordinal: int
    found: Found | None = None
    data: BaseDataSource | None = None
    old_file: Path | None = None
    directory: Path | None = None
    signature: tuple[int, ...] = ()
    problem: str = ""


class FolderIndex:
    """The datasets by name.

    Args:
        files: The files of the folder.
    """

    def __init__(self, files: FolderWriter) -> None:
        self._files = files
        self._items: dict[str, Item] = {}
        self._foreign: dict[str, tuple[int, ...]] = {}
        self._seen: frozenset[str] = frozenset()

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()
        self._foreign.clear()

    def names(self) -> list[str]:
        """Return the names of the known datasets, in order of creation."""
        return sorted(self._items, key=lambda name: self._items[name].ordinal)

    def item(self, name: str) -> Item | None:
        """Return what is known about a dataset."""
        return self._items.get(name)

    def note(self, found: Found) -> None:
        """Note a dataset as its metadata file has it."""
        known = self._items.get(found.manifest.name)
        directory = known.directory if known else None
        self._items[found.manifest.name] = Item(found.manifest.ordinal, found, directory=directory)

    def note_raw(self, name: str, data: BaseDataSource, directory: Path) -> None:
        """Note what an ETL made of a directory of raw files."""
        self._items[name] = Item(directory.stat().st_mtime_ns, data=data, directory=directory)

    def note_old(self, path: Path, data: BaseDataSource) -> None:
        """Note what was read from a file of records, as the pandas package writes it."""
        stat = path.stat()
        self._items[data.name] = Item(
            stat.st_mtime_ns, data=data, old_file=path, signature=signature(stat)
        )

    def ignore(self, path: Path) -> None:
        """Ignore a file until it changes."""
        with suppress(OSError):
            self._foreign[path.name] = signature(path.stat())

    def directories(self) -> set[str]:
        """Return the names of the directories that metadata files refer to."""
        items = self._items.values()
        return {item.found.manifest.directory for item in items if item.found}

    def others(self) -> list[Path]:
        """Return the files seen at the last look that belong to no known dataset."""
        paths = map(_file_of, self._items.values())
        known = {path.name for path in paths if path is not None}
        return [self._files.root / name for name in sorted(self._seen - known)]

    def forget(self, name: str) -> None:
        """Forget a dataset, if it is known."""
        self._items.pop(name, None)

    def look_up(self, name: str) -> Found | None:
        """Return the present metadata file of a dataset.

        Raises:
            StoreError: It is damaged.
        """
        known = self._items.get(name)
        before = known.found if known else None
        path = before.path if before else known and known.old_file
        if path is not None:
            found = self._files.read(path, before)
            if found is not None and found.manifest.name == name:
                return found
        return self._files.find(name)

    def present(self, name: str) -> Found | None:
        """Return the metadata file of a dataset; None also for one that cannot be read."""
        try:
            return self.look_up(name)
        except DamagedStoreError:
            return None

    def look_around(self) -> None:
        """Notice datasets that other processes added, replaced, damaged or removed.

        A file that is as it was is not opened: there may be thousands.
        """
        seen = self._files.signatures()
        self._seen = frozenset(seen)
        for name, item in list(self._items.items()):
            path = _file_of(item)
            if path is not None and (
                path.name not in seen or self._is_of_another(name, item, seen[path.name])
            ):
                del self._items[name]
        for path in self.others():
            if path.name not in RESERVED_FILES and self._foreign.get(path.name) != seen[path.name]:
                self._notice(path)

    def _is_of_another(self, name: str, item: Item, now: tuple[int, ...]) -> bool:
        """Tell whether a known file is now another dataset's; a replaced one may have moved."""
        if item.found is None or item.found.signature == now:
            return False
        try:
            found = self._files.read(item.found.path, item.found)
        except (AlgomancyDataError, OSError) as error:
            item.problem = str(error)
            return False
        if found is None or found.manifest.name != name:
            return True
        self.note(found)
        return False

    def _notice(self, path: Path) -> None:
        """Add a dataset that another process saved; other files are read only once."""
        try:
            self.ignore(path)
            found = self._files.read(path)
            if found is not None and found.manifest.name not in self._items:
                self.note(self._files.checked(found))
        except (AlgomancyDataError, OSError):
            return

    def place(self, name: str, found: Found | None) -> Path:
        """Return where the metadata file of a dataset is, or is to be."""
        if found is not None:
            return found.path
        known = self._items.get(name)
        if known is not None and known.old_file is not None and known.old_file.exists():
            return known.old_file
        return self._files.damaged_path(name) or self._files.path_for(name)

    def ordinal(self, name: str, found: Found | None) -> int:
        """Return the ordinal of a dataset to be saved; a replaced one keeps its place."""
        if found is not None:
            return found.manifest.ordinal
        known = self._items.get(name)
        if known is None:
            return self.next_ordinal()
        path = _file_of(known)
        # Others may have deleted it since it was noted: then it is a new one.
        return known.ordinal if path is None or path.exists() else self.next_ordinal()

    def next_ordinal(self) -> int:
        """Return the ordinal of a new dataset."""
        last = max((item.ordinal for item in self._items.values()), default=0)
        return max(time.time_ns(), last + 1)

    def raw_directory(self, name: str, found: Found | None) -> Path | None:
        """Return the raw files that would bring a deleted dataset back at the next startup."""
        item = self._items.get(name)
        if item is not None and item.directory is not None:
            return item.directory if item.directory.is_dir() else None
        path = self._files.root / name
        if item is None or plain_stem(name) is None or not path.is_dir():
            return None
        if item.data is not None:
            return path if item.data.is_master_data() else None
        is_master = found and found.manifest.info.ds_type == DataClassification.MASTER_DATA
        return path if is_master else None


def _file_of(item: Item) -> Path | None:
    return item.found.path if item.found else item.old_file
