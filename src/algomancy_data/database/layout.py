"""How a frame lies in a database: what the catalogue's ``sub_tables`` says about each table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from algomancy_data.dtypes import dtype_from_json, dtype_to_json
from algomancy_data.errors import SerializationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polars.datatypes import DataType as PolarsDataType


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """How a column of a frame lies in a table.

    Args:
        name: Name in the frame.
        dtype: Exact dtype in the frame.
        physical: Name in the table.
        storage: How the values are stored; the codec's word for it.
        sql_type: Declared type in the table; empty for none.
        mask: Name of a second column that tells NaN (1) from NULL (0), if one was needed.
    """

    name: str
    dtype: PolarsDataType
    physical: str
    storage: str
    sql_type: str
    mask: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the layout as JSON."""
        described: dict[str, Any] = {
            "name": self.name,
            "dtype": dtype_to_json(self.dtype),
            "physical": self.physical,
            "storage": self.storage,
            "sql_type": self.sql_type,
        }
        return described if self.mask is None else described | {"mask": self.mask}

    @classmethod
    def from_json(cls, described: dict[str, Any]) -> Self:
        """Return the layout that :meth:`to_json` wrote."""
        dtype = dtype_from_json(described["dtype"])
        return cls(dtype=dtype, **{key: described[key] for key in described.keys() - {"dtype"}})


@dataclass(frozen=True, slots=True)
class TableLayout:
    """How a frame lies in a table.

    Args:
        name: Logical name of the table.
        physical: Name in the database.
        height: Number of rows when it was written.
        columns: Its columns, in order; none for a frame without columns.
        sums: Check sums of each column, see :mod:`algomancy_data.database.table_sums`; None for a
            table that was written before there were any.
    """

    name: str
    physical: str
    height: int
    columns: tuple[ColumnLayout, ...]
    sums: tuple[str, ...] | None = None

    def physical_columns(self) -> dict[str, str]:
        """Return the declared type of each column in the table, masks included."""
        types: dict[str, str] = {}
        for column in self.columns:
            types[column.physical] = column.sql_type
            if column.mask is not None:
                types[column.mask] = "BOOLEAN"
        return types


def layouts_to_json(layouts: Iterable[TableLayout]) -> str:
    """Return the text for the catalogue."""
    return json.dumps(
        [
            {
                "name": layout.name,
                "physical": layout.physical,
                "height": layout.height,
                "columns": [column.to_json() for column in layout.columns],
                "sums": layout.sums,
            }
            for layout in layouts
        ],
        separators=(",", ":"),
    )


def layouts_from_json(text: str) -> list[TableLayout]:
    """Return what :func:`layouts_to_json` wrote.

    Raises:
        SerializationError: The text was not written by this version or an earlier one.
    """
    try:
        return [
            TableLayout(
                name=described["name"],
                physical=described["physical"],
                height=described["height"],
                columns=tuple(ColumnLayout.from_json(column) for column in described["columns"]),
                sums=_sums(described),
            )
            for described in json.loads(text)
        ]
    except (KeyError, TypeError, ValueError) as error:
        msg = f"The catalogue describes its tables in a way this version does not know: {error}."
        raise SerializationError(msg) from error


def _sums(described: dict[str, Any]) -> tuple[str, ...] | None:
    sums = described.get("sums")
    if sums is None:
        return None
    if len(sums) != len(described["columns"]) or not all(isinstance(one, str) for one in sums):
        msg = "there are not as many check sums as columns"
        raise ValueError(msg)
    return tuple(sums)
