"""Runs of a pipeline whose DataSource gets its provenance."""

from __future__ import annotations

import hashlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from algomancy_data.datasource import BaseDataSource, tables_of
from algomancy_data.errors import FileContentError
from algomancy_data.etl import RunSettings
from algomancy_data.file.locations import has_parts
from algomancy_data.provenance import InputFile, Provenance, TableSize
from algomancy_data.quarantine import Quarantine
from algomancy_data.quarantine.replay import replay_sequence
from algomancy_data.schema.fingerprint import schema_fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from algomancy_data.etl import ETLPipeline, ETLResult
    from algomancy_data.file import File
    from algomancy_data.frames.tabular import Tabular
    from algomancy_data.logs import Logger
    from algomancy_data.schema import Schema

# A file is read through one small buffer, which stays in the processor's cache.
_CHUNK: Final = 1 << 18
# Hashing this much takes less time than starting a thread.
_SMALL: Final = 1 << 18


def ingest(
    pipeline: ETLPipeline, files: Mapping[str, File], schemas: Mapping[str, type[Schema]]
) -> ETLResult:
    """Run a pipeline on files; they are not read after this returns."""
    with InputDigests(files) as inputs:
        result = pipeline.run()
        if result.datasource is not None:
            result.datasource.provenance = Provenance(
                files=inputs.result(),
                schemas={
                    name: schema_fingerprint(schemas[name]) for name in files if name in schemas
                },
                phases=tuple(result.metrics),
                tables=_table_sizes(result),
                extracted=result.extracted,
                sample=pipeline.sample,
            )
    return result


def replay(
    pipeline: ETLPipeline,
    source: BaseDataSource,
    mended: Mapping[str, Tabular | Any],
    schemas: Mapping[str, type[Schema]],
    logger: Logger,
) -> ETLResult:
    """Run a pipeline on a DataSource's good rows and those in its quarantine.

    Raises:
        QuarantineError: It has no quarantine, its tables were changed by transformers, or the
            mended rows do not fit.
    """
    quarantine = pipeline.quarantine or Quarantine()
    sequence = replay_sequence(source, mended, quarantine, schemas.values(), logger)
    settings = RunSettings(quarantine=quarantine, classification=source.ds_type)
    result = pipeline.within(settings).extracting(sequence).run()
    if result.datasource is not None:
        before = source.provenance or Provenance()
        result.datasource.provenance = Provenance(
            files=before.files,
            schemas=before.schemas,
            phases=tuple(result.metrics),
            tables=_table_sizes(result),
            derived_from=before.derived_from,
            extracted=result.extracted,
        )
    return result


def _table_sizes(result: ETLResult) -> dict[str, TableSize]:
    sizes, tables = result.sizes, tables_of(result.datasource)
    return {name: TableSize(frame.height, sizes.of(frame)) for name, frame in tables.items()}


class InputDigests:
    """Hashes files, large ones in the background; as a context, it ends with the block.

    Args:
        files: The files of an ETL.
    """

    def __init__(self, files: Mapping[str, File]) -> None:
        self._files = files
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        """Hash small files, and begin to read the others."""
        self._small: dict[str, list[InputFile]] = {}
        left = _SMALL
        for name, file in self._files.items():
            size = _size_of_one(file)
            if size is not None and size <= left:
                left -= size
                self._small[name] = [self._describe_one(name, file)]
        large = {name: file for name, file in self._files.items() if name not in self._small}
        # One thread: a second would take a core from the extraction.
        self._pool = ThreadPoolExecutor(1, "algomancy-data-hash") if large else None
        self._large: dict[str, Future[list[InputFile]]] = {}
        if self._pool is not None:
            for name, file in large.items():
                self._large[name] = self._pool.submit(self._describe, name, file)
        return self

    def __exit__(self, *error: object) -> None:
        """Stop reading: files may be gone later."""
        self._stop.set()
        if self._pool is not None:
            self._pool.shutdown()

    def result(self) -> tuple[InputFile, ...]:
        """Return the files, once all are read."""
        return tuple(
            described
            for name in self._files
            for described in self._small.get(name) or self._large[name].result()
        )

    def _describe(self, name: str, file: File) -> list[InputFile]:
        return [self._describe_one(name, part) for part in parts_of(file)]

    def _describe_one(self, name: str, file: File) -> InputFile:
        location = None if file.path is None else str(file.path)
        size = digest = None
        with suppress(OSError, FileContentError):  # the extraction says what is wrong with it
            stored = file.stored()
            if stored is not None:
                size, digest = self._hashed(stored)
        return InputFile(name, str(file.extension), location, size, digest)

    def _hashed(self, stored: Path | bytes) -> tuple[int, str]:
        """Return the size and the SHA-256 of a file or of its content."""
        digest, size, chunk = hashlib.sha256(), 0, memoryview(bytearray(_CHUNK))
        is_path = isinstance(stored, Path)
        with stored.open("rb", buffering=0) if is_path else io.BytesIO(stored) as stream:
            while not self._stop.is_set() and (length := stream.readinto(chunk)):
                digest.update(chunk[:length])
                size += length
        return size, digest.hexdigest()


def _size_of_one(file: File) -> int | None:
    """Return the stored size of a file; None if it is remote, missing, or in parts."""
    try:
        is_one = file.path is None or not has_parts(file.path) or file.is_uploaded
    except FileContentError:  # as above
        return None
    return file.stored_bytes() if is_one else None


def parts_of(file: File) -> list[File]:
    """Return the files of a directory or pattern, or the file itself."""
    try:
        parts = file.parts()
    except (OSError, FileContentError):  # the extraction says what is wrong with it
        parts = None
    return [file] if parts is None else [part.file for part in parts]
