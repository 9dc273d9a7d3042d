"""A JSON file as UTF-8, and where it can be cut between records.

The cuts are guesses. If each piece is valid between the brackets of a list, the whole document is
valid and has the same records: the parser proves each guess.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import mmap
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from algomancy_data.errors import FileContentError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from algomancy_data.file import File

CHUNK = 1 << 23
"""How many bytes of a document are parsed as one piece."""

_WINDOW: Final = 1 << 20
_LONG_RECORD: Final = 1 << 26
_NEIGHBOURS: Final = 16
_CANDIDATES: Final = 256
_BETWEEN_ITEMS: Final = re.compile(rb"\}[ \t\r\n]*(,)[ \t\r\n]*(?=\{)")
# A line break is never part of a text, and between members there is a comma.
_BETWEEN_LINES: Final = re.compile(rb"\}[ \t\r]*(\n)\s*(?=\{)")
NO_SPACE: Final = re.compile(rb"[^ \t\r\n]")
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str)

JSONBytes: TypeAlias = bytes | mmap.mmap
"""UTF-8 text: of a plain file, the file itself."""

_READ: Final = 1 << 22
_SPACE: Final = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class Envelope:
    """An object around a document's list of records.

    Args:
        members: The object, with None in place of the list.
        key: Where in it the list is.
        first: The list's first item; None if it is empty, or too long to be looked at.
        is_empty: The list has no item.
    """

    members: Mapping[str, Any]
    key: str
    first: Any
    is_empty: bool

    @property
    def others(self) -> tuple[str, ...]:
        """The keys beside the list's."""
        return tuple(key for key in self.members if key != self.key)


@dataclass(frozen=True)
class Records:
    """The part of a document that holds the records.

    Args:
        start: First byte.
        end: Byte behind the last one.
        in_list: The records are items of a list, with commas between; else they follow each other.
        envelope: What is around the list.
    """

    start: int
    end: int
    in_list: bool
    envelope: Envelope | None = None


def find_records(data: JSONBytes, *, lines: bool, begin: int = 0) -> Records | None:
    """Return where the records of a document are, or None if it is empty.

    Args:
        data: The document.
        lines: The file's format is one record per line: an object is a record, whatever it holds.
        begin: Where it begins, behind a byte order mark.
    """
    found = NO_SPACE.search(data, begin)
    if found is None:
        return None
    start, end = found.start(), len(data)
    if found[0] == b"[":
        last = data.rfind(b"]")
        if last > start and NO_SPACE.search(data, last + 1) is None:
            return Records(start + 1, last, in_list=True)
    elif found[0] == b"{" and not lines and not _is_first_of_several(data, start):
        records = _inside_object(data, start)
        if records is not None:
            return records
    return Records(start, end, in_list=False)


def cut(
    data: JSONBytes, records: Records, first: int = CHUNK // 16, rest: int = CHUNK
) -> list[tuple[int, int]]:
    """Return the byte ranges to parse one by one, with only separators between them.

    Args:
        data: The document.
        records: Where its records are.
        first: How long the first range is: what it holds is expected of the others.
        rest: How long the others are.
    """
    ranges: list[tuple[int, int]] = []
    start = records.start
    wanted = first
    while records.end - start > wanted * 3 // 2:
        separator = _next_cut(data, records, start + wanted)
        if separator is None:
            break
        ranges.append((start, separator))
        start = separator + 1
        wanted = rest
    ranges.append((start, records.end))
    return ranges


def _next_cut(data: JSONBytes, records: Records, position: int) -> int | None:
    """Return where the first separator between records after a position seems to be."""
    if not records.in_list:
        found = _BETWEEN_LINES.search(data, position, records.end)
        return None if found is None else found.start(1)
    for _ in range(_CANDIDATES):
        found = _BETWEEN_ITEMS.search(data, position, records.end)
        if found is None:
            return None
        if _is_outer_item(data, found.end(), records.end):
            return found.start(1)
        position = found.end()
    return None


def _is_outer_item(data: JSONBytes, start: int, end: int) -> bool:
    """Tell whether the object that begins here is a record, not an item inside one.

    The end of an inner list is near, as a rule; behind it goes on the record that it is part of.
    """
    window = _text(data, start, min(end, start + (_WINDOW >> 4)))
    position = 0
    for _ in range(_NEIGHBOURS):
        try:
            _, position = _DECODER.raw_decode(window, position)
        except (ValueError, RecursionError):
            return position > 0 or len(window) >= _WINDOW >> 4
        position = skip_space(window, position)
        if position == len(window):
            return True
        if window[position] != ",":
            return False
        position = skip_space(window, position + 1)
        if window[position : position + 1] != "{":
            return position == len(window)
    return True


