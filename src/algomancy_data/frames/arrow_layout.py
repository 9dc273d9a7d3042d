"""Where the parts of Arrow data lie, by what the data says of itself: checked before it is read.

An Arrow file or stream says how long everything in it is. A reader that believes it asks for as
much memory as it says. So whatever comes from outside is looked at first: nothing may lie outside
the file, and nothing may claim to unpack to more than its compression can pack. Only descriptions
are read here, so it costs no more than a look at each column of each batch.

What the lengths do not tell (texts that are no UTF-8, offsets that go back, keys that no category
has), Polars checks of itself while it reads a file, and pyarrow does when it is asked to.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from algomancy_data.frames.flatbuffers import Flatbuffer, FlatbufferError, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MAGIC: Final = b"ARROW1"

_MARKER: Final = b"\xff\xff\xff\xff"
_LENGTH: Final = 4
_DICTIONARY: Final = 2
_BATCH: Final = 3
_BIG_ENDIAN: Final = 1
_DEEPEST: Final = 64
# How much one byte can unpack to, at most: repeated bytes of LZ4, blocks of a byte of ZSTD.
_LARGEST_RATIO: Final = {0: 256, 1: 65_536}
_NOT_COMPRESSED: Final = -1
_MOST_ROWS: Final = 2**32

Bytes: TypeAlias = "bytes | memoryview"


class ArrowLayoutError(ValueError):
    """Arrow data contradicts itself; the message goes on after "its"."""


class TypeKind(NamedTuple):
    """What is to be known of an Arrow type: its name, and the number of its buffers."""

    name: str
    buffers: int


_KINDS: Final = {
    1: TypeKind("null", 0),
    2: TypeKind("integer", 2),
    3: TypeKind("float", 2),
    4: TypeKind("binary", 3),
    5: TypeKind("text", 3),
    6: TypeKind("boolean", 2),
    7: TypeKind("decimal", 2),
    8: TypeKind("date", 2),
    9: TypeKind("time", 2),
    10: TypeKind("timestamp", 2),
    11: TypeKind("interval", 2),
    12: TypeKind("list", 2),
    13: TypeKind("struct", 1),
    14: TypeKind("union", 1),
    15: TypeKind("fixed-size binary", 2),
    16: TypeKind("fixed-size list", 1),
    17: TypeKind("map", 2),
    18: TypeKind("duration", 2),
    19: TypeKind("large binary", 3),
    20: TypeKind("large text", 3),
    21: TypeKind("large list", 2),
    22: TypeKind("run-end encoded", 0),
    23: TypeKind("binary view", 2),
    24: TypeKind("text view", 2),
    25: TypeKind("list view", 3),
    26: TypeKind("large list view", 3),
}
_WITH_DETAILS: Final = frozenset(
    {"integer", "decimal", "timestamp", "duration", "union", "fixed-size list"}
)
_VIEWS: Final = {"binary view", "text view"}
_TEXTS: Final = {"binary", "text", "large binary", "large text", *_VIEWS}
_NO_TEXTS: Final = frozenset(
    ["null", "integer", "float", "boolean", "decimal", "date", "time", "timestamp", "duration"]
)
# A text of so many bytes may lie in its view.
_SHORT_TEXT: Final = 12


class ArrowField(NamedTuple):
    """A column, or one that is nested in another.

    Args:
        name: Its name.
        kind: Its type: a name of the Arrow format in plain words.
        unit: The unit of a timestamp or duration (0: seconds), or of a fixed-size list its size.
        bits: The width of an integer or a decimal.
        scale: The scale of a decimal.
        zone: The time zone of a timestamp, if it has one.
        dictionary: Number of the dictionary that has its values, or None.
        children: The fields in it.
    """

    name: str
    kind: TypeKind
    unit: int = 0
    bits: int = 0
    scale: int = 0
    zone: str = ""
    dictionary: int | None = None
    children: tuple[ArrowField, ...] = ()

    def all_fields(self) -> Iterator[ArrowField]:
        """Yield the field and all that are in it."""
        yield self
        for child in self.children:
            yield from child.all_fields()


@dataclass(frozen=True)
class ArrowLayout:
    """What Arrow data says of itself.

    Args:
        fields: The columns.
        is_big_endian: Numbers have their highest byte first.
        rows: Rows of all batches.
        unpacked_bytes: Bytes of all buffers, when they are unpacked.
        nulls: How many values of each column are null.
        texts: How many bytes the texts of each column have at most, each as often as it is there;
            None if only its values tell.
    """

    fields: tuple[ArrowField, ...] = ()
    is_big_endian: bool = False
    rows: int = 0
    unpacked_bytes: int = 0
    nulls: tuple[int, ...] = ()
    texts: tuple[int | None, ...] = ()


@dataclass
class _Counts:
    """What the batches add up to."""

    rows: int = 0
    unpacked_bytes: int = 0
    nulls: Counter[int] = field(default_factory=Counter[int])
    texts: Counter[int] = field(default_factory=Counter[int])
    dictionaries: Mapping[int, ArrowField] = field(default_factory=dict[int, ArrowField])

    def added_to(self, layout: ArrowLayout) -> ArrowLayout:
        """Return a layout with the sums."""
        return replace(
            layout,
            rows=self.rows,
            unpacked_bytes=self.unpacked_bytes,
            nulls=tuple(self.nulls[number] for number in range(len(layout.fields))),
            texts=tuple(
                self.texts[number] if _has_bounds(one) else None
                for number, one in enumerate(layout.fields)
            ),
        )


def _has_bounds(one: ArrowField) -> bool:
    """Tell whether the lengths of a column's buffers say how long its texts are at most."""
    return one.dictionary is None and (one.kind.name in _TEXTS or one.kind.name in _NO_TEXTS)


