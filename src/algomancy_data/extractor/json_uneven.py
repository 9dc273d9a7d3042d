"""The rewriting of documents whose records differ in structure.

One record has an object where another one has a number, or a list has items of several kinds. No
columnar parser takes that, so these documents, and only these, go through Python's own parser,
piece by piece: it writes such lists as JSON text, and the rest as the native parser wants it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from algomancy_data.extractor.json_content import skip_space
from algomancy_data.extractor.json_exact import MARK, OBJECT_MARK
from algomancy_data.extractor.json_parser import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from algomancy_data.extractor.json_plan import JSONPlan, Path, Place

_OBJECT: Final = "object"
_LIST: Final = "list"
_VALUE: Final = "value"


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


class _Object(list[tuple[str, Any]]):
    """The members of an object, in their order."""

    __slots__ = ()


# Items of a table and of another list have different tracks, though one path.
_TABLE_ITEM: Final = 1
_LIST_ITEM: Final = 0
_Track: TypeAlias = "tuple[str | int, ...]"
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_Object, parse_int=_Number, parse_float=_Number, parse_constant=_Number
)


class UnevenRecords:
    """Finds out where records differ in structure, and rewrites them with marked values.

    Args:
        plan: Which lists are tables, and which are declared as text.

    Attributes:
        strays: How many values are no list of records where a table should be, by its path.
    """

    def __init__(self, plan: JSONPlan) -> None:
        self._plan = plan
        self._kinds: defaultdict[_Track, set[str]] = defaultdict(set)
        self._text_tracks: set[_Track] = set()
        self.strays: Counter[Path] = Counter()

    def look_at(self, piece: bytes, *, in_list: bool) -> None:
        """Take note of the kinds of values in a piece of the document.

        Raises:
            MalformedError: The piece is no JSON, or a record is no object or has a key twice.
        """
        for record in _records(piece, in_list=in_list):
            self._look(record, self._plan.root, ())

    def decide(self) -> None:
        """Decide which lists have to be text, when all pieces have been looked at."""
        for track, kinds in self._kinds.items():
            if len(kinds) > 1 and _LIST_ITEM in track:
                self._text_tracks.add(track[: track.index(_LIST_ITEM)])
            elif kinds >= {_LIST, _VALUE}:
                self._text_tracks.add(track)

    def rewrite(self, piece: bytes, *, in_list: bool) -> bytes:
        """Return the piece as marked records with commas between.

        Raises:
            MalformedError: A text contains half a character.
        """
        root = self._plan.root
        records = (self._written(record, root, ()) for record in _records(piece, in_list=in_list))
        try:
            return ",".join(records).encode()
        except UnicodeEncodeError as error:
            raise MalformedError from error

    def _look(self, value: Any, place: Place, track: _Track) -> None:
        if value is None:
            return
        self._kinds[track].add(_kind(value))
        if isinstance(value, _Object):
            if len(dict(value)) < len(value):
                raise MalformedError
            for key, member in value:
                self._look(member, place.member(key), (*track, key))
        elif isinstance(value, list):
            below, track = place.items(), (*track, _item_step(place))
            for item in cast("list[Any]", value):
                self._look(item, below, track)

    def _written(self, value: Any, place: Place, track: _Track) -> str:
        if value is None:
            return "null"
        if isinstance(value, _Object):
            members = (self._member(key, member, place, track) for key, member in value)
            return f"{{{','.join(members)}}}"
        if isinstance(value, list):
            return self._list(cast("list[Any]", value), place, track)
        if isinstance(value, str) and not isinstance(value, _Number):
            return _quoted(value + MARK)
        return f'"{MARK}{_json(value)}"'

    def _member(self, key: str, value: Any, place: Place, track: _Track) -> str:
        place, track = place.member(key), (*track, key)
        kinds = self._kinds[track]
        mark = MARK
        if place.is_table and value is not None and not _is_list(value):
            if place.path in self._plan.groups or (_LIST in kinds and _kind(value) == _VALUE):
                self.strays[place.path] += 1
                value = None
            elif _LIST in kinds:
                return f"{_quoted(key + MARK)}:{self._list([value], place, track)}"
        if isinstance(value, _Object) and len(kinds) > 1:
            mark = OBJECT_MARK
        return f"{_quoted(key + mark)}:{self._written(value, place, track)}"

    def _list(self, items: list[Any], place: Place, track: _Track) -> str:
        if place.is_table:
            records = [item for item in items if item is None or isinstance(item, _Object)]
            self.strays[place.path] += len(items) - len(records)
            items = records
        elif track in self._text_tracks or (not place.in_list and place.is_text):
            return _quoted(_json(items) + MARK)
        below, track = place.items(), (*track, _item_step(place))
        return f"[{','.join(self._written(item, below, track) for item in items)}]"


def _item_step(place: Place) -> int:
    return _TABLE_ITEM if place.is_table else _LIST_ITEM


def _is_list(value: object) -> bool:
    return _kind(value) == _LIST


def _kind(value: object) -> str:
    if isinstance(value, _Object):
        return _OBJECT
    return _LIST if isinstance(value, list) else _VALUE


def _json(value: Any) -> str:
    """Write a value as compact JSON, numbers as they are written."""
    if isinstance(value, _Object):
        return f"{{{','.join(f'{_quoted(key)}:{_json(member)}' for key, member in value)}}}"
    if isinstance(value, list):
        return f"[{','.join(_json(item) for item in cast('list[Any]', value))}]"
    if isinstance(value, _Number):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _records(piece: bytes, *, in_list: bool) -> Iterator[_Object]:
    """Give the records of a piece one by one."""
    try:
        text = piece.decode()
        position = skip_space(text, 0)
        while position < len(text):
            record, position = _DECODER.raw_decode(text, position)
            if not isinstance(record, _Object):
                raise MalformedError
            yield record
            position = skip_space(text, position)
            if in_list and position < len(text):
                if text[position] != ",":
                    raise MalformedError
                position = skip_space(text, position + 1)
                if position == len(text):
                    raise MalformedError
    except ValueError as error:
        raise MalformedError from error
