"""Parsing a piece of a JSON document by Arrow's parser: native, strict, small in memory.

The types that it finds are Arrow's; two pieces of one document agree on them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import polars as pl

from algomancy_data.extractor.json.layout import NO_SPACE, skip_space
from algomancy_data.schema.types.float import has_large_floats

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH: Final = 128
"""How many objects and lists may be inside each other; parsers recurse, and stacks end."""

_MAX_PIECE: Final = (1 << 31) - (1 << 12)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_TEXTS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_OPENING: Final = 2  # the bit that is set in "[" and "{", and not in "]" and "}"
_DISAGREEMENTS: Final = (" changed from ", "Number too big", "Failed to convert JSON")
_UNEXPECTED: Final = "unexpected field"
_NULL_RECORD: Final = r"\}\s*null"
_DECODER: Final = json.JSONDecoder(parse_int=str)
_BEFORE, _BEHIND = b'{"r":[', b"]}"

ArrowArray: TypeAlias = Any
ArrowType: TypeAlias = Any
"""As Arrow has them; pyarrow is imported where it is used, and has no type stubs."""


class MalformedError(Exception):
    """A piece is no sequence of JSON objects."""


class UnreadableError(Exception):
    """A piece may be JSON, but no parser can hold it; the message says why."""


class NoObjectsError(MalformedError):
    """A list has items, but none of them is an object."""


class UnexpectedTypeError(Exception):
    """Records have members that the expected type does not name."""


def find_type(piece: bytes, *, in_list: bool) -> ArrowType:
    """Return the type of the records in a piece of a document.

    Args:
        piece: UTF-8, with nothing but whole records in it.
        in_list: There are commas between the records.

    Raises:
        DisagreementError: Values of different kinds are in one place.
        NoObjectsError: No record is an object.
        MalformedError: The piece is not UTF-8, no JSON, or has a record that is no object.
        UnreadableError: The piece is too large or nested too deeply.
    """
    import pyarrow as pa  # noqa: PLC0415  import time that only JSON has to pay

    table = _table(piece, None, in_list=in_list)
    if not in_list:
        return pa.struct(list(table.schema))
    dtype = table.schema.field(0).type.value_type
    if pa.types.is_struct(dtype):
        return dtype
    if pa.types.is_null(dtype) and not table.column(0).chunk(0).offsets[-1].as_py():
        return pa.struct([])
    raise NoObjectsError


def parse(piece: bytes, *, in_list: bool, expected: ArrowType) -> ArrowArray:
    """Return the records of a piece of a document as an array of structs.

    The type must be known: where a list begins with nulls before its type is found, the parser
    loses them.

    Args:
        piece: UTF-8, with nothing but whole records in it.
        in_list: There are commas between the records.
        expected: The type of the records; members that they lack are null.

    Raises:
        UnexpectedTypeError: The records have more members.
        DisagreementError: Values are not of the expected type.
        MalformedError: The piece is not UTF-8, no JSON, or has a record that is no object.
        UnreadableError: The piece is too large or nested too deeply.
    """
    import pyarrow as pa  # noqa: PLC0415

    table = _table(piece, expected, in_list=in_list)
    dtype = table.schema.field(0).type.value_type if in_list else pa.struct(list(table.schema))
    if dtype != expected:
        raise UnexpectedTypeError
    if in_list:
        records = _with_all_nulls(table.column(0).chunk(0).values)
    else:
        batches = [_with_all_nulls(batch.to_struct_array()) for batch in table.to_batches()]
        records = pa.concat_arrays(batches) if batches else pa.array([], expected)
    if records.null_count:
        raise MalformedError
    return records


def _table(piece: bytes, expected: ArrowType | None, *, in_list: bool) -> Any:
    """Return a parsed piece: a row per record, or one row with all of them."""
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import json as reader  # noqa: PLC0415

    data = b"".join((_BEFORE, piece, _BEHIND)) if in_list else piece
    if expected is None:
        check(data)
    else:  # at what is nested more deeply than that, the parser stops
        _check_text(data)
    if not in_list:
        _check_lines(data)
    schema = None
    if expected is not None:
        schema = pa.schema([("r", pa.list_(expected))] if in_list else list(expected))
    try:
        table = reader.read_json(
            pa.BufferReader(data),
            reader.ReadOptions(use_threads=False, block_size=len(data) + 1),
            reader.ParseOptions(
                explicit_schema=schema,
                # A column for each of many new keys could be more than there is memory.
                unexpected_field_behavior="infer" if expected is None else "error",
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowCapacityError) as error:
        if _UNEXPECTED in str(error):
            raise UnexpectedTypeError from error
        if any(words in str(error) for words in _DISAGREEMENTS):
            raise DisagreementError from error
        raise MalformedError from error
    if in_list and (table.num_rows != 1 or table.column_names != ["r"]):
        raise MalformedError  # the piece has closed the list itself
    return table


def _with_all_nulls(array: ArrowArray) -> ArrowArray:
    """Return the array with as many nulls in lists of nulls as the offsets say.

    Arrow's parser gives too few, and such an array is invalid: reading it would be undefined.
    """
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_list(array.type):
        values = array.values
        if pa.types.is_null(values.type):
            mended = pa.nulls(array.offsets[-1].as_py())
        elif (mended := _with_all_nulls(values)) is values:
            return array
        return pa.ListArray.from_arrays(array.offsets, mended, mask=array.is_null())
    if not pa.types.is_struct(array.type):
        return array
    members = [array.field(position) for position in range(array.type.num_fields)]
    mended = [_with_all_nulls(member) for member in members]
    if all(new is old for new, old in zip(mended, members, strict=True)):
        return array
    return pa.StructArray.from_arrays(mended, fields=list(array.type), mask=array.is_null())


def check(data: bytes) -> None:
    """Refuse what would crash the parser, or pass unnoticed.

    Raises:
        MalformedError: It is not UTF-8.
        UnreadableError: It is too large or nested too deeply.
    """
    _check_text(data)
    if _depth(data) > MAX_DEPTH and _depth(_TEXTS.sub(b"", data)) > MAX_DEPTH:
        msg = f"objects and lists are nested more than {MAX_DEPTH - 2} levels deep"
        raise UnreadableError(msg)


def _check_text(data: bytes) -> None:
    if len(data) > _MAX_PIECE:
        msg = "a single record, or a document that cannot be cut between records, is over 2 GB"
        raise UnreadableError(msg)
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            raise MalformedError from error


def _check_lines(data: bytes) -> None:
    """Refuse a null in place of a record: the parser crashes, or takes it for an empty object."""
    import pyarrow as pa  # noqa: PLC0415  as above

    first = NO_SPACE.search(data)
    if first is None or first[0] != b"{":
        raise MalformedError
    if b"null" not in data:
        return
    # As it lies there: to decode it would copy it twice, of which each page has to be made.
    buffers = [None, pa.array([0, len(data)], pa.int64()).buffers()[1], pa.py_buffer(data)]
    whole = series(pa.Array.from_buffers(pa.large_string(), 1, buffers))
    if not whole.str.contains(_NULL_RECORD).all():
        return
    text = data.decode()
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
    """Return how deeply brackets are nested, including those inside texts."""
    import pyarrow as pa  # noqa: PLC0415

    brackets = data.translate(None, _NOT_BRACKETS)
    if len(brackets) <= MAX_DEPTH:
        return 0
    array = pa.Array.from_buffers(pa.int8(), len(brackets), [None, pa.py_buffer(brackets)])
    depth = ((series(array) & _OPENING) - 1).cast(int).cum_sum().max()
    return int(str(depth))


class DisagreementError(Exception):
    """Records have values of different kinds in one place."""


def plain(dtype: ArrowType) -> ArrowType:
    """Return the type with text in place of the dates that Arrow's parser sees in text."""
    import pyarrow as pa  # noqa: PLC0415  import time that only JSON has to pay

    if pa.types.is_timestamp(dtype):
        return pa.string()
    if pa.types.is_struct(dtype):
        return pa.struct([pa.field(field.name, plain(field.type)) for field in dtype])
    if pa.types.is_list(dtype):
        return pa.list_(plain(dtype.value_type))
    return dtype


