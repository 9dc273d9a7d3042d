"""What the JSON extractors share: from a file to the records of its document.

Finding out what is wrong with a document, and where, is slow, and only done for errors.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from algomancy_data.errors import FileContentError
from algomancy_data.extractor.json.layout import Records, find_records, open_json, skip_space
from algomancy_data.extractor.json.parser import MalformedError, NoObjectsError, UnreadableError
from algomancy_data.extractor.json.reader import CellBudget, JSONReader
from algomancy_data.schema import FileExtension

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from algomancy_data.extractor.json.layout import Envelope, JSONBytes
    from algomancy_data.extractor.json.parser import ArrowArray
    from algomancy_data.extractor.json.plan import JSONPlan, Path
    from algomancy_data.file import File


LINES: Final = (FileExtension.NDJSON, FileExtension.JSONL)
"""Formats of one record per line: an object is a record whatever it holds, no line is no record."""

_LONE_SURROGATE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_SHOWN: Final = 20
_CLOSES: Final = "}]"


@dataclass(frozen=True)
class JSONDocument:
    """The records of a document, and what else is known of it.

    Args:
        pieces: Arrays of structs, all of one type; none if there is no record.
        strays: How many values were left out since a table's list should be there, by its path.
        ignored: Keys of the members around the list of records.
        has_no_objects: The document is a list with items, none of them an object.
        is_one_object: The document is an object and its own record.
    """

    pieces: list[ArrowArray]
    strays: Mapping[Path, int]
    ignored: tuple[str, ...] = ()
    has_no_objects: bool = False
    is_one_object: bool = False


def read_document(
    file: File, plan: JSONPlan, is_record: Callable[[Envelope], bool]
) -> JSONDocument:
    """Return the records of a JSON file.

    Args:
        file: The file.
        plan: Which lists are tables, and which columns are text.
        is_record: Tells whether an object with one list, which this is around, is a record itself.

    Raises:
        ReadLimitError: Its tables would have more cells than the limits of the file allow.
        FileContentError: The file is no JSON, or a record is no object.
        FileNotFoundError: The file is gone.
    """
    lines = file.extension in LINES
    with open_json(file) as data:
        records = find_records(data, lines=lines)
        if records is None:
            if lines:
                return JSONDocument([], {})
            msg = f"File {file.name!r} is empty. A document without records is an empty list: []"
            raise FileContentError(msg)
        readings = [records, Records(0, len(data), in_list=False)]
        if records.envelope is None:
            readings.pop()
        elif is_record(records.envelope):
            readings.pop(0)
        stored = file.stored_bytes()
        size = len(data)
        budget = CellBudget(file.name, file.limits, size if stored is None else stored, size)
        return _read_one(data, plan, readings, budget, lines=lines)


def _read_one(
    data: JSONBytes, plan: JSONPlan, readings: list[Records], budget: CellBudget, *, lines: bool
) -> JSONDocument:
    """Return the records by the first way of reading that works for the whole document."""
    for records in readings:
        try:
            found = JSONReader(data, plan, records, budget).read()
        except NoObjectsError:
            return JSONDocument([], {}, has_no_objects=True)
        except MalformedError:
            continue
        except UnreadableError as error:
            msg = f"File {plan.file_name!r} cannot be read: {error}."
            raise FileContentError(msg) from error
        count = sum(len(piece) for piece in found.pieces)
        return JSONDocument(
            found.pieces if count else [],
            found.strays,
            () if records.envelope is None else records.envelope.others,
            is_one_object=count == 1 and not records.in_list and not lines,
        )
    raise diagnose(plan.file_name, data)


class _RepeatedKeyError(Exception):
    """A key occurs twice in one object."""


@dataclass(frozen=True)
class _Fault:
    """What is wrong, at which character, and what to do."""

    position: int
    problem: str
    advice: str


def diagnose(
    name: str, data: JSONBytes, lines_before: int = 0, records_before: int = 0
) -> FileContentError:
    """Return the error that describes the first fault of a document.

    The document is read record by record, so that no more than one is in memory as objects.

    Args:
        name: Name of the file.
        data: The document, or a part of it, which a parser has refused.
        lines_before: How many lines of the document are before the part.
        records_before: How many records are.
    """
    content = bytes(data)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = lines_before + content.count(b"\n", 0, error.start) + 1
        return FileContentError(
            f"File {name!r}, line {line}: byte {error.start} (0x{content[error.start]:02x}) is "
            f"not UTF-8. Write the file as UTF-8."
        )
    fault = _find_fault(text, records_before)
    if fault is None:
        return FileContentError(f"File {name!r} cannot be read as JSON.")
    line = lines_before + text.count("\n", 0, fault.position) + 1
    column = fault.position - text.rfind("\n", 0, fault.position)
    return FileContentError(
        f"File {name!r}, line {line}, column {column}: {fault.problem}. {fault.advice}"
    )


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise _RepeatedKeyError(next(key for key, count in counts.items() if count > 1))
    return members


# Numbers as text: Python refuses to read integers with thousands of digits.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_without_repeated_keys, parse_int=str, parse_float=str
)


def _find_fault(text: str, number: int) -> _Fault | None:
    position = skip_space(text, 0)
    in_list = text[position : position + 1] == "["
    position = skip_space(text, position + 1) if in_list else position
    if in_list and text[position : position + 1] == "]":
        return _fault_behind(text, position + 1)
    while position < len(text) or in_list:
        start = position
        try:
            _, position = _DECODER.raw_decode(text, position)
        except json.JSONDecodeError as error:
            return _syntax_fault(text, error)
        except _RepeatedKeyError as error:
            problem = f"record {number} has the key {str(error)!r} twice"
            return _Fault(start, problem, "Which of the values counts is unclear: remove one.")
        if surrogate := _LONE_SURROGATE.search(text, start, position):
            problem = f"{surrogate[0]} is half a character (a surrogate without its other half)"
            return _Fault(surrogate.start(), problem, "Write the whole character, or leave it out.")
        if text[start] != "{":
            problem = f"record {number} is no object: {_shown(text, start)}"
            return _Fault(start, problem, 'Each record must be an object, such as {"id": 1}.')
        number += 1
        position = skip_space(text, position)
        if in_list:
            if text[position : position + 1] == "]":
                return _fault_behind(text, position + 1)
            if text[position : position + 1] != ",":
                return _unexpected(text, position)
            position = skip_space(text, position + 1)
    return None


def _fault_behind(text: str, position: int) -> _Fault | None:
    position = skip_space(text, position)
    if position == len(text):
        return None
    problem = f"there is more behind the end of the document: {_shown(text, position)}"
    return _Fault(position, problem, "Keep one list, or write one record per line without a list.")


def _syntax_fault(text: str, error: json.JSONDecodeError) -> _Fault:
    if error.msg.startswith("Unterminated string"):
        return _Fault(error.pos, "a text begins here and never ends", "Is the file cut off?")
    if error.msg.startswith("Invalid control character"):
        shown = f"a text contains the control character {text[error.pos]!r}"
        return _Fault(error.pos, shown, "Write it as an escape, such as \\n or \\t.")
    if "escape" in error.msg:
        shown = f"a text contains an escape that JSON does not have: {_shown(text, error.pos)}"
        return _Fault(error.pos, shown, "Write a backslash as \\\\.")
    return _unexpected(text, error.pos)


def _unexpected(text: str, position: int) -> _Fault:
    position = skip_space(text, position)
    before = text[:position].rstrip(" \t\r\n")[-1:] if position < len(text) else ""
    if position >= len(text):
        return _Fault(len(text), "the document ends in the middle", "Is the file cut off?")
    if text[position] == "," and text[skip_space(text, position + 1) :][:1] in {"}", "]"}:
        position, before = skip_space(text, position + 1), ","
    if before == "," and text[position] in _CLOSES:
        problem = f"there is a comma before the closing {text[position]!r}"
        return _Fault(position, problem, "Remove the comma behind the last member.")
    if text[position] == "'":
        return _Fault(position, "a text is in single quotes", 'JSON has double quotes: "…".')
    problem = f"this is not JSON: {_shown(text, position)}"
    return _Fault(position, problem, "Write the file with a JSON library.")


def _shown(text: str, position: int) -> str:
    return repr(text[position : position + _SHOWN])
