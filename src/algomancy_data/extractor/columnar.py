"""The extractors of files that hold columns: Parquet and Arrow."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.errors import FileContentError
from algomancy_data.extractor.arrow_columns import checked_frame
from algomancy_data.extractor.arrow_file import read_arrow
from algomancy_data.extractor.base import SingleExtractor
from algomancy_data.extractor.parquet import SATURATED, read_parquet
from algomancy_data.locations import is_address, nothing_at, unreachable
from algomancy_data.masking import as_cause

if TYPE_CHECKING:
    from collections.abc import Callable

    from algomancy_data.file import File

_PARQUET: Final = b"PAR1"
_ENCRYPTED_PARQUET: Final = b"PARE"
_ARROW_FILE: Final = b"ARROW1"
_FEATHER_1: Final = b"FEA1"
# A stream begins with the length of its first message, since Arrow 0.15 after this mark.
_ARROW_STREAM: Final = b"\xff\xff\xff\xff"
_LONGEST: Final = 6
# The stores that Polars reads from by itself.
_STORES: Final = (
    "s3",
    "s3a",
    "gs",
    "gcs",
    "az",
    "azure",
    "abfs",
    "abfss",
    "adl",
    "http",
    "https",
    "hf",
)


class ParquetSingleExtractor(SingleExtractor):
    """Extracts the table of a Parquet file.

    Columns in the declared types are taken as they are, others are converted if no value changes.

    Args:
        file: Where the content comes from.
        schema: The columns of the file.
        logger: Where warnings go; the standard library's logger if None.
    """

    def _extract_file(self) -> pl.DataFrame:
        frame = _read_in_pieces(self.file, _scan_parquet)
        if frame is not None:
            return frame
        source = self.file.source()
        start = _start(source)
        if start[:4] == _ENCRYPTED_PARQUET:
            raise _refusal(self.file.name, "is encrypted Parquet. Decrypt it first")
        if start[:4] != _PARQUET:
            raise _refusal(self.file.name, "is no Parquet file")
        return read_parquet(source, self.file.name, self.file.limits)


class ArrowSingleExtractor(SingleExtractor):
    """Extracts the table of an Arrow IPC file or stream, or of a Feather file.

    Columns in the declared types are taken as they are, others are converted if no value changes.

    Args:
        file: Where the content comes from.
        schema: The columns of the file.
        logger: Where warnings go; the standard library's logger if None.
    """

    def _extract_file(self) -> pl.DataFrame:
        frame = _read_in_pieces(self.file, _scan_arrow)
        if frame is not None:
            return frame
        source = self.file.source()
        start = _start(source)
        name = self.file.name
        if start.startswith(_FEATHER_1):
            raise _refusal(name, "is Feather of version 1. Write it as version 2 or as Parquet")
        if start.startswith((_ARROW_FILE, _ARROW_STREAM)):
            return read_arrow(source, name, self.file.limits)
        raise _refusal(name, "is neither an Arrow file nor an Arrow stream")


def _scan_parquet(address: str) -> pl.DataFrame:
    return pl.read_parquet(address, glob=False, hive_partitioning=False)


def _scan_arrow(address: str) -> pl.DataFrame:
    return pl.scan_ipc(address, glob=False, hive_partitioning=False).collect()


def _read_in_pieces(file: File, read: Callable[[str], pl.DataFrame]) -> pl.DataFrame | None:
    """Read a file from a store by Polars' own means, or return None if it has to come whole."""
    address = _address_for_polars(file)
    if address is None:
        return None
    try:
        frame = read(address)
    except FileNotFoundError as error:
        raise nothing_at(address) from as_cause(error, address)
    except (PermissionError, ConnectionError, TimeoutError) as error:
        raise unreachable(address, error) from as_cause(error, address)
    except (PolarsError, PanicException, OSError, ValueError):
        # A simple web server sends no pieces, an Arrow stream does not end like a file; and what
        # else is wrong, the readers of whole files say better.
        return None
    return checked_frame(frame, file.name) if _is_as_it_was(frame) else None


def _is_as_it_was(frame: pl.DataFrame) -> bool:
    """Tell whether Polars has certainly changed no value and left out no row."""
    return frame.height > 0 and not any(
        isinstance(values.dtype, pl.Map | pl.Time)
        or (values.dtype == pl.Datetime("ns") and values.to_physical().max() == SATURATED)
        for values in frame
    )


def _address_for_polars(file: File) -> str | None:
    """Return the address of a file in a store that Polars reads from by itself."""
    path = file.path
    if file.is_uploaded or path is None or not is_address(path):
        return None
    return str(path) if str(path).partition("://")[0].lower() in _STORES else None


def _start(source: Path | bytes) -> bytes:
    stream: Any = source.open("rb") if isinstance(source, Path) else io.BytesIO(source)
    with stream:
        return stream.read(_LONGEST)


def _refusal(name: str, problem: str) -> FileContentError:
    return FileContentError(f"File {name!r} {problem}.")
