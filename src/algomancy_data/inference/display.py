"""The display of inferred schemas in notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from algomancy_data.display.grid import Grid
from algomancy_data.display.objects import Display
from algomancy_data.display.words import counted
from algomancy_data.schema import DataType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algomancy_data.inference.inferred import InferredColumn, InferredFile
    from algomancy_data.schema.kinds import DeclaredType

_MOST_COLUMNS: Final = 200


def display_of(files: Sequence[InferredFile]) -> Display:
    """Return a row per table, and a row per column."""
    tables = [(one, table) for one in files for table in one.tables]
    columns = [(one.table_name(table), column) for one, table in tables for column in table.columns]
    return Display(
        f"{counted(len(tables), 'table')} found in {counted(len(files), 'file')}",
        (counted(len(columns), "column"), "to_module() declares them"),
        (
            Grid.from_first_rows(
                ("table", "file", "rows", "columns", "note"),
                (
                    (
                        one.table_name(table),
                        one.label,
                        table.rows,
                        len(table.columns),
                        _sentences([*one.notes, *table.notes]),
                    )
                    for one, table in tables
                ),
                len(tables),
                "more table",
            ),
            Grid.from_first_rows(
                ("table", "column", "type", "declared as", "note"),
                (
                    (name, one.name, _type(one.dtype), _flags(one), _sentences(one.notes))
                    for name, one in columns
                ),
                len(columns),
                "more column",
                most=_MOST_COLUMNS,
            ),
        ),
    )


def _type(dtype: DeclaredType) -> str:
    return dtype.name if isinstance(dtype, DataType) else str(dtype)


def _flags(column: InferredColumn) -> str | None:
    """Return what a column declares apart from its type."""
    said = ["primary key"] if column.primary_key else []
    said += ["unique"] if column.unique else []
    said += ["nullable"] if column.nullable else []
    if column.foreign_key is not None:
        said.append(f"refers to {'.'.join(column.foreign_key)}")
    return ", ".join(said) or None


def _sentences(notes: Sequence[str]) -> str | None:
    return " ".join(notes) or None
