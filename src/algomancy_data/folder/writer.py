"""Writing the datasets of a folder: saved, extended, shared and removed.

Writing goes table files → metadata file → removal of the old version; the metadata file appears
under its name in one step, so a crash at any moment leaves the old dataset or the new one.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import polars as pl

from algomancy_data.errors import AlgomancyDataError, StoreError
from algomancy_data.folder import table_files
from algomancy_data.folder.file_names import clash_key, hashed_stem, plain_stem, stems
from algomancy_data.folder.files import (
    make_durable_directory,
    not_undone,
    replace_whole,
    sync,
    sync_together,
    writer_lock,
)
from algomancy_data.folder.journal import Journal
from algomancy_data.folder.manifest import Manifest, TablePart
from algomancy_data.folder.reader import LOCK, SUFFIX, FolderReader, Found
from algomancy_data.memory import IN_MEMORY_BYTES
from algomancy_data.metrics import NO_PHASE
from algomancy_data.store import TableInfo
from algomancy_data.store.addition import widened
from algomancy_data.store.deletion import without

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from algomancy_data.folder.content import Content
    from algomancy_data.metrics import Phase
    from algomancy_data.store import DatasetInfo

_METADATA: Final = "metadata.json"
_TRASH: Final = "~"


class FolderWriter(FolderReader):
    """Writes the datasets of a folder.

    Args:
        root: The folder; it need not exist yet.
        lock_timeout: Seconds to wait for another process that is writing.

    Attributes:
        in_memory_bytes: Up to which size a table is written as one batch.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import polars as pl
        >>> from algomancy_data import DataSource
        >>> from algomancy_data.folder.content import take_apart
        >>> from algomancy_data.folder.writer import FolderWriter
        >>> from algomancy_data.store import DatasetInfo
        >>> source = DataSource("master_data", name="a")
        >>> source.add_table("t", pl.DataFrame({"x": [1, 2]}))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     writer = FolderWriter(Path(folder))
        ...     with writer.writing("saving dataset 'a'"):
        ...         path = writer.path_for("a")
        ...         content = take_apart("a", source)
        ...         found = writer.save(path, DatasetInfo.of("a", source, {}), "a", content, 1)
        ...     frames, _ = writer.load(found.manifest)
        ...     found.path.name, frames["t"].height
        ('a.json', 2)
    """

    def __init__(self, root: Path, lock_timeout: float = 60.0) -> None:
        super().__init__(root)
        self._lock_timeout = lock_timeout
        self.journal = Journal(root)
        self.in_memory_bytes = IN_MEMORY_BYTES

    # --- writing: everything between `with writer.writing(…)` ------------------------------------

    @contextmanager
    def writing(self, doing: str) -> Generator[None]:
        """Be the only writer within a block.

        Args:
            doing: What is done in it, for errors.

        Raises:
            StoreBusyError: Another process is writing, longer than the time limit.
            StoreError: The folder cannot be written to; nothing was changed.
        """
        with self._failures(doing):
            if not (self.private / LOCK).exists():
                make_durable_directory(self.private)
            with writer_lock(self.private / LOCK, self._lock_timeout):
                self.journal.settle(self._directory_of)
                yield

    def path_for(self, key: str) -> Path:
        """Return where the metadata file of a dataset is, or is to be."""
        found = self.find(key)
        if found is not None:
            return found.path
        plain = plain_stem(key)
        taken = {clash_key(path.name.removesuffix(SUFFIX)) for path in self.paths()}
        is_free = plain is not None and clash_key(plain) not in taken
        return self.root / f"{plain if is_free else hashed_stem(key)}{SUFFIX}"

    def save(
        self,
        path: Path,
        info: DatasetInfo,
        source_name: str,
        content: Content,
        ordinal: int,
        phase: Phase = NO_PHASE,
    ) -> Found:
        """Keep a dataset, replacing whatever is at ``path``.

        Raises:
            UnstorableError: Polars cannot write a table.
            OSError: The disk is full, or fails; the old state is there.
        """
        manifest = Manifest(
            info,
            source_name,
            ordinal,
            self._new_directory(info.name),
            content.kind,
            payload=content.payload,
        )
        with self._version(path, manifest) as home:
            parts: dict[str, tuple[TablePart, ...]] = {}
            known: dict[str, TableInfo] = {}
            for number, (name, frame) in enumerate(content.frames.items()):
                part = table_files.write_table(home, number, name, frame, self.in_memory_bytes)
                parts[name] = (part,)
                known[name] = TableInfo(frame.height, part.stored.bytes, frame.schema)
                phase.advance(frame.height)
            text = None if content.text is None else table_files.write_text(home, content.text)
            info = replace(info, tables=known)
            manifest = replace(manifest, info=info, parts=parts, text=text)
            return self._commit(path, manifest, home)

    def grow(
        self,
        before: Found,
        info: DatasetInfo,
        added: Mapping[str, pl.DataFrame],
        removed: Mapping[str, pl.Series],
        phase: Phase = NO_PHASE,
    ) -> Found:
        """Replace a dataset by one with other rows, sharing the files that stay.

        Added rows are a part of their own. So that there are never many, they are written together
        with the parts before them that have no more rows: each row is written again as often as
        its table doubles.

        Args:
            before: The dataset.
            info: What is known of it with the other rows; the bytes of its tables are not.
            added: Rows by table, in its columns.
            removed: Which of its rows a table does not have any longer (Boolean).
            phase: Told of each table.

        Raises:
            DamagedStoreError: A part that is written again is not what was written.
            UnstorableError: Polars cannot write a table.
            OSError: The disk is full, or fails; the old state is there.
        """
        source = before.manifest
        manifest = replace(source, info=info, directory=self._new_directory(source.name))
        number = max((int(Path(one.file).stem) for one in source.files), default=-1) + 1
        with self._version(before.path, manifest) as home:
            parts, known = dict(source.parts), dict(info.tables)
            for name in dict.fromkeys([*removed, *added]):
                pieces = self._pieces(source, name, added.get(name), removed.get(name))
                written: list[TablePart] = []
                for piece in pieces:
                    if isinstance(piece, TablePart):
                        written.append(piece)
                        continue
                    most = self.in_memory_bytes
                    written.append(table_files.write_table(home, number, name, piece, most))
                    number += 1
                    phase.advance(piece.height)
                parts[name] = tuple(written)
                size = sum(part.stored.bytes for part in written)
                known[name] = replace(known[name], bytes=size)
            manifest = replace(manifest, info=replace(info, tables=known), parts=parts)
            for stored in {*manifest.files} & {*source.files}:
                _link_or_copy(self.private / source.directory / stored.file, home / stored.file)
            return self._commit(before.path, manifest, home)

    def _pieces(
        self,
        source: Manifest,
        name: str,
        added: pl.DataFrame | None,
        removed: pl.Series | None,
    ) -> list[TablePart | pl.DataFrame]:
        """Return the parts of a table that stay, and between them the rows to write."""
        pieces: list[TablePart | pl.DataFrame] = []
        start = 0
        for part in source.parts.get(name, ()):
            gone = None if removed is None else removed.slice(start, part.rows)
            start += part.rows
            if gone is None or not gone.any():
                pieces.append(part)
            else:
                rows = self.load_part(source, name, part, verify=True)
                pieces.append(without(rows, gone))
        if added is not None:
            pieces.append(added)
        while len(pieces) > 1 and not isinstance(last := pieces[-1], TablePart):
            piece = pieces[-2]
            rows = piece.rows if isinstance(piece, TablePart) else piece.height
            if rows > last.height:
                break
            if isinstance(piece, TablePart):
                piece = self.load_part(source, name, piece, verify=True)
            pieces[-2:] = [pl.concat([widened(piece, last.schema), last])]
        return pieces

    def share(self, source: Manifest, path: Path, info: DatasetInfo, at: int) -> Found:
        """Keep a copy of a dataset that shares its files.

        Args:
            source: The dataset to copy.
            path: Where the metadata file of the copy is to be.
            info: What is known of the copy.
            at: Its ordinal.

        Raises:
            StoreError: This version does not know a dtype of a table.
            OSError: The folder cannot be written to; the old state is there.
        """
        self.check_schemas(source)
        manifest = replace(
            source,
            info=info,
            source_name=info.name,
            ordinal=at,
            directory=self._new_directory(info.name),
        )
        with self._version(path, manifest) as home:
            for stored in source.files:
                _link_or_copy(self.private / source.directory / stored.file, home / stored.file)
            return self._commit(path, manifest, home)

    def remove(self, *paths: Path) -> None:
        """Remove metadata files with their tables, old-style files, and directories of raw files.

        Raises:
            OSError: One cannot be removed; all are there.
            StoreError: The disk fails twice, so that they are gone.
        """
        manifests = [self.read_quietly(path) for path in paths if path.is_file()]
        trash = self.new_directory()
        moved: list[Path] = []
        try:
            for path in paths:
                path.rename(trash / path.name)
                moved.append(path)
                sync(self.root)  # raw files never outlive the metadata file that replaced them
        except BaseException as error:
            try:
                for path in moved:
                    (trash / path.name).rename(path)
            except OSError as again:
                raise not_undone(paths[0], again) from error
            trash.rmdir()
            raise
        shutil.rmtree(trash, ignore_errors=True)
        for found in manifests:
            self._drop_version(found)

    def new_directory(self) -> Path:
        """Return a new directory, which the next startup removes if it is left over."""
        path = self.private / f"{_TRASH}{uuid4().hex}"
        path.mkdir()
        return path

    def discard_directory(self, path: Path) -> None:
        """Remove a new directory that is not needed after all."""
        shutil.rmtree(path, ignore_errors=True)

    def clear_leftovers(self) -> None:
        """Remove what a crash left, unless another process is writing.

        Nor is it while a metadata file cannot be understood: its tables may be all that is left.
        """
        referenced = set[str]()
        for path in self.paths():
            if (found := self.read(path)) is not None:
                referenced.add(found.manifest.directory)
        # Who was killed may have left a metadata file that the disk does not name yet.
        sync(self.root)
        for entry in os.scandir(self.private):
            if entry.name in referenced or entry.name == LOCK:
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink(missing_ok=True)

    # --- private -------------------------------------------------------------------------------

    @staticmethod
    def _new_directory(key: str) -> str:
        return f"{stems(key)[0]}.{uuid4().hex}"

    @contextmanager
    def _version(self, path: Path, manifest: Manifest) -> Generator[Path]:
        """Make the directory of a new version; it is removed if the block fails."""
        home = self.private / manifest.directory
        try:
            home.mkdir()
            yield home
        except BaseException:
            # An interrupt may come when the new version is already the dataset.
            current = self.read_quietly(path)
            if current is None or current.manifest.directory != manifest.directory:
                # Its metadata file may have been in place: where the disk does not say that it is
                # gone, the next startup removes the directory.
                with suppress(OSError):
                    sync(self.root)
                    shutil.rmtree(home, ignore_errors=True)
            raise

    def _commit(self, path: Path, manifest: Manifest, home: Path) -> Found:
        before = self.read_quietly(path)
        stamp = manifest.to_bytes()
        (home / _METADATA).write_bytes(stamp)
        sync_together(home / _METADATA, home, self.private)
        with self.journal.committing(manifest.directory, manifest.info.ds_id):
            replace_whole(home / _METADATA, path)
        self._drop_version(before)
        return Found(path, stamp, manifest)

    def _directory_of(self, name: str) -> str | None:
        """Return the directory of a dataset's present version."""
        for stem in stems(name):
            found = self.read_quietly(self.root / f"{stem}{SUFFIX}")
            if found is not None and found.manifest.name == name:
                return found.manifest.directory
        return None

    def _drop_version(self, found: Found | None) -> None:
        if found is not None:  # what cannot be removed now is a leftover for the next startup
            shutil.rmtree(self.private / found.manifest.directory, ignore_errors=True)

    @contextmanager
    def _failures(self, doing: str) -> Generator[None]:
        try:
            yield
        except OSError as error:
            if isinstance(error, AlgomancyDataError):
                raise
            why = f"{error.strerror}: {error.filename!r}" if error.filename else error
            remedy = "Check its permissions and the space on its disk."
            if isinstance(error, NotADirectoryError | FileExistsError):
                remedy = "A file is where a folder must be: choose another folder."
            msg = (
                f"The folder {str(self.root)!r} failed while {doing}: {why}. Everything is as it "
                f"was before. {remedy}"
            )
            raise StoreError(msg) from error


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:  # the file system has no hard links, or no more for this file
        shutil.copyfile(source, target)
        sync(target)
