"""Inference of JSON, XLSX, Parquet and Arrow files, whose columns have types.

A JSON file is one table if its records are flat, else a group for each list of records.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from algomancy_data.errors import FileContentError
from algomancy_data.extractor.json.document import read_document
from algomancy_data.extractor.json.plan import JSONPlan
from algomancy_data.extractor.xlsx.extractors import open_workbook
from algomancy_data.file.workbook import read_sheet
from algomancy_data.inference.column_types import column_findings
from algomancy_data.inference.inferred import (
    PLACEHOLDER,
    InferredColumn,
    InferredFile,
    InferredTable,
    extension_of,
    extract,
)
from algomancy_data.inference.similar_names import singular, words
from algomancy_data.inference.table_keys import find_key
from algomancy_data.inference.titles import title_above
from algomancy_data.schema import ColumnGroup, FileExtension, Schema
from algomancy_data.schema.table_names import table_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from algomancy_data.extractor.json.layout import Envelope
    from algomancy_data.extractor.json.parser import ArrowType
    from algomancy_data.file import File

_Path: TypeAlias = tuple[str, ...]
_ROOT: Final = "root"


def columnar_finding(file: File) -> InferredFile:
    """Return what a Parquet or Arrow file holds.

    Raises:
        FileContentError: It is damaged, or has no columns.
        FileNotFoundError: It is gone.
    """
    return _inferred(file, {None: _natural_frame(file)})


def workbook_finding(file: File) -> InferredFile:
    """Return the findings about a workbook: the table of a sheet, or a group per sheet.

    Raises:
        FileContentError: It is damaged, or has no columns.
        FileNotFoundError: It is gone.
        MissingExtraError: The package that reads workbooks is not installed.
    """
    if file.parts() is not None:
        return _inferred(file, {None: _natural_frame(file)})
    workbook = open_workbook(file)
    frames = {name: read_sheet(workbook, name, {}).frame for name in workbook.sheet_names}
    filled = {name: frame for name, frame in frames.items() if frame.width}
    if not filled:
        raise _without_columns(file)
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
    # A workbook has one kind of numbers, and one of dates.
    is_exact = extension_of(file) is not FileExtension.XLSX
    tables = [
        InferredTable(
            group,
            column_findings(frame, has_integers=is_exact, has_days=is_exact),
        )
        for group, frame in frames.items()
    ]
    if not any(table.columns for table in tables):
        raise _without_columns(file)
    inferred = InferredFile(file, tables)
    if not is_exact:
        titles = (title_above(frame) for frame in frames.values())
        inferred.notes += [f"Of a sheet, {title}." for title in titles if title is not None]
    return inferred


def _without_columns(file: File) -> FileContentError:
    """Return the error for a file without columns."""
    return FileContentError(
        f"File {file.name!r} has no columns, so there is nothing to declare. "
        f"Give a file with a header, or with at least one record."
    )


def _natural_frame(file: File) -> pl.DataFrame:
    """Return the single table of a file in its own types.

    Raises:
        FileContentError: The file is not what its format says.
        FileNotFoundError: The file is gone.
    """
    members = {
        "_FILENAME": file.name,
        "_EXTENSION": file.extension,
        "_SCHEMA_TYPE": "single",
        "PLACEHOLDER": PLACEHOLDER,
    }
    return extract(file, type("Natural", (Schema,), members))[0][file.name]


# --- JSON -----------------------------------------------------------------------------------


def json_finding(file: File) -> InferredFile:
    """Return what a JSON file holds.

    Raises:
        FileContentError: It is no JSON, or has no records with columns.
        FileNotFoundError: It is gone.
    """
    paths = [] if file.parts() is not None else list(_paths_of_tables(file))
    if not paths:
        frame = _natural_frame(file)
        tables = [InferredTable(None, _columns(frame))]
    else:
        tables = _Groups(file, paths).tables()
    if not any(table.columns for table in tables):
        raise _without_columns(file)
    return InferredFile(file, tables)


def _columns(frame: pl.DataFrame) -> list[InferredColumn]:
    return column_findings(frame, has_dates=False)


def _paths_of_tables(file: File) -> Iterator[_Path]:
    """Yield the paths of the lists of records inside the records of a file."""
    plan = JSONPlan(file.name, {(): frozenset()}, frozenset())
    document = read_document(file, plan, _is_record)
    if document.has_no_objects:
        msg = (
            f"File {file.name!r} has a list without objects in it, so it has no columns. "
            f"Write each record as an object."
        )
        raise FileContentError(msg)
    if document.pieces and not document.is_one_object:
        yield from _lists_of_records(document.pieces[0].type, ())


def _is_record(envelope: Envelope) -> bool:
    """Tell whether an object with a list is a record itself, as the extractor does."""
    return not envelope.is_empty and not isinstance(envelope.first, dict)


def _lists_of_records(dtype: ArrowType, path: _Path) -> Iterator[_Path]:
    import pyarrow as pa  # noqa: PLC0415  import time that only JSON has to pay

    for member in dtype:
        inside = (*path, member.name)
        if pa.types.is_struct(member.type):
            yield from _lists_of_records(member.type, inside)
        elif pa.types.is_list(member.type) and pa.types.is_struct(member.type.value_type):
            yield inside
            yield from _lists_of_records(member.type.value_type, inside)


@dataclass(frozen=True)
class _Groups:
    """The groups of a file with records inside records."""

    file: File
    paths: list[_Path]

    def tables(self) -> list[InferredTable]:
        """Return the tables with the keys of outer ones, outer tables first."""
        names = self._names()
        frames = self._frames(names)
        found: dict[_Path, InferredTable] = {}
        for path, name in names.items():
            frame = frames[table_name(self.file.name, name)]
            columns = _columns(frame)
            key = self._key_of_parent(path, found)
            if key is not None and key.name not in {column.name for column in columns}:
                columns.insert(0, key)
            found[path] = InferredTable(name, columns, source_path=path)
            own = [column for column in columns if column is not key]
            for column in find_key(frame, own, name, single=True).columns:
                column.primary_key = True
        for table in found.values():  # they are sought anew in what the extractor gives
            for column in table.columns:
                column.primary_key = False
        return list(found.values())

    def _names(self) -> dict[_Path, str]:
        """Return the name of each group: its last key, or the whole path if that is ambiguous."""
        counts = Counter(path[-1] for path in self.paths)
        names: dict[_Path, str] = {(): _ROOT}
        for path in self.paths:
            alone = counts[path[-1]] == 1 and path[-1] != _ROOT
            names[path] = path[-1] if alone else ".".join((_ROOT, *path))
        return names

    def _frames(self, names: dict[_Path, str]) -> dict[str, pl.DataFrame]:
        members: dict[str, Any] = {
            f"GROUP_{position}": ColumnGroup(name, [], path)
            for position, (path, name) in enumerate(names.items())
        }
        members |= {
            "_FILENAME": self.file.name,
            "_EXTENSION": self.file.extension,
            "_SCHEMA_TYPE": "multi",
        }
        return extract(self.file, type("Natural", (Schema,), members))[0]

    def _key_of_parent(
        self, path: _Path, found: dict[_Path, InferredTable]
    ) -> InferredColumn | None:
        """Return a column for the key of the nearest outer table with a single-column key."""
        for length in reversed(range(len(path))):
            table = found.get(path[:length])
            if table is None or len(table.key) != 1:
                continue
            (key,) = table.key
            noun = singular(path[length - 1] if length else self.file.name)
            stem = "_".join(noun)
            name = key.name if words(key.name)[: len(noun)] == noun else f"{stem}_{key.name}"
            return InferredColumn(name, key.dtype, foreign_key=(table.group or "", key.name))
        return None
