"""Payloads: DataSources that are not tables.

A payload is a text and, for a class with :class:`ArrowPayloadLayout`, the Arrow data of its frames.
Every call works in a transaction of the caller's, on any database that SQLAlchemy knows.
"""

from __future__ import annotations

import json
import zlib
from contextlib import closing
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from algomancy_data.database import payload_chunks
from algomancy_data.database.payload_chunks import (
    PartLayout,
    PayloadKey,
    delete_chunks,
    read_segments,
    write_part,
)
from algomancy_data.database.protocols import ArrowPayloadLayout
from algomancy_data.display.words import counted
from algomancy_data.documents import member, parse
from algomancy_data.errors import SchemaDriftError, SerializationError, UnstorableError
from algomancy_data.frames.arrow import check_storable
from algomancy_data.frames.dtypes import schema_from_json, schema_to_json
from algomancy_data.frames.mapped import in_memory
from algomancy_data.frames.tabular import to_frames
from algomancy_data.metrics import NO_PHASE

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    import polars as pl
    import sqlalchemy as sa

    from algomancy_data.datasource import BASEDATASOURCE, BaseDataSource
    from algomancy_data.frames.mapped import Gather
    from algomancy_data.metrics import Phase

_FORMAT: Final = 1
_JSON: Final = "json"
_ARROW: Final = "arrow"
_KINDS: Final = (_JSON, _ARROW)
_TEXT: Final = "text"
_TEXT_SUM: Final = "text_crc32"
# A catalogue row should be quick to read where only the list of datasets is wanted.
_LARGEST_IN_ROW: Final = 1024 * 1024
_CHARACTERS_AT_ONCE: Final = 4 * 1024 * 1024


@dataclass(frozen=True)
class StoredPayload:
    """What the catalogue row has of a payload.

    Args:
        payload: The text, or None if it lies in chunks.
        payload_layout: JSON: what lies in chunks, and how, and the check sum of the text.
    """

    payload: str | None
    payload_layout: str | None


class _Layout(NamedTuple):
    """What the catalogue row says of a payload.

    Args:
        kind: Whether there are frames.
        parts: What lies in chunks, and how.
        text_sum: Check sum of a text in the row; None in rows that have none yet.
    """

    kind: str = _JSON
    parts: Mapping[str, PartLayout] = MappingProxyType({})
    text_sum: int | None = None


class PreparedPayload:
    """A payload that is ready to be written: everything in it can be kept exactly.

    Args:
        name: Name of the dataset.
        data: The DataSource.

    Attributes:
        frames: The frames that it is made of beside its text, by name.

    Raises:
        UnstorableError: The class hands out something that cannot be kept exactly.

    Example:
        >>> import sqlalchemy as sa
        >>> from algomancy_data import DataClassification, DataSource
        >>> from algomancy_data.database.models import metadata
        >>> engine = sa.create_engine("sqlite+adbc://")
        >>> metadata.create_all(engine)
        >>> source = DataSource(DataClassification.MASTER_DATA, name="a")
        >>> with engine.begin() as connection:
        ...     stored = PreparedPayload("a", source).write(connection, "s", "v")
        ...     where = ("s", "a", "v", stored.payload, stored.payload_layout)
        ...     read = read_payload(connection, *where, DataSource)
        >>> read == source
        True
        >>> engine.dispose()
    """

    def __init__(self, name: str, data: BaseDataSource) -> None:
        self._name = name
        self.frames: dict[str, pl.DataFrame] = {}
        self._kind = _JSON
        what = f"Dataset {name!r}: what {type(data).__name__}"
        if isinstance(data, ArrowPayloadLayout):
            self._kind = _ARROW
            self._text, self.frames = _taken_apart(data, f"{what}.to_payload() returned")
        else:
            self._text = data.to_json()
        self._fits_in_row = _fits_in_row(self._text, f"{what}.to_json() returned")

    def write(
        self, connection: sa.Connection, session: str, version: str, phase: Phase = NO_PHASE
    ) -> StoredPayload:
        """Write what does not fit into the catalogue row.

        Args:
            connection: A connection in a transaction.
            session: The session.
            version: Version of the catalogue row; must be a new one.
            phase: Told of each table.
        """
        key = PayloadKey(session, self._name, version)
        parts: list[PartLayout] = []
        if not self._fits_in_row:
            pieces = (piece.encode() for piece in _pieces(self._text))
            parts.append(write_part(connection, key, _TEXT, pieces))
        for number, frame in enumerate(self.frames.values()):
            with closing(payload_chunks.encode(frame)) as segments:
                parts.append(write_part(connection, key, _table_part(number), segments))
            phase.advance(frame.height)
        payload = self._text if self._fits_in_row else None
        layout: dict[str, Any] = {
            "format": _FORMAT,
            "kind": self._kind,
            "parts": [part.to_json() for part in parts],
        }
        if payload is not None:
            layout[_TEXT_SUM] = _sum_of(payload)
        return StoredPayload(payload, json.dumps(layout, separators=(",", ":")))


