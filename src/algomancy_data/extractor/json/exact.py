"""Reading numbers and truth values as they are written.

A parser gives each place in the records one type. Where records disagree, and where a number is
not exactly a float, all values are first turned into text, by one native pass over the document:
``"abc"`` becomes ``"abc#"`` and ``12`` becomes ``"#12"``. What ends in ``#`` was a text.

Where one record has an object and another one a number, or a list has items of several kinds, no
columnar parser takes the document. Such documents, and only these, go through Python's own parser,
piece by piece: it writes such lists as JSON text, and the rest as the native parser wants it.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl

from algomancy_data.extractor.json.layout import skip_space
from algomancy_data.extractor.json.parser import MalformedError
from algomancy_data.schema.types.float import has_large_floats

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from algomancy_data.extractor.json.parser import ArrowArray
    from algomancy_data.extractor.json.plan import JSONPlan, Path, Place

MARK: Final = "#"
OBJECT_MARK: Final = "#{"
"""The end of the key of an object, where other records have no object under that key."""

_WRITTEN: Final = (
    r'"((?:[^"\\]|\\.)*)"'
    r"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|NaN|-?Infinity)"
)
_MARKED: Final = f'"${{1}}{MARK}${{2}}"'
_INTEGER: Final = r"^-?[0-9]+$"
_WRITTEN_OUT: Final = r"^-?[0-9]+(?:\.0+)?$"
_INFINITE: Final = r"Infinity$"
_OBJECT: Final = "object"
_LIST: Final = "list"
_VALUE: Final = "value"
_quoted: Final = json.encoder.encode_basestring


def mark_values(piece: bytes) -> bytes:
    """Return a piece of a document with every value, and every key, as a marked text."""
    text = pl.Series([piece.decode()]).str.replace_all(_WRITTEN, _MARKED)
    return str(text[0]).encode()


class ExactValues:
    """Gives marked values back their types, the same in all pieces of a document.

    A place with numbers only has numbers; whole numbers beyond 64 bits, and whole numbers beside
    fractions that are not exactly floats, are text. So is a place with values of several kinds,
    and a column declared as INTEGER with floats that may be rounded.

    Args:
        plan: Which columns are declared as text: they keep numbers as they are written.

    Attributes:
        changes_lists: Whether a number became a text in a list that is declared as text.
    """

    def __init__(self, plan: JSONPlan) -> None:
        self._plan = plan
        self.changes_lists = False

    def restore(self, arrays: Sequence[ArrowArray]) -> list[ArrowArray]:
        """Return the records of all pieces with their values unmarked.

        Raises:
            MalformedError: A key was no text.
        """
        return self._restore(arrays, self._plan.root)

    def _restore(self, arrays: Sequence[ArrowArray], place: Place) -> list[ArrowArray]:
        import pyarrow as pa  # noqa: PLC0415  import time that only JSON has to pay

        dtype = arrays[0].type
        if pa.types.is_struct(dtype):
            return self._restore_objects(arrays, place)
        if pa.types.is_list(dtype):
            inside = self._restore([array.values for array in arrays], place.items())
            return [
                pa.ListArray.from_arrays(array.offsets, values, mask=array.is_null())
                for array, values in zip(arrays, inside, strict=True)
            ]
        if pa.types.is_null(dtype):
            return list(arrays)
        return self._restore_values(arrays, place)

    def _restore_objects(self, arrays: Sequence[ArrowArray], place: Place) -> list[ArrowArray]:
        import pyarrow as pa  # noqa: PLC0415

        names = [field.name for field in arrays[0].type]
        if not names:
            return list(arrays)
        members: list[list[ArrowArray]] = []
        keys: list[str] = []
        for position, name in enumerate(names):
            mark = OBJECT_MARK if name.endswith(OBJECT_MARK) else MARK
            if not name.endswith(mark):
                raise MalformedError
            keys.append(name.removesuffix(mark))
            inside = place.member(keys[-1])
            members.append(self._restore([array.field(position) for array in arrays], inside))
        return [
            pa.StructArray.from_arrays(list(values), names=keys, mask=array.is_null())
            for array, values in zip(arrays, zip(*members, strict=True), strict=True)
        ]

    def _restore_values(self, arrays: Sequence[ArrowArray], place: Place) -> list[ArrowArray]:
        import pyarrow as pa  # noqa: PLC0415

        if not pa.types.is_string(arrays[0].type):
            raise MalformedError  # a word that the parser knows, and JSON does not
        pieces = [pl.Series("", array) for array in arrays]
        values = pl.concat(pieces)
        is_text = values.str.ends_with(MARK)
        present = values.null_count() < len(values)
        if not present or is_text.all():
            typed = values.str.head(-1)
        else:
            typed = self._typed(values, is_text, place)
        ends = accumulate(len(piece) for piece in pieces)
        return [
            _arrow(typed.slice(end - len(piece), len(piece)))
            for piece, end in zip(pieces, ends, strict=True)
        ]

    def _typed(self, values: pl.Series, is_text: pl.Series, place: Place) -> pl.Series:
        written = values.str.tail(-1)
        if not is_text.any():
            if place.is_text and not place.in_list:
                return written
            if written.is_in(["true", "false"]).all():
                return written == "true"
            if (numbers := _numbers(written)) is not None:
                return written if place.is_integer and _may_be_rounded(numbers) else numbers
        if place.is_text and place.in_list:
            self.changes_lists = True
        return values.str.head(-1).zip_with(is_text, written)


def _numbers(written: pl.Series) -> pl.Series | None:
    """Return the numbers exactly, or None if no type holds them all."""
    whole = written.str.contains(_INTEGER)
    if whole.all():
        integers = written.cast(pl.Int64, strict=False)
        return integers if integers.null_count() == written.null_count() else None
    floats = written.cast(pl.Float64, strict=False)
    if floats.null_count() > written.null_count():
        return None
    overflow = floats.is_infinite() & ~written.str.contains(_INFINITE)
    whole = written.str.contains(_WRITTEN_OUT)
    digits = written.set(~whole, None).str.replace(r"\.0*$", "")
    integers = digits.cast(pl.Int64, strict=False)
    rounded = floats.set(~whole, None).cast(pl.Int64, strict=False)
    exact = integers.eq_missing(rounded) & (integers.is_not_null() | ~whole)
    return floats if exact.all() and not overflow.any() else None


def _may_be_rounded(numbers: pl.Series) -> bool:
    """Tell whether a float may be a rounded whole number."""
    return numbers.dtype == pl.Float64 and has_large_floats(numbers) and numbers.is_finite().all()


def _arrow(values: pl.Series) -> ArrowArray:
    """Return a column with the types that the parser gives."""
    import pyarrow as pa  # noqa: PLC0415

    array = values.to_arrow()
    return array.cast(pa.string()) if values.dtype == pl.String else array


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


class _Node:
    """A place in the records, and what is known of its values.

    Args:
        place: The place; the items of a list have a node, and no place, of their own.
        outer: The list, no table, that this is inside of: the outermost one.

    Attributes:
        kinds: The kinds of the values.
        as_text: Lists here are written as JSON text.
    """

    __slots__ = ("_item", "_members", "as_text", "is_group", "is_table", "kinds", "outer", "place")

    def __init__(self, place: Place, outer: _Node | None) -> None:
        self.place = place
        self.outer = outer
        self.kinds: set[str] = set()
        self.is_table = place.is_table
        self.is_group = self.is_table and place.path in place.plan.groups
        self.as_text = outer is None and not self.is_table and place.is_text
        self._members: dict[str, _Node] = {}
        self._item: _Node | None = None

    def member(self, key: str) -> _Node:
        """Return the node of an object's member."""
        node = self._members.get(key)
        if node is None:
            node = self._members[key] = _Node(self.place.member(key), self.outer)
        return node

    def item(self) -> _Node:
        """Return the node of a list's items."""
        if self._item is None:
            outer = self.outer if self.is_table or self.outer is not None else self
            self._item = _Node(self.place.items(), outer)
        return self._item

    def decide(self) -> None:
        """Decide which lists become text, here and below."""
        if len(self.kinds) > 1 and self.outer is not None:
            self.outer.as_text = True
        elif self.kinds >= {_LIST, _VALUE} and not self.is_table:
            self.as_text = True
        for node in self._members.values():
            node.decide()
        if self._item is not None:
            self._item.decide()


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise MalformedError
    return members


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_Number, parse_float=_Number, parse_constant=_Number
)
_KINDS: Final = {dict: _OBJECT, list: _LIST}