def merge(left: ArrowType, right: ArrowType) -> ArrowType:
    """Return the type that holds the values of both: the members of both, integers as floats.

    Raises:
        DisagreementError: One has a text where the other has a number, and the like.
    """
    import pyarrow as pa  # noqa: PLC0415

    types = pa.types
    if left == right or types.is_null(right):
        return left
    if types.is_null(left):
        return right
    if types.is_struct(left) and types.is_struct(right):
        members: dict[str, ArrowType] = {field.name: field.type for field in left}
        for field in right:
            own = members.get(field.name)
            members[field.name] = field.type if own is None else merge(own, field.type)
        return pa.struct(list(members.items()))
    if types.is_list(left) and types.is_list(right):
        return pa.list_(merge(left.value_type, right.value_type))
    if {left, right} == {pa.int64(), pa.float64()}:
        return pa.float64()
    raise DisagreementError


def has_inexact_numbers(array: ArrowArray) -> bool:
    """Tell whether a float may be a rounded integer, or a number beyond the range of floats."""
    import pyarrow as pa  # noqa: PLC0415

    return any(
        leaf.type == pa.float64() and has_large_floats(series(leaf)) for leaf in leaves(array)
    )


def leaves(array: ArrowArray) -> Iterator[ArrowArray]:
    """Give the values that are neither objects nor lists, of each place in the records."""
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_struct(array.type):
        for position in range(array.type.num_fields):
            yield from leaves(array.field(position))
    elif pa.types.is_list(array.type):
        yield from leaves(array.values)
    else:
        yield array


def series(array: ArrowArray) -> pl.Series:
    """Return an Arrow array as a column."""
    values: Any = pl.from_arrow(array)
    return values
