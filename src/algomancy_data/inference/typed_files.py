"""Parquet, Arrow and XLSX files: formats that say themselves what type a column has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.errors import FileContentError
from algomancy_data.extractor import DataTypeConverter, TextConventions
from algomancy_data.extractor.xlsx.extractors import open_workbook
from algomancy_data.file.workbook import read_sheet
from algomancy_data.inference.inferred import InferredColumn, InferredFile, InferredTable
from algomancy_data.inference.sources import extension_of, label_of, natural_frame
from algomancy_data.inference.texts import type_in_json
from algomancy_data.schema import DataType, FileExtension
from algomancy_data.schema.types import COLUMN_TYPES

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.file import File


def columnar_finding(file: File) -> InferredFile:
    """Return what a Parquet or Arrow file holds.

    Raises:
        FileContentError: It is damaged, or has no columns.
        FileNotFoundError: It is gone.
    """
    return _inferred(file, {None: natural_frame(file)})


def workbook_finding(file: File) -> InferredFile:
    """Return what a workbook holds: the table of a sheet, or a group for each sheet that has one.

    Raises:
        FileContentError: It is damaged, or has no columns.
        FileNotFoundError: It is gone.
        MissingExtraError: The package that reads workbooks is not installed.
    """
    if file.parts() is not None:
        return _inferred(file, {None: natural_frame(file)})
    workbook = open_workbook(file)
    frames = {name: read_sheet(workbook, name, {}).frame for name in workbook.sheet_names}
    filled = {name: frame for name, frame in frames.items() if frame.width}
    if not filled:
        raise without_columns(file)
    if len(filled) > 1:
        inferred = _inferred(file, filled)
    else:
        inferred = _inferred(file, dict.fromkeys([None], *filled.values()))
        inferred.sheet = next(iter(filled)) if len(frames) > 1 else None
    empty = [name for name in frames if name not in filled]
    if empty:
        inferred.notes.append(f"Without a table: {', '.join(map(ascii, empty))}.")
    return inferred


def _inferred(
    file: File, frames: dict[str | None, pl.DataFrame] | dict[str, pl.DataFrame]
) -> InferredFile:
    has_integers = extension_of(file) is not FileExtension.XLSX
    tables = [
        InferredTable(
            group,
            [column_finding(column, has_integers=has_integers) for column in frame.iter_columns()],
        )
        for group, frame in frames.items()
    ]
    if not any(table.columns for table in tables):
        raise without_columns(file)
    return InferredFile(file, label_of(file), extension_of(file), tables)


def without_columns(file: File) -> FileContentError:
    """Return the error for a file in which no column was found."""
    return FileContentError(
        f"File {file.name!r} has no columns, so there is nothing to declare. "
        f"Give a file with a header, or with at least one record."
    )


def column_finding(
    values: pl.Series, *, has_dates: bool = True, has_integers: bool = True
) -> InferredColumn:
    """Return the type that a column is declared with so that no value of it changes.

    Args:
        values: The column as the format holds it.
        has_dates: The format has dates; in one that has not, they are looked for in texts.
        has_integers: The format tells whole numbers from others; in one that does not, a column
            of whole numbers is INTEGER.

    Example:
        >>> column_finding(pl.Series("id", [1, 2])).dtype.name
        'INTEGER'
    """
    dtype = values.dtype
    if dtype == pl.String:
        if has_dates:
            return InferredColumn(values.name, DataType.STRING)
        found = type_in_json(values, TextConventions())
        return InferredColumn(values.name, found.dtype, notes=found.notes)
    candidates = [
        DataType[name] for name, column_type in COLUMN_TYPES.items() if column_type.suits(dtype)
    ]
    notes = _notes(dtype)
    if dtype.is_float() and not has_integers:
        candidates = [DataType.INTEGER, *candidates]
    for candidate in candidates:
        issues = []
        DataTypeConverter.convert_dtypes(values.to_frame(), {values.name: candidate}, issues)
        if not issues:
            return InferredColumn(values.name, candidate, notes=notes)
    note = f"No declared type holds {dtype}: the column stays as it is, with a message."
    return InferredColumn(values.name, DataType.STRING, notes=[note])


def _notes(dtype: PolarsDataType) -> list[str]:
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return ["With a time zone, which it keeps: extracted with a DTYPE_MISMATCH warning."]
    if isinstance(dtype, pl.List | pl.Array | pl.Struct):
        return ["Lists or objects, as JSON text."]
    return []
