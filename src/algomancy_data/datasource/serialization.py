"""The JSON form of a DataSource: read and written by the pandas package as well.

``{"metadata": {...}, "tables": {name: {"data": records, "columns", "dtypes", "index"}}}``, where
``dtypes`` are pandas dtype names. Ours adds ``schema``, the exact Polars dtypes, which the pandas
package ignores. JSON has no NaN (RFC 8259, section 6), so a float column that is not finite
throughout is written as text, which both packages turn back into floats.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from polars.exceptions import PanicException, PolarsError

from algomancy_data.datasource import (
    serialization_columns,
    serialization_pandas,
    serialization_records,
)
from algomancy_data.datasource.base import DataClassification
from algomancy_data.display.words import counted
from algomancy_data.engine_failures import failing_column, reason_of
from algomancy_data.errors import SerializationError
from algomancy_data.frames.dtypes import schema_from_json, schema_to_json
from algomancy_data.messages import ValidationMessage, ValidationSeverity

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

_METADATA_KEYS: Final = ("id", "name", "type", "creation_datetime")


@dataclass(frozen=True)
class Metadata:
    """What a document says about a DataSource beside its tables."""

    ds_id: str
    name: str
    ds_type: DataClassification
    creation_datetime: datetime


def document_to_json(metadata: Mapping[str, Any], tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the document of a DataSource.

    Raises:
        SerializationError: A column cannot be written so that it comes back identical.
    """
    # Records are written by Polars; only the small rest goes through the json module. All is
    # joined once, because each copy of a large document costs as much as a tenth of writing it.
    pieces = [f'{{\n  "metadata": {json.dumps(metadata, indent=2)},\n  "tables": {{']
    for number, (name, frame) in enumerate(tables.items()):
        pieces.append(f"{',' if number else ''}\n    {json.dumps(name)}: ")
        pieces += _table_to_json(name, frame)
    pieces.append("\n  }\n}")
    return "".join(pieces)


def document_from_json(
    text: str,
) -> tuple[Metadata, dict[str, pl.DataFrame], list[ValidationMessage]]:
    """Return what a document says, and what was found in its values.

    Raises:
        SerializationError: The text is no document of this or the pandas package.
    """
    text, records = serialization_records.cut_out(text)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"The text is no JSON: {error}."
        raise SerializationError(msg) from error
    if not isinstance(document, dict):
        msg = f"A DataSource is a JSON object, not a {type(document).__name__}."
        raise SerializationError(msg)
    members = cast("dict[str, Any]", document)
    metadata = _metadata(_require_object(members, "metadata", "The document"))
    tables = _require_object(members, "tables", "The document")
    messages: list[ValidationMessage] = []
    frames = {
        name: _table_from_json(name, table, records, messages) for name, table in tables.items()
    }
    return metadata, frames, messages


def _metadata(metadata: dict[str, Any]) -> Metadata:
    for key in _METADATA_KEYS:
        if not isinstance(metadata.get(key), str):
            msg = f"The metadata of the DataSource lack {key!r} (a text)."
            raise SerializationError(msg)
    try:
        return Metadata(
            ds_id=metadata["id"],
            name=metadata["name"],
            ds_type=DataClassification(metadata["type"]),
            creation_datetime=datetime.fromisoformat(metadata["creation_datetime"]),
        )
    except ValueError as error:
        msg = f"The metadata of the DataSource cannot be understood: {error}."
        raise SerializationError(msg) from error


def _table_to_json(name: str, frame: pl.DataFrame) -> list[str]:
    try:
        schema = json.dumps(schema_to_json(frame.schema))
        records = serialization_records.write(serialization_columns.encode(frame))
    except (SerializationError, PolarsError, PanicException) as error:
        is_ours = isinstance(error, SerializationError)
        column = None if is_ours else failing_column(frame, serialization_columns.encode)
        where = "" if column is None else f"column {column.name!r} ({column.dtype}): "
        msg = f"Table {name!r} cannot be written as JSON: {where}{reason_of(error)}"
        raise SerializationError(msg) from error
    columns = json.dumps(frame.columns)
    dtypes = json.dumps(serialization_columns.pandas_dtypes(frame))
    index = serialization_records.index(frame.height)
    rest = f', "columns": {columns}, "dtypes": {dtypes}, "index": '
    return ['{"data": ', *records, rest, index, f', "schema": {schema}}}']


def _table_from_json(
    name: str,
    table: Any,
    records: Mapping[str, serialization_records.Records],
    messages: list[ValidationMessage],
) -> pl.DataFrame:
    place = f"Table {name!r}"
    if not isinstance(table, dict):
        msg = f"{place} is no JSON object."
        raise SerializationError(msg)
    members = cast("dict[str, Any]", table)
    columns = [str(column) for column in _require_list(members, "columns", place)]
    height = len(_require_list(members, "index", place))
    data = members.get("data")
    try:
        schema = schema_from_json(members["schema"]) if "schema" in members else None
        dtypes = members.get("dtypes", {})
        if isinstance(data, str) and data in records:
            frame = _read_records(records[data], columns, schema, dtypes, height)
            if frame is not None:
                return frame
            members["data"] = json.loads(records[data].text)
        rows = cast("list[dict[str, Any]]", _require_list(members, "data", place))
        if columns and len(rows) != height:
            msg = f"{place} has {counted(len(rows), 'record')}, but an index of {height}."
            raise SerializationError(msg)  # noqa: TRY301  told apart from what others raise
        values: dict[str, list[Any]] = {
            column: [record.get(column) for record in rows] for column in columns
        }
        if schema is not None:
            return serialization_columns.decode(values, schema, height)
        values, mixed = serialization_columns.mixed_as_text(values, dtypes)
        frame = serialization_columns.decode_pandas(values, dtypes, height)
        messages += (_mixed(name, column) for column in mixed)
        return frame  # noqa: TRY300  what is above may raise
    except (
        SerializationError,
        PolarsError,
        AttributeError,
        TypeError,
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:
        if isinstance(error, SerializationError) and str(error).startswith(place):
            raise
        msg = f"{place} cannot be read: {error}"
        raise SerializationError(msg) from error


def _mixed(table: str, column: str) -> ValidationMessage:
    return ValidationMessage(
        ValidationSeverity.WARNING,
        "The column holds values of several kinds, and is read as text.",
        table,
        column,
        code="MIXED_AS_TEXT",
    )


def _read_records(
    records: serialization_records.Records,
    columns: list[str],
    schema: pl.Schema | None,
    dtypes: Mapping[str, str],
    height: int,
) -> pl.DataFrame | None:
    """Return the frame of records by a fast way that is exact; None if there is none."""
    if schema is None:
        return serialization_pandas.read(records, columns, dtypes, height)
    if records.layout is not serialization_records.OURS:
        return None
    encoded = serialization_records.read(
        records.text, serialization_columns.encoded_schema(schema), height
    )
    return None if encoded is None else serialization_columns.decode_frame(encoded, schema)


def _require_object(members: dict[str, Any], key: str, place: str) -> dict[str, Any]:
    value = members.get(key)
    if not isinstance(value, dict):
        msg = f"{place} has no object {key!r}."
        raise SerializationError(msg)
    return cast("dict[str, Any]", value)


def _require_list(members: dict[str, Any], key: str, place: str) -> list[Any]:
    value = members.get(key)
    if not isinstance(value, list):
        msg = f"{place} has no list {key!r}."
        raise SerializationError(msg)
    return cast("list[Any]", value)
