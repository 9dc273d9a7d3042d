"""The extractors of files that hold columns: Parquet and Arrow."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.errors import FileContentError
from algomancy_data.extractor.base import SingleExtractor
from algomancy_data.locations import is_address, nothing_at, unreachable
from algomancy_data.masking import as_cause, mask

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
# A simple web server sends no pieces, and an Arrow stream does not end like a file.
_ONLY_WHOLE: Final = ("Range request not supported", "Footer")
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
        frame = _read_in_pieces(self.file, _read_parquet, "Parquet")
        if frame is not None:
            return frame
        source = self.file.source()
        start = _start(source)
        if start[:4] == _ENCRYPTED_PARQUET:
            raise _refusal(self.file.name, "is encrypted Parquet. Decrypt it first")
        if start[:4] != _PARQUET:
            raise _refusal(self.file.name, "is no Parquet file")
        return _read(lambda: _read_parquet(source), self.file.name, "Parquet")


class ArrowSingleExtractor(SingleExtractor):
    """Extracts the table of an Arrow IPC file or stream, or of a Feather file.

    Columns in the declared types are taken as they are, others are converted if no value changes.

    Args:
        file: Where the content comes from.
        schema: The columns of the file.
        logger: Where warnings go; the standard library's logger if None.
    """

    def _extract_file(self) -> pl.DataFrame:
        frame = _read_in_pieces(self.file, _scan_arrow, "Arrow")
        if frame is not None:
            return frame
        source = self.file.source()
        start = _start(source)
        name = self.file.name
        if start.startswith(_ARROW_FILE):
            return _read(lambda: pl.read_ipc(source), name, "Arrow")
        if start.startswith(_FEATHER_1):
            raise _refusal(name, "is Feather of version 1. Write it as version 2 or as Parquet")
        if start.startswith(_ARROW_STREAM):
            return _read(lambda: pl.read_ipc_stream(source), name, "Arrow")
        raise _refusal(name, "is neither an Arrow file nor an Arrow stream")


def _read_parquet(source: str | Path | bytes) -> pl.DataFrame:
    return pl.read_parquet(source, glob=False, hive_partitioning=False)


def _scan_arrow(address: str) -> pl.DataFrame:
    return pl.scan_ipc(address, glob=False, hive_partitioning=False).collect()


def _read_in_pieces(
    file: File, read: Callable[[str], pl.DataFrame], kind: str
) -> pl.DataFrame | None:
    """Read a file from a store by Polars' own means, or return None if it has to come whole."""
    address = _address_for_polars(file)
    if address is None:
        return None
    try:
        return _read(lambda: read(address), file.name, kind, address)
    except FileNotFoundError as error:
        raise nothing_at(address) from as_cause(error, address)
    except (PermissionError, ConnectionError, TimeoutError) as error:
        raise unreachable(address, error) from as_cause(error, address)
    except FileContentError as error:
        if any(reason in str(error) for reason in _ONLY_WHOLE):
            return None
        raise


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


def _read(
    read: Callable[[], pl.DataFrame], name: str, kind: str, address: str = ""
) -> pl.DataFrame:
    try:
        return read()
    except (FileNotFoundError, PermissionError, ConnectionError, TimeoutError):
        raise
    except (PolarsError, PanicException, OSError, ValueError) as error:
        reason = (mask(error, address) or type(error).__name__).partition("\n")[0]
        msg = f"File {name!r} cannot be read as {kind}; it may be damaged: {reason}"
        raise FileContentError(msg) from as_cause(error, address)


def _refusal(name: str, problem: str) -> FileContentError:
    return FileContentError(f"File {name!r} {problem}.")
