"""Reading the datasets of a folder: what there is, where it is, whether it is whole.

Reading never waits for a writer. A reader that finds a file gone reads the metadata again, since
the dataset was replaced meanwhile.
"""

from __future__ import annotations

import os
import stat
import time
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import (
    AlgomancyDataError,
    DamagedStoreError,
    StoreError,
)
from algomancy_data.folder import table_files
from algomancy_data.folder.file_names import stems
from algomancy_data.folder.manifest import (
    HEAD_BYTES,
    TAIL_BYTES,
    Manifest,
    StoredFile,
    TablePart,
    damage_of,
    is_end_of_manifest,
    is_manifest,
)
from algomancy_data.metrics import NO_PHASE
from algomancy_data.store import Damage, Leftover
from algomancy_data.store.addition import widened

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from algomancy_data.metrics import Phase
    from algomancy_data.store import DatasetInfo

PRIVATE: Final = ".algomancy-data"
"""Name of the directory in which the tables of all datasets are."""

LOCK: Final = "lock"
SUFFIX: Final = ".json"

# A clock of a file system may tick once in two seconds. What is written at the tick of what was
# read could look the same.
_SETTLED: Final = 2_000_000_000


@dataclass(frozen=True)
class Found:
    """A dataset in the folder.

    Args:
        path: Its metadata file.
        stamp: The content of that file: another version has another one.
        manifest: What it says.
        signature: What :func:`signature` returned of the file, if another content surely has
            another one.
    """

    path: Path
    stamp: bytes
    manifest: Manifest
    signature: tuple[int, ...] = field(default=(), compare=False)

    @property
    def version(self) -> str:
        """Changes with every write, and with every change by hand."""
        return f"{self.manifest.directory} {zlib.crc32(self.stamp)}"

    @cached_property
    def info(self) -> DatasetInfo:
        """What is known of the dataset."""
        return replace(self.manifest.info, version=self.version)


