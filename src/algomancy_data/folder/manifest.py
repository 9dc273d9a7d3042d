"""The metadata file of a dataset: what it is, and what its tables look like.

Writing it is what makes a dataset exist: see docs/folder-format.md.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from algomancy_data.datasource import DataClassification
from algomancy_data.documents import expect, member
from algomancy_data.errors import DamagedStoreError, SchemaDriftError, SerializationError
from algomancy_data.frames.dtypes import schema_from_json, schema_to_json
from algomancy_data.provenance import Provenance, messages_from_list, messages_to_list
from algomancy_data.store import DatasetInfo, TableInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    Kind = Literal["tables", "arrow", "text"]

FORMAT: Final = "algomancy-data folder"
FORMAT_VERSION: Final = 2
_WITHOUT_PARTS: Final = 1  # which earlier versions of the package read
_KINDS: Final = ("tables", "arrow", "text")
# Old-style files can be large, so what a file is must be plain from its first bytes.
HEAD_BYTES: Final = 64
TAIL_BYTES: Final = 64
_SHOWN: Final = 200
_TAIL: Final = re.compile(rb'\n  "crc32": [0-9]+\n\}\n\Z')
_HEAD: Final = re.compile(rb'\s*\{\s*"format"\s*:\s*"algomancy-data folder"')
_SIGNATURE: Final = b'  "crc32": '
_DIRECTORY: Final = re.compile(r"[^./~\x00][^/\x00]*\.[0-9a-f]{32}")
_FILE: Final = re.compile(r"[0-9]+\.arrow|text")


@dataclass(frozen=True)
class StoredFile:
    """A file of the dataset's directory: its name, length and CRC-32 sums (one per piece)."""

    file: str
    bytes: int
    crc32: tuple[int, ...]


@dataclass(frozen=True)
class TablePart:
    """A file with some rows of a table, which follow those of earlier parts.

    Args:
        stored: The file.
        rows: How many rows it has.
        width: How many columns it has: the first ones of the table. The others came later, and
            are null in its rows.
    """

    stored: StoredFile
    rows: int
    width: int


@dataclass(frozen=True)
class Manifest:
    """The content of a metadata file: what is known of a dataset, and where its data is.

    Args:
        info: What is known of it, under the name by which the manager keeps it; the metadata file
            has no version, but is one.
        source_name: The name that the DataSource has itself.
        ordinal: Where the dataset stands among the others, in order of creation.
        directory: Name of the directory that only this version of the dataset uses.
        kind: ``"tables"``: a DataSource of tables; ``"arrow"``: tables and a payload that only
            its class understands; ``"text"``: a text that only its class understands.
        parts: The files of each table, in order, by its name.
        payload: JSON, for the kind ``"arrow"``.
        text: The text, for the kind ``"text"``.
    """

    info: DatasetInfo
    source_name: str
    ordinal: int
    directory: str
    kind: Kind
    parts: Mapping[str, tuple[TablePart, ...]] = field(
        default_factory=dict[str, tuple[TablePart, ...]]
    )
    payload: Any = None
    text: StoredFile | None = None

    @property
    def name(self) -> str:
        """Name of the dataset."""
        return self.info.name

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """Every file of the directory."""
        of_tables = (part.stored for parts in self.parts.values() for part in parts)
        return (*of_tables, *((self.text,) if self.text else ()))

    @property
    def bytes(self) -> int:
        """Length of all files of the directory."""
        return sum(stored.bytes for stored in self.files)

    def to_bytes(self) -> bytes:
        """Return the content of the metadata file."""
        info = self.info
        is_plain = all(map(_is_whole, info.tables.values(), self.parts.values()))
        document = {
            "format": FORMAT,
            "format_version": _WITHOUT_PARTS if is_plain else FORMAT_VERSION,
            "key": info.name,
            "metadata": {
                "id": info.ds_id,
                "name": self.source_name,
                "type": info.ds_type,
                "creation_datetime": info.creation_datetime and info.creation_datetime.isoformat(),
            },
            "provenance": info.provenance and info.provenance.to_dict(),
            "messages": messages_to_list(info.messages),
            "ordinal": self.ordinal,
            "directory": self.directory,
            "kind": self.kind,
            "tables": [
                {
                    "name": name,
                    "rows": table.rows,
                    **_parts_to_json(table, self.parts[name]),
                    "schema": schema_to_json(table.schema or {}),
                }
                for name, table in info.tables.items()
            ],
            "payload": self.payload,
            "text": _file_to_json(self.text) if self.text else None,
        }
        # One member per line: as readable as an indented text, and ten times as fast to make.
        lines = (f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in document.items())
        return signed("".join(["{\n", *lines]).encode())

    @classmethod
    def from_bytes(cls, content: bytes, place: str) -> Self:
        """Return what a metadata file says.

        Args:
            content: Its content; :func:`is_manifest` holds for it.
            place: What to call the file in an error.

        Raises:
            SchemaDriftError: It was written by a later version.
            StoreError: It is damaged.
        """
        try:
            document = expect(dict, json.loads(content), "it")
            version = member(document, "format_version", int, "it")
            if version > FORMAT_VERSION:
                msg = (
                    f"{place} was written by a later version of algomancy-data (format version "
                    f"{version}, this one knows {FORMAT_VERSION}). Upgrade it."
                )
                raise SchemaDriftError(msg)
            if signed(content[: content.rindex(_SIGNATURE)]) != content:
                msg = "its check sum is another one"
                raise SerializationError(msg)  # noqa: TRY301  one message for all damage
            return cls._from_document(document)
        except SerializationError as error:
            raise DamagedStoreError(damage_of(place, str(error).rstrip("."))) from error
        except RecursionError as error:
            raise DamagedStoreError(damage_of(place, "it is nested too deeply")) from error
        except KeyError as error:
            raise DamagedStoreError(damage_of(place, f"it has no {error}")) from error
        except (UnicodeError, json.JSONDecodeError) as error:
            raise DamagedStoreError(damage_of(place, f"it is no JSON: {error}")) from error
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            problem = f"a value cannot be read: {error}"[:_SHOWN]
            raise DamagedStoreError(damage_of(place, problem)) from error

    @classmethod
    def _from_document(cls, document: dict[str, Any]) -> Self:
        metadata = member(document, "metadata", dict, "it")
        provenance = document.get("provenance")
        key = _text(document, "key", "it")
        parts: dict[str, tuple[TablePart, ...]] = {}
        tables: dict[str, TableInfo] = {}
        problem = ""
        for table in member(document, "tables", list, "it"):
            name = _text(table, "name", "table")
            if name in parts:
                msg = f"two tables are called {name!r}"
                raise SerializationError(msg)
            rows = member(table, "rows", int)
            parts[name] = _parts_from_json(table, rows)
            try:
                schema = schema_from_json(table["schema"])
            except SerializationError as error:  # a dtype of a later version: only it is unreadable
                schema = None
                what = f"table {name!r}: {str(error).rstrip('.')}"
                problem = problem or damage_of(f"Dataset {key!r}", what)
            size = sum(part.stored.bytes for part in parts[name])
            tables[name] = TableInfo(rows, size, schema)
        return cls(
            info=DatasetInfo(
                name=key,
                ds_id=_text(metadata, "id", "metadata"),
                ds_type=str(DataClassification(metadata["type"])),
                creation_datetime=datetime.fromisoformat(metadata["creation_datetime"]),
                tables=tables,
                provenance=None if provenance is None else Provenance.from_dict(provenance),
                messages=tuple(messages_from_list(document.get("messages", []))),
                problem=problem,
            ),
            source_name=_text(metadata, "name", "metadata"),
            ordinal=member(document, "ordinal", int),
            directory=_matching(_DIRECTORY, document["directory"]),
            kind=_kind(document["kind"]),
            parts=parts,
            payload=document["payload"],
            text=_file_from_json(document["text"]) if document["text"] else None,
        )


