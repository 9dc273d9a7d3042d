"""The store that keeps datasets in a folder."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, cast

from algomancy_data.datasource import (
    BASEDATASOURCE,
    BaseDataSource,
    DataSource,
)
from algomancy_data.display.words import counted
from algomancy_data.errors import AdditionError, DatasetNotFoundError
from algomancy_data.folder.content import put_together, read_old_file, take_apart
from algomancy_data.folder.files import check_locks
from algomancy_data.folder.growth import add_rows, delete_rows
from algomancy_data.folder.index import FolderIndex, Item
from algomancy_data.folder.jobs import FolderHistory
from algomancy_data.folder.reader import signature
from algomancy_data.folder.startup import FolderStartup
from algomancy_data.folder.writer import FolderWriter
from algomancy_data.metrics import NO_PHASE
from algomancy_data.store import (
    Added,
    Copied,
    Damage,
    DatasetInfo,
    Leftover,
    Loaded,
    Saved,
    Store,
)
from algomancy_data.store.addition import key_of, known_rows
from algomancy_data.store.info import kept_provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import polars as pl

    from algomancy_data.folder.content import Content
    from algomancy_data.folder.reader import Found
    from algomancy_data.metrics import Phase
    from algomancy_data.store import Addition


class FolderStore(Store):
    """Keeps datasets in a folder: Arrow IPC tables, and a JSON file that says what they are.

    A crash at any moment leaves the old dataset or the new one. Tables are mapped into memory when
    a dataset is loaded, not read. Several stores, in one or several processes, may use one folder.
    The page "The folder format" describes the files.

    Args:
        root: The folder; it is made when something is first kept in it.
        data_object_type: Class of the DataSources.
        extract: Makes a DataSource of a directory of raw files, which :meth:`open` comes across;
            None for a folder without.
        lock_timeout: Seconds to wait for another process that is writing to the folder.
        verify_on_load: Compare the check sums of a dataset when it is first loaded in this
            process, which reads its tables once. Without, damaged values are not noticed.

    Raises:
        UnsupportedSystemError: The system is one like Windows, without the locks it needs.

    Attributes:
        startup_errors: What :meth:`open` could not read: paths, and why.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from algomancy_data import DataSource
        >>> from algomancy_data.folder import FolderStore
        >>> source = DataSource("master_data", name="a")
        >>> source.add_table("t", {"x": [1, 2]})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = FolderStore(Path(folder), DataSource)
        ...     store.open()
        ...     _ = store.save("a", source)
        ...     store.describe("a").rows, (Path(folder) / "a.json").exists()
        (2, True)
    """

    def __init__(
        self,
        root: Path,
        data_object_type: type[BaseDataSource],
        extract: Callable[[Path], BaseDataSource] | None = None,
        *,
        lock_timeout: float = 60.0,
        verify_on_load: bool = True,
    ) -> None:
        check_locks()
        self._root = root
        self._cls = data_object_type
        self._extract = extract
        self._verify_on_load = verify_on_load
        self._files = FolderWriter(root, lock_timeout)
        self._index = FolderIndex(self._files)
        self.startup_errors: list[tuple[str, Exception]] = []

    def open(self, *, phase: Phase = NO_PHASE) -> None:
        """Read what is in the folder, each item on its own, and clear what a crash left.

        An item that fails is logged and skipped, leaves nothing behind in memory, and is added to
        :attr:`startup_errors`; the others are read all the same.

        Raises:
            StoreError: The folder cannot be listed.
        """
        self.startup_errors = []
        self._index.clear()
        if not self._root.is_dir():
            self._logger.warning(f"There is no folder {str(self._root)!r} yet.")
            return
        startup = FolderStartup(self._files, self._index, self._cls, self._logger, self._extract)
        self.startup_errors = startup.run(phase)
        found = counted(len(self._index.names()), "dataset")
        self._logger.log(f"Opened {str(self._root)!r}: {found}.")

    @cached_property
    def history(self) -> FolderHistory:
        """The folder's attempts at jobs."""
        return FolderHistory(self._files)

    def _share_memory(self, in_memory_bytes: int) -> None:
        self._files.in_memory_bytes = in_memory_bytes

    @property
    def location(self) -> str:
        """The folder."""
        return f"in {str(self._root)!r}"

    # --- what there is ----------------------------------------------------------------------

    def names(self) -> list[str]:
        """Return the names of the datasets, in order of creation."""
        self._index.look_around()
        return self._index.names()

    def version(self, name: str) -> str | None:
        """Return the present version of a dataset, or None if there is none of that name."""
        item = self._index.item(name)
        if item is not None and item.found is None and item.old_file is None:
            return _held_version(item)
        if (found := self._index.present(name)) is not None:
            return found.version
        if item is not None and item.old_file is not None and item.old_file.exists():
            return f"file {signature(item.old_file.stat())}"
        if self._files.damaged_path(name) is not None:
            return "damaged"
        self._index.forget(name)
        return None

    def describe(self, name: str) -> DatasetInfo:
        """Return what a metadata file says about a dataset, without opening its tables.

        Raises:
            DatasetNotFoundError: There is none of that name.
            StoreError: The file is damaged.
        """
        item = self._index.item(name)
        if item is not None and item.data is not None:
            return _info(name, item)
        found = self._index.look_up(name)
        if found is None:
            raise DatasetNotFoundError.from_available(name, self.names())
        return found.info

    def describe_all(self, newest: int | None = None) -> list[DatasetInfo]:
        """Return what the metadata files say about the datasets, in order of creation.

        Those whose metadata is damaged are the last, by the name of the file if nobody can tell
        another, and say so.

        Args:
            newest: Only so many, those that were created last; None for all.
        """
        known = self.names()
        damages = self._unread()
        most = len(known) if newest is None else max(newest - len(damages), 0)
        items = ((name, self._index.item(name)) for name in known[max(len(known) - most, 0) :])
        return [
            *(_info(name, item) for name, item in items if item is not None),
            *(_unreadable(one.dataset, one.problem) for one in damages[:newest]),
        ]

    def _unread(self) -> list[Damage]:
        """Return what is wrong with damaged metadata files, whose datasets are unknown."""
        damages = map(self._files.damage, self._index.others())
        names = {*self._index.names()}
        return [one for one in damages if one is not None and one.dataset not in names]

    # --- reading and writing ----------------------------------------------------------------

    def load(
        self, name: str, cls: type[BASEDATASOURCE], *, phase: Phase = NO_PHASE
    ) -> Loaded[BASEDATASOURCE]:
        """Map the tables of a dataset into memory; earlier mappings stay readable.

        Raises:
            DatasetNotFoundError: There is none of that name.
            StoreError: A file of the dataset is damaged.
            SerializationError: The class does not understand it.
        """
        item = self._index.item(name)
        if item is not None and item.found is None and item.old_file is None:
            report_held(phase, item.data)
            return Loaded(cast("BASEDATASOURCE", item.data), _held_version(item))
        tried: Found | None = None
        while (found := self._index.look_up(name)) is not None:
            if tried is not None and tried.stamp == found.stamp:
                self._files.check(found.manifest)  # it is missing, and nobody replaced it
            try:
                data = self._read(found, cls, phase, verify=self._verify_on_load)
            except FileNotFoundError:  # another process replaced the dataset meanwhile
                tried = found
                continue
            self._index.note(found)
            return Loaded(data, found.version)
        if item is not None and (path := item.old_file) is not None and path.exists():
            if item.signature != signature(path.stat()):
                self._index.note_old(path, read_old_file(path, self._cls))
                item = self._index.item(name)
            if item is not None:
                report_held(phase, item.data, path)
                return Loaded(cast("BASEDATASOURCE", item.data), _held_version(item))
        self._index.forget(name)
        raise DatasetNotFoundError.from_available(name, self.names())

    def save(self, name: str, data: BaseDataSource, *, phase: Phase = NO_PHASE) -> Saved:
        """Write a dataset; it is on disk when this returns.

        Raises:
            UnstorableError: It holds something that cannot be kept exactly.
            StoreError: The folder fails.
        """
        return self._save(name, data, None, phase)

    def add(
        self, name: str, data: BaseDataSource, addition: Addition, *, phase: Phase = NO_PHASE
    ) -> Added:
        """Write the rows of a DataSource as a new part of each table.

        A part of which rows are replaced is written again, and so is now and then one that has no
        more rows than are added, so that there are never many.

        Raises:
            AdditionError: The rows do not fit, or have a key that is stored.
            UnstorableError: They hold something that cannot be kept exactly.
            StoreError: The folder fails.
        """
        if self._index.look_up(name) is None and self.version(name) is not None:
            return super().add(name, data, addition, phase=phase)  # raw files, or an old-style one
        content = take_apart(name, data)
        with self._files.writing(f"adding rows to dataset {name!r}"):
            before = self._index.look_up(name)
            cls = type(data)
            addition.require_references(
                None if before is None else before.info,
                lambda table, key, keys: self.known_keys(name, table, key, keys, cls),
            )
            if before is None:
                load = addition.first(content.frames)
                phase.handles(content.frames.values())
                written = self._write(name, data, content, None, phase)
            else:
                if before.manifest.kind != "tables" or content.kind != "tables":
                    raise AdditionError.from_payload(name)
                phase.handles(content.frames.values())
                messages = data.validation_messages
                written, load = add_rows(
                    self._files, before, content.frames, addition, messages, phase
                )
        self._index.note(written)
        return Added(written.version, written.info.provenance, load)

    def delete_rows(
        self,
        name: str,
        table: str,
        predicate: pl.Expr,
        cls: type[BaseDataSource],
        *,
        phase: Phase = NO_PHASE,
    ) -> int:
        """Rewrite the parts of a table that lose rows; the others stay.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            TableNotFoundError: It has no such table (also a ``KeyError``).
            ColumnNotFoundError: The table has no column of a name in the predicate.
            StoreError: A part of the table is damaged, or the folder fails.
        """
        found = self._index.look_up(name)
        if found is None or found.manifest.kind != "tables":
            return super().delete_rows(name, table, predicate, cls, phase=phase)
        with self._files.writing(f"deleting rows of dataset {name!r}"):
            before = self._index.look_up(name)
            if before is None:
                raise DatasetNotFoundError.from_available(name, self._index.names())
            verify = self._verify_on_load
            written, count = delete_rows(
                self._files, before, table, predicate, phase, verify=verify
            )
        self._index.note(written)
        return count

    def known_keys(
        self,
        name: str,
        table: str,
        key: Sequence[str],
        keys: pl.DataFrame,
        cls: type[BaseDataSource],
    ) -> pl.Series:
        """Return which of some keys a table has, reading no other columns.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            StoreError: A file of the dataset is damaged.
        """
        found = self._index.look_up(name)
        if found is None or found.manifest.kind != "tables" or table not in found.info.tables:
            return super().known_keys(name, table, key, keys, cls)
        self._files.check_schemas(found.manifest)
        try:
            stored = self._files.load_table(found.manifest, table, verify=False)
        except FileNotFoundError:  # another process replaced the dataset meanwhile
            return super().known_keys(name, table, key, keys, cls)
        return known_rows([key_of(stored, key)], keys)

    def copy(
        self,
        name: str,
        copy: str,
        ds_id: str,
        cls: type[BASEDATASOURCE],
        *,
        phase: Phase = NO_PHASE,
    ) -> Copied:
        """Write a copy of a dataset that shares the files of its tables.

        Raises:
            DatasetNotFoundError: There is no dataset of that name.
            DatasetExistsError: There is one of the copy's name.
            StoreError: The folder fails.
        """
        found = self._index.look_up(name)
        if found is None or found.manifest.kind != "tables":
            return super().copy(name, copy, ds_id, cls, phase=phase)
        with self._files.writing(f"deriving dataset {copy!r}"):
            source = self._index.look_up(name)
            if source is None:
                raise DatasetNotFoundError.from_available(name, self._index.names())
            self.refuse_existing(copy)
            info = source.manifest.info.derived(copy, ds_id)
            path, ordinal = self._files.path_for(copy), self._index.next_ordinal()
            written = self._files.share(source.manifest, path, info, ordinal)
        self._index.note(written)
        phase.rows = info.rows
        phase.bytes_out = len(written.stamp)  # the tables are shared
        return Copied(written.version, info.provenance, ds_id, source.version)

    def drop(self, name: str) -> None:
        """Remove a dataset with its files, and the raw files that would bring it back."""
        item, found = self._index.item(name), self._index.present(name)
        places = (
            self._index.raw_directory(name, found),
            found.path if found else item and item.old_file,
            self._files.damaged_path(name),
        )
        paths = [path for path in dict.fromkeys(places) if path is not None]
        if paths:
            with self._files.writing(f"deleting dataset {name!r}"):
                self._files.remove(*paths)
        self._index.forget(name)

    def _read(
        self, found: Found, cls: type[BASEDATASOURCE], phase: Phase, *, verify: bool
    ) -> BASEDATASOURCE:
        phase.rows = phase.total_rows = found.manifest.info.rows
        phase.bytes_in = found.manifest.bytes
        frames, text = self._files.load(found.manifest, phase, verify=verify)
        phase.gives(frames.values())
        return put_together(found.manifest, frames, text, cls)

    def _save(self, name: str, data: BaseDataSource, path: Path | None, phase: Phase) -> Saved:
        content = take_apart(name, data)
        if content.kind != "text":
            phase.handles(content.frames.values())
        with self._files.writing(f"saving dataset {name!r}"):
            written = self._write(name, data, content, path, phase)
        self._index.note(written)
        return Saved(written.version, written.info.provenance)

    def _write(
        self, name: str, data: BaseDataSource, content: Content, path: Path | None, phase: Phase
    ) -> Found:
        found = self._index.present(name)
        place = path or self._index.place(name, found)
        ordinal = self._index.ordinal(name, found)
        info = replace(
            DatasetInfo.of(name, data, {}),
            provenance=kept_provenance(data, content.frames, phase.sizes),
        )
        written = self._files.save(place, info, data.name, content, ordinal, phase)
        phase.bytes_out = written.manifest.bytes + len(written.stamp)
        return written

    # --- integrity --------------------------------------------------------------------------

    def verify(self, name: str) -> list[Damage]:
        """Read all files of a dataset, and compare their check sums."""
        found = self._index.present(name)
        damages = [] if found is None else self._files.verify(found)
        if not damages and (path := self._files.damaged_path(name)) is not None:
            damage = self._files.damage(path)
            return [] if damage is None else [damage]
        return damages

    def verify_all(self) -> list[Damage]:
        """Verify all datasets, and report damaged metadata files."""
        names = self.names()
        damages = [damage for name in names for damage in self.verify(name)]
        return damages + self._unread()

    def leftovers(self) -> list[Leftover]:
        """Return the directories that no metadata file refers to."""
        return self._files.leftovers()

    def clear_leftovers(self) -> list[Leftover]:
        """Remove them unless another process writes, as :meth:`open` does, too."""
        if not self._files.private.is_dir():
            return []
        with self._files.writing("clearing leftovers"):
            found = [one for one in self._files.leftovers() if one.is_proven]
            if found:
                self._files.clear_leftovers()
        return found


def _info(name: str, item: Item) -> DatasetInfo:
    if item.problem:
        return _unreadable(name, item.problem)
    if item.found is not None:
        return item.found.info
    data = cast("BaseDataSource", item.data)
    return DatasetInfo.of(name, data, version=_held_version(item))


def _unreadable(name: str, problem: str) -> DatasetInfo:
    return DatasetInfo(name, "", "", None, problem=problem)


def _held_version(item: Item) -> str:
    if item.old_file is not None:
        return f"file {item.signature}"
    return f"raw {cast('BaseDataSource', item.data).id}"


def report_held(phase: Phase, data: BaseDataSource | None, path: Path | None = None) -> None:
    """Report to a phase a DataSource without a metadata file, and its file."""
    if path is not None:
        phase.bytes_in = path.stat().st_size
    if isinstance(data, DataSource):
        phase.rows = sum(frame.height for frame in data.tables.values())
        phase.gives(data.tables.values())