def signature(status: os.stat_result) -> tuple[int, ...]:
    """Return a value that changes when a file is replaced or written to."""
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class FolderReader:
    """Reads the datasets of a folder.

    Args:
        root: The folder; it need not exist yet.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.private = root / PRIVATE

    def paths(self) -> list[Path]:
        """Return the files whose names can be those of metadata files."""
        return [path for path in self.root.iterdir() if path.name.endswith(SUFFIX)]

    def signatures(self) -> dict[str, tuple[int, ...]]:
        """Return the signatures of what :meth:`paths` returns, by name."""
        found: dict[str, tuple[int, ...]] = {}
        try:
            with os.scandir(self.root) as entries:
                for entry in entries:
                    if entry.name.endswith(SUFFIX):
                        with suppress(FileNotFoundError):  # it went meanwhile, or leads nowhere
                            found[entry.name] = signature(entry.stat())
        except (FileNotFoundError, NotADirectoryError):
            pass
        return found

    def check_link(self, path: Path) -> None:
        """Refuse a link that leaves the folder.

        Raises:
            StoreError: It does.
        """
        if path.is_symlink() and not path.resolve().is_relative_to(self.root.resolve()):
            msg = f"{path.name!r} is a link that leaves the folder. Put a copy in its place."
            raise StoreError(msg)

    def find(self, key: str) -> Found | None:
        """Return a dataset by name, if it is where it is expected.

        Raises:
            StoreError: Its metadata file cannot be read.
        """
        for stem in stems(key):
            found = self.read(self.root / f"{stem}{SUFFIX}")
            if found is not None and found.manifest.name == key:
                return found
        return None

    def read(self, path: Path, before: Found | None = None) -> Found | None:
        """Return the dataset of a metadata file; None for a foreign file.

        Args:
            path: The file.
            before: What it was when it was last read, so that the same is not taken apart again.

        Raises:
            StoreError: It is damaged, cannot be opened, or was written by a later version.
        """
        self.check_link(path)
        place = f"The file {path.name!r}"
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):  # opening a pipe waits for its writer
                return None
            is_settled = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED
            with path.open("rb") as stream:
                head = stream.read(HEAD_BYTES)
                if not is_manifest(head):
                    stream.seek(max(status.st_size - TAIL_BYTES, 0))
                    if is_end_of_manifest(stream.read()):
                        raise DamagedStoreError(damage_of(place, "its beginning is another one"))
                    return None
                stamp = head + stream.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            if isinstance(error, AlgomancyDataError):
                raise
            msg = f"{place} cannot be opened: {error}. Check its permissions."
            raise StoreError(msg) from error
        seen = signature(status) if is_settled else ()
        if before is not None and before.stamp == stamp:
            return replace(before, signature=seen)
        return Found(path, stamp, Manifest.from_bytes(stamp, place), seen)

    def damaged_path(self, key: str) -> Path | None:
        """Return the metadata file of a dataset if it is damaged."""
        paths = (self.root / f"{stem}{SUFFIX}" for stem in stems(key))
        return next((path for path in paths if path.is_file() and self.damage(path)), None)

    def damage(self, path: Path) -> Damage | None:
        """Return what is wrong with a dataset, without reading its tables."""
        name = path.name.removesuffix(SUFFIX)
        try:
            if (found := self.read(path)) is not None:
                name = found.manifest.name
                self.check(found.manifest)
        except AlgomancyDataError as error:
            return Damage(name, str(path), str(error))
        return None

    def check(self, manifest: Manifest) -> None:
        """Make sure, without reading them, that the files of a dataset are there and whole.

        Raises:
            StoreError: One is not; the message says which.
        """
        home = self._home(manifest)
        self.check_schemas(manifest)
        for stored in manifest.files:
            with self._damage(manifest, stored):
                table_files.check_file(home / stored.file, stored)

    def checked(self, found: Found) -> Found:
        """Return a dataset whose files are there and whole, the newer one if it was replaced.

        Raises:
            StoreError: A file is not there, or not whole.
        """
        while True:
            try:
                self.check(found.manifest)
            except StoreError:
                newer = self.read(found.path)
                if newer is None or newer.stamp == found.stamp:
                    raise
                found = newer
            else:
                return found

    def load(
        self, manifest: Manifest, phase: Phase = NO_PHASE, *, verify: bool = True
    ) -> tuple[dict[str, pl.DataFrame], str | None]:
        """Return the tables of a dataset, mapped into memory, and its text.

        Args:
            manifest: Its metadata file.
            phase: Told of each table.
            verify: Whether to read the tables and compare their check sums, once in a process.

        Raises:
            FileNotFoundError: A file is gone: another process may have replaced the dataset.
            StoreError: A file is damaged.
        """
        home = self._home(manifest)
        frames: dict[str, pl.DataFrame] = {}
        self.check_schemas(manifest)
        for name, table in manifest.info.tables.items():
            frames[name] = self.load_table(manifest, name, verify=verify)
            phase.advance(table.rows)
        text = None
        if manifest.text is not None:
            with self._damage(manifest, manifest.text, missing_is_damage=False):
                table_files.verify_file(home / manifest.text.file, manifest.text)
                text = (home / manifest.text.file).read_text("utf-8")
        return frames, text

    def load_table(self, manifest: Manifest, name: str, *, verify: bool) -> pl.DataFrame:
        """Return a table of a dataset, mapped into memory; see :meth:`load`."""
        schema = manifest.info.tables[name].schema or {}
        parts = [
            widened(self.load_part(manifest, name, part, verify=verify), schema)
            for part in manifest.parts[name]
        ]
        return pl.concat(parts) if len(parts) != 1 else parts[0]

    def load_part(
        self, manifest: Manifest, name: str, part: TablePart, *, verify: bool
    ) -> pl.DataFrame:
        """Return the rows of a part of a table, mapped into memory; see :meth:`load`."""
        path = self._home(manifest) / part.stored.file
        check = table_files.verify_once if verify else table_files.check_file
        with self._damage(manifest, part.stored, missing_is_damage=False):
            check(path, part.stored)
            return table_files.map_part(path, part, manifest.info.tables[name].schema or {})

    def verify(self, found: Found) -> list[Damage]:
        """Read every file of a dataset, and return those that are not what was written."""
        damages: list[Damage] = []
        for stored in found.manifest.files:
            path = self.private / found.manifest.directory / stored.file
            try:
                with engine_failures(StoreError, "Reading it"):
                    table_files.verify_file(path, stored)
            except (table_files.DamagedFileError, OSError, StoreError) as error:
                damages.append(Damage(found.manifest.name, str(path), str(error)))
        newer = self.read_quietly(found.path) if damages else found
        if newer is not None and newer.stamp != found.stamp:  # replaced while it was read
            return self.verify(newer)
        return damages

    def has_leftovers(self, referenced: set[str]) -> bool:
        """Tell whether there are directories that no metadata file refers to."""
        try:
            with os.scandir(self.private) as entries:
                return any(entry.name not in {*referenced, LOCK} for entry in entries)
        except FileNotFoundError:
            return False

    def leftovers(self) -> list[Leftover]:
        """Return the directories that no metadata file refers to.

        While a metadata file cannot be understood, none is proven: it may be all that is left.
        """
        if not self.private.is_dir():
            return []
        entries = sorted(path for path in self.private.iterdir() if path.name != LOCK)
        manifests = [self.read_quietly(path) for path in self.paths()]
        named = {found.manifest.directory for found in manifests if found is not None}
        is_clear = not any(self._is_unclear(path) for path in self.paths())
        what = "files that no dataset refers to"
        return [Leftover(str(path), what, is_clear) for path in entries if path.name not in named]

    @staticmethod
    def check_schemas(manifest: Manifest) -> None:
        """Make sure that this version knows the dtypes of all tables.

        Raises:
            StoreError: It does not.
        """
        if manifest.info.problem:
            raise DamagedStoreError(manifest.info.problem)

    def _is_unclear(self, path: Path) -> bool:
        try:
            self.read(path)
        except AlgomancyDataError:
            return True
        return False

    def read_quietly(self, path: Path) -> Found | None:
        """Return the dataset of a metadata file; None for a foreign or damaged file."""
        try:
            return self.read(path)
        except AlgomancyDataError:
            return None

    def _home(self, manifest: Manifest) -> Path:
        home = self.private / manifest.directory
        if home.is_symlink() or self.private.is_symlink():
            msg = f"Dataset {manifest.name!r}: {str(home)!r} is a link, which could lead elsewhere."
            raise StoreError(msg)
        return home

    @contextmanager
    def _damage(
        self, manifest: Manifest, stored: StoredFile, *, missing_is_damage: bool = True
    ) -> Generator[None]:
        try:
            yield
        except (table_files.DamagedFileError, OSError) as error:
            if isinstance(error, FileNotFoundError) and not missing_is_damage:
                raise
            path = f"{PRIVATE}/{manifest.directory}/{stored.file}"
            names = [
                name
                for name, parts in manifest.parts.items()
                if any(part.stored is stored for part in parts)
            ]
            table = f", table {names[0]!r}" if names else ""
            msg = (
                f"Dataset {manifest.name!r}{table}: the file {path!r} is damaged or cannot be "
                f"read: {error}. Restore it from a backup, or save the dataset again."
            )
            raise DamagedStoreError(msg) from error
