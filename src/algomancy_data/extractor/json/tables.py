"""Nested records as flat frames: objects become dotted columns, lists become tables.

Which tables, and the keys between them, a MULTI schema declares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.errors import FileContentError, InvalidSchemaError, SchemaKindError
from algomancy_data.extractor.json.parser import series
from algomancy_data.schema.table_names import table_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from algomancy_data.extractor.json.parser import ArrowArray
    from algomancy_data.extractor.json.plan import JSONPlan, Path, Place
    from algomancy_data.schema import Column, ColumnGroup, Schema
    from algomancy_data.schema.types import ColumnType


def flat_frame(records: ArrowArray, place: Place) -> pl.DataFrame:
    """Return the records as a frame, without the lists that are tables of their own.

    Args:
        records: Array of structs.
        place: Where they are in the document.

    Raises:
        FileContentError: Two values have one column name, such as ``a.b`` and ``b`` inside ``a``.
    """
    columns: dict[str, pl.Series] = {}
    _add_columns(columns, records, place)
    return _frame(columns, len(records))


def _frame(columns: dict[str, pl.Series], height: int) -> pl.DataFrame:
    return pl.DataFrame(columns) if columns else pl.DataFrame(height=height)


def _add_columns(columns: dict[str, pl.Series], records: ArrowArray, place: Place) -> None:
    import pyarrow as pa  # noqa: PLC0415  import time that only JSON has to pay

    for field, values in zip(records.type, records.flatten(), strict=True):
        inside = place.member(field.name)
        is_list = pa.types.is_list(field.type) or pa.types.is_null(field.type)
        if inside.path in place.plan.groups or (inside.is_table and is_list):
            continue
        if pa.types.is_struct(field.type) and not inside.is_struct:
            _add_columns(columns, values, inside)
            continue
        if inside.name in columns:
            msg = (
                f"File {place.plan.file_name!r}: two values of a record have the column name "
                f"{inside.name!r}, since members of objects are named after their path. "
                f"Rename one of the keys."
            )
            raise FileContentError(msg)
        columns[inside.name] = series(values)


@dataclass(frozen=True)
class GroupRows:
    """The rows of a table from a piece of a document.

    Args:
        frame: The rows.
        parent_rows: Which row of the parent each row belongs to.
        strays: Rows of the parent with something else than records in the place of the list.
    """

    frame: pl.DataFrame
    parent_rows: pl.Series
    strays: pl.Series


_NO_ROWS: Final = pl.Series("row", [], pl.Int64)


def group_rows(
    records: ArrowArray, groups: Iterable[Group], plan: JSONPlan
) -> dict[str, GroupRows]:
    """Return the rows of each group in a piece of a document.

    Args:
        records: Array of structs: the records of the root.
        groups: The groups, each behind the ones around it.
        plan: Which lists are tables.

    Raises:
        FileContentError: Two values of a record have one column name.
    """
    by_name = {group.name: group for group in groups}
    arrays: dict[str, ArrowArray] = {}
    places: dict[str, Place] = {}
    tables: dict[str, GroupRows] = {}
    for name, group in by_name.items():
        if group.parent is None:
            arrays[name], places[name] = records, plan.root
            tables[name] = GroupRows(flat_frame(records, plan.root), _NO_ROWS, _NO_ROWS)
            continue
        found = _Descent(arrays[group.parent], places[group.parent])
        for key in group.steps:
            found.step(key)
        found.finish()
        arrays[name], places[name] = found.records, found.place
        keys = [_key_column(key, group.parent, found.rows, by_name, tables) for key in group.keys]
        frame = _with_keys(flat_frame(found.records, found.place), keys)
        tables[name] = GroupRows(frame, found.rows, found.strays)
    return tables


class _Descent:
    """Walks from records to the records of a list inside them, key by key.

    Attributes:
        records: What has been reached.
        place: Where that is.
        rows: Which of the first records each of them belongs to.
        strays: Those first records that have something else than records here.
    """

    def __init__(self, records: ArrowArray, place: Place) -> None:
        self.records = records
        self.place = place
        self.rows = pl.int_range(len(records), dtype=pl.Int64, eager=True).alias("row")
        self.strays = _NO_ROWS
        self._in_list = False

    def step(self, key: str) -> None:
        """Go on to the member of that name: into an object, or to the items of a list."""
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import compute  # noqa: PLC0415

        self._keep_objects()
        self.place = self.place.member(key)
        self.records = _member(self.records, key)
        self._in_list = pa.types.is_list(self.records.type)
        if self._in_list:
            self.rows = self.rows.gather(
                series(compute.call_function("list_parent_indices", [self.records]))
            )
            self.records, self.place = self.records.flatten(), self.place.items()

    def finish(self) -> None:
        """Leave out list items that are not records."""
        if not self._in_list:
            self._leave_out(series(self.records.is_valid()))
        self._keep_objects()
        if self.records.null_count:
            there = self.records.is_valid()
            self.strays = pl.concat([self.strays, self.rows.filter(~series(there))])
            self.rows = self.rows.filter(series(there))
            self.records = self.records.filter(there)

    def _keep_objects(self) -> None:
        """Leave out values where objects are expected, and nulls in lists."""
        import pyarrow as pa  # noqa: PLC0415

        if not pa.types.is_struct(self.records.type):
            there = series(self.records.is_valid())
            self._leave_out(there | self._in_list)

    def _leave_out(self, strays: pl.Series) -> None:
        import pyarrow as pa  # noqa: PLC0415

        self.strays = pl.concat([self.strays, self.rows.filter(strays)])
        self.records, self.rows = pa.array([], pa.struct([])), _NO_ROWS


def _member(records: ArrowArray, key: str) -> ArrowArray:
    """Return the member of that name; of several, an object or a list before a value."""
    import pyarrow as pa  # noqa: PLC0415

    members = [
        values
        for field, values in zip(records.type, records.flatten(), strict=True)
        if field.name == key
    ]
    nested = [member for member in members if pa.types.is_nested(member.type)]
    return (nested or members or [pa.nulls(len(records))])[0]


def _key_column(
    key: Key,
    parent: str,
    rows: pl.Series,
    groups: Mapping[str, Group],
    tables: Mapping[str, GroupRows],
) -> pl.Series:
    """Return a column of an outer table, repeated for each row that belongs to its rows."""
    table: str | None = parent
    while table is not None and table != key.table:
        rows = tables[table].parent_rows.gather(rows)
        table = groups[table].parent
    frame = tables[key.table].frame
    if key.column not in frame.columns:
        return pl.Series(key.name, [None], pl.Null).new_from_index(0, len(rows))
    return frame[key.column].gather(rows).alias(key.name)


def _with_keys(frame: pl.DataFrame, keys: Iterable[pl.Series]) -> pl.DataFrame:
    """Return the frame with the keys first; a record's own values stay."""
    own = {column.name: column for column in frame.get_columns()}
    columns: dict[str, pl.Series] = {}
    for key in keys:
        if key.name in own:
            own[key.name] = _own_or(own[key.name], key)
        else:
            columns[key.name] = key
    return _frame(columns | own, frame.height)


