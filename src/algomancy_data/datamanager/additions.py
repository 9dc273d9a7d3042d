"""Adding rows to a dataset of a store: its keys, and the files that it has already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from algomancy_data.datamanager.runs import InputDigests, parts_of
from algomancy_data.errors import AdditionError, ArgumentError, RepeatedFileError
from algomancy_data.frames.lazy import collected
from algomancy_data.store.addition import Reference, Seen
from algomancy_data.validator import ForeignKeyValidator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    import polars as pl
    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.datasource import BaseDataSource
    from algomancy_data.file import File
    from algomancy_data.provenance import InputFile, Provenance
    from algomancy_data.relations.stored import StoredKeys
    from algomancy_data.schema.table_names import Schemas
    from algomancy_data.store import DatasetInfo, Store

LoadMode: TypeAlias = Literal["replace", "append", "upsert"]
"""What becomes of the dataset that has the name of another one."""

Repeated: TypeAlias = Literal["refuse", "skip"]
"""What becomes of a file that was loaded before."""

_DAY: Final = "%Y-%m-%d"


def check_mode(mode: str) -> None:
    """Refuse an unknown mode.

    Raises:
        ValueError: It is none.
    """
    if mode not in get_args(LoadMode):
        msg = f"mode must be 'replace', 'append' or 'upsert', not {mode!r}."
        raise ValueError(msg)


def check_repeated(repeated: str) -> None:
    """Refuse what cannot become of a file that was loaded before.

    Raises:
        ArgumentError: It cannot.
    """
    if repeated not in get_args(Repeated):
        raise ArgumentError.from_given("repeated", repeated, "'refuse' or 'skip'")


class KeysInStore:
    """The keys and rows of a dataset that added rows are checked against.

    Args:
        store: Where the dataset is kept.
        info: What is known of it.
        cls: Class of the DataSources.
        lock: Held while the store is asked.
    """

    def __init__(
        self,
        store: Store,
        info: DatasetInfo,
        cls: type[BaseDataSource],
        lock: AbstractContextManager[object],
    ) -> None:
        self._store = store
        self._info = info
        self._cls = cls
        self._lock = lock
        self._references: list[Reference] = []
        self._read: set[str] = set()

    @property
    def seen(self) -> Seen:
        """What the added rows rely on."""
        return Seen(self._info.version, tuple(self._references), frozenset(self._read))

    def columns(self, table: str) -> Mapping[str, PolarsDataType]:
        """Return the columns of a table; none if the dataset lacks the table."""
        known = self._info.tables.get(table)
        return (None if known is None else known.schema) or {}

    def known(self, table: str, key: Sequence[str], keys: pl.DataFrame) -> pl.Series:
        """Return which of some keys a table has (Boolean); incomplete keys count as missing."""
        with self._lock:
            return self._store.known_keys(self._info.name, table, key, keys, self._cls)

    def referred(self, table: str, key: Sequence[str], keys: pl.DataFrame) -> pl.Series:
        """Return the same for keys that rows refer to, and note those that are known."""
        known = self.known(table, key, keys)
        if known.any():
            self._references.append(Reference(table, tuple(key), keys.filter(known).unique()))
        return known

    def rows(self, table: str, query: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
        """Return what a query of a table gives, and note that it was read."""
        self._read.add(table)
        most = self._store.memory.in_memory_bytes
        with self._lock:
            return collected(query(self._store.scan(self._info.name, table, self._cls)), most)


def check_references(
    tables: Mapping[str, pl.DataFrame], schemas: Schemas, stored: StoredKeys
) -> None:
    """Make sure that rows refer to others among them or stored ones, if there is such a table.

    Args:
        tables: The rows by table.
        schemas: What declares the references.
        stored: The keys of the dataset that they are added to.

    Raises:
        AdditionError: It is not.
    """
    for check in ForeignKeyValidator.from_schemas(schemas):
        has_parent = check.right_table in tables or stored.columns(check.right_table)
        if check.left_table in tables and has_parent:
            for finding in check.beside(stored).validate(tables):
                raise AdditionError.from_finding(finding)


def new_files(
    files: Mapping[str, File], name: str, provenance: Provenance | None, repeated: Repeated
) -> dict[str, File]:
    """Return the files that a dataset does not have yet; files are compared by content.

    Only files of the size of one that was loaded are read for it.

    Args:
        files: The files.
        name: Name of the dataset.
        provenance: Where it comes from.
        repeated: What becomes of the others.

    Raises:
        RepeatedFileError: There are others, and they are refused, or are one with new ones.
    """
    loaded = _loaded(provenance)
    sizes = {size for size, _ in loaded}
    new = dict(files)
    for logical, file in files.items():
        if not any(part.stored_bytes() in sizes for part in parts_of(file)):
            continue
        with InputDigests({logical: file}) as digests:
            known = [(one, loaded.get(_content(one))) for one in digests.result()]
        moments = [(one, moment) for one, moment in known if moment is not None]
        if not moments:
            continue
        if repeated == "refuse" or len(moments) < len(known):
            one, moment = moments[0]
            raise RepeatedFileError.from_file(name, one.location or logical, f"{moment:{_DAY}}")
        del new[logical]
    return new


def _loaded(provenance: Provenance | None) -> dict[tuple[int | None, str | None], datetime]:
    """Return when a dataset's files were loaded, by size and hash."""
    if provenance is None:
        return {}
    first = [(file, provenance.made_at) for file in provenance.files]
    later = [(file, load.made_at) for load in provenance.loads for file in load.files]
    return {_content(file): moment for file, moment in first + later if file.sha256 is not None}


def _content(file: InputFile) -> tuple[int | None, str | None]:
    return file.size, file.sha256
