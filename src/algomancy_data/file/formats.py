"""The files of each format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

import polars as pl

from algomancy_data.errors import FileContentError
from algomancy_data.file.base import File
from algomancy_data.file.compression import GZIP, ZSTD
from algomancy_data.file.workbook import Workbook, read_sheet
from algomancy_data.schema import FileExtension

if TYPE_CHECKING:
    from pathlib import Path

    from algomancy_data.schema import ReadLimits


class _FormatFile(File):
    """A file whose class says its format."""

    _format: ClassVar[FileExtension]

    def __init__(
        self,
        name: str,
        path: str | Path | None = None,
        content: str | None = None,
        *,
        read_limits: ReadLimits | None = None,
    ) -> None:
        super().__init__(name, self._format, path, content, read_limits=read_limits)


class CSVFile(_FormatFile):
    r"""A CSV file.

    It takes the arguments of :class:`File`, except ``extension``.

    Example:
        >>> CSVFile("t", content="data:text/csv;base64,YTtiCjE7Mgo=").content
        'a;b\n1;2\n'
    """

    other_suffixes = ("tsv",)

    _format = FileExtension.CSV


class JSONFile(_FormatFile):
    """A JSON file: one document, or one record per line.

    It takes the arguments of :class:`File`, except ``extension``.

    Example:
        >>> JSONFile("t", content="data:application/json;base64,W3siYSI6MX1d").content
        '[{"a":1}]'
    """

    _format = FileExtension.JSON


class NDJSONFile(_FormatFile):
    r"""A file with one JSON record per line (``.ndjson``, ``.jsonl``).

    It takes the arguments of :class:`File`, except ``extension``.

    Example:
        >>> NDJSONFile("t", content="data:;base64,eyJhIjoxfQp7ImEiOjJ9Cg==").content
        '{"a":1}\n{"a":2}\n'
    """

    _format = FileExtension.NDJSON


class XLSXFile(_FormatFile):
    """An XLSX workbook.

    It takes the arguments of :class:`File`, except ``extension``.
    """

    other_suffixes = ("xlsm",)
    _compressions = (GZIP, ZSTD)  # a workbook is a zip itself

    _format = FileExtension.XLSX

    def workbook(self) -> Workbook:
        """Open the workbook.

        Raises:
            FileNotFoundError: The file is gone.
            FileContentError: It is no XLSX workbook, protected by a password, or damaged.
        """
        return Workbook(self.read_bytes(), self.name, self.limits)

    @property
    def content(self) -> str | None:
        """The workbook as JSON text, or None if there is neither a path nor content.

        An object with ``metadata`` (``sheet_count``, ``sheet_names`` and
        ``index_to_sheet_name``) and ``sheets``: a list of records by the sheet's name, dates and
        times as ISO 8601 text.

        Raises:
            FileContentError: It is no XLSX workbook, protected by a password, or damaged.
        """
        return super().content

    @content.setter
    def content(self, text: str | None) -> None:
        if text is not None:
            msg = (
                f"File {self.name!r}: a workbook is no text that could be set as its content. "
                f"Give XLSXFile() a path, or a data URI as content."
            )
            raise FileContentError(msg)
        self._uploaded = None

    @property
    def index_to_sheet_name(self) -> dict[int, str]:
        """The names of the sheets by their number from 0; none without a path or content.

        Raises:
            FileContentError: It is no XLSX workbook, protected by a password, or damaged.
        """
        if self._uploaded is None and self.path is None:
            return {}
        return dict(enumerate(self.workbook().sheet_names))

    def _text(self) -> str:
        workbook = self.workbook()
        names = workbook.sheet_names
        metadata = {
            "sheet_count": len(names),
            "sheet_names": names,
            "index_to_sheet_name": {str(index): name for index, name in enumerate(names)},
        }
        sheets = ", ".join(
            f"{json.dumps(name, ensure_ascii=False)}: {_records(workbook, name)}" for name in names
        )
        return f'{{"metadata": {json.dumps(metadata, ensure_ascii=False)}, "sheets": {{{sheets}}}}}'


def _records(workbook: Workbook, sheet: str) -> str:
    frame = read_sheet(workbook, sheet, {}).frame
    return frame.with_columns(
        pl.col(pl.Datetime).dt.to_string("iso:strict"),
        pl.col(pl.Duration).dt.to_string("iso"),
        pl.col(pl.Time).dt.to_string("%H:%M:%S%.f"),  # a cast drops the fraction
    ).write_json()


class ParquetFile(_FormatFile):
    """A Parquet file.

    It takes the arguments of :class:`File`, except ``extension``.
    """

    other_suffixes = ("pq",)

    _format = FileExtension.PARQUET


class ArrowFile(_FormatFile):
    """An Arrow IPC file or stream, also known as Feather.

    It takes the arguments of :class:`File`, except ``extension``.
    """

    other_suffixes = ("arrows", "feather", "ipc")

    _format = FileExtension.ARROW


_FileType: TypeAlias = type[CSVFile | JSONFile | NDJSONFile | XLSXFile | ParquetFile | ArrowFile]

FILE_TYPES: Final[dict[FileExtension, _FileType]] = {
    FileExtension.CSV: CSVFile,
    FileExtension.JSON: JSONFile,
    FileExtension.NDJSON: NDJSONFile,
    FileExtension.JSONL: NDJSONFile,
    FileExtension.XLSX: XLSXFile,
    FileExtension.PARQUET: ParquetFile,
    FileExtension.ARROW: ArrowFile,
}
"""The class of each format; each takes ``(name, path=None, content=None)``."""

SUFFIXES: Final[dict[str, FileExtension]] = {
    suffix: extension
    for extension, file_type in FILE_TYPES.items()
    for suffix in (str(extension), *file_type.other_suffixes)
}
"""The format that a name ends with, lower case and without the dot."""
