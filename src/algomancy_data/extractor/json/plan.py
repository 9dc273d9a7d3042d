"""Which lists of a document are tables, and what is declared for each place in its records."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Path: TypeAlias = tuple[str, ...]
"""Keys that lead into a record; the items of a list have the path of the list."""


@dataclass(frozen=True)
class JSONPlan:
    """Which lists of a document are tables.

    Args:
        file_name: Name of the file, for messages.
        tables: The names of the columns declared as text, by the path of the table; the root has
            the empty path. Paths that lead to a table are tables as well, if they are lists.
        groups: The paths of the tables that are declared.
        integers: The names of the columns of whole numbers, by the path of the table.
        structs: The names of the columns declared as structs, likewise: their objects stay whole.
    """

    file_name: str
    tables: Mapping[Path, frozenset[str]]
    groups: frozenset[Path]
    integers: Mapping[Path, frozenset[str]] = field(default_factory=dict[Path, frozenset[str]])
    structs: Mapping[Path, frozenset[str]] = field(default_factory=dict[Path, frozenset[str]])

    @property
    def root(self) -> Place:
        """The place at which a walk through the records begins."""
        return Place(self, (), (), None)


@dataclass(frozen=True)
class Place:
    """A place in the records.

    Args:
        plan: What is wanted.
        path: Keys that lead here.
        table: Path of the table that this is part of.
        column: Path of the column that is a list, inside of one that is no table.
    """

    plan: JSONPlan
    path: Path
    table: Path
    column: Path | None

    def member(self, key: str) -> Place:
        """Return the place of an object's member."""
        return replace(self, path=(*self.path, key))

    def items(self) -> Place:
        """Return the place of a list's items."""
        if self.is_table:
            return replace(self, table=self.path)
        return self if self.in_list else replace(self, column=self.path)

    @property
    def is_table(self) -> bool:
        """Whether a list here is a table, or leads to one."""
        return not self.in_list and self.path in self.plan.tables and self.path != self.table

    @property
    def in_list(self) -> bool:
        """Whether this is inside a list that is the value of a column."""
        return self.column is not None

    @property
    def name(self) -> str:
        """The name of the column."""
        path = self.path if self.column is None else self.column
        return ".".join(path[len(self.table) :])

    @property
    def is_text(self) -> bool:
        """Whether the column is declared as text."""
        return self.name in self.plan.tables.get(self.table, ())

    @property
    def is_integer(self) -> bool:
        """Whether the column is declared as one of whole numbers."""
        return not self.in_list and self.name in self.plan.integers.get(self.table, ())

    @property
    def is_struct(self) -> bool:
        """Whether the column is declared as a struct."""
        return not self.in_list and self.name in self.plan.structs.get(self.table, ())
