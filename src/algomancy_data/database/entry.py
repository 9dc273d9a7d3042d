"""A row of the catalogue: what is known of a dataset, and where it is in the database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar

from algomancy_data.database.layout import layouts_from_json, layouts_to_json
from algomancy_data.database.models import FORMAT_VERSION, WITHOUT_CHILDREN, WITHOUT_KEYS
from algomancy_data.database.payload import has_all_sums, has_frames
from algomancy_data.datasource import DataClassification
from algomancy_data.documents import parse
from algomancy_data.errors import (
    AlgomancyDataError,
    DamagedStoreError,
    SchemaDriftError,
    StoreError,
    TableNotFoundError,
)
from algomancy_data.provenance import Provenance, messages_from_list, messages_to_list
from algomancy_data.store import DatasetInfo, TableInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from algomancy_data.database.layout import TableLayout
    from algomancy_data.provenance import TableSize

_T = TypeVar("_T")


@dataclass(frozen=True)
class Entry:
    """One dataset in the catalogue: what is known of it, and where its data is.

    Args:
        info: What is known of it.
        tables: Layouts of its tables; None for a payload.
        payload: The text of a DataSource that is not tables, if it is short.
        payload_layout: What of such a DataSource is in chunks.
    """

    info: DatasetInfo
    tables: tuple[TableLayout, ...] | None = None
    payload: str | None = None
    payload_layout: str | None = None

    @property
    def rows(self) -> int | None:
        """Rows of all tables; None for a payload."""
        return None if self.tables is None else sum(table.height for table in self.tables)

    @property
    def has_frames(self) -> bool:
        """Whether it is read in batches; a mere text is read whole."""
        return self.tables is not None or has_frames(self.payload_layout)

    def table(self, name: str) -> TableLayout:
        """Return the layout of a table of the dataset.

        Raises:
            TableNotFoundError: It has no such table (also a ``KeyError``).
        """
        layouts = {layout.name: layout for layout in self.tables or ()}
        if name not in layouts:
            raise TableNotFoundError.from_available(name, layouts)
        return layouts[name]

    @property
    def without_sums(self) -> list[str]:
        """What was written before there were check sums, in words."""
        if self.tables is None:
            has_sums = has_all_sums(self.payload, self.payload_layout)
            return [] if has_sums else ["the text of its payload"]
        return [f"table {table.name!r}" for table in self.tables if table.sums is None]

    @classmethod
    def from_row(cls, name: str, row: Mapping[Any, Any]) -> Self:
        """Return the entry of a catalogue row.

        Args:
            name: Name of the dataset.
            row: The columns, as texts.

        Raises:
            SchemaDriftError: A later version of this package wrote it.
            StoreError: It is not what any version wrote.
        """
        tables = cls.tables_of(name, row)
        read = _Reader(name, row)
        ds_type = read.value("ds_type", str)
        problem = ""
        if ds_type not in set(DataClassification):
            problem = f"The dataset has the unknown type {ds_type!r}, and cannot be read."
        provenance = read.value("provenance", lambda text: Provenance.from_dict(parse(text)))
        sizes = provenance.tables
        info = DatasetInfo(
            name=name,
            ds_id=read.value("id", str),
            ds_type=ds_type,
            creation_datetime=read.value("creation_datetime", datetime.fromisoformat),
            tables={table: TableInfo(size.rows, size.bytes, None) for table, size in sizes.items()}
            | {layout.name: _table_info(layout, sizes.get(layout.name)) for layout in tables or ()},
            provenance=provenance,
            messages=read.value("messages", lambda text: tuple(messages_from_list(parse(text)))),
            version=read.value("version", str),
            problem=problem,
        )
        payload = read.optional("payload", str)
        return cls(info, tables, payload, read.optional("payload_layout", str))

    @staticmethod
    def tables_of(name: str, row: Mapping[Any, Any]) -> tuple[TableLayout, ...] | None:
        """Return the layouts of a catalogue row's tables; None for a payload.

        Raises:
            SchemaDriftError: A later version of this package wrote the row.
            StoreError: It is not what any version wrote.
        """
        read = _Reader(name, row)
        format_version = read.value("format_version", int)
        if format_version > FORMAT_VERSION:
            msg = (
                f"Dataset {name!r} was written by a later version of algomancy-data (format "
                f"{format_version}; this version reads up to {FORMAT_VERSION}). Upgrade it."
            )
            raise SchemaDriftError(msg)
        return read.optional("sub_tables", lambda text: tuple(layouts_from_json(text)))

    @staticmethod
    def info_of(name: str, row: Mapping[Any, Any]) -> DatasetInfo:
        """Return what a row says about a dataset; if damaged, the problem and what can be read."""
        try:
            return Entry.from_row(name, row).info
        except StoreError as error:
            read = _Reader(name, row)
            is_known = isinstance(error, DamagedStoreError)
            layouts = (is_known and read.readable("sub_tables", layouts_from_json)) or ()
            return DatasetInfo(
                name,
                read.readable("id", str) or "",
                read.readable("ds_type", str) or "",
                read.readable("creation_datetime", datetime.fromisoformat),
                {layout.name: _table_info(layout) for layout in layouts},
                problem=str(error),
            )

    @property
    def _format_version(self) -> int:
        tables = self.tables or ()
        if any(table.keys for table in tables):
            return FORMAT_VERSION
        return WITHOUT_KEYS if any(table.children for table in tables) else WITHOUT_CHILDREN

    def to_row(self) -> dict[str, Any]:
        """Return the catalogue row, without session and time of addition."""
        info = self.info
        return {
            "name": info.name,
            "id": info.ds_id,
            "ds_type": info.ds_type,
            "creation_datetime": info.creation_datetime,
            "version": info.version,
            "format_version": self._format_version,
            "sub_tables": None if self.tables is None else layouts_to_json(self.tables),
            "payload": self.payload,
            "payload_layout": self.payload_layout,
            "provenance": _compact((info.provenance or Provenance()).to_dict()),
            "messages": _compact(messages_to_list(info.messages)),
        }


def _table_info(layout: TableLayout, size: TableSize | None = None) -> TableInfo:
    dtypes = {column.name: column.dtype for column in layout.columns}
    return TableInfo(layout.height, None if size is None else size.bytes, dtypes)


def _compact(document: object) -> str:
    # In ASCII: a path that is not UTF-8 has surrogates, which no database takes.
    return json.dumps(document, separators=(",", ":"))


class _Reader:
    """Reads the columns of a row one by one; any of them may be damaged."""

    def __init__(self, name: str, row: Mapping[Any, Any]) -> None:
        self._name = name
        self._row = row

    def optional(self, column: str, read: Callable[[str], _T]) -> _T | None:
        """Return a value that may be missing."""
        return None if self._row[column] is None else self.value(column, read)

    def readable(self, column: str, read: Callable[[str], _T]) -> _T | None:
        """Return a value, or None if it cannot be read."""
        try:
            return self.value(column, read)
        except DamagedStoreError:
            return None

    def value(self, column: str, read: Callable[[str], _T]) -> _T:
        """Return a value.

        Raises:
            StoreError: It is not what belongs there.
        """
        text = decoded(self._row[column])
        try:
            if text is None:
                problem = "it is missing, or no text"
            else:
                return read(text)
        except (AlgomancyDataError, ValueError) as error:
            problem = str(error)
        msg = (
            f"The catalogue's row of dataset {self._name!r} is damaged: its {column!r} cannot be "
            f"read: {problem}. Restore the database from a backup, or delete the dataset and load "
            f"it again."
        )
        raise DamagedStoreError(msg)


def decoded(text: str | bytes | None) -> str | None:
    """Return the text of a column of the catalogue, or None if it has none."""
    if isinstance(text, str | None):
        return text
    try:
        return bytes(text).decode()
    except UnicodeDecodeError:
        return None