def _is_first_of_several(data: JSONBytes, start: int) -> bool:
    """Tell whether there is more than one object in the document."""
    head = _text(data, start, start + _WINDOW)
    try:
        _, end = _DECODER.raw_decode(head)
    except (ValueError, RecursionError):
        return _BETWEEN_LINES.search(data, start, start + _LONG_RECORD) is not None
    return NO_SPACE.search(data, start + len(head[:end].encode())) is not None


def _inside_object(data: JSONBytes, start: int) -> Records | None:
    """Return the records of a document that is an object with exactly one list, else None."""
    head = _text(data, start, start + _WINDOW)
    found = _first_list(head)
    if found is None:
        return None
    key, opening = found
    before = head[:opening].encode()
    first = start + len(before)
    if data[start:first] != before:  # not UTF-8
        return None
    inside = skip_space(head, opening + 1)
    for last in _ends(data, head, opening, first):
        try:
            members = _members(before + b"null" + data[last + 1 : len(data)])
        except (ValueError, RecursionError):
            continue
        if members is None:
            return None
        is_empty = head[inside : inside + 1] == "]"
        envelope = Envelope(members, key, _item(head, inside), is_empty)
        return Records(first + 1, last, in_list=True, envelope=envelope)
    return None


def _ends(data: JSONBytes, head: str, opening: int, first: int) -> Iterator[int]:
    """Yield the places where the list may end: one in sight, or the last brackets."""
    try:
        _, end = _DECODER.raw_decode(head, opening)
    except (ValueError, RecursionError):
        last = len(data)
        for _ in range(_NEIGHBOURS):
            last = data.rfind(b"]", first, last)
            if last < 0 or len(data) - last > _WINDOW:
                return
            yield last
    else:
        yield first + len(head[opening:end].encode()) - 1


def _members(around: bytes) -> dict[str, Any] | None:
    """Return the envelope, unless one of its keys occurs twice or has a list as well."""
    text = around.decode()
    pairs = cast("list[object]", json.loads(text, object_pairs_hook=list))
    members = cast("dict[str, Any]", json.loads(text, parse_int=str, parse_float=str))
    if len(pairs) != len(members) or any(isinstance(value, list) for value in members.values()):
        return None
    return members


def _first_list(head: str) -> tuple[str, int] | None:
    """Return the key and the place of the object's first list, if it is in sight."""
    position = 1
    try:
        while True:
            position = skip_space(head, position)
            if head[position] != '"':
                return None
            key, position = _DECODER.raw_decode(head, position)
            position = skip_space(head, position)
            if head[position] != ":":
                return None
            position = skip_space(head, position + 1)
            if head[position] == "[":
                return key, position
            _, position = _DECODER.raw_decode(head, position)
            position = skip_space(head, position)
            if head[position] != ",":
                return None
            position += 1
    except (ValueError, IndexError, RecursionError):
        return None


def _item(head: str, position: int) -> Any:
    """Return the value that begins here, or None if it is too long to look at."""
    try:
        return _DECODER.raw_decode(head, position)[0]
    except (ValueError, RecursionError):
        return None


def _text(data: JSONBytes, start: int, end: int) -> str:
    return data[start:end].decode(errors="ignore")


@contextlib.contextmanager
def open_json(file: File) -> Generator[JSONBytes]:
    """Open the content of a file as UTF-8 without a byte order mark.

    A plain UTF-8 file is mapped into memory; UTF-16 and UTF-32 are recognised by their byte
    order mark, or by the NULs that ASCII has in them.

    Raises:
        FileContentError: The file is not in the encoding that its first bytes show.
        FileNotFoundError: The file is gone.
    """
    source = file.source()
    if isinstance(source, bytes):
        yield _as_utf8(file.name, source)
    elif not source.stat().st_size:  # nothing cannot be mapped
        yield b""
    else:
        with (
            source.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            yield _as_utf8(file.name, data)


def _as_utf8(name: str, data: JSONBytes) -> JSONBytes:
    encoding = json.detect_encoding(data[:4])
    if encoding == "utf-8":
        return data
    if encoding == "utf-8-sig":
        return data[len(codecs.BOM_UTF8) :]
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        chunks = (data[start : start + _READ] for start in range(0, len(data), _READ))
        decoded = b"".join(decoder.decode(chunk).encode() for chunk in chunks)
        return decoded + decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        msg = (
            f"File {name!r} begins like {encoding.upper()} text, but is none: {error}. "
            f"Write it as UTF-8."
        )
        raise FileContentError(msg) from error


def skip_space(text: str, position: int) -> int:
    """Return the end of the white space that begins here, if any."""
    match = _SPACE.match(text, position)
    return match.end() if match else position