def _own_or(own: pl.Series, key: pl.Series) -> pl.Series:
    if own.dtype == pl.Null:
        return key
    if key.dtype == pl.Null:
        return own
    if own.dtype != key.dtype:
        own, key = own.cast(pl.String), key.cast(pl.String)
    return own.zip_with(own.is_not_null(), key)


@dataclass(frozen=True)
class Key:
    """A column that repeats the key of the outer record.

    Args:
        name: Name of the column.
        table: The table that has the key: one around this one.
        column: The key's column there.
    """

    name: str
    table: str
    column: str


@dataclass(frozen=True)
class Group:
    """A declared table.

    Args:
        name: Its name.
        path: The keys that lead to its records.
        parent: Name of the nearest table around it; None for the root.
        steps: The keys that lead from a record of the parent to the records.
        keys: The columns that come from records around.
    """

    name: str
    path: Path
    parent: str | None
    steps: Path
    keys: tuple[Key, ...]


def text_columns(types: Mapping[str, ColumnType]) -> frozenset[str]:
    """Return the names of the columns whose values are kept as written."""
    return frozenset(name for name, kind in types.items() if kind.as_written)


def integer_columns(types: Mapping[str, ColumnType]) -> frozenset[str]:
    """Return the names of the columns whose values are whole numbers."""
    return frozenset(name for name, kind in types.items() if kind.dtype.is_integer())


