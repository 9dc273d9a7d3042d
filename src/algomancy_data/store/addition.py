"""Adding rows to a dataset: whether they fit, and which are stored already."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias, cast

import polars as pl

from algomancy_data.datasource.source import is_made_of_tables
from algomancy_data.display.words import counted
from algomancy_data.errors import AdditionError, StoredKeyError
from algomancy_data.frames.lazy import kept_rows
from algomancy_data.frames.side_by_side import side_by_side
from algomancy_data.frames.values import python_rows
from algomancy_data.memory import IN_MEMORY_BYTES
from algomancy_data.provenance import Load
from algomancy_data.relations.declared import DeclaredKeys
from algomancy_data.relations.keys import everywhere, match_keys, rows_where
from algomancy_data.relations.lookup import matched_rows
from algomancy_data.store.info import DatasetInfo
from algomancy_data.validator.duplicates import duplicate_rows
from algomancy_data.validator.failures import show_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.datasource import BASEDATASOURCE, BaseDataSource, DataSource
    from algomancy_data.provenance import InputFile
    from algomancy_data.relations.declared import Key

Mode: TypeAlias = Literal["append", "upsert"]
"""How rows are added: after the stored ones, or replacing those with the same key."""

_SHOWN: Final = 3


def key_of(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Return the columns of a key, in its order."""
    return side_by_side(frame[name] for name in key)


@dataclass(frozen=True)
class Reference:
    """Stored keys that added rows refer to.

    Args:
        table: Name of the table.
        key: Its columns.
        keys: The keys, in as many columns.
    """

    table: str
    key: Key
    keys: pl.DataFrame


@dataclass(frozen=True)
class Seen:
    """What added rows were checked against.

    Args:
        version: The version of the dataset; None if there was none, or nobody looked.
        references: What the rows refer to, of what is stored.
        tables: Tables whose stored rows they were checked together with.
    """

    version: str | None = None
    references: tuple[Reference, ...] = ()
    tables: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Addition:
    """How rows are added to a dataset.

    Args:
        mode: ``"append"``, or ``"upsert"``: rows whose primary key is stored take the place of the
            stored ones. Whatever is added lies behind what was there.
        keys: Those of which each table may have each once.
        only_more: Tables whose rows replace none, whatever the mode is.
        files: Where the rows come from.
        seen: What they were checked against.
    """

    mode: Mode = "append"
    keys: DeclaredKeys = field(default_factory=DeclaredKeys)
    only_more: frozenset[str] = frozenset()
    files: tuple[InputFile, ...] = ()
    seen: Seen = field(default_factory=Seen)

    def require_references(
        self, info: DatasetInfo | None, known: Callable[[str, Key, pl.DataFrame], pl.Series]
    ) -> None:
        """Make sure that everything the rows rely on is still there.

        Args:
            info: What is known of the dataset now, while nobody else changes it; None if it is
                gone.
            known: Returns which of some keys a table has, for the columns of a key.

        Raises:
            AdditionError: Somebody changed it since the rows were checked.
        """
        if info is not None and info.version == self.seen.version:
            return
        if self.seen.tables:
            raise AdditionError.from_other_rows(sorted(self.seen.tables))
        for one in self.seen.references:
            table = None if info is None else info.tables.get(one.table)
            columns = {} if table is None else table.schema or {}
            lost = one.keys
            if set(one.key) <= set(columns):
                lost = lost.filter(~known(one.table, one.key, one.keys))
            if lost.height:
                shown = _shown(lost, pl.int_range(lost.height, eager=True))
                raise AdditionError.from_lost_parents(one.table, one.key, lost.height, shown)

    def with_keys(self, more: Mapping[str, Sequence[Key]]) -> Self:
        """Return the same addition to tables with more unique keys."""
        return replace(self, keys=self.keys.with_unique(more))

    def key_of_upsert(self, table: str, frame: pl.DataFrame) -> Key | None:
        """Return the key by which rows replace others; None if they replace none.

        Args:
            table: Name of the table.
            frame: The rows.

        Raises:
            AdditionError: No key is declared, or it does not tell which rows to replace.
        """
        if self.mode == "append" or table in self.only_more:
            return None
        return upserting_key(self.keys, table, frame)

    def first(self, frames: Mapping[str, pl.DataFrame]) -> Load:
        """Return what is added to a dataset that does not exist yet.

        Raises:
            AdditionError: No key is declared by which the rows would replace others.
        """
        for table, frame in frames.items():
            self.key_of_upsert(table, frame)
        return self.load({table: frame.height for table, frame in frames.items()}, {})

    def load(self, added: Mapping[str, int], replaced: Mapping[str, int]) -> Load:
        """Return the addition as the provenance records it.

        Args:
            added: By table, how many rows were delivered.
            replaced: How many rows some of these took the place of.
        """
        more = {table: rows - replaced.get(table, 0) for table, rows in added.items()}
        return Load(self.mode, more, replaced, self.files)