def arrow_layout(data: Bytes) -> ArrowLayout:
    """Return what an Arrow file or stream says of itself, if that can be true.

    Args:
        data: The whole file or stream; a mapped file is looked at without reading it.

    Raises:
        ArrowLayoutError: It is damaged.

    Example:
        >>> import io
        >>> import polars as pl
        >>> file = io.BytesIO()
        >>> pl.DataFrame({"a": [1, 2], "b": ["x", None]}).write_ipc(file)
        >>> layout = arrow_layout(file.getvalue())
        >>> layout.rows, [(field.name, field.kind.name) for field in layout.fields]
        (2, [('a', 'integer'), ('b', 'text view')])
    """
    view = memoryview(data)
    try:
        return _file_layout(view) if bytes(view[: len(MAGIC)]) == MAGIC else _stream_layout(view)
    except FlatbufferError as error:
        msg = f"description has {error}"
        raise ArrowLayoutError(msg) from error
    except struct.error as error:
        msg = "description has a position behind the end"
        raise ArrowLayoutError(msg) from error


def _file_layout(view: memoryview) -> ArrowLayout:
    tail = _LENGTH + len(MAGIC)
    if len(view) < len(MAGIC) + tail or bytes(view[-len(MAGIC) :]) != MAGIC:
        msg = "end is missing: it was cut off, or not written to its end"
        raise ArrowLayoutError(msg)
    length = int.from_bytes(view[-tail : -len(MAGIC)], "little", signed=True)
    end = len(view) - tail
    if not 0 < length <= end - len(MAGIC):
        msg = f"footer would have {length} bytes"
        raise ArrowLayoutError(msg)
    footer = Flatbuffer(view[end - length : end]).root()
    layout = _schema(footer.table(1))
    counts = _Counts(dictionaries=_dictionaries(layout.fields))
    for blocks in (2, 3):
        # Each block is where it is, the bytes of its description, and those of its data.
        for at, head, _, body in footer.structs(blocks, "qiiq"):
            if min(at, head) <= 0 or body < 0 or at + head + body > end:
                msg = "blocks lie outside the file"
                raise ArrowLayoutError(msg)
            message = _message(view, at)
            if message is None or message.end > end:
                msg = "blocks lie outside the file"
                raise ArrowLayoutError(msg)
            _count(message, layout.fields, counts)
    return counts.added_to(layout)


