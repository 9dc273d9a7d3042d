"""The rewriting of documents whose records differ in structure.

One record has an object where another one has a number, or a list has items of several kinds. No
columnar parser takes that, so these documents, and only these, go through Python's own parser,
piece by piece: it writes such lists as JSON text, and the rest as the native parser wants it.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, cast

from algomancy_data.extractor.json.content import skip_space
from algomancy_data.extractor.json.exact import MARK, OBJECT_MARK
from algomancy_data.extractor.json.parser import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from algomancy_data.extractor.json.plan import JSONPlan, Path, Place

_OBJECT: Final = "object"
_LIST: Final = "list"
_VALUE: Final = "value"
_quoted: Final = json.encoder.encode_basestring


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
        """Decide which lists are text, here and below."""
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
        """Take note of the kinds of values in a piece of the document.

        Raises:
            MalformedError: The piece is no JSON, or a record is no object or has a key twice.
        """
        for record in _records(piece, in_list=in_list):
            _look(record, self._root)

    def decide(self) -> None:
        """Decide which lists have to be text, when all pieces have been looked at."""
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
    """Take note of the kinds of a value and of what is inside it."""
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
    """Give the records of a piece one by one."""
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
