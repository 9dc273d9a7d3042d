"""The layout of a table: what the catalogue's ``sub_tables`` says about it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from zlib import crc32

from algomancy_data.database.table_keys import TableKey
from algomancy_data.documents import expect, member, members_of, parse
from algomancy_data.errors import SerializationError
from algomancy_data.frames.dtypes import dtype_from_json, dtype_to_json
from algomancy_data.store import check_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polars.datatypes import DataType as PolarsDataType

_CHECK: Final = "check"


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """How a column of a frame is stored in a table.

    Args:
        name: Name in the frame.
        dtype: Exact dtype in the frame.
        physical: Name in the table.
        storage: The codec's word for how the values are stored.
        sql_type: Declared type in the table; empty if there is none.
        mask: Name of a second column that tells NaN (1) from NULL (0), if one was needed.
    """

    name: str
    dtype: PolarsDataType
    physical: str
    storage: str
    sql_type: str
    mask: str | None = None

    def to_json(self, dtype: object) -> dict[str, Any]:
        """Return the layout as JSON, with the dtype as given."""
        described: dict[str, Any] = {
            "name": self.name,
            "dtype": dtype,
            "physical": self.physical,
            "storage": self.storage,
            "sql_type": self.sql_type,
        }
        return described if self.mask is None else described | {"mask": self.mask}

    @classmethod
    def from_json(cls, described: object) -> Self:
        """Return the layout that :meth:`to_json` wrote.

        Raises:
            SerializationError: It is not what :meth:`to_json` writes.
        """
        dtype = dtype_from_json(expect(dict, described, "column").get("dtype"))
        return cls(dtype=dtype, **members_of(cls, described, "column"))


@dataclass(frozen=True, slots=True)
class ChildTable:
    """A table with rows that were appended to another one.

    Args:
        physical: Its name in the database.
        height: Number of rows.
    """

    physical: str
    height: int


@dataclass(frozen=True, slots=True)
class TableLayout:
    """How a frame is stored in a table.

    Args:
        name: Logical name of the table.
        physical: Name in the database.
        height: Number of rows when it was written, including those of its children.
        columns: Its columns, in order; none for a frame without columns.
        sums: Check sums of each column, see :mod:`algomancy_data.database.table_sums`; None for a
            table that was written before there were any.
        children: The tables with rows that were appended, in order.
        keys: The keys that the database knows of.
    """

    name: str
    physical: str
    height: int
    columns: tuple[ColumnLayout, ...]
    sums: tuple[str, ...] | None = None
    children: tuple[ChildTable, ...] = ()
    keys: tuple[TableKey, ...] = ()

    @property
    def has_constraints(self) -> bool:
        """Whether a key is a constraint."""
        return any(key.is_constraint for key in self.keys)

    def columns_named(self, names: Iterable[str]) -> tuple[ColumnLayout, ...]:
        """Return some of its columns."""
        columns = {column.name: column for column in self.columns}
        return tuple(columns[name] for name in names)

    @property
    def relations(self) -> dict[str, int]:
        """The number of rows in the table itself and in each child, in order."""
        rest = {child.physical: child.height for child in self.children}
        return {self.physical: self.height - sum(rest.values())} | rest

    def stored_names(self) -> list[str]:
        """Return the names of the stored columns, including masks."""
        return [
            name
            for column in self.columns
            for name in (column.physical, column.mask)
            if name is not None
        ]

    def physical_columns(self) -> dict[str, str]:
        """Return the declared type of each stored column, including masks."""
        types: dict[str, str] = {}
        for column in self.columns:
            types[column.physical] = column.sql_type
            if column.mask is not None:
                types[column.mask] = "BOOLEAN"
        return types


def layouts_to_json(layouts: Iterable[TableLayout]) -> str:
    """Return the text for the catalogue."""
    described = [
        {
            "name": layout.name,
            "physical": layout.physical,
            "height": layout.height,
            "columns": list(
                map(
                    ColumnLayout.to_json,
                    layout.columns,
                    [dtype_to_json(column.dtype) for column in layout.columns],
                )
            ),
            "sums": layout.sums,
        }
        | ({"children": [asdict(child) for child in layout.children]} if layout.children else {})
        | ({"keys": [key.to_json() for key in layout.keys]} if layout.keys else {})
        for layout in layouts
    ]
    return _text([table | {_CHECK: _check(table)} for table in described])


def _text(described: object) -> str:
    return json.dumps(described, separators=(",", ":"))


def _check(described: dict[str, Any]) -> int:
    """Return a check sum of the names, which are neither in the table nor in its check sums."""
    columns = member(described, "columns", list)
    return crc32(_text([described.get("name"), [one.get("name") for one in columns]]).encode())


def layouts_from_json(text: object) -> list[TableLayout]:
    """Return what :func:`layouts_to_json` wrote.

    Raises:
        SerializationError: The text was not written by this version or an earlier one.
    """
    layouts = [
        TableLayout(
            columns=tuple(map(ColumnLayout.from_json, member(described, "columns", list))),
            sums=_sums(described),
            children=_children(described),
            keys=_keys(described),
            **members_of(TableLayout, described, "table"),
        )
        for described in map(_checked, expect(list, parse(text), "tables"))
    ]
    for layout in layouts:
        for name in (layout.name, layout.physical, *layout.stored_names()):
            check_name(name, "table")
    _require_distinct("tables", [layout.name for layout in layouts])
    _require_distinct("tables", [name for layout in layouts for name in layout.relations])
    for layout in layouts:
        _require_distinct("columns", [column.name for column in layout.columns])
        _require_distinct("columns", layout.stored_names())
    _require_key_columns({layout.name: layout for layout in layouts})
    return layouts


def _checked(described: object) -> dict[str, Any]:
    """Return what is said of a table whose names are those that were written.

    What an earlier version wrote has no check sum.
    """
    table = expect(dict, described, "table")
    for column in member(table, "columns", list):
        expect(dict, column, "column")
    if _CHECK in table and table[_CHECK] != _check(table):
        msg = "a table or column is not named as it was"
        raise SerializationError(msg)
    return table


def _require_distinct(what: str, names: list[str]) -> None:
    if len(set(names)) < len(names):
        msg = f"two {what} have one name"
        raise SerializationError(msg)


def _sums(described: dict[str, Any]) -> tuple[str, ...] | None:
    if described.get("sums") is None:
        return None
    sums = tuple(expect(str, one, "sums") for one in member(described, "sums", list))
    if len(sums) != len(described["columns"]):
        msg = "there are not as many check sums as columns"
        raise SerializationError(msg)
    return sums


def _children(described: dict[str, Any]) -> tuple[ChildTable, ...]:
    if "children" not in described:
        return ()
    children = tuple(
        ChildTable(**members_of(ChildTable, one, "child"))
        for one in member(described, "children", list)
    )
    for child in children:
        check_name(child.physical, "table")
    if sum(child.height for child in children) > member(described, "height", int):
        msg = "its children have more rows than it has"
        raise SerializationError(msg)
    return children


def _keys(described: dict[str, Any]) -> tuple[TableKey, ...]:
    if "keys" not in described:
        return ()
    return tuple(map(TableKey.from_json, member(described, "keys", list)))


def _require_key_columns(layouts: dict[str, TableLayout]) -> None:
    """Make sure that keys are of columns that the tables have."""
    known = {name: {column.name for column in one.columns} for name, one in layouts.items()}
    for layout in layouts.values():
        for key in layout.keys:
            has_parent = not key.is_reference or known.get(key.parent or "", set()).issuperset(
                key.parent_columns
            )
            if not has_parent or not known[layout.name].issuperset(key.columns):
                msg = f"there are no columns for the {key} of table {layout.name!r}"
                raise SerializationError(msg)