def struct_columns(types: Mapping[str, ColumnType]) -> frozenset[str]:
    """Return the names of the columns whose values are objects."""
    return frozenset(name for name, kind in types.items() if isinstance(kind.dtype, pl.Struct))


def resolve_groups(schema: type[Schema]) -> list[Group]:
    """Return the tables of a MULTI schema, outer ones first.

    Raises:
        SchemaKindError: The schema is SINGLE.
        InvalidSchemaError: There is not exactly one root, or a key refers to a column that the
            table around does not declare (also an ``AssertionError``).
    """
    if not schema.is_multi():
        raise SchemaKindError.from_call(
            schema.__name__, "column_groups", needs="MULTI", other="a JSONSingleExtractor"
        )
    declared = list(schema.declared_groups().values())
    for group in declared:
        if isinstance(group.source_path, str):
            problem = (
                f"the source_path of group {group.name!r} must be a tuple, "
                f"such as ({group.source_path!r},)."
            )
            raise InvalidSchemaError.from_problem(schema.__name__, problem)
    roots = [group.name for group in declared if not group.source_path]
    if len(roots) != 1:
        problem = (
            f"a JSON document needs exactly one ColumnGroup with source_path=() for its records; "
            f"there are {len(roots)}{': ' if roots else ''}{', '.join(map(repr, roots))}."
        )
        raise InvalidSchemaError.from_problem(schema.__name__, problem)
    declared.sort(key=lambda group: len(group.source_path))
    return [_resolve(schema, group, declared[:position]) for position, group in enumerate(declared)]


def _resolve(schema: type[Schema], group: ColumnGroup, before: list[ColumnGroup]) -> Group:
    path = tuple(group.source_path)
    around = [other for other in reversed(before) if _leads_to(other, path)]
    parent = around[0] if around else None
    steps = path[len(parent.source_path) :] if parent else path
    keys = _keys(schema, group, around)
    return Group(group.name, path, parent.name if parent else None, steps, tuple(keys))


def _leads_to(other: ColumnGroup, path: Path) -> bool:
    length = len(other.source_path)
    return length < len(path) and path[:length] == tuple(other.source_path)


def _keys(schema: type[Schema], group: ColumnGroup, around: list[ColumnGroup]) -> Iterable[Key]:
    """Yield the columns that refer to an outer table, by its name or the file's."""
    file_name = schema.file_name()
    groups = schema.declared_groups()
    for column in group.columns:
        if column.foreign_key is None:
            continue
        table, wanted = column.foreign_key
        named = [
            other for other in around if table in {other.name, table_name(file_name, other.name)}
        ]
        if not named and table == file_name and table not in groups:
            named = around
        if not named:
            continue
        owner = next((other for other in named if _has(other.columns, wanted)), None)
        if owner is None:
            problem = (
                f"column {column.name!r} of group {group.name!r} has the foreign_key "
                f"{column.foreign_key!r}, but {table!r} declares no column {wanted!r}."
            )
            raise InvalidSchemaError.from_problem(schema.__name__, problem)
        yield Key(column.name, owner.name, wanted)


def _has(columns: Iterable[Column], name: str) -> bool:
    return any(column.name == name for column in columns)
