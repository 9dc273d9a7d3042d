"""What the two JSON extractors share: from a file to the records of its document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from algomancy_data.errors import FileContentError
from algomancy_data.extractor.json.cells import CellBudget
from algomancy_data.extractor.json.content import open_json
from algomancy_data.extractor.json.diagnosis import diagnose
from algomancy_data.extractor.json.layout import Records, find_records
from algomancy_data.extractor.json.parser import MalformedError, NoObjectsError, UnreadableError
from algomancy_data.extractor.json.reader import JSONReader
from algomancy_data.schema import FileExtension

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from algomancy_data.extractor.json.content import JSONBytes
    from algomancy_data.extractor.json.layout import Envelope
    from algomancy_data.extractor.json.plan import JSONPlan, Path
    from algomancy_data.extractor.json.types import ArrowArray
    from algomancy_data.file import File

# One record per line: an object is a record whatever it holds, and no line is no record.
_LINES: Final = (FileExtension.NDJSON, FileExtension.JSONL)


@dataclass(frozen=True)
class JSONDocument:
    """The records of a document, and what else is to be known of it.

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
    lines = file.extension in _LINES
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
    """Return the records by the first reading that holds for the whole document."""
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
