"""The base of every file.

A :class:`File` knows a name, a format and a place: a path, a directory or pattern of parts, an
address of a store, or the content that an uploader sent.
It hands its bytes to an extractor and reads nothing before it is asked to.
"""

from __future__ import annotations

import base64
import binascii
import copy
import os
from abc import ABC
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self, cast

from algomancy_data.errors import FileContentError
from algomancy_data.file.compression import (
    EMPTY_ZIP,
    GZIP,
    MAGIC_LENGTH,
    ZIP,
    ZSTD,
    decompress_into,
)
from algomancy_data.file.locations import (
    Place,
    bytes_of,
    exists,
    fetched,
    find_parts,
    place_of,
    reading,
)
from algomancy_data.frames.scratch import ScratchFile, Spool
from algomancy_data.masking import mask
from algomancy_data.schema.read_limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from enum import StrEnum

    from algomancy_data.schema import FileExtension, ReadLimits

_PIECE: Final = 1 << 22


class File(ABC):  # noqa: B024  one subclass per format: they differ in their extension
    """A named file with a format, given as a path or as uploaded content.

    The constructor reads nothing, so a file that is never extracted costs nothing. Compressed
    files (gzip, zstd, zip with one member) are recognised by their first bytes.

    Args:
        name: Logical name, without an extension: the name of the schema's file.
        extension: Format of the content.
        path: Where the file is: a path, a directory or a pattern (``"orders/*.csv"``) of parts
            that are one table, or an address (``"s3://bucket/orders.csv"``).
        content: What an uploader sent: a data URI, ``"data:<type>;base64,<base64>"``.
        read_limits: How much the content may become in memory; None leaves it to the schema and
            the manager.

    Raises:
        FileNotFoundError: There is nothing at ``path``. Addresses are not looked at before they
            are read.
        FileContentError: ``content`` is no data URI (also a ``ValueError``).
    """

    other_suffixes: ClassVar[tuple[str, ...]] = ()
    """How names of the format may end, besides the format's own name."""

    read_limits: ReadLimits | None = None  # classes of users may have constructors of their own

    def __init__(
        self,
        name: str,
        extension: FileExtension | StrEnum | str,
        path: str | Path | None = None,
        content: str | None = None,
        *,
        read_limits: ReadLimits | None = None,
    ) -> None:
        self.name = name
        self.extension = extension
        self.path = path
        self.read_limits = read_limits
        self._uploaded = content
        is_text = isinstance(cast("object", content), str | None)
        if content is not None and not (is_text and "," in content):
            problem = "has no comma" if is_text else "is no text"
            msg = (
                f"The content of file {name!r} is no data URI: it {problem}. "
                f"Give 'data:<type>;base64,<base64>', or a path."
            )
            raise FileContentError(msg)
        if content is None and path is not None and not exists(path, self.suffixes()):
            msg = f"File {self.name!r}: there is nothing at {mask(path)!r}."
            raise FileNotFoundError(msg)

    @property
    def is_uploaded(self) -> bool:
        """Whether the content was uploaded, which takes precedence over the path."""
        return self._uploaded is not None

    @property
    def limits(self) -> ReadLimits:
        """The limits for reading the file, its own or the defaults."""
        return self.read_limits or DEFAULT_LIMITS

    def within(self, limits: ReadLimits | None) -> Self:
        """Return the file with these limits, if it has none of its own.

        Example:
            >>> from algomancy_data import CSVFile, ReadLimits
            >>> CSVFile("t", content="data:,").within(ReadLimits(columns=5)).limits.columns
            5
        """
        if limits is None or self.read_limits is not None:
            return self
        limited = copy.copy(self)
        limited.read_limits = limits
        return limited

    def suffixes(self) -> tuple[str, ...]:
        """Return the suffixes of such files, without the dot."""
        return (str(self.extension), *self.other_suffixes)

    def parts(self) -> list[FilePart] | None:
        """Return the parts in order of their names, or None if this is a single file.

        ``part-2`` comes before ``part-10``.

        Raises:
            FileNotFoundError: There are none.
            FileContentError: A directory has files that are no parts.
        """
        if self._uploaded is not None or self.path is None:
            return None
        place = place_of(self.path)
        if not place.has_parts:
            return None
        parts: list[FilePart] = []
        with reading(self.name):
            locations = find_parts(place.path, self.suffixes())
        for location in locations:
            part = copy.copy(self)
            part.name, part.path = f"{self.name}/{location.label}", location.path
            parts.append(FilePart(part, location.label, location.keys))
        if not parts:
            msg = f"File {self.name!r}: there is no part of a table at {mask(self.path)!r}."
            raise FileNotFoundError(msg)
        return parts

    @property
    def content(self) -> str | None:
        """The decoded text, or None if there is neither a path nor content.

        A path is read at each access, by :meth:`read_contents_from_path`; nothing is kept. Text
        that is set is the content from then on, whatever the path says, and None takes it back.

        Raises:
            FileContentError: The content is not UTF-8 text, or cannot be decompressed.

        Example:
            >>> from algomancy_data import CSVFile
            >>> file = CSVFile("t")
            >>> file.content = "a;b"
            >>> file.read_bytes()
            b'a;b'
        """
        if self._uploaded is not None:
            return self._text()
        return None if self.path is None else self.read_contents_from_path()

    @content.setter
    def content(self, text: str | None) -> None:
        encoded = None if text is None else base64.b64encode(text.encode()).decode("ascii")
        self._uploaded = None if encoded is None else f"data:;base64,{encoded}"

    def read_contents_from_path(self) -> str:
        """Return the text of the file at the path; formats of your own may override it.

        Raises:
            FileContentError: The content is not UTF-8 text, or cannot be decompressed.
            FileNotFoundError: The file is gone.
        """
        return self._text()

    def _text(self) -> str:
        try:
            return self.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            msg = f"File {self.name!r} is not UTF-8 text: byte {error.start} cannot be decoded."
            raise FileContentError(msg) from error

    def source(self, watch: Callable[[bytes], None] | None = None) -> Path | bytes:
        r"""Return what a reader should open: the path of a plain file, else the plain bytes.

        A path lets the reader map the file into memory. Uploaded and compressed content, and that
        of addresses, comes as bytes, decompressed.

        Args:
            watch: Called with each piece that was decompressed. It may raise to stop.

        Raises:
            ReadLimitError: It unpacks to more than its limits allow; that is noticed before all
                of it is in memory.
            FileContentError: There is neither a path nor content, it cannot be decompressed, or
                there are :meth:`parts` instead of one file.
            FileNotFoundError: The file is gone.

        Example:
            >>> from algomancy_data import CSVFile
            >>> CSVFile("t", content="data:text/csv;base64,YTtiCjE7Mgo=").source()
            b'a;b\n1;2\n'
        """
        with self.opened(watch) as source:
            place = self._place()
            is_fetched = place is not None and place.is_address
            return source.read_bytes() if is_fetched and isinstance(source, Path) else source

    def spooled(self, watch: Callable[[bytes], None] | None = None) -> Path | bytes | ScratchFile:
        r"""Return the same as :meth:`source`, but content too large for memory in a scratch file.

        That is compressed content, or that of an address, of more than ``in_memory_bytes``.

        Args:
            watch: As above.

        Raises:
            Exception: As above.
            ScratchError: There is no room for the scratch file.

        Example:
            >>> from algomancy_data import CSVFile
            >>> CSVFile("t", content="data:text/csv;base64,YTtiCjE7Mgo=").spooled()
            b'a;b\n1;2\n'
        """
        if type(self).source is not File.source:  # a class of a user's own says what is read
            return self.source(watch)
        place, most = self._place(), self.limits.in_memory_bytes
        with self._opened(place, watch, 0, most) as source:
            if not isinstance(source, Path) or place is None or not place.is_address:
                return source
            spool = Spool(most)
            with source.open("rb") as stream:
                while piece := stream.read(_PIECE):
                    spool.write(piece)
        return spool.content()

    def is_compressed(self) -> bool:
        """Tell whether the file at the path is compressed, by its first bytes.

        Raises:
            FileContentError: It cannot be read.
            FileNotFoundError: It is gone.
        """
        stored = self.stored()
        if not isinstance(stored, Path):
            return False
        with reading(self.name), stored.open("rb", buffering=0) as stream:
            return stream.read(MAGIC_LENGTH).startswith(self._compressions)

    @contextmanager
    def opened(
        self, watch: Callable[[bytes], None] | None = None, *, at_once: int = 0
    ) -> Generator[Path | bytes]:
        r"""Pass the :meth:`source` to a block; for an address, a file that is removed afterwards.

        A reader that maps it needs less memory.

        Args:
            watch: As above.
            at_once: A file of up to so many bytes comes as bytes: reading it once costs less than
                mapping it to be looked at, and opening it again to be read.

        Raises:
            Exception: As above.

        Example:
            >>> from algomancy_data import CSVFile
            >>> with CSVFile("t", content="data:text/csv;base64,YTtiCjE7Mgo=").opened() as source:
            ...     source
            b'a;b\n1;2\n'
        """
        with self._opened(self._place(), watch, at_once, None) as source:
            yield source.path if isinstance(source, ScratchFile) else source

    @contextmanager
    def _opened(
        self,
        place: Place | None,
        watch: Callable[[bytes], None] | None,
        at_once: int,
        most: int | None,
    ) -> Generator[Path | bytes | ScratchFile]:
        """Do the same as :meth:`opened`, with large decompressed content in a file."""
        if place is None:
            yield self._decompressed(self._uploaded_bytes(), watch, most)
        elif place.is_address:
            with fetched(str(place.path), self._check_fetched) as path:
                yield self._plain(path, watch, at_once, most)
        else:
            yield self._plain(Path(place.path), watch, at_once, most)

    def _place(self) -> Place | None:
        """Return where the content is; None if it was uploaded, or there is none.

        Raises:
            FileContentError: There are parts instead of one file.
        """
        if self._uploaded is not None or self.path is None:
            return None
        place = place_of(self.path)
        if place.has_parts:
            msg = (
                f"File {self.name!r}: {mask(self.path)!r} is a directory or pattern of parts, "
                f"where one file is needed. Give the path of one file."
            )
            raise FileContentError(msg)
        return place

    def _check_fetched(self, size: int) -> None:
        self.limits.check_fetched(self.name, size)

    def _plain(
        self, path: Path, watch: Callable[[bytes], None] | None, at_once: int, most: int | None
    ) -> Path | bytes | ScratchFile:
        with reading(self.name), path.open("rb", buffering=0) as stream:
            is_compressed = stream.read(MAGIC_LENGTH).startswith(self._compressions)
            if is_compressed:
                stored = bytes_of(path)
            elif 0 < os.fstat(stream.fileno()).st_size <= at_once:
                stream.seek(0)
                return stream.read()
            else:
                return path
        return self._decompressed(stored, watch, most)

    def stored(self) -> Path | bytes | None:
        """Return the path, or the bytes of an upload, without decompressing them.

        None if there is neither, or parts, or the content of an address.

        Raises:
            FileContentError: The upload is not valid base64.
        """
        if self._uploaded is not None:
            return self._uploaded_bytes()
        if self.path is None:
            return None
        place = place_of(self.path)
        if not place.path or place.is_address or place.has_parts:
            return None
        return Path(place.path)

    def stored_bytes(self) -> int | None:
        """Return the stored size of all parts in bytes, without decompressing them.

        None if that takes reading them, as at an address, or if they are gone.

        Example:
            >>> from algomancy_data import CSVFile
            >>> CSVFile("t", content="data:text/csv;base64,YTtiCjE7Mgo=").stored_bytes()
            8
        """
        try:
            if self._uploaded is not None:
                return _decoded_length(self._uploaded.partition(",")[2])
            if self.path is None:
                return None
            place = place_of(self.path)
            if place.has_parts:
                sizes = [part.file.stored_bytes() for part in self.parts() or ()]
                known = [size for size in sizes if size is not None]
                return sum(known) if len(known) == len(sizes) else None
            is_plain = place.path and not place.is_address
            return Path(place.path).stat().st_size if is_plain else None
        except (OSError, FileContentError):
            return None

    def read_bytes(self) -> bytes:
        """Return the whole content as plain bytes, decompressed.

        Raises:
            FileContentError: There is neither a path nor content, or it cannot be decompressed.
            FileNotFoundError: The file is gone.
        """
        source = self.source()
        with reading(self.name):
            return source.read_bytes() if isinstance(source, Path) else source

    def _uploaded_bytes(self) -> bytes:
        if self._uploaded is None:
            msg = f"File {self.name!r} has neither a path nor content. Give one of them."
            raise FileContentError(msg)
        try:
            return base64.b64decode(self._uploaded.partition(",")[2], validate=True)
        except (binascii.Error, ValueError) as error:
            msg = f"The content of file {self.name!r} is not valid base64: {error}."
            raise FileContentError(msg) from error

    # XLSX is itself a zip, which is why a format may say that nothing is compression.
    _compressions: tuple[bytes, ...] = (GZIP, ZSTD, ZIP, EMPTY_ZIP)

    def _decompressed(
        self, data: bytes | memoryview, watch: Callable[[bytes], None] | None, most: int | None
    ) -> bytes | ScratchFile:
        if isinstance(data, bytes) and not data.startswith(self._compressions):
            return data
        spool = Spool(most)
        write = spool.write if spool.spills else self._in_memory(spool, len(data))
        decompress_into(write, data, self.name, self.limits, watch)
        return spool.content()

    def _in_memory(self, spool: Spool, stored: int) -> Callable[[bytes], None]:
        def write(piece: bytes) -> None:
            self.limits.check_memory(self.name, spool.size + len(piece), stored)
            spool.write(piece)

        return write

    def __repr__(self) -> str:
        """Return the class, the name and the origin of the content."""
        place = f"path={mask(self.path)!r}" if self._uploaded is None else "content=…"
        return f"{type(self).__name__}({self.name!r}, {place})"


def _decoded_length(text: str) -> int:
    """Return the decoded length of base64: three bytes for four letters, minus padding."""
    return len(text) // 4 * 3 - text[-2:].count("=")


@dataclass(frozen=True)
class FilePart:
    """One of the files that make up a table.

    Args:
        file: The part as a file.
        label: Its path below what the parts have in common.
        keys: The columns that its folders give (``year=2024``), one value each.
    """

    file: File
    label: str
    keys: dict[str, str | None] = field(default_factory=dict)
