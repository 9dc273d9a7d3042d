"""The records of a document that the pandas package wrote, read by Arrow's parser.

That parser is strict where a type is given: what it does not read exactly, it refuses, and the
records are read by Python's json module instead, which takes twice as long.
"""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import polars as pl

from algomancy_data.datasource import serialization_columns, serialization_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ArrowType: TypeAlias = Any
ArrowTable: TypeAlias = Any

_BETWEEN: Final = "},\n        {"
_PIECE: Final = 8 * 1024 * 1024
# Only a token, not the end of a text, is directly before a real line break or a comma before one.
_MISSING: Final = ((b": NaN,\n", b": null,\n"), (b": NaN\n", b": null\n"))


def read(
    records: serialization_records.Records,
    columns: Sequence[str],
    dtypes: Mapping[str, str],
    height: int,
) -> pl.DataFrame | None:
    """Return the frame of a table; None if Arrow's parser is not sure to read it exactly.

    Args:
        records: Its records, of a layout with a line per value.
        columns: Names of its columns.
        dtypes: Their pandas dtypes.
        height: Number of its rows.

    Raises:
        PolarsError: A value does not fit its column's dtype.
    """
    import pyarrow as pa  # noqa: PLC0415  import time that only documents have to pay

    types = [_parsed_type(dtypes.get(name, "object")) for name in columns]
    # Arrow's C interface ends a name at a NUL.
    is_simple = len(set(columns)) == len(columns) and all(types) and "\0" not in "".join(columns)
    if records.layout is not serialization_records.PANDAS or not is_simple:
        return None
    expected = pa.struct(list(zip(columns, types, strict=True)))
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            parsed = pool.map(partial(_parse, expected=expected), _pieces(records.text))
            table = pa.concat_tables(parsed)
    except (pa.ArrowInvalid, pa.ArrowCapacityError, UnicodeEncodeError):
        return None
    if table.num_rows != height:
        return None
    frame = cast("pl.DataFrame", pl.from_arrow(table))
    return serialization_columns.decode_pandas(frame.to_dict(), dtypes, height)


def _pieces(text: str) -> Iterator[bytes]:
    """Cut the records into lists of some of them."""
    end = len(text) - len("]")
    start = len("[")
    while start < end:
        cut = text.find(_BETWEEN, start + _PIECE)
        cut = end if cut < 0 else cut + len("}")
        yield text[start:cut].encode()
        start = cut + len(",")


def _parse(piece: bytes, expected: ArrowType) -> ArrowTable:
    """Return the records of a piece as a table.

    Raises:
        ArrowInvalid: A value is not of the type that is expected, or something else is wrong.
    """
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import json as reader  # noqa: PLC0415

    if b"NaN" in piece:
        for token, null in _MISSING:
            piece = piece.replace(token, null)
    whole = reader.read_json(
        pa.BufferReader(b"".join((b'{"r":[', piece, b"]}"))),
        reader.ReadOptions(use_threads=False, block_size=len(piece) + 16),
        reader.ParseOptions(
            explicit_schema=pa.schema([("r", pa.list_(expected))]),
            unexpected_field_behavior="error",  # also before it recurses into a deep one
        ),
    )
    if whole.num_rows != 1 or whole.column_names != ["r"]:
        msg = "The piece has closed the list itself."
        raise pa.ArrowInvalid(msg)
    items = whole.column(0).chunk(0).values
    if items.null_count:
        msg = "A record is null."
        raise pa.ArrowInvalid(msg)
    return pa.Table.from_struct_array(items)


def _parsed_type(dtype: str) -> ArrowType | None:
    """Return the type of a column's values in JSON; None for a pandas dtype of another kind."""
    import pyarrow as pa  # noqa: PLC0415

    match dtype.partition("[")[0]:
        case "string" | "str" | "category" | "object" | "datetime64":
            return pa.string()
        case "bool" | "boolean":
            return pa.bool_()
        case "timedelta64":
            return pa.int64()
        case "float64" | "Float64":
            return pa.float64()
        case name if re.fullmatch(r"[Uu]?[Ii]nt(8|16|32|64)", name):
            return pa.type_for_alias(name.lower())
        case _:
            return None
