"""The parsing of a piece of a JSON document by Arrow's parser: native, strict, small in memory."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from algomancy_data.extractor.json_content import skip_space
from algomancy_data.extractor.json_types import DisagreementError, series

if TYPE_CHECKING:
    from algomancy_data.extractor.json_types import ArrowArray, ArrowType

MAX_DEPTH: Final = 128
"""How many objects and lists may be inside each other; parsers recurse, and stacks end."""

_MAX_PIECE: Final = (1 << 31) - (1 << 12)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_TEXTS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_OPENING: Final = 2  # the bit that is set in "[" and "{", and not in "]" and "}"
_DISAGREEMENTS: Final = (" changed from ", "Number too big", "Failed to convert JSON")
_NULL_RECORD: Final = r"\}\s*null"
_DECODER: Final = json.JSONDecoder(parse_int=str)
_BEFORE, _BEHIND = b'{"r":[', b"]}"


class MalformedError(Exception):
    """A piece is no sequence of JSON objects."""


class UnreadableError(Exception):
    """A piece may be JSON, but no parser can hold it; the message says why."""


class NoObjectsError(MalformedError):
    """A list has items, but none of them is an object."""


def parse(piece: bytes, *, in_list: bool, expected: ArrowType | None = None) -> ArrowArray:
    """Return the records of a piece of a document as an array of structs.

    Args:
        piece: UTF-8, with nothing but whole records in it.
        in_list: There are commas between the records.
        expected: The type that the records have, as far as it is known; members that it does not
            name are found.

    Raises:
        DisagreementError: Values of different kinds are in one place, or not of the expected type.
        NoObjectsError: No record is an object.
        MalformedError: The piece is not UTF-8, no JSON, or has a record that is no object.
        UnreadableError: The piece is too large or nested too deeply.
    """
    import pyarrow as pa  # noqa: PLC0415  import time that only JSON has to pay
    from pyarrow import json as reader  # noqa: PLC0415

    data = b"".join((_BEFORE, piece, _BEHIND)) if in_list else piece
    if not data.strip():
        return pa.array([], pa.struct([]))
    schema = None
    if expected is not None:
        schema = pa.schema([("r", pa.list_(expected))] if in_list else list(expected))
    _check(data)
    if not in_list:
        _check_lines(data)
    try:
        table = reader.read_json(
            pa.BufferReader(data),
            reader.ReadOptions(use_threads=False, block_size=len(data) + 1),
            reader.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer"),
        )
    except (pa.ArrowInvalid, pa.ArrowCapacityError) as error:
        message = str(error)
        if any(words in message for words in _DISAGREEMENTS):
            raise DisagreementError from error
        raise MalformedError from error
    records = _items(table) if in_list else table.to_struct_array().combine_chunks()
    if isinstance(records, pa.ChunkedArray):
        records = pa.concat_arrays(records.chunks)
    if records.null_count:
        raise MalformedError
    return records


def _items(table: Any) -> ArrowArray:
    """Return the items of the list that was put around the records, if it is still the only one."""
    import pyarrow as pa  # noqa: PLC0415

    if table.num_rows != 1 or table.column_names != ["r"]:
        raise MalformedError
    items = table.column(0).chunk(0).values
    if not len(items):
        return pa.array([], pa.struct([]))
    if not pa.types.is_struct(items.type):
        raise NoObjectsError
    return items


def _check(data: bytes) -> None:
    """Refuse what would bring the parser down, or pass it unseen."""
    if len(data) > _MAX_PIECE:
        msg = "a single record, or a document that cannot be cut between records, is over 2 GB"
        raise UnreadableError(msg)
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            raise MalformedError from error
    if _depth(data) > MAX_DEPTH and _depth(_TEXTS.sub(b"", data)) > MAX_DEPTH:
        msg = f"objects and lists are nested more than {MAX_DEPTH - 2} levels deep"
        raise UnreadableError(msg)


def _check_lines(data: bytes) -> None:
    """Refuse a null in place of a record: the parser crashes, or takes it for an empty object."""
    text = data.decode()
    if not text.startswith("{", skip_space(text, 0)):
        raise MalformedError
    if not pl.Series([text]).str.contains(_NULL_RECORD).all():
        return
    position = skip_space(text, 0)
    while position < len(text):  # a text may contain "} null" as well
        try:
            record, position = _DECODER.raw_decode(text, position)
        except ValueError as error:
            raise MalformedError from error
        if record is None:
            raise MalformedError
        position = skip_space(text, position)


def _depth(data: bytes) -> int:
    """Return how deeply brackets are nested, those inside of texts included."""
    import pyarrow as pa  # noqa: PLC0415

    brackets = data.translate(None, _NOT_BRACKETS)
    if len(brackets) <= MAX_DEPTH:
        return 0
    array = pa.Array.from_buffers(pa.int8(), len(brackets), [None, pa.py_buffer(brackets)])
    depth = ((series(array) & _OPENING) - 1).cast(int).cum_sum().max()
    return int(str(depth))
