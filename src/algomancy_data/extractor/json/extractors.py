"""The extractors of JSON documents: of one table, and of several nested ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from algomancy_data.display.words import counted
from algomancy_data.errors import FileContentError
from algomancy_data.extractor.base import SingleExtractor
from algomancy_data.extractor.conversion import ConversionIssue
from algomancy_data.extractor.json.document import LINES, read_document
from algomancy_data.extractor.json.plan import JSONPlan
from algomancy_data.extractor.json.slices import JSONSlices, RecordType, json_slices
from algomancy_data.extractor.json.tables import (
    flat_frame,
    group_rows,
    integer_columns,
    resolve_groups,
    struct_columns,
    text_columns,
)
from algomancy_data.extractor.multi import MultiExtractor
from algomancy_data.extractor.parts import PartSlices
from algomancy_data.extractor.slices import UnlikeSlicesError
from algomancy_data.logs import as_logger
from algomancy_data.messages import MOST_EXAMPLES
from algomancy_data.schema import DataType
from algomancy_data.schema.kinds import column_types

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from algomancy_data.components import NameOrLogger
    from algomancy_data.extractor.extracted import Reading
    from algomancy_data.extractor.json.layout import Envelope
    from algomancy_data.extractor.json.plan import Path
    from algomancy_data.extractor.json.tables import Group, GroupRows
    from algomancy_data.file import File, FilePart
    from algomancy_data.schema import Schema
    from algomancy_data.schema.types import ColumnType


class JSONSingleExtractor(SingleExtractor):
    """Extracts the table of a JSON document, or of a file with one record per line.

    The document is a list of records, or an object with exactly one list of records; any other
    object is one row. Members of objects inside a record become columns named after their path,
    such as ``about.age``; lists stay lists, or become JSON text in a column that is declared as
    text. Undeclared columns have the type that their values have. See the docs page "JSON files".

    Args:
        file: Where the content comes from.
        schema: The columns of the table.
        logger: Where warnings go; the standard library's logger if None.

    Example:
        >>> from algomancy_data import Column, DataType, JSONFile, Schema
        >>> class People(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "people", "json", "single"
        ...     NAME = Column("name", DataType.STRING)
        ...     AGE = Column("about.age", DataType.INTEGER)
        >>> content = "data:;base64,W3sibmFtZSI6IkEiLCJhYm91dCI6eyJhZ2UiOjF9fV0="
        >>> file = JSONFile("people", content=content)
        >>> file.content
        '[{"name":"A","about":{"age":1}}]'
        >>> JSONSingleExtractor(file, People).extract()["people"].to_dict(as_series=False)
        {'name': ['A'], 'about.age': [1]}
    """

    may_lack_columns = True  # as a record may lack a member

    def _start(self) -> None:
        super()._start()
        # What is known of the records of each part, while it is read by itself.
        self._found: dict[object, RecordType] = {}

    def _slices(self) -> JSONSlices | None:
        return self._sliced(RecordType())

    def _sliced(self, found: RecordType) -> JSONSlices | None:
        """Return the records of the file in slices, if their type allows."""
        return json_slices(
            self.file,
            self._plan(),
            found,
            self._is_row,
            self._warn_of_ignored,
            lines=self.file.extension in LINES,
        )

    def _sliced_parts(self, parts: Sequence[FilePart]) -> PartSlices | None:
        # One type for all of them: what a part lacks is null there.
        has_keys = any(part.keys for part in parts)
        floats = frozenset(name for name, kind in self._types.items() if kind.dtype.is_float())
        found = RecordType(is_of_parts=True, may_gain_members=not has_keys, floats=floats)

        def read(
            file: File, first_row: int, columns: AbstractSet[str] | None
        ) -> tuple[Iterable[pl.DataFrame], Reading]:
            reader = self._for_part(file, first_row, frozenset())
            slices = reader._sliced(found)  # noqa: SLF001  it is ours
            if slices is None:
                raise UnlikeSlicesError
            return slices.read(columns), reader._reading  # noqa: SLF001  as above

        return PartSlices(read, parts, self.file.name, self._evolution)

    def _slices_of_part(
        self, file: File, first_row: int, columns: AbstractSet[str] | None
    ) -> tuple[Iterable[pl.DataFrame], Reading]:
        del columns  # a part may lack all of them, and has its rows all the same
        reader = self._for_part(file, first_row, frozenset())
        found = self._found.setdefault(file.path, RecordType())
        slices = reader._sliced(found) if reader._is_large() else None  # noqa: SLF001  it is ours
        frames = [reader._extracted()] if slices is None else slices.read()  # noqa: SLF001  as above
        return frames, reader._reading  # noqa: SLF001  as above

    def _plan(self) -> JSONPlan:
        types = self._types
        texts, integers = {(): text_columns(types)}, {(): integer_columns(types)}
        structs = {(): struct_columns(types)}
        return JSONPlan(self.file.name, texts, frozenset(), integers, structs)

    def _extract_file(self) -> pl.DataFrame:
        plan = self._plan()
        found = read_document(self.file, plan, self._is_row)
        self._warn_of_ignored(found.ignored)
        if found.has_no_objects:
            logger = as_logger(self.logger)
            logger.warning(f"File {self.file.name!r}: no item of the list is a record.")
        if not found.pieces:
            return pl.DataFrame()
        flat = partial(flat_frame, place=plan.root)
        if len(found.pieces) == 1:
            return flat(found.pieces[0])
        with ThreadPoolExecutor(pl.thread_pool_size(), "algomancy-data json") as pool:
            return pl.concat(list(pool.map(flat, found.pieces)))

    def _is_row(self, envelope: Envelope) -> bool:
        return _is_row(envelope, set(self._types))

    def _warn_of_ignored(self, members: Sequence[str]) -> None:
        if members:
            as_logger(self.logger).warning(
                f"File {self.file.name!r}: the members {', '.join(map(repr, members))} "
                f"around the list of records are not part of the table."
            )


def _is_row(envelope: Envelope, declared: set[str]) -> bool:
    """Tell whether an object with a list is a row itself, according to the declared columns."""
    around = declared.intersection(_names(envelope.members, ""))
    if envelope.is_empty:
        return bool(around)
    if not isinstance(envelope.first, dict):
        return True
    return len(around) > len(declared.intersection(_names(envelope.first, "")))


def _names(members: Any, prefix: str) -> Iterator[str]:
    """Yield the column names of an object's members."""
    for key, value in cast("dict[str, Any]", members).items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _names(value, f"{name}.")
        else:
            yield name


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
        self,
        file: File,
        schema: type[Schema],
        logger: NameOrLogger = None,
        name: NameOrLogger = None,
    ) -> None:
        super().__init__(file, schema, logger, name)
        self._groups = resolve_groups(schema)

    def _extract_files(self) -> dict[str, pl.DataFrame]:
        types = {g: column_types(own) for g, own in self.schema.datatype_groups().items()}
        tables: dict[Path, frozenset[str]] = {}
        for group in self._groups:
            for length in range(len(group.path)):
                tables.setdefault(group.path[:length], frozenset())
            texts = text_columns(types[group.name])
            tables[group.path] = tables.get(group.path, frozenset()) | texts
        integers = {group.path: integer_columns(types[group.name]) for group in self._groups}
        structs = {group.path: struct_columns(types[group.name]) for group in self._groups}
        groups = frozenset(group.path for group in self._groups)
        plan = JSONPlan(self.file.name, tables, groups, integers, structs)
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
        name: str, pieces: list[dict[str, GroupRows]], types: Mapping[str, ColumnType]
    ) -> pl.DataFrame:
        """Return all rows of a group; the declared columns, if there are none."""
        frames = [piece[name].frame for piece in pieces]
        frame = pl.concat(frames) if frames else pl.DataFrame()
        if frame.height:
            return frame
        return frame.with_columns(
            pl.Series(column, [], kind.dtype)
            for column, kind in types.items()
            if column not in frame.columns
        )

    def _report_strays(
        self, group: Group, pieces: list[dict[str, GroupRows]], strays_by_path: Mapping[Path, int]
    ) -> None:
        """Report values that are not records where this group's records should be."""
        if group.parent is None:
            return
        rows: list[int] = []
        count, offset = strays_by_path.get(group.path, 0), 0
        for piece in pieces:
            strays = piece[group.name].strays
            rows += (strays.head(MOST_EXAMPLES) + offset).to_list()
            count += len(strays)
            offset += piece[group.parent].frame.height
        if not count:
            return
        subject = counted(count, "value gives no row: it is", "values give no row: they are")
        reason = f"{subject} neither a list nor an object inside one."
        if rows:
            shown = ", ".join(map(str, rows[:MOST_EXAMPLES]))
            reason = f"{reason} First: row {shown} of {group.parent!r}."
        self._reading.issues.append(
            ConversionIssue(
                self.get_extraction_key(group.name),
                ".".join(group.path),
                DataType.STRING,
                reason,
                count=count,
                rows=tuple(rows[:MOST_EXAMPLES]),
            )
        )
