"""What was inferred from files, from which schema classes and modules are made."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from algomancy_data.display.words import counted
from algomancy_data.file import SUFFIXES
from algomancy_data.file.locations import file_name, has_parts
from algomancy_data.registry import get_extractor_class
from algomancy_data.schema import Column, ColumnGroup, CSVDialect, DataType, Schema, SchemaType
from algomancy_data.schema.kinds import column_type_of
from algomancy_data.schema.table_names import table_name

if TYPE_CHECKING:
    import polars as pl

    from algomancy_data.extractor import ConversionIssue, Extractor
    from algomancy_data.file import File
    from algomancy_data.schema import FileExtension
    from algomancy_data.schema.kinds import DeclaredType
    from algomancy_data.schema.types import ColumnType

_LONGEST_LABEL: Final = 60
# What an extractor logs is in the notes: only a schema was asked for, not the data.
_SILENT: Final = logging.Logger("algomancy_data.inference", logging.CRITICAL + 1)  # noqa: LOG001
# A schema needs a column, and no file has one of this name.
PLACEHOLDER: Final = Column("\0", DataType.STRING, optional=True)


@dataclass
class InferredColumn:
    """What was inferred about a column.

    Attributes:
        name: Its name in the file.
        dtype: The type that all its values have, as a schema declares it.
        attribute: Name of the class attribute that declares it.
        primary_key: It is part of the table's key.
        nullable: Some row has no value.
        unique: No value appears twice, and that is no matter of course.
        foreign_key: Table and column whose values it repeats.
        notes: Sentences for people: what nearly holds, what could be read in another way.
    """

    name: str
    dtype: DeclaredType
    attribute: str = ""
    primary_key: bool = False
    nullable: bool = False
    unique: bool = False
    foreign_key: tuple[str, str] | None = None
    notes: list[str] = field(default_factory=list[str])

    @property
    def column_type(self) -> ColumnType:
        """The column type."""
        return column_type_of(self.dtype)

    def declaration(self) -> Column:
        """Return the column as a schema declares it."""
        return Column(
            self.name,
            self.dtype,
            primary_key=self.primary_key,
            nullable=self.nullable,
            unique=self.unique,
            foreign_key=self.foreign_key,
        )


@dataclass
class InferredTable:
    """What was inferred about a table.

    Attributes:
        group: Name of its column group; None for the one table of a file.
        columns: Its columns in order.
        attribute: Name of the class attribute that declares the group.
        source_path: Keys that lead to its records in a JSON document.
        rows: How many there are.
        notes: Sentences for people.
    """

    group: str | None
    columns: list[InferredColumn]
    attribute: str = ""
    source_path: tuple[str, ...] = ()
    rows: int = 0
    notes: list[str] = field(default_factory=list[str])

    @property
    def key(self) -> list[InferredColumn]:
        """The columns of the primary key."""
        return [column for column in self.columns if column.primary_key]

    def column(self, name: str) -> InferredColumn:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)

    def declaration(self) -> ColumnGroup:
        """Return the table as a MULTI schema declares it."""
        columns = [column.declaration() for column in self.columns]
        return ColumnGroup(self.group or "", columns, self.source_path)


@dataclass
class InferredFile:
    """What was inferred about a file.

    Attributes:
        file: The file, under its logical name.
        tables: Its tables: one, or a group each.
        class_name: Name of the schema class.
        dialect: How a CSV file is written.
        sheet: Which sheet of a workbook is meant, if there are several.
        notes: Sentences for people.
        is_unsure: Only a part of the file was looked at, and what is said of it may not hold for
            all of it although its types do.
    """

    file: File
    tables: list[InferredTable]
    class_name: str = "Found"
    dialect: CSVDialect = field(default_factory=CSVDialect)
    sheet: str | None = None
    notes: list[str] = field(default_factory=list[str])
    is_unsure: bool = False

    @property
    def name(self) -> str:
        """The logical name."""
        return self.file.name

    @property
    def label(self) -> str:
        """The name under which the file is stored."""
        path = str(self.file.path)
        if has_parts(path) and not Path(path).is_dir():
            return file_name(Path(path).parent / Path(path).name)
        return file_name(path)

    @property
    def extension(self) -> FileExtension:
        """The format."""
        return extension_of(self.file)

    @property
    def schema_type(self) -> SchemaType:
        """Whether the file has one table or groups of columns."""
        return SchemaType.SINGLE if self.tables[0].group is None else SchemaType.MULTI

    def table_name(self, table: InferredTable) -> str:
        """Return the logical name of one of the tables."""
        return self.name if table.group is None else table_name(self.name, table.group)

    def schema(self) -> type[Schema]:
        """Return a new schema class that declares all this."""
        members: dict[str, object] = {
            "__doc__": self.docstring(),
            "__module__": __name__,
            "_FILENAME": self.name,
            "_EXTENSION": self.extension,
            "_SCHEMA_TYPE": self.schema_type,
        }
        if self.dialect != CSVDialect():
            members["_CSV"] = self.dialect
        if self.sheet is not None:
            members["_SHEET"] = self.sheet
        for table in self.tables:
            if table.group is not None:
                members[table.attribute or f"TABLE_{len(members)}"] = table.declaration()
                continue
            for column in table.columns:
                members[column.attribute or f"COLUMN_{len(members)}"] = column.declaration()
        return type(self.class_name, (Schema,), members)

    def docstring(self) -> str:
        """Return the docstring of the class."""
        label = shown_label(self.label)
        if len(self.tables) == 1:
            return f"The table in {label}: {counted(self.tables[0].rows, 'row')}."
        return f"The {len(self.tables)} tables in {label}."


def shown_label(label: str) -> str:
    r"""Return a file's name for a docstring, cut if it is too long for a line.

    Example:
        >>> shown_label('the "new" \\ one.csv')
        "the 'new' ? one.csv"
    """
    plain = "".join(c if c.isprintable() and c != "\\" else "?" for c in label.replace('"', "'"))
    return plain if len(plain) <= _LONGEST_LABEL else f"{plain[:_LONGEST_LABEL]}…"


def extension_of(file: File) -> FileExtension:
    """Return the format of a file."""
    return SUFFIXES[str(file.extension)]


def extract(
    file: File, schema: type[Schema]
) -> tuple[dict[str, pl.DataFrame], list[ConversionIssue]]:
    """Return the tables of a file by logical name, and what did not convert.

    Raises:
        FileContentError: The file is not what its format says.
        FileNotFoundError: The file is gone.
    """
    extractor_class = cast("Any", get_extractor_class(file.extension, schema.schema_type()))
    extractor: Extractor = extractor_class(file, schema, logger=_SILENT)
    return extractor.extract(), extractor.conversion_issues
