"""What is kept of a DataSource, and how it is restored."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from algomancy_data.datasource import ArrowPayloadLayout, DataSource
from algomancy_data.datasource.source import is_made_of_tables
from algomancy_data.errors import SerializationError, StoreError, UnstorableError
from algomancy_data.frames.arrow import check_storable
from algomancy_data.frames.tabular import to_frames

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import polars as pl

    from algomancy_data.datasource import BASEDATASOURCE, BaseDataSource
    from algomancy_data.folder.manifest import Kind, Manifest


@dataclass(frozen=True)
class Content:
    """The data of a DataSource: see :class:`~algomancy_data.folder.Manifest` for the kinds."""

    kind: Kind
    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict[str, "pl.DataFrame"])
    payload: Any = None
    text: str | None = None


def take_apart(key: str, data: BaseDataSource) -> Content:
    """Return the content of a DataSource; refuse what cannot be kept exactly.

    Raises:
        UnstorableError: The DataSource holds something that cannot be kept exactly.
    """
    if isinstance(data, ArrowPayloadLayout):
        payload, tables = data.to_payload()
        frames = to_frames(tables)
        _check_json(key, payload)
        content = Content("arrow", frames, payload)
    elif is_made_of_tables(type(data)):
        content = Content("tables", dict(cast("DataSource", data).tables))
    else:
        content = Content("text", text=data.to_json())
        _check_text(key, content.text)
    for name, frame in content.frames.items():
        _check_text(key, name)
        check_storable(frame, name)
    return content


def put_together(
    manifest: Manifest,
    frames: dict[str, pl.DataFrame],
    text: str | None,
    cls: type[BASEDATASOURCE],
) -> BASEDATASOURCE:
    """Return the DataSource with some content.

    Raises:
        StoreError: It is of another kind than the class.
        SerializationError: The class does not understand what is in it.
    """
    data = _put_together(manifest, frames, text, cls)
    manifest.info.tell(data)
    return data


def _put_together(
    manifest: Manifest,
    frames: dict[str, pl.DataFrame],
    text: str | None,
    cls: type[BASEDATASOURCE],
) -> BASEDATASOURCE:
    if manifest.kind == "tables" and issubclass(cls, DataSource):
        source = replace(manifest.info, name=manifest.source_name).empty(cls)
        source.tables = frames
        return source
    try:
        if manifest.kind == "arrow" and issubclass(cls, ArrowPayloadLayout):
            return cast("BASEDATASOURCE", cls.from_payload(manifest.payload, frames))
        if manifest.kind == "text" and text is not None:
            return cls.from_json(text)
    except Exception as error:
        msg = (
            f"Dataset {manifest.name!r} cannot be read: {cls.__name__} raised "
            f"{type(error).__name__}: {error}. Is {cls.__name__} the class that wrote it?"
        )
        raise SerializationError(msg) from error
    msg = (
        f"Dataset {manifest.name!r} is kept as {manifest.kind!r}, which {cls.__name__} cannot "
        f"read. Is {cls.__name__} the class that wrote it?"
    )
    raise StoreError(msg)


def _check_json(key: str, payload: Any) -> None:
    what = f"Dataset {key!r}: the metadata that to_payload() returned"
    try:
        same = json.loads(json.dumps(payload, allow_nan=False)) == payload
    except (TypeError, ValueError, RecursionError) as error:
        msg = f"{what} cannot be written as JSON: {error}. Put data into the tables."
        raise UnstorableError(msg) from error
    if not same:
        msg = (
            f"{what} do not come back from JSON as they were: use texts as keys, and lists "
            f"instead of tuples."
        )
        raise UnstorableError(msg)


def _check_text(key: str, text: Any) -> None:
    if not isinstance(text, str):
        msg = f"Dataset {key!r}: {text!r:.80} is no text but a {type(text).__name__}."
        raise UnstorableError(msg)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        msg = (
            f"Dataset {key!r}: half of a surrogate pair, {text[error.start]!r} at position "
            f"{error.start}, cannot be written to a file. Escape it or take it out."
        )
        raise UnstorableError(msg) from error


def read_old_file(path: Path, cls: type[BASEDATASOURCE]) -> BASEDATASOURCE:
    """Return the DataSource of a file of records, as the pandas package writes it.

    Raises:
        StoreError: It is empty, or no UTF-8 text.
        SerializationError: The class does not understand it.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"The file {path.name!r} is no UTF-8 text: byte {error.start} cannot be decoded."
        raise StoreError(msg) from error
    if not text.strip("\0 \t\r\n"):
        msg = f"The file {path.name!r} is empty: it was never written, or cut short. Delete it."
        raise StoreError(msg)
    return cls.from_json(text)