class UnevenRecords:
    """Finds out where records differ in structure, and rewrites them with marked values.

    Args:
        plan: Which lists are tables, and which are declared as text.

    Attributes:
        strays: How many values are no list of records where a table should be, by its path.
    """

    def __init__(self, plan: JSONPlan) -> None:
        self._root = _Node(plan.root, None)
        self.strays: Counter[Path] = Counter()

    def look_at(self, piece: bytes, *, in_list: bool) -> None:
        """Note the kinds of values in a piece of the document.

        Raises:
            MalformedError: The piece is no JSON, or a record is no object or has a key twice.
        """
        for record in _records(piece, in_list=in_list):
            _look(record, self._root)

    def decide(self) -> None:
        """Decide which lists have to be text, once all pieces have been looked at."""
        self._root.decide()

    def rewrite(self, piece: bytes, *, in_list: bool) -> bytes:
        """Return the piece as marked records with commas between.

        Raises:
            MalformedError: A text contains half a character.
        """
        records = (self._written(record, self._root) for record in _records(piece, in_list=in_list))
        try:
            return ",".join(records).encode()
        except UnicodeEncodeError as error:
            raise MalformedError from error

    def _written(self, value: Any, node: _Node) -> str:
        if value is None:
            return "null"
        kind = type(value)
        if kind is str:
            return _quoted(value + MARK)
        if kind is dict:
            members = cast("dict[str, Any]", value).items()
            return f"{{{','.join([self._member(key, member, node) for key, member in members])}}}"
        if kind is list:
            return self._list(cast("list[Any]", value), node)
        return f'"{MARK}{_json(value)}"'

    def _member(self, key: str, value: Any, node: _Node) -> str:
        node = node.member(key)
        if node.is_table and value is not None and type(value) is not list:
            if node.is_group or (_LIST in node.kinds and type(value) is not dict):
                self.strays[node.place.path] += 1
                value = None
            elif _LIST in node.kinds:
                value = [value]
        mark = OBJECT_MARK if type(value) is dict and len(node.kinds) > 1 else MARK
        return f"{_quoted(key + mark)}:{self._written(value, node)}"

    def _list(self, items: list[Any], node: _Node) -> str:
        if node.is_table:
            records = [item for item in items if item is None or type(item) is dict]
            self.strays[node.place.path] += len(items) - len(records)
            items = records
        elif node.as_text:
            return _quoted(_json(items) + MARK)
        item_node = node.item()
        return f"[{','.join([self._written(item, item_node) for item in items])}]"


