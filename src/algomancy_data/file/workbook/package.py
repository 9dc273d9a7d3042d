"""The container of a workbook: a zip of parts that name each other by relations.

How the parts are found is decided here alone, by their relations as the format demands and not by
the names that most programs give them.
"""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from algomancy_data.errors import FileContentError
from algomancy_data.file.workbook.markup import read_elements

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import IO

    from algomancy_data.schema import ReadLimits

_ENCRYPTED: Final = 1  # the bit of a member's flags
_COMPRESSIONS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LONG: Final = 1 << 16
# What stands before a member's name, and the lengths of the name and of what follows it.
_NAME_LENGTHS: Final = struct.Struct("<26x2H")
_GZIP_START: Final = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
_GZIP_END: Final = struct.Struct("<2I")
# Elements in memory take so many times the bytes of their markup.
_ELEMENTS: Final = 16
_RELATION: Final = "Relationships/Relationship"


@dataclass(frozen=True)
class Relation:
    """A part's reference to another one.

    Attributes:
        kind: What the other part is: ``worksheet``, ``styles`` …
        part: Its name.
    """

    kind: str
    part: str


class Package:
    """The parts of a workbook by name, in lower case and without a slash in front.

    Args:
        data: The zip.
        name: What to call the file in errors about limits.
        limits: How much its parts may unpack to, all that are read together.

    Raises:
        FileContentError: It is no zip that can be read.
    """

    def __init__(self, data: bytes, name: str, limits: ReadLimits) -> None:
        self._name = name
        self._limits = limits
        self._data = data
        self._unpacked: dict[str, int] = {}
        with _damage_named("its directory of parts"):
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        self._members = {_normal(info.filename): info for info in self._archive.infolist()}

    def __contains__(self, part: str) -> bool:
        """Tell whether there is a part of that name."""
        return _normal(part) in self._members

    def names(self) -> list[str]:
        """Return the names of all parts."""
        return list(self._members)

    def size(self, part: str) -> int:
        """Return the size of a part according to the zip; 0 if there is none."""
        info = self._members.get(_normal(part))
        return 0 if info is None else info.file_size

    def read(self, part: str, weight: int = 1) -> bytes:
        """Return the bytes of a part.

        Args:
            part: Its name.
            weight: How many times its bytes it takes in memory, at least.

        Raises:
            ReadLimitError: It unpacks to more than the limits allow.
            FileContentError: It is missing or damaged.
        """
        with self.open(part, weight) as stream, _damage_named(repr(part)):
            size = self.size(part)
            # What the directory did not announce is damage.
            content = self._unpacked_at_once(part) if size > _LONG else None
            if content is None:
                content = stream.read(size + 1)
        if len(content) != size:
            msg = f"a part {part!r} of another size than its directory says"
            raise FileContentError(msg)
        return content

    def _unpacked_at_once(self, part: str) -> bytes | None:
        """Return the bytes of a long part in half the time of the standard library.

        It copies them twice. What is packed is the same as in a gzip file, whose end says, as the
        directory does, how long the content is and what check sum it has. None if it is not as
        expected: then the standard library has the last word.
        """
        import pyarrow as pa  # noqa: PLC0415  not needed to import the package

        info = self._members[_normal(part)]
        lengths = _NAME_LENGTHS.unpack_from(self._data, info.header_offset)
        start = info.header_offset + _NAME_LENGTHS.size + sum(lengths)
        packed = memoryview(self._data)[start : start + info.compress_size]
        if info.compress_type != zipfile.ZIP_DEFLATED:
            return None
        end = _GZIP_END.pack(info.CRC, info.file_size & 0xFFFFFFFF)
        gzip = b"".join((_GZIP_START, packed, end))
        try:
            return pa.decompress(gzip, info.file_size, "gzip", asbytes=True)
        except OSError:
            return None

    @contextmanager
    def open(self, part: str, weight: int = 1) -> Generator[IO[bytes]]:
        """Open a part.

        Args:
            part: Its name.
            weight: How many times its bytes it takes in memory, at least.

        Raises:
            ReadLimitError: It unpacks to more than the limits allow.
            FileContentError: It is missing or damaged.
        """
        info = self._members.get(_normal(part))
        if info is None:
            msg = f"no part {part!r}, which another one refers to"
            raise FileContentError(msg)
        if info.flag_bits & _ENCRYPTED:
            msg = f"a part {part!r} that is encrypted"
            raise FileContentError(msg)
        if info.compress_type not in _COMPRESSIONS:
            msg = f"a part {part!r} in a form that cannot be unpacked"
            raise FileContentError(msg)
        # No more is read than the directory announces.
        self._unpacked[part] = info.file_size
        unpacked = sum(self._unpacked.values())
        self._limits.check_unpacked(self._name, unpacked, len(self._data))
        self._limits.check_memory(self._name, info.file_size * weight, len(self._data))
        with _damage_named(repr(part)), self._archive.open(info) as stream:
            yield stream

    def elements(self, part: str, *paths: str) -> dict[str, list[dict[str, str]]]:
        """Return the attributes of all elements of a part at some paths.

        Raises:
            ReadLimitError: It unpacks to more than the limits allow.
            FileContentError: It is missing or damaged.
        """
        with self.open(part, _ELEMENTS) as stream:
            return read_elements(stream, *paths)

    def relations(self, part: str = "") -> dict[str, Relation]:
        """Return the relations of a part, or of the whole package, by their ids."""
        folder, name = posixpath.split(_normal(part))
        relations = posixpath.join(folder, "_rels", f"{name}.rels")
        if relations not in self._members:
            return {}
        found = self.elements(relations, _RELATION)[_RELATION]
        return {
            relation.get("Id", ""): Relation(
                relation.get("Type", "").rpartition("/")[2],
                _normal(posixpath.join("/", folder, unquote(relation.get("Target", "")))),
            )
            for relation in found
            if relation.get("TargetMode") != "External"
        }


def _normal(name: str) -> str:
    """Return the normalised name of a part: some programs write backslashes or capitals."""
    return posixpath.normpath("/" + name.replace("\\", "/")).lstrip("/").lower()


@contextmanager
def _damage_named(part: str) -> Generator[None]:
    """Turn a zip's errors into one that names the part."""
    try:
        yield
    except FileContentError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        NotImplementedError,
    ) as error:
        msg = f"{part} in a form that cannot be unpacked"
        raise FileContentError(msg) from error