def read_payload(
    connection: sa.Connection,
    session: str,
    name: str,
    version: str,
    payload: str | None,
    payload_layout: str | None,
    cls: type[BASEDATASOURCE],
    gather: Gather = in_memory,
    phase: Phase = NO_PHASE,
) -> BASEDATASOURCE:
    """Return the DataSource of a payload.

    Args:
        connection: A connection in the transaction in which the catalogue row was read.
        session: The session.
        name: Name of the dataset.
        version: Version of its catalogue row.
        payload: As in its catalogue row.
        payload_layout: As in its catalogue row.
        cls: Class of the DataSource.
        gather: Makes the frame of a table of its batches.
        phase: Told of each table.

    Raises:
        StoreError: The payload is damaged.
        SchemaDriftError: It was written by a later version, or its Arrow data have another
            schema.
        SerializationError: The class does not understand what is in it.
        TypeError: It has Arrow data, and the class takes none.
    """
    key = PayloadKey(session, name, version)
    kind, parts, text_sum = _layout(key, payload_layout)

    def segments(part: str) -> Generator[list[memoryview]]:
        if part not in parts:
            raise key.damage(part, "the catalogue row does not say where it is")
        return read_segments(connection, key, parts[part])

    text = payload
    if text is None:
        text = _decoded(key, segments(_TEXT))
    else:
        _check_text(key, text, text_sum)
    if kind == _JSON:
        try:
            return cls.from_json(text)
        except Exception as error:
            raise _not_understood(name, cls, "from_json", error) from error
    if not issubclass(cls, ArrowPayloadLayout):
        msg = (
            f"Dataset {name!r} is kept as Arrow data, but {cls.__name__} does not implement "
            f"ArrowPayloadLayout (to_payload and from_payload)."
        )
        raise TypeError(msg)
    metadata, schemas = _document(key, text)
    tables: dict[str, pl.DataFrame] = {}
    for number, (table, (schema, height)) in enumerate(schemas.items()):
        part = _table_part(number)
        tables[table] = payload_chunks.decode(segments(part), schema, table, gather)
        if tables[table].height != height:
            found = counted(tables[table].height, "row")
            raise key.damage(part, f"it has {found} instead of {height:,}")
        phase.advance(height)
    phase.gives(tables.values())
    try:
        return cast("BASEDATASOURCE", cls.from_payload(metadata, tables))
    except Exception as error:
        raise _not_understood(name, cls, "from_payload", error) from error


def check_row(key: PayloadKey, payload: str | None, payload_layout: str | None) -> None:
    """Compare the text in a catalogue row with its check sum.

    Args:
        key: Whose payload.
        payload: As in its catalogue row.
        payload_layout: As in its catalogue row.

    Raises:
        StoreError: It is damaged, or was written by a later version.
    """
    _, parts, text_sum = _layout(key, payload_layout)
    if payload is not None:
        _check_text(key, payload, text_sum)
    elif _TEXT not in parts:
        raise key.damage(_TEXT, "the catalogue row does not say where it is")


def check_chunks(connection: sa.Connection, key: PayloadKey, payload_layout: str | None) -> None:
    """Read the chunks and compare their check sums.

    Args:
        connection: A connection in the transaction in which the catalogue row was read.
        key: Whose payload.
        payload_layout: As in its catalogue row.

    Raises:
        StoreError: A chunk is damaged.
    """
    for part in _layout(key, payload_layout).parts.values():
        for _ in read_segments(connection, key, part):
            pass


def has_all_sums(payload: str | None, payload_layout: str | None) -> bool:
    """Tell whether every byte has a check sum; rows of earlier versions have none."""
    return payload is None or (payload_layout is not None and f'"{_TEXT_SUM}":' in payload_layout)


def has_frames(payload_layout: str | None) -> bool:
    """Tell whether there are frames beside the text."""
    return payload_layout is not None and f'"kind":"{_ARROW}"' in payload_layout