def _stream_layout(view: memoryview) -> ArrowLayout:
    message = _message(view, 0)
    if message is None:
        msg = "schema is missing"
        raise ArrowLayoutError(msg)
    layout = _schema(message.head.table(2))
    counts = _Counts(dictionaries=_dictionaries(layout.fields))
    while (message := _message(view, message.end)) is not None:
        _count(message, layout.fields, counts)
    return counts.added_to(layout)


# --- messages ---------------------------------------------------------------------------------


class _Message(NamedTuple):
    kind: int
    head: Table
    body: memoryview
    end: int


def _message(view: memoryview, at: int) -> _Message | None:
    """Return the message at a position; None at the end of a stream."""
    if bytes(view[at : at + _LENGTH]) == _MARKER:
        at += _LENGTH
    length = int.from_bytes(view[at : at + _LENGTH], "little", signed=True)
    at += _LENGTH
    if length == 0:
        return None
    if not 0 < length <= len(view) - at:
        msg = "end is missing: it was cut off, or a message has a wrong length"
        raise ArrowLayoutError(msg)
    head = Flatbuffer(view[at : at + length]).root()
    start = at + length
    body = head.number(3, "q")
    if not 0 <= body <= len(view) - start:
        msg = "end is missing: it was cut off, or a batch has a wrong length"
        raise ArrowLayoutError(msg)
    return _Message(head.number(1, "B"), head, view[start : start + body], start + body)


def _count(message: _Message, fields: Iterable[ArrowField], counts: _Counts) -> None:
    """Check a batch of rows or of a dictionary, and add it up."""
    table = message.head.table(2)
    if table is None:
        msg = "batches have no description"
        raise ArrowLayoutError(msg)
    if message.kind == _BATCH:
        rows, nulls, texts = _check_batch(table, fields, message.body, counts)
        counts.rows += rows
        counts.nulls.update(nulls)
        counts.texts.update(texts)
        if counts.rows >= _MOST_ROWS:
            msg = f"batches would have {counts.rows:,} rows"
            raise ArrowLayoutError(msg)
    elif message.kind == _DICTIONARY:
        values, batch = counts.dictionaries.get(table.number(0, "q")), table.table(1)
        if values is None or batch is None:
            msg = "dictionaries belong to no column"
            raise ArrowLayoutError(msg)
        _check_batch(batch, [values._replace(dictionary=None)], message.body, counts)
    else:
        msg = "messages are of an unknown kind"
        raise ArrowLayoutError(msg)


def _check_batch(
    batch: Table, fields: Iterable[ArrowField], body: memoryview, counts: _Counts
) -> tuple[int, dict[int, int], dict[int, int]]:
    """Check the lengths of a batch, and return its rows, and nulls and most bytes of texts.

    Nulls are those of each of its columns, bytes those of each that has texts.
    """
    rows = batch.number(0, "q")
    nodes = iter(batch.structs(1, "qq"))
    nulls: dict[int, int] = {}
    buffers = batch.structs(2, "qq")
    views = iter(batch.structs(4, "q"))
    compression = batch.table(3)
    codec = None if compression is None else compression.number(0, "b")
    expected = 0
    texts: dict[int, tuple[int, int, bool]] = {}
    for number, one in enumerate(fields):
        count, nulls[number] = _check_nodes(one, rows, nodes, views)
        if one.kind.name in _TEXTS:
            texts[number] = expected, expected + count, one.kind.name in _VIEWS
        expected += count
    if expected != len(buffers) or next(nodes, None) is not None:
        msg = "batches have another number of buffers than its columns need"
        raise ArrowLayoutError(msg)
    available = len(body)
    sizes: list[int] = []
    for offset, length in buffers:
        if offset < 0 or length < 0 or offset + length > available:
            msg = "buffers lie outside their batch"
            raise ArrowLayoutError(msg)
        sizes.append(length if codec is None else _unpacked(body[offset : offset + length], codec))
    counts.unpacked_bytes += sum(sizes)
    most = {
        number: _most_text(rows, sizes, first, end, is_view=is_view)
        for number, (first, end, is_view) in texts.items()
    }
    return rows, nulls, most


def _most_text(rows: int, sizes: Sequence[int], first: int, end: int, *, is_view: bool) -> int:
    """Return how many bytes the texts in some buffers have at most: behind nulls and places."""
    data = sum(sizes[first + 2 : end])
    # Each view may be one of all bytes.
    return rows * max(data, _SHORT_TEXT) if is_view else data