def upserting_key(keys: DeclaredKeys, table: str, frame: pl.DataFrame) -> Key:
    """Return the key by which the rows of a frame replace others.

    Args:
        keys: What is declared.
        table: Name of the table.
        frame: The rows.

    Raises:
        AdditionError: None is declared, or the frame does not have it once in each row.
    """
    key = keys.primary.get(table)
    if key is None:
        raise AdditionError.from_missing_key(table)
    if missing := [name for name in key if name not in frame.columns]:
        raise AdditionError.from_unfit_key(table, key, f"column {missing[0]!r} is missing")
    values = key_of(frame, key)
    if nulls := sum(column.null_count() for column in values):
        raise AdditionError.from_unfit_key(
            table, key, f"{counted(nulls, 'of its values is', 'of its values are')} null"
        )
    repeated = duplicate_rows(values)
    if len(repeated):
        problem = f"{len(repeated):,} rows share theirs, such as {_shown(values, repeated)}"
        raise AdditionError.from_unfit_key(table, key, problem)
    return key


def aligned(frame: pl.DataFrame, schema: Mapping[str, PolarsDataType], table: str) -> pl.DataFrame:
    """Return rows with the columns of the table that they are added to, and new columns last.

    Args:
        frame: The rows.
        schema: The columns of the table.
        table: Its name.

    Raises:
        AdditionError: They lack a column, or have one of another dtype.

    Example:
        >>> rows = pl.DataFrame({"note": ["x"], "id": [1]})
        >>> aligned(rows, {"id": pl.Int64()}, "orders").columns
        ['id', 'note']
    """
    for name, dtype in schema.items():
        if name not in frame.columns:
            raise AdditionError.from_missing_column(table, name)
        if frame[name].dtype != dtype:
            raise AdditionError.from_dtype(table, name, str(frame[name].dtype), str(dtype))
    order = [*schema, *(name for name in frame.columns if name not in schema)]
    return frame if order == frame.columns else side_by_side(frame[name] for name in order)


def widened(frame: pl.DataFrame, schema: Mapping[str, PolarsDataType]) -> pl.DataFrame:
    """Return rows with null columns appended for those that they lack."""
    nulls = [
        pl.Series(name, [None], dtype=dtype).new_from_index(0, frame.height)
        for name, dtype in schema.items()
        if name not in frame.columns
    ]
    return frame.hstack(nulls) if nulls else frame


def replaced_rows(
    stored: pl.DataFrame, added: pl.DataFrame, table: str, addition: Addition
) -> pl.Series:
    """Return which rows of a table are replaced by others (Boolean).

    Args:
        stored: The table.
        added: The rows, as :func:`aligned` returns them.
        table: Its name.
        addition: How they are added.

    Raises:
        AdditionError: They have a key that is stored, in another row than one they replace, or
            would each replace several.
    """
    gone = everywhere(stored.height, value=False)
    by = addition.key_of_upsert(table, added)
    if by is not None:
        there = key_of(stored, by)
        gone = matched_rows(there, key_of(added, by))
        refuse_shared(table, by, there.filter(gone))
    for key in addition.keys.of_table(table, stored.columns):
        if key != by:
            there = key_of(stored, key)
            there = there.filter(~gone) if gone.any() else there
            refuse_known(table, added, key, known_rows([there], key_of(added, key)))
    return gone


def with_more(
    stored: pl.DataFrame,
    added: pl.DataFrame,
    table: str,
    addition: Addition,
    in_memory_bytes: int = IN_MEMORY_BYTES,
) -> tuple[pl.DataFrame, int]:
    """Return a table with more rows, and how many of its rows they replace.

    Args:
        stored: The table.
        added: The rows.
        table: Its name.
        addition: How they are added.
        in_memory_bytes: What is left of a larger table is mapped from a file.

    Raises:
        AdditionError: They do not fit, or have a key that is stored.

    Example:
        >>> stored = pl.DataFrame({"id": [1, 2], "x": ["a", "b"]})
        >>> upsert = Addition("upsert", DeclaredKeys({"t": ("id",)}))
        >>> table, replaced = with_more(stored, pl.DataFrame({"x": ["c"], "id": [1]}), "t", upsert)
        >>> table.rows(), replaced
        ([(2, 'b'), (1, 'c')], 1)
    """
    added = aligned(added, stored.schema, table)
    gone = replaced_rows(stored, added, table, addition)
    kept = kept_rows(stored, ~gone, in_memory_bytes) if gone.any() else stored
    together = pl.concat([widened(kept, added.schema), added])
    return together, stored.height - kept.height