def delete_payload(connection: sa.Connection, session: str, name: str) -> None:
    """Delete the chunks of a dataset, if there are any."""
    delete_chunks(connection, session, name)


def _taken_apart(data: ArrowPayloadLayout, what: str) -> tuple[str, dict[str, pl.DataFrame]]:
    metadata, tables = data.to_payload()
    frames = to_frames(tables)
    for name, frame in frames.items():
        check_storable(frame, name)
    try:
        document = {"metadata": metadata, "tables": list(map(_described, frames, frames.values()))}
        text = json.dumps(document, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        msg = f"{what} has metadata that JSON cannot hold: {error}. Put data into the tables."
        raise UnstorableError(msg) from error
    if json.loads(text) != document:
        msg = (
            f"{what} has metadata that do not come back from JSON as they were: use texts as "
            f"keys, and lists instead of tuples."
        )
        raise UnstorableError(msg)
    return text, frames


def _described(name: str, frame: pl.DataFrame) -> dict[str, Any]:
    return {"name": name, "rows": frame.height, "schema": schema_to_json(frame.schema)}


def _document(
    key: PayloadKey, text: str
) -> tuple[dict[str, Any], dict[str, tuple[pl.Schema, int]]]:
    try:
        document = parse(text)
        tables = {
            member(table, "name", str): (
                schema_from_json(table.get("schema")),
                member(table, "rows", int),
            )
            for table in member(document, "tables", list)
        }
        return cast("dict[str, Any]", member(document, "metadata", object)), tables
    except SerializationError as error:
        raise key.damage(_TEXT, f"it does not describe Arrow data: {error}") from error


def _decoded(key: PayloadKey, segments: Iterable[list[memoryview]]) -> str:
    try:
        return "".join([b"".join(pieces).decode() for pieces in segments])
    except UnicodeDecodeError as error:
        raise key.damage(_TEXT, "it is not in UTF-8") from error


def _layout(key: PayloadKey, text: str | None) -> _Layout:
    if text is None:
        return _Layout()
    try:
        layout = parse(text)
        if member(layout, "format", int) > _FORMAT:
            msg = (
                f"The payload of dataset {key.name!r} was written by a later version of "
                f"algomancy-data. Upgrade it."
            )
            raise SchemaDriftError(msg)
        kind = member(layout, "kind", str)
        parts = {
            part.part: part for part in map(PartLayout.from_json, member(layout, "parts", list))
        }
        text_sum = member(layout, _TEXT_SUM, int) if _TEXT_SUM in layout else None
    except SerializationError as error:
        what = f"the catalogue row does not describe it: {error}"
        raise key.damage("payload_layout", what) from error
    if kind not in _KINDS:
        raise key.damage("payload_layout", f"the kind {kind!r} is unknown")
    return _Layout(kind, parts, text_sum)


def _check_text(key: PayloadKey, text: str, text_sum: int | None) -> None:
    if text_sum is not None and _sum_of(text) != text_sum:
        raise key.damage(_TEXT, "the check sum of the text in the catalogue row is another one")


def _sum_of(text: str) -> int:
    return zlib.crc32(text.encode())


def _fits_in_row(text: Any, what: str) -> bool:
    if not isinstance(text, str):
        msg = f"{what} is no text but a {type(text).__name__}."
        raise UnstorableError(msg)
    size = 0
    for number, piece in enumerate(_pieces(text)):
        try:
            size += len(piece.encode())
        except UnicodeEncodeError as error:
            position = number * _CHARACTERS_AT_ONCE + error.start
            msg = (
                f"{what} has half of a surrogate pair, {text[position]!r}, at position "
                f"{position}. No file or database keeps it as text: escape it or take it out."
            )
            raise UnstorableError(msg) from error
    # PostgreSQL keeps no text with a NUL.
    return size <= _LARGEST_IN_ROW and "\0" not in text


def _pieces(text: str) -> Generator[str]:
    for start in range(0, len(text), _CHARACTERS_AT_ONCE):
        yield text[start : start + _CHARACTERS_AT_ONCE]


def _table_part(number: int) -> str:
    return f"table-{number}"


def _not_understood(
    name: str, cls: type[BaseDataSource], method: str, error: Exception
) -> SerializationError:
    return SerializationError(
        f"Dataset {name!r} cannot be read: {cls.__name__}.{method}() raised "
        f"{type(error).__name__}: {error}. Is {cls.__name__} the class that wrote it?"
    )
