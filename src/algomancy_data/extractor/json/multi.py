"""The extractor of JSON documents with several tables inside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.display.words import counted
from algomancy_data.errors import FileContentError
from algomancy_data.extractor.base import MultiExtractor
from algomancy_data.extractor.conversion import ConversionIssue
from algomancy_data.extractor.json.document import read_document
from algomancy_data.extractor.json.groups import (
    integer_columns,
    resolve_groups,
    text_columns,
)
from algomancy_data.extractor.json.plan import JSONPlan
from algomancy_data.extractor.json.tables import group_rows
from algomancy_data.schema import DataType

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from algomancy_data.extractor.json.groups import Group
    from algomancy_data.extractor.json.plan import Path
    from algomancy_data.extractor.json.tables import GroupRows
    from algomancy_data.file import File
    from algomancy_data.logs import Logger
    from algomancy_data.schema import Schema

_EXAMPLES: Final = 5


class JSONMultiExtractor(MultiExtractor):
    """Extracts the tables of a JSON document whose records have lists of records inside.

    The group with ``source_path=()`` has the records of the document: of a list, or of the one
    list in an object. Each other group has the records of all lists at its path, at any depth. A
    column whose ``foreign_key`` names a group around its own gets the value of the record that
    it is inside of; a value that the record has itself stays. See the docs page "JSON files".

    Args:
        file: Where the content comes from.
        schema: The groups, and their keys.
        logger: Where warnings go; the standard library's logger if None.

    Raises:
        InvalidSchemaError: Not exactly one group is the root, or a key refers to a column that
            the group around does not declare (also an ``AssertionError``).

    Example:
        >>> from algomancy_data import Column, ColumnGroup, DataType, JSONFile, Schema
        >>> class Orders(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "json", "multi"
        ...     ORDER = ColumnGroup("order", [Column("id", DataType.INTEGER)])
        ...     LINE = ColumnGroup(
        ...         "line",
        ...         [
        ...             Column("order", DataType.INTEGER, foreign_key=("order", "id")),
        ...             Column("sku", DataType.STRING),
        ...         ],
        ...         source_path=("lines",),
        ...     )
        >>> content = "data:;base64,W3siaWQiOjEsImxpbmVzIjpbeyJza3UiOiJhIn0seyJza3UiOiJiIn1dfV0="
        >>> file = JSONFile("orders", content=content)
        >>> file.content
        '[{"id":1,"lines":[{"sku":"a"},{"sku":"b"}]}]'
        >>> tables = JSONMultiExtractor(file, Orders).extract()
        >>> tables["orders.line"].rows()
        [(1, 'a'), (1, 'b')]
    """

    def __init__(
        self, file: File, schema: type[Schema], logger: Logger | logging.Logger | None = None
    ) -> None:
        super().__init__(file, schema, logger)
        self._groups = resolve_groups(schema)

    def _extract_files(self) -> dict[str, pl.DataFrame]:
        types = self.schema.datatype_groups()
        tables: dict[Path, frozenset[str]] = {}
        for group in self._groups:
            for length in range(len(group.path)):
                tables.setdefault(group.path[:length], frozenset())
            texts = text_columns(types[group.name])
            tables[group.path] = tables.get(group.path, frozenset()) | texts
        integers = {group.path: integer_columns(types[group.name]) for group in self._groups}
        plan = JSONPlan(
            self.file.name, tables, frozenset(group.path for group in self._groups), integers
        )
        found = read_document(self.file, plan, lambda _: False)
        if found.is_one_object or found.has_no_objects:
            msg = (
                f"File {self.file.name!r} holds no records: its document must be a list of "
                f"objects, or an object with exactly one list, of objects."
            )
            raise FileContentError(msg)
        pieces = [group_rows(piece, self._groups, plan) for piece in found.pieces]
        for group in self._groups:
            self._report_strays(group, pieces, found.strays)
        return {name: self._table(name, pieces, columns) for name, columns in types.items()}

    @staticmethod
    def _table(
        name: str, pieces: list[dict[str, GroupRows]], types: Mapping[str, DataType]
    ) -> pl.DataFrame:
        """Return all rows of a group; the declared columns, if there are none."""
        frames = [piece[name].frame for piece in pieces]
        frame = pl.concat(frames) if frames else pl.DataFrame()
        if frame.height:
            return frame
        return frame.with_columns(
            pl.Series(column, [], dtype.polars_dtype)
            for column, dtype in types.items()
            if column not in frame.columns
        )

    def _report_strays(
        self, group: Group, pieces: list[dict[str, GroupRows]], strays_by_path: Mapping[Path, int]
    ) -> None:
        """Tell of values that are no records where this group's records should be."""
        if group.parent is None:
            return
        rows: list[int] = []
        count, offset = strays_by_path.get(group.path, 0), 0
        for piece in pieces:
            strays = piece[group.name].strays
            rows += (strays.head(_EXAMPLES) + offset).to_list()
            count += len(strays)
            offset += piece[group.parent].frame.height
        if not count:
            return
        subject = counted(count, "value gives no row: it is", "values give no row: they are")
        reason = f"{subject} neither a list nor an object inside one."
        if rows:
            shown = ", ".join(map(str, rows[:_EXAMPLES]))
            reason = f"{reason} First: row {shown} of {group.parent!r}."
        self._reading.issues.append(
            ConversionIssue(
                self.get_extraction_key(group.name),
                ".".join(group.path),
                DataType.STRING,
                reason,
                count=count,
                rows=tuple(rows[:_EXAMPLES]),
            )
        )