def known_rows(stored: Iterable[pl.DataFrame], keys: pl.DataFrame) -> pl.Series:
    """Return which of some keys a table has (Boolean); incomplete keys count as missing.

    Args:
        stored: The key columns of the table, in the order of those of ``keys``, some rows at a
            time.
        keys: The keys.

    Example:
        >>> known_rows([pl.DataFrame({"id": [1, 2]})], pl.DataFrame({"id": [2, 3, None]})).to_list()
        [True, False, False]
    """
    # The hash table is of the new keys, however many there are of the others.
    found: list[pl.DataFrame] = []
    for batch in stored:
        matched = match_keys(batch, keys)
        if matched is not None:
            theirs, ours = matched
            theirs = _within(theirs, ours)
            found.append(
                theirs.lazy().join(ours.lazy(), on=ours.columns, how="semi").unique().collect()
            )
    if not found:
        return everywhere(keys.height, value=False)
    return matched_rows(keys, pl.concat(found))


def _within(theirs: pl.DataFrame, ours: pl.DataFrame) -> pl.DataFrame:
    """Return the keys whose first column is in the range of others: no other can be equal.

    Keys that grow with time are mostly out of the range of new ones, and to find that out takes a
    ninth of the time of a look into a hash table.
    """
    column, other = (keys.to_series().to_physical() for keys in (theirs, ours))
    if not column.dtype.is_integer():
        return theirs
    low, high = (pl.Series([bound], dtype=other.dtype) for bound in (other.min(), other.max()))
    return theirs.filter((column >= low) & (column <= high))


def refuse_shared(table: str, key: Key, replaced: pl.DataFrame) -> None:
    """Refuse to replace several stored rows by one, which would lose the rest.

    Args:
        table: Name of the table.
        key: The key by which rows are replaced.
        replaced: The keys of the rows that are to be replaced.

    Raises:
        AdditionError: Rows share theirs.
    """
    repeated = duplicate_rows(replaced)
    if len(repeated):
        shown = _shown(replaced, repeated)
        problem = (
            f"{len(repeated):,} stored rows share theirs, such as {shown} (delete all but one)"
        )
        raise AdditionError.from_unfit_key(table, key, problem)


def refuse_known(table: str, frame: pl.DataFrame, key: Key, known: pl.Series) -> None:
    """Refuse rows whose key a table has already.

    Args:
        table: Name of the table.
        frame: The rows.
        key: The key.
        known: Which of the rows these are.

    Raises:
        StoredKeyError: There are such.
    """
    if known.any():
        shown = _shown(key_of(frame, key), rows_where(known))
        raise StoredKeyError.from_keys(table, key, int(known.sum()), shown)


def _shown(values: pl.DataFrame, rows: pl.Series) -> str:
    """Return the first of some rows, by number, as text."""
    first = values[rows.head(_SHOWN)]
    return "; ".join(show_row(values.columns, row) for row in python_rows(first))


def grown_source(
    name: str, stored: BASEDATASOURCE, added: BaseDataSource, addition: Addition
) -> tuple[BASEDATASOURCE, Load]:
    """Return a DataSource with more rows and the same identity, and what was added.

    Args:
        name: Name of the dataset.
        stored: The DataSource, which stays as it is.
        added: The rows.
        addition: How they are added.

    Raises:
        AdditionError: They do not fit, have a key that is stored, or are not made of tables.
    """
    if not is_made_of_tables(type(stored)) or not is_made_of_tables(type(added)):
        raise AdditionError.from_payload(name)
    tables = dict(cast("DataSource", stored).tables)
    frames = cast("DataSource", added).tables
    replaced: dict[str, int] = {}
    for table, frame in frames.items():
        before = tables[table] if table in tables else frame.clear()
        tables[table], count = with_more(before, frame, table, addition)
        if count:
            replaced[table] = count
    load = addition.load({table: frame.height for table, frame in frames.items()}, replaced)
    info = DatasetInfo.of(stored.name, stored).grown(frames, load, added.validation_messages)
    grown = info.empty(type(stored))
    cast("DataSource", grown).tables = tables
    info.tell(grown)
    return grown, load
