"""From files to schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import polars as pl

from algomancy_data.datamanager.input_files import MissingFileError, files_from_paths
from algomancy_data.display.objects import DisplayedInNotebook
from algomancy_data.display.words import counted
from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import EngineError, ETLConstructionError
from algomancy_data.extractor.extracted import reading_failures
from algomancy_data.file import FILE_TYPES, SUFFIXES
from algomancy_data.file.locations import file_name, find_parts, has_parts
from algomancy_data.inference.column_types import is_vocabulary
from algomancy_data.inference.csv_files import CSVLook, CSVProbe
from algomancy_data.inference.display import display_of
from algomancy_data.inference.inferred import extension_of, extract
from algomancy_data.inference.module_text import attribute_names, class_names, module_text
from algomancy_data.inference.references import NamedTable, find_references
from algomancy_data.inference.table_keys import find_key
from algomancy_data.inference.typed_files import columnar_finding, json_finding, workbook_finding
from algomancy_data.masking import mask
from algomancy_data.messages import ValidationSeverity
from algomancy_data.relations import resolve_relations_from_schemas
from algomancy_data.relations.lookup import rows_without_parent
from algomancy_data.schema import CSVDialect, DataType, FileExtension, Schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algomancy_data.display.objects import Display
    from algomancy_data.extractor import ConversionIssue
    from algomancy_data.file import File
    from algomancy_data.inference.inferred import InferredFile, InferredTable
    from algomancy_data.schema import ReadLimits

SAMPLE_BYTES: Final = 1 << 22
_COLUMNAR: Final = frozenset({FileExtension.PARQUET, FileExtension.ARROW})
# So many times at least a word of an enumeration occurs, on average.
_OFTEN: Final = 5
_WILDCARDS: Final = "*?["
_BETWEEN: Final = "-_. "

Paths: TypeAlias = "str | Path | Iterable[str | Path] | Mapping[str, str | Path]"
"""A path, several, or paths by the logical names that their files are to have."""


class InferredSchemas(DisplayedInNotebook):
    """Inferred schemas, as classes and as the text of a module.

    Args:
        inferred_files: What was found, by file.

    Attributes:
        schemas: A schema class per file, in the order of the files.
    """

    def __init__(self, inferred_files: Sequence[InferredFile]) -> None:
        self._files = list(inferred_files)
        self.schemas: list[type[Schema]] = [inferred.schema() for inferred in inferred_files]

    def to_module(self) -> str:
        """Return the text of a Python module that declares the schemas.

        It has a class per file, comments on what was found, and the list ``SCHEMAS``. Nothing in
        it depends on when or where it was made: equal files give equal text.
        """
        return module_text(self._files)

    def _display(self) -> Display:
        return display_of(self._files)

    def __str__(self) -> str:
        """Return a line per table: rows, columns, the key and the references."""
        return "\n".join(
            _line(inferred, table) for inferred in self._files for table in inferred.tables
        )

    def __repr__(self) -> str:
        """Return the names of the schema classes."""
        names = ", ".join(schema.__name__ for schema in self.schemas)
        return f"InferredSchemas([{names}])"


def infer_schemas(
    paths: Paths,
    *,
    sample_bytes: int | None = SAMPLE_BYTES,
    read_limits: ReadLimits | None = None,
    file_format: str | None = None,
    separator: str | None = None,
    enums: bool = False,
) -> InferredSchemas:
    r"""Find out what schemas would declare about files, so that they load without an error.

    Types, keys, unique columns, nulls and references hold on all rows: they are read off what the
    extractors of the ETL make of the files. What nearly holds is noted in the module's comments.

    Args:
        paths: Paths of files: CSV, JSON, NDJSON, XLSX, Parquet or Arrow, compressed or not,
            directories or patterns of parts. Their logical names are their names up to the first
            dot, unless they are given by name.
        sample_bytes: How much of each CSV file to look at for its types first; None for all of
            it. A type that does not hold on the rest of the file is looked for again.
        read_limits: How much each file may become in memory; None for the default limits.
        file_format: Format of the files whose names do not end in one, such as ``"csv"`` for
            ``orders.txt``; None to refuse them.
        separator: What separates the fields of the CSV files; None to find it out.
        enums: Declare texts that are a few words, again and again, as ``pl.Enum``. New words are
            then no values of the column.

    Raises:
        ETLConstructionError: A path leads nowhere, its format is not known, two files have one
            name, or the separator is none.
        FileContentError: A file is empty, damaged, or not what its name says.
        MissingExtraError: The package that reads workbooks is not installed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     airports = pathlib.Path(folder, "airports.csv")
        ...     written = airports.write_text("faa;alt\nEWR;18\nJFK;13\nLGA;22\n")
        ...     inferred = infer_schemas(airports)
        >>> print(inferred)
        airports: 3 rows, 2 columns, key faa
        >>> inferred.schemas[0].datatypes()
        {'faa': <DataType.STRING: 'string'>, 'alt': <DataType.INTEGER: 'int64'>}
    """
    if (problem := CSVDialect(separator=separator).problem()) is not None:
        msg = f"No CSV file is separated like that: {problem}"
        raise ETLConstructionError(msg)
    files = [file.within(read_limits) for file in files_at(paths, file_format)]
    look = CSVLook(sample_bytes, separator)
    frames: dict[str, pl.DataFrame] = {}
    inferred_files: list[InferredFile] = []
    seen, words = _first_findings(files, look)
    for inferred, probe in seen:
        with reading_failures(inferred.file.name):
            proven, extracted = _proven(inferred, probe, words)
        inferred_files.append(proven)
        frames |= extracted
    _name(inferred_files)
    tables: list[NamedTable] = []
    for inferred in inferred_files:
        for table in inferred.tables:
            name = inferred.table_name(table)
            with engine_failures(EngineError, f"Looking for the keys of table {name!r}"):
                _describe(table, frames[name], name)
            tables.append(NamedTable(name, table, frames[name]))
    with engine_failures(EngineError, "Looking for references between the tables"):
        find_references(tables)
    _drop_false_references(inferred_files, frames)
    if enums:
        for named in tables:
            _declare_enums(named.inferred, named.frame)
    return InferredSchemas(inferred_files)


# --- files ----------------------------------------------------------------------------------


def files_at(paths: Paths, file_format: str | None = None) -> list[File]:
    """Return the files in order.

    The logical name of a file is its name up to the first dot: ``flights.csv.zip`` is
    ``flights``. A directory of parts has its own name, a pattern what stands before its first
    wildcard.

    Args:
        paths: The paths.
        file_format: Format of the files whose names do not end in one.

    Raises:
        ETLConstructionError: A path leads nowhere, has no known format, or two files have one
            name.
    """
    if file_format is not None and file_format not in SUFFIXES:
        msg = f"There is no format {file_format!r}. Known: {', '.join(SUFFIXES)}."
        raise ETLConstructionError(msg)
    named = list(_named(paths))
    if not named:
        msg = "No file was given. Give the paths of the files that the schemas are for."
        raise ETLConstructionError(msg)
    plain = [(name, path) for name, path in named if not has_parts(path)]
    told = {
        name: _told(file_format)
        for name, path in plain
        if file_format is not None and _format_of(path) is None
    }
    files = files_from_paths(plain, told)
    for name, path in named:
        if not has_parts(path):
            continue
        if name in files:
            msg = f"Two files are named {name!r}. Give them names: {{'name': path, …}}."
            raise ETLConstructionError(msg)
        files[name] = _parted(name, path, file_format)
    return [files[name] for name, _ in named]


def _named(paths: Paths) -> Iterable[tuple[str, str]]:
    if isinstance(paths, Mapping):
        by_name = cast("Mapping[str, str | Path]", paths)
        return [(name, str(path)) for name, path in by_name.items()]
    given = [paths] if isinstance(paths, str | Path) else paths
    return [(logical_name(str(path)), str(path)) for path in given]


def logical_name(path: str) -> str:
    """Return the name of the table at a path: up to the first dot or wildcard.

    Example:
        >>> logical_name("data/flights.csv.zip"), logical_name("data/part-*.csv")
        ('flights', 'part')
    """
    name = file_name(path)
    if has_parts(path):
        name = _before_wildcard(path)
    return name.partition(".")[0] or name


def _before_wildcard(path: str) -> str:
    pieces = path.rstrip("/").split("/")
    fixed: list[str] = []
    for piece in pieces:
        begun = piece
        for wildcard in _WILDCARDS:
            begun = begun.partition(wildcard)[0]
        if begun != piece:
            fixed.append(begun.rstrip(_BETWEEN))
            break
        fixed.append(piece)
    named = [piece for piece in fixed if piece]
    return named[-1] if named else "table"


def _parted(name: str, path: str, file_format: str | None) -> File:
    parts = find_parts(path, tuple(SUFFIXES))
    if not parts:
        raise MissingFileError.from_path(name, path)
    found = _format_of(parts[0].path) or file_format
    if found is None:
        listed = ", ".join(SUFFIXES)
        msg = f"The parts at {mask(path)!r} have no known format. Known: {listed}."
        raise ETLConstructionError(msg)
    return FILE_TYPES[SUFFIXES[found]](name, path)


def _format_of(path: str) -> str | None:
    """Return the format of a path's suffix, without the compression; None if it has none."""
    suffixes = [suffix.lstrip(".").lower() for suffix in Path(file_name(path)).suffixes]
    return next((suffix for suffix in reversed(suffixes) if suffix in SUFFIXES), None)