def _check_nodes(
    one: ArrowField,
    rows: int | None,
    nodes: Iterator[tuple[int, ...]],
    views: Iterator[tuple[int, ...]],
) -> tuple[int, int]:
    """Check the lengths of a column and those in it, and return its buffers and its nulls.

    Args:
        one: The column.
        rows: How long it must be; None if only the offsets of the one around it tell.
        nodes: Length and number of nulls, column by column.
        views: How many buffers of data each column of views has.
    """
    length, nulls = next(nodes, (-1, -1))
    if length < 0 or not 0 <= nulls <= length or (rows is not None and length != rows):
        msg = f"batches have another number of rows in column {one.name!r} than in others"
        raise ArrowLayoutError(msg)
    if one.dictionary is not None:
        return 2, nulls
    buffers = one.kind.buffers
    if one.kind.name in _VIEWS:
        (more,) = next(views, (-1,))
        if more < 0:
            msg = f"batches do not say where the texts of column {one.name!r} are"
            raise ArrowLayoutError(msg)
        buffers += more
    inner = None
    if one.kind.name == "struct":
        inner = length
    elif one.kind.name == "fixed-size list":
        inner = length * one.unit
    elif one.kind.name == "union":
        buffers += one.unit
    for child in one.children:
        buffers += _check_nodes(child, inner, nodes, views)[0]
    return buffers, nulls


def _unpacked(packed: memoryview, codec: int) -> int:
    """Return the length of a packed buffer, if it is possible."""
    if not len(packed):
        return 0
    length = int.from_bytes(packed[:8], "little", signed=True)
    content = len(packed) - 8
    if length == _NOT_COMPRESSED:
        return content
    ratio = _LARGEST_RATIO.get(codec)
    if ratio is None or not 0 <= length <= content * ratio:
        msg = f"packed buffers would unpack from {content:,} to {length:,} bytes"
        raise ArrowLayoutError(msg)
    return length


# --- the schema -------------------------------------------------------------------------------


def _schema(table: Table | None) -> ArrowLayout:
    if table is None:
        msg = "schema is missing"
        raise ArrowLayoutError(msg)
    fields = tuple(_field(one, 0) for one in table.tables(1))
    return ArrowLayout(fields, table.number(0, "h") == _BIG_ENDIAN)


def _field(table: Table, depth: int) -> ArrowField:
    kind = _KINDS.get(number := table.number(2, "B"))
    if kind is None or not table.has(3) or depth > _DEEPEST:
        msg = f"columns are of an unknown type ({number}), or nested too deeply"
        raise ArrowLayoutError(msg)
    # Most types have none, or none of interest.
    details = table.table(3) if kind.name in _WITH_DETAILS else None
    unit, bits, scale, zone = (0, 0, 0, "") if details is None else _details(kind, details)
    encoding = table.table(4)
    return ArrowField(
        table.text(0),
        kind,
        unit,
        bits,
        scale,
        zone,
        None if encoding is None else encoding.number(0, "q"),
        tuple(_field(child, depth + 1) for child in table.tables(5)),
    )


def _details(kind: TypeKind, details: Table) -> tuple[int, int, int, str]:
    """Return the unit, the width, the scale and the time zone of a type."""
    match kind.name:
        case "integer":
            return 0, details.number(0, "i"), 0, ""
        case "decimal":
            return 0, details.number(2, "i", 128), details.number(1, "i"), ""
        case "timestamp":
            return details.number(0, "h"), 0, 0, details.text(1)
        case "duration":
            return details.number(0, "h", 1), 0, 0, ""
        case "union":
            return details.number(0, "h"), 0, 0, ""  # a dense one has offsets as well
        case _:
            return details.number(0, "i"), 0, 0, ""


def _dictionaries(fields: Iterable[ArrowField]) -> dict[int, ArrowField]:
    """Return the columns whose values are in dictionaries, by the dictionary's number."""
    return {
        one.dictionary: one
        for top in fields
        for one in (top.all_fields() if top.children else (top,))
        if one.dictionary is not None
    }
