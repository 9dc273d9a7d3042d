"""What was found in files: the material that schema classes and modules are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from algomancy_data.display.words import counted
from algomancy_data.schema import Column, ColumnGroup, CSVDialect, Schema, SchemaType
from algomancy_data.schema.tables import table_name

if TYPE_CHECKING:
    from algomancy_data.file import File
    from algomancy_data.schema import DataType, FileExtension

_LONGEST_LABEL: Final = 60


@dataclass
class InferredColumn:
    """What was found in a column.

    Attributes:
        name: Its name in the file.
        dtype: The type that all its values have.
        attribute: Name of the class attribute that declares it.
        primary_key: It is part of the table's key.
        nullable: Some row has no value.
        unique: No value appears twice, and that is no matter of course.
        foreign_key: Table and column whose values it repeats.
        notes: Sentences for people: what nearly holds, what could be read in another way.
    """

    name: str
    dtype: DataType
    attribute: str = ""
    primary_key: bool = False
    nullable: bool = False
    unique: bool = False
    foreign_key: tuple[str, str] | None = None
    notes: list[str] = field(default_factory=list[str])

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
    """What was found in a table.

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
    """What was found in a file.

    Attributes:
        file: The file, under its logical name.
        label: What the file is called on disk.
        extension: Its format.
        tables: Its tables: one, or a group each.
        class_name: Name of the schema class.
        dialect: How a CSV file is written.
        sheet: Which sheet of a workbook is meant, if there are several.
        notes: Sentences for people.
        is_unsure: Only a part of the file was looked at, and what is said of it may not hold for
            all of it although its types do.
    """

    file: File
    label: str
    extension: FileExtension
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
    def schema_type(self) -> SchemaType:
        """Whether the file has one table or groups of columns."""
        return SchemaType.SINGLE if self.tables[0].group is None else SchemaType.MULTI

    def table_name(self, table: InferredTable) -> str:
        """Return the logical name of one of the tables."""
        return self.name if table.group is None else table_name(self.name, table.group)

    def schema(self) -> type[Schema]:
        """Return a new class that declares all this."""
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
        """Return what the class says of itself."""
        label = shown_label(self.label)
        if len(self.tables) == 1:
            return f"The table in {label}: {counted(self.tables[0].rows, 'row')}."
        return f"The {len(self.tables)} tables in {label}."


def shown_label(label: str) -> str:
    r"""Return a file's name as it can stand in a docstring, cut if it is too long for a line.

    Example:
        >>> shown_label('the "new" \\ one.csv')
        "the 'new' ? one.csv"
    """
    plain = "".join(c if c.isprintable() and c != "\\" else "?" for c in label.replace('"', "'"))
    return plain if len(plain) <= _LONGEST_LABEL else f"{plain[:_LONGEST_LABEL]}…"