def _told(file_format: str) -> type[Schema]:
    """Return a schema that declares nothing but the format of its file."""
    members = {"_FILENAME": "told", "_EXTENSION": SUFFIXES[file_format], "_SCHEMA_TYPE": "single"}
    return type("Told", (Schema,), members)


# --- types ----------------------------------------------------------------------------------


def _first_findings(
    files: Iterable[File], look: CSVLook
) -> tuple[list[tuple[InferredFile, CSVProbe | None]], set[str]]:
    """Return first findings about the files, and their words for "no value"."""
    probes: dict[str, CSVProbe] = {}
    others: dict[str, InferredFile] = {}
    names: list[str] = []
    for file in files:
        names.append(file.name)
        with reading_failures(file.name):
            if extension_of(file) is FileExtension.CSV:
                probes[file.name] = CSVProbe.of(file, look)
            else:
                others[file.name] = _first_finding(file)
    # Files that are given together have one origin: what a word means in one, it means in all.
    words = {word for probe in probes.values() for word in probe.words}
    found = others | {name: probe.inferred(words) for name, probe in probes.items()}
    return [(found[name], probes.get(name)) for name in names], words


def _first_finding(file: File) -> InferredFile:
    """Return first findings about a file of another format than CSV."""
    extension = extension_of(file)
    if extension is FileExtension.XLSX:
        return workbook_finding(file)
    return columnar_finding(file) if extension in _COLUMNAR else json_finding(file)


