"""Reading a folder at startup, each item on its own, whatever is wrong with others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data.datasource import tables_of
from algomancy_data.errors import DatasetExistsError, StoreError, ValidationError
from algomancy_data.folder.content import read_old_file
from algomancy_data.folder.index import RESERVED_FILES
from algomancy_data.folder.journal import JOURNAL
from algomancy_data.folder.reader import PRIVATE, SUFFIX
from algomancy_data.folder.writer import FolderWriter
from algomancy_data.store import check_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from algomancy_data.datasource import BaseDataSource
    from algomancy_data.folder.index import FolderIndex
    from algomancy_data.logs import Logger
    from algomancy_data.metrics import Phase


class FolderStartup:
    """One reading of a folder.

    Args:
        files: The files of the folder.
        index: Where the datasets are to be noted.
        cls: Class of the DataSources.
        logger: Told what is skipped.
        extract: Makes a DataSource of a directory of raw files, if one can be made.
    """

    def __init__(
        self,
        files: FolderWriter,
        index: FolderIndex,
        cls: type[BaseDataSource],
        logger: Logger,
        extract: Callable[[Path], BaseDataSource] | None,
    ) -> None:
        self._files = files
        self._index = index
        self._cls = cls
        self._logger = logger
        self._extract = extract
        self._errors: list[tuple[str, Exception]] = []

    def run(self, phase: Phase) -> list[tuple[str, Exception]]:
        """Note every dataset, clear what a crash left; return the paths that failed, and why.

        Args:
            phase: Told of the rows that are read.

        Raises:
            StoreError: The folder cannot be listed.
        """
        try:
            paths = sorted(self._files.root.iterdir())
        except OSError as error:
            msg = f"The folder {str(self._files.root)!r} cannot be listed: {error}"
            raise StoreError(msg) from error
        # A dataset's file counts for more than the raw files that it once was made of.
        for path in sorted(paths, key=lambda path: path.suffix != SUFFIX):
            if path.name not in {PRIVATE, JOURNAL, *RESERVED_FILES}:
                self._read_item(path, phase)
        self._clear_leftovers()
        return self._errors

    def _read_item(self, path: Path, phase: Phase) -> None:
        try:
            self._files.check_link(path)
            if path.suffix == SUFFIX and path.is_file():
                self._read_file(path, phase)
            elif path.is_dir() and not path.name.startswith("."):
                self._read_directory(path, phase)
            else:
                self._logger.warning(f"Skipped {path.name!r}: it is no dataset.")
        except Exception as error:  # noqa: BLE001  one item must not keep the others from loading
            self._logger.error(f"Skipped {path.name!r}: {error}")
            self._errors.append((str(path), error))
            self._index.ignore(path)

    def _read_file(self, path: Path, phase: Phase) -> None:
        found = self._files.read(path)
        if found is not None:
            self._refuse_known(found.manifest.name)
            self._index.note(self._files.checked(found))
            return
        data = read_old_file(path, self._cls)
        self._refuse_known(data.name)
        self._index.note_old(path, data)
        phase.advance(_rows(data))

    def _read_directory(self, path: Path, phase: Phase) -> None:
        item = self._index.item(path.name)
        if item is None:
            if self._extract is None:
                msg = f"The raw files in {path.name!r} need an ETL: use a manager with schemas."
                raise ValidationError(msg)
            data = self._extract(path)
            self._index.note_raw(path.name, data, path)
            phase.advance(_rows(data))
            return
        item.directory = path
        self._logger.warning(
            f"Skipped the raw files in {path.name!r}: there is a dataset of that name."
        )

    def _refuse_known(self, key: str) -> None:
        check_name(key)
        if self._index.item(key) is not None:
            raise DatasetExistsError.from_name(key)

    def _clear_leftovers(self) -> None:
        if not self._files.has_leftovers(self._index.directories()):
            return
        unclear = [path for path, _ in self._errors if path.endswith(SUFFIX)]
        if unclear:  # its tables look like leftovers, and may be all that is left of it
            self._logger.warning(f"Cleared nothing in {PRIVATE!r}, because of {unclear[0]!r}.")
            return
        try:
            with FolderWriter(self._files.root, lock_timeout=0).writing("clearing leftovers"):
                self._files.clear_leftovers()
        except StoreError as error:  # somebody else is writing, or only reading is allowed
            self._logger.warning(f"Cleared nothing in {PRIVATE!r}: {error}")


def _rows(data: BaseDataSource) -> int:
    return sum(frame.height for frame in tables_of(data).values())
