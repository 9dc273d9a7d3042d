"""The datasets of a folder as a mapping: each is read when it is first asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, cast

import polars as pl

from algomancy_data.datamanager.inspection import DatasetSummary, TableSummary
from algomancy_data.datasource import BASEDATASOURCE, DataSource
from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import AlgomancyDataError, DamagedStoreError, StoreError
from algomancy_data.findings import count_by_severity
from algomancy_data.folder import Identity, put_together
from algomancy_data.folder.names import RESERVED_STEMS
from algomancy_data.folder.reader import SUFFIX
from algomancy_data.identity import identical
from algomancy_data.metrics import measuring

if TYPE_CHECKING:
    from os import stat_result
    from pathlib import Path

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.datasource import BaseDataSource
    from algomancy_data.folder import FolderStore, Found
    from algomancy_data.metrics import ProgressListener

RESERVED_FILES = frozenset(f"{stem}{SUFFIX}" for stem in RESERVED_STEMS)


@dataclass
class Item(Generic[BASEDATASOURCE]):
    """What is known about a dataset.

    Args:
        ordinal: Where it stands in the order of creation.
        data: The DataSource, once it was read.
        found: Its metadata file, if it is kept as this package keeps data.
        old_file: The file of records that it was read from, in the form of the pandas package.
        directory: The directory of raw files that it was read from.
        kept: Identity and frames as they are in the folder; clones share their memory.
    """

    ordinal: int
    data: BASEDATASOURCE | None = None
    found: Found | None = None
    old_file: Path | None = None
    directory: Path | None = None
    kept: tuple[Identity, dict[str, pl.DataFrame]] | None = field(default=None, repr=False)
    signature: tuple[int, ...] = ()

    def is_unchanged(self) -> bool:
        """Tell whether the DataSource in memory, if any, is what the folder has."""
        if self.data is None:
            return True
        if self.kept is None or self.kept[0] != Identity.of(self.data):
            return False
        now, before = _frames(self.data), self.kept[1]
        return list(now) == list(before) and all(_is_same(now[name], before[name]) for name in now)


class FolderDatasets(MutableMapping[str, BASEDATASOURCE]):
    """The datasets by name, in order of creation.

    What is assigned stays in memory; the manager saves.

    Args:
        store: The folder.
        cls: Class of the DataSources.
        verify: Whether to compare the check sums of a dataset when it is read.
        progress: Told when one is read.
    """

    def __init__(
        self,
        store: FolderStore,
        cls: type[BASEDATASOURCE],
        *,
        verify: bool,
        progress: ProgressListener | None = None,
    ) -> None:
        self._store = store
        self._cls = cls
        self._verify = verify
        self._progress = progress
        self._items: dict[str, Item[BASEDATASOURCE]] = {}
        self._foreign: dict[str, tuple[int, ...]] = {}

    def __getitem__(self, key: str) -> BASEDATASOURCE:
        """Return a dataset, which is read if it is not in memory in its present version."""
        data = self.current(key)
        if data is None:
            raise KeyError(key)
        return data

    def __setitem__(self, key: str, data: BASEDATASOURCE) -> None:
        """Keep a dataset in memory."""
        known = self._items.get(key)
        self._items[key] = Item(known.ordinal if known else self._next_ordinal(), data)

    def __delitem__(self, key: str) -> None:
        """Forget a dataset; its files stay."""
        del self._items[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(sorted(self._items, key=lambda key: self._items[key].ordinal))

    def __len__(self) -> int:
        """Return the number of datasets."""
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        """Tell whether a dataset is known, without reading it."""
        return key in self._items

    # --- what the folder has -------------------------------------------------------------------

    def item(self, key: str) -> Item[BASEDATASOURCE] | None:
        """Return what is known about a dataset."""
        return self._items.get(key)

    def summaries(self, newest: int | None) -> list[DatasetSummary]:
        """Return what is known about the last datasets in order; no tables are opened."""
        names = list(self)
        chosen = names if newest is None else names[max(len(names) - newest, 0) :]
        return [_summary(name, self._items[name]) for name in chosen]

    def look_up(self, key: str) -> Found | None:
        """Return the metadata file of a dataset as it is now."""
        known = self._items.get(key)
        path = None if known is None else known.found.path if known.found else known.old_file
        if path is not None:
            found = self._store.read(path)
            if found is not None and found.manifest.key == key:
                return found
        return self._store.find(key)

    def present(self, key: str) -> Found | None:
        """Return the metadata file of a dataset; None as well for one that cannot be read."""
        try:
            return self.look_up(key)
        except DamagedStoreError:
            return None

    def current(self, key: str) -> BASEDATASOURCE | None:
        """Return a dataset as it is now, or None if there is none of that name.

        Raises:
            StoreError: It is damaged.
            SerializationError: The class does not understand it.
        """
        known = self._items.get(key)
        if known is not None and known.found is None and known.old_file is None:
            return known.data
        tried: Found | None = None
        while (found := self.look_up(key)) is not None:
            if known and known.found and known.found.stamp == found.stamp and known.data:
                return known.data
            if tried is not None and tried.stamp == found.stamp:
                self._store.check(found.manifest)  # it is missing, and nobody replaced it
            try:
                data = self.load(found)
            except FileNotFoundError:  # another process replaced the dataset meanwhile
                tried = found
                continue
            self.keep(key, data, found)
            return data
        if known is not None and (path := known.old_file) is not None and path.exists():
            if known.signature != signature(path.stat()):
                self.add_old(path, self.parse(path))
            return self._items[key].data if key in self._items else None
        self._items.pop(key, None)
        return None

    def keep(self, key: str, data: BASEDATASOURCE | None, found: Found) -> None:
        """Note what is in the folder now, and the DataSource that it is."""
        known = self._items.get(key)
        kept = None if data is None else (Identity.of(data), _clones(data))
        directory = known.directory if known else None
        self._items[key] = Item(found.manifest.ordinal, data, found, None, directory, kept)

    def add(self, found: Found) -> None:
        """Note a dataset without reading it."""
        self._items[found.manifest.key] = Item(found.manifest.ordinal, found=found)

    def add_raw(self, key: str, data: BASEDATASOURCE, directory: Path) -> None:
        """Note what an ETL made of a directory of raw files."""
        item = Item(directory.stat().st_mtime_ns, data, directory=directory)
        self._items[key] = item

    def add_old(self, path: Path, data: BASEDATASOURCE) -> None:
        """Note what was read from a file of records, as the pandas package writes it."""
        stat = path.stat()
        self._items[data.name] = Item(
            stat.st_mtime_ns,
            data,
            old_file=path,
            kept=(Identity.of(data), _clones(data)),
            signature=signature(stat),
        )

    def parse(self, path: Path) -> BASEDATASOURCE:
        """Return what the class makes of a file.

        Raises:
            StoreError: It is empty, or no UTF-8 text.
            SerializationError: The class does not understand it.
        """
        failures = engine_failures(StoreError, f"Reading the file {path.name!r}")
        with failures, measuring("read", self._progress) as phase:
            data = self._parse(path)
            phase.bytes_in = path.stat().st_size
            frames = _frames(data).values()
            phase.rows = sum(frame.height for frame in frames)
            phase.gives(frames)
            return data

    def _parse(self, path: Path) -> BASEDATASOURCE:
        try:
            text = path.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            msg = f"The file {path.name!r} is no UTF-8 text: byte {error.start} cannot be decoded."
            raise StoreError(msg) from error
        if not text.strip("\0 \t\r\n"):
            msg = f"The file {path.name!r} is empty: it was never written, or cut short. Delete it."
            raise StoreError(msg)
        return self._cls.from_json(text)

    def directories(self) -> set[str]:
        """Return the names of the directories that the metadata files speak of."""
        items = self._items.values()
        return {item.found.manifest.directory for item in items if item.found}

    def forget_data(self) -> None:
        """Forget DataSources that can be read again."""
        for item in self._items.values():
            if item.found:
                item.data = item.kept = None

    def forget_folder(self) -> None:
        """Forget what was read from the folder; what was assigned stays."""
        self._foreign.clear()
        for key, item in list(self._items.items()):
            if item.found or item.old_file or item.directory:
                del self._items[key]

    def refresh(self) -> None:
        """Notice datasets that other processes added or removed."""
        if not self._store.root.is_dir():
            return
        paths = {path.name: path for path in self._store.paths()}
        known: set[str] = set()
        for key, item in list(self._items.items()):
            path = item.found.path if item.found else item.old_file
            if path is None:
                continue
            known.add(path.name)
            if path.name not in paths:
                del self._items[key]
        for name in sorted(paths.keys() - known - RESERVED_FILES):
            self._notice(paths[name])

    def place(self, key: str, found: Found | None) -> Path:
        """Return where the metadata file of a dataset is, or is to be."""
        if found is not None:
            return found.path
        known = self._items.get(key)
        if known is not None and known.old_file is not None and known.old_file.exists():
            return known.old_file
        return self._store.damaged_path(key) or self._store.path_for(key)

    def ordinal(self, key: str, found: Found | None) -> int:
        """Return the ordinal of a dataset that is to be saved; a replaced one keeps its place."""
        if found is not None:
            return found.manifest.ordinal
        known = self._items.get(key)
        return known.ordinal if known else self._next_ordinal()

    def _next_ordinal(self) -> int:
        last = max((item.ordinal for item in self._items.values()), default=0)
        return max(time.time_ns(), last + 1)

    def _notice(self, path: Path) -> None:
        """Add a dataset that another process saved; what is none is looked at only once."""
        try:
            if self._foreign.get(path.name) == signature(path.stat()):
                return
            self.ignore(path)
            found = self._store.read(path)
            if found is not None and found.manifest.key not in self._items:
                self.add(self._store.checked(found))
        except (AlgomancyDataError, OSError):
            return

    def ignore(self, path: Path) -> None:
        """Do not look at a file again before somebody changes it."""
        with suppress(OSError):
            self._foreign[path.name] = signature(path.stat())

    def load(self, found: Found) -> BASEDATASOURCE:
        """Return the DataSource of a metadata file.

        Raises:
            FileNotFoundError: A file is gone: another process may have replaced the dataset.
            StoreError: A file is damaged.
        """
        failures = engine_failures(StoreError, f"Reading dataset {found.manifest.key!r}")
        with failures, measuring("read", self._progress, found.manifest.key) as phase:
            phase.rows = phase.total_rows = found.manifest.rows
            phase.bytes_in = found.manifest.bytes
            frames, text = self._store.load(found.manifest, verify=self._verify)
            phase.gives(frames.values())
            return put_together(found.manifest, frames, text, self._cls)


def _summary(name: str, item: Item[Any]) -> DatasetSummary:
    if item.found is None:  # then it was read when it was noticed
        return DatasetSummary.of(name, cast("BaseDataSource", item.data))
    manifest, identity = item.found.manifest, item.found.manifest.identity
    return DatasetSummary(
        name,
        identity.ds_id,
        str(identity.ds_type),
        identity.creation_datetime,
        {
            table.name: TableSummary(table.rows, table.stored.bytes, table.schema)
            for table in manifest.tables
        },
        identity.provenance,
        len(identity.messages),
        count_by_severity(identity.messages),
    )


def signature(stat: stat_result) -> tuple[int, ...]:
    """Return what changes when a file is replaced or written to."""
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns)


def _frames(data: object) -> dict[str, pl.DataFrame]:
    return dict(data.tables) if isinstance(data, DataSource) else {}


def _clones(data: object) -> dict[str, pl.DataFrame]:
    return {name: frame.clone() for name, frame in _frames(data).items()}


def _is_same(now: pl.DataFrame, before: pl.DataFrame) -> bool:
    """Tell whether two frames are identical; whatever shares its memory is not looked at."""
    return (
        now.height == before.height
        and list(now.schema.items()) == list(before.schema.items())
        and all(
            _shares_memory(column, other) or identical(column, other)
            for column, other in zip(now, before, strict=True)
        )
    )


def _shares_memory(now: pl.Series, before: pl.Series) -> bool:
    return _has_addresses(now.dtype) and _addresses(now) == _addresses(before)


def _has_addresses(dtype: PolarsDataType) -> bool:
    """Tell whether Arrow's C interface has such a type, and so says where the values are."""
    match dtype:
        case pl.List() | pl.Array():
            return _has_addresses(cast("PolarsDataType", dtype.inner))
        case pl.Struct():
            return all(
                "\0" not in one.name and _has_addresses(cast("PolarsDataType", one.dtype))
                for one in dtype.fields
            )
        case _:
            return not isinstance(dtype, pl.Int128 | pl.UInt128 | pl.Object)


def _addresses(column: pl.Series) -> list[tuple[int | None, int, int]]:
    (chunked,) = column.to_frame("x").to_arrow(compat_level=pl.CompatLevel.newest()).columns
    chunks: list[Any] = chunked.chunks
    return [
        (None if buffer is None else buffer.address, chunk.offset, len(chunk))
        for chunk in chunks
        for buffer in chunk.buffers()
    ]