def _proven(
    inferred: InferredFile, probe: CSVProbe | None, words: Iterable[str]
) -> tuple[InferredFile, dict[str, pl.DataFrame]]:
    """Return the file with types that hold for all values, and the tables in those types."""
    frames, failing = _extract(inferred)
    if probe is not None and (failing or inferred.is_unsure or not probe.holds(inferred)):
        inferred = probe.of_all().inferred(words)
        frames, failing = _extract(inferred)
    if failing:
        for table in inferred.tables:
            for column in table.columns:
                if column.name in failing.get(inferred.table_name(table), ()):
                    column.dtype = DataType.STRING
        frames, _ = _extract(inferred)
    return inferred, frames


def _extract(inferred: InferredFile) -> tuple[dict[str, pl.DataFrame], dict[str, set[str]]]:
    frames, issues = extract(inferred.file, inferred.schema())
    failing = _failing_columns(inferred, issues)
    for table in inferred.tables:
        name = inferred.table_name(table)
        # The folders of parts may be columns that no part has itself.
        more = set(frames[name].columns) - {column.name for column in table.columns}
        if more:
            failing.setdefault(name, set()).update(more)
    return frames, failing


def _failing_columns(inferred: InferredFile, issues: list[ConversionIssue]) -> dict[str, set[str]]:
    """Return the columns, by table, that did not convert to the types found so far."""
    failing: dict[str, set[str]] = {}
    for issue in issues:
        if issue.severity is ValidationSeverity.ERROR and not issue.while_reading:
            failing.setdefault(issue.table or inferred.name, set()).add(issue.column)
    return failing