def _look(value: Any, node: _Node) -> None:
    """Note the kinds of a value and of everything inside it."""
    kind = type(value)
    node.kinds.add(_KINDS.get(kind, _VALUE))
    if kind is dict:
        for key, member in cast("dict[str, Any]", value).items():
            if member is not None:
                _look(member, node.member(key))
    elif kind is list:
        item_node = node.item()
        for item in cast("list[Any]", value):
            if item is not None:
                _look(item, item_node)


def _json(value: Any) -> str:
    """Write a value as compact JSON, numbers as they are written."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).items()
        return f"{{{','.join(f'{_quoted(key)}:{_json(member)}' for key, member in members)}}}"
    if isinstance(value, list):
        return f"[{','.join(_json(item) for item in cast('list[Any]', value))}]"
    if isinstance(value, _Number):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _records(piece: bytes, *, in_list: bool) -> Iterator[dict[str, Any]]:
    """Yield the records of a piece one by one."""
    try:
        text = piece.decode()
        position = skip_space(text, 0)
        while position < len(text):
            record, position = _DECODER.raw_decode(text, position)
            if not isinstance(record, dict):
                raise MalformedError
            yield cast("dict[str, Any]", record)
            position = skip_space(text, position)
            if in_list and position < len(text):
                if text[position] != ",":
                    raise MalformedError
                position = skip_space(text, position + 1)
                if position == len(text):
                    raise MalformedError
    except ValueError as error:
        raise MalformedError from error
