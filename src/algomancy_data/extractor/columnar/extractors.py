"""The extractors of files that hold columns: Parquet and Arrow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from algomancy_data.errors import FileContentError
from algomancy_data.extractor.base import SingleExtractor
from algomancy_data.extractor.columnar.arrow import read_arrow
from algomancy_data.extractor.columnar.parquet import (
    ParquetSlices,
    parquet_slices,
    read_parquet,
)
from algomancy_data.extractor.columnar.parquet_parts import read_parquet_parts
from algomancy_data.extractor.extracted import Reading, within_limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from algomancy_data.file import FilePart

_PARQUET: Final = b"PAR1"
_ENCRYPTED_PARQUET: Final = b"PARE"
_ARROW_FILE: Final = b"ARROW1"
_FEATHER_1: Final = b"FEA1"
# A stream begins with the length of its first message, since Arrow 0.15 after this mark.
_ARROW_STREAM: Final = b"\xff\xff\xff\xff"
_LONGEST: Final = 6
# Larger files are mapped: Parquet to save memory, and Arrow, which is not unpacked, also time.
_SMALL_PARQUET: Final = 1 << 26
_SMALL_ARROW: Final = 1 << 20


class ParquetSingleExtractor(SingleExtractor):
    """Extracts the table of a Parquet file.

    Columns in the declared types are taken as they are, others are converted if no value changes.

    Args:
        file: Where the content comes from.
        schema: The columns of the file.
        logger: Where warnings go; the standard library's logger if None.
    """

    reads_ahead = True
    unpacks_to = 4

    def _extract_file(self) -> pl.DataFrame:
        with self.file.opened(at_once=_SMALL_PARQUET) as source:
            self._check_start(source)
            frame, self._reading.unpacked_bytes = read_parquet(
                source, self.file.name, self.file.limits
            )
        return frame

    def _read_together(
        self, parts: Sequence[FilePart]
    ) -> list[tuple[pl.DataFrame, Reading]] | None:
        if (self.stored_bytes() or 0) > _SMALL_PARQUET:
            return None
        files = [part.file for part in parts]
        found = read_parquet_parts(files)
        if found is None:
            return None
        return [
            (within_limits(frame, file, size), Reading(self.file.name, unpacked_bytes=size))
            for file, (frame, size) in zip(files, found, strict=True)
        ]

    def _slices(self) -> ParquetSlices | None:
        source = self.file.stored()
        if not isinstance(source, Path):
            return None
        self._check_start(source)
        return parquet_slices(source, self.file.name, self.file.limits)

    def _check_start(self, source: Path | bytes) -> None:
        start = _start(source)
        if start[:4] == _ENCRYPTED_PARQUET:
            raise _refusal(self.file.name, "is encrypted Parquet. Decrypt it first")
        if start[:4] != _PARQUET:
            raise _refusal(self.file.name, "is no Parquet file")


class ArrowSingleExtractor(SingleExtractor):
    """Extracts the table of an Arrow IPC file or stream, or of a Feather file.

    Columns in the declared types are taken as they are, others are converted if no value changes.

    Args:
        file: Where the content comes from.
        schema: The columns of the file.
        logger: Where warnings go; the standard library's logger if None.
    """

    reads_ahead = True

    def _extract_file(self) -> pl.DataFrame:
        name = self.file.name
        with self.file.opened(at_once=_SMALL_ARROW) as source:
            start = _start(source)
            if start.startswith((_ARROW_FILE, _ARROW_STREAM)):
                frame, self._reading.unpacked_bytes = read_arrow(source, name, self.file.limits)
                return frame
        if start.startswith(_FEATHER_1):
            raise _refusal(name, "is Feather of version 1. Write it as version 2 or as Parquet")
        raise _refusal(name, "is neither an Arrow file nor an Arrow stream")


def _start(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:_LONGEST]
    with source.open("rb") as stream:
        return stream.read(_LONGEST)


def _refusal(name: str, problem: str) -> FileContentError:
    return FileContentError(f"File {name!r} {problem}.")