# --- names and tables -----------------------------------------------------------------------


def _name(inferred_files: Sequence[InferredFile]) -> None:
    """Name the classes and their attributes."""
    classes = class_names([inferred.name for inferred in inferred_files])
    for inferred, class_name in zip(inferred_files, classes, strict=True):
        inferred.class_name = class_name
        tables = inferred.tables
        groups = attribute_names([table.group or "" for table in tables], "TABLE")
        for table, group in zip(tables, groups, strict=True):
            table.attribute = group
            columns = attribute_names([column.name for column in table.columns], "COLUMN")
            for column, attribute in zip(table.columns, columns, strict=True):
                column.attribute = attribute


def _describe(table: InferredTable, frame: pl.DataFrame, name: str) -> None:
    """Note the nulls, the key and the unique columns of a table."""
    table.rows = frame.height
    for column in table.columns:
        values = frame[column.name]
        # Of a table without rows nothing is known.
        column.nullable = values.null_count() > 0 or not frame.height
        if frame.height and values.null_count() == frame.height:
            column.notes.append("No row has a value.")
    key = find_key(frame, table.columns, name)
    for column in key.columns:
        column.primary_key = True
    for column in key.unique:
        column.unique = True
    table.notes += key.notes


def _declare_enums(table: InferredTable, frame: pl.DataFrame) -> None:
    """Declare columns with few distinct words as enums, unless they identify rows."""
    for column in table.columns:
        if column.dtype is not DataType.STRING or column.primary_key or column.foreign_key:
            continue
        values = frame[column.name]
        words = values.drop_nulls().unique().sort()
        is_repeated = 0 < _OFTEN * len(words) <= len(values) - values.null_count()
        if is_repeated and is_vocabulary(words):
            column.dtype = pl.Enum(words)


def _drop_false_references(
    inferred_files: Sequence[InferredFile], frames: Mapping[str, pl.DataFrame]
) -> None:
    """Drop references that do not hold after the ETL.

    Two columns that refer to two columns of one table count as one reference of both.
    """
    schemas = [inferred.schema() for inferred in inferred_files]
    columns = {
        (inferred.table_name(table), column.name): column
        for inferred in inferred_files
        for table in inferred.tables
        for column in table.columns
    }
    for relation in resolve_relations_from_schemas(schemas):
        if len(relation.child_cols) == 1:  # as it was found
            continue
        child = frames[relation.child_table].select(relation.child_cols)
        parent = frames[relation.parent_table].select(relation.parent_cols)
        if rows_without_parent(child, parent).is_empty():
            continue
        for name, key in zip(relation.child_cols, relation.parent_cols, strict=True):
            column = columns[relation.child_table, name]
            column.foreign_key = None
            column.notes.append(f"By itself a foreign key to {relation.parent_table}.{key}.")


def _line(inferred: InferredFile, table: InferredTable) -> str:
    parts = [counted(table.rows, "row"), counted(len(table.columns), "column")]
    if table.key:
        parts.append(f"key {', '.join(column.name for column in table.key)}")
    parts += [
        f"{column.name} -> {'.'.join(column.foreign_key)}"
        for column in table.columns
        if column.foreign_key is not None
    ]
    return f"{inferred.table_name(table)}: {', '.join(parts)}"
