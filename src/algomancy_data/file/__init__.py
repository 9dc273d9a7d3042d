"""Files: where a table's content comes from, whatever holds it."""

from algomancy_data.file.base import File, FilePart
from algomancy_data.file.formats import (
    FILE_TYPES,
    SUFFIXES,
    ArrowFile,
    CSVFile,
    JSONFile,
    NDJSONFile,
    ParquetFile,
    XLSXFile,
)

__all__ = [
    "FILE_TYPES",
    "SUFFIXES",
    "ArrowFile",
    "CSVFile",
    "File",
    "FilePart",
    "JSONFile",
    "NDJSONFile",
    "ParquetFile",
    "XLSXFile",
]