def signed(body: bytes) -> bytes:
    """Return the content of a metadata file: its members, and last their check sum."""
    return body + _SIGNATURE + b"%d\n}\n" % zlib.crc32(body)


def is_manifest(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is a metadata file of this package."""
    return _HEAD.match(head) is not None


def is_end_of_manifest(tail: bytes) -> bool:
    """Tell from the last bytes of a file whether it ends as a metadata file of this package."""
    return _TAIL.search(tail) is not None


def damage_of(what: str, problem: str) -> str:
    """Return the error for a metadata file that is not what was written."""
    return f"{what} is damaged: {problem}. Restore it from a backup, or delete the dataset."


def _file_to_json(stored: StoredFile) -> dict[str, Any]:
    return {"file": stored.file, "bytes": stored.bytes, "crc32": list(stored.crc32)}


def _file_from_json(value: dict[str, Any]) -> StoredFile:
    sums = tuple(expect(int, crc, "crc32") for crc in member(value, "crc32", list))
    return StoredFile(_matching(_FILE, value["file"]), member(value, "bytes", int), sums)


def _is_whole(table: TableInfo, parts: tuple[TablePart, ...]) -> bool:
    """Tell whether a table is a single file with all of its columns."""
    return len(parts) == 1 and parts[0].width == len(table.schema or {})


def _parts_to_json(table: TableInfo, parts: tuple[TablePart, ...]) -> dict[str, Any]:
    if _is_whole(table, parts):
        return _file_to_json(parts[0].stored)
    described = (
        {**_file_to_json(part.stored), "rows": part.rows, "columns": part.width} for part in parts
    )
    return {"parts": list(described)}


def _parts_from_json(table: dict[str, Any], rows: int) -> tuple[TablePart, ...]:
    width = len(member(table, "schema", list))
    if "parts" not in table:
        return (TablePart(_file_from_json(table), rows, width),)
    parts = tuple(
        TablePart(_file_from_json(part), member(part, "rows", int), member(part, "columns", int))
        for part in member(table, "parts", list)
    )
    if sum(part.rows for part in parts) != rows or max(part.width for part in parts) > width:
        msg = "the parts of a table have other rows or columns than the table"
        raise SerializationError(msg)
    return parts


def _text(document: object, name: str, where: str) -> str:
    value = member(document, name, str, where)
    try:
        value.encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair
        msg = f"{name!r} is {value!r} instead of a text"
        raise SerializationError(msg) from error
    return value


def _kind(value: Any) -> Kind:
    if value not in _KINDS:
        msg = f"'kind' is {value!r:.{_SHOWN}} instead of one of {', '.join(_KINDS)}"
        raise SerializationError(msg)
    return value


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    """Return a file name that cannot lead out of the directory."""
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        msg = f"{value!r:.{_SHOWN}} is no name that a file of a dataset has"
        raise SerializationError(msg)
    return value
