"""The markup of a workbook's parts, element by element.

Slower than fastexcel, so only for what it does not tell: the header as it is written, cells of
columns in which kinds are mixed or a number may have lost digits, and sheets that it cannot read.
An element counts where the format has it and in the namespace of the root: newer programs add
elements of the same names in namespaces of their own.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

import polars as pl

from algomancy_data.errors import FileContentError
from algomancy_data.file.workbook.cell_references import COLUMNS, ROWS, cell_at

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container
    from typing import IO

_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")
_SPACE: Final = "http://www.w3.org/XML/1998/namespace space"
WHITESPACE: Final = " \t\r\n"
"""What XML counts as white space."""
# Longer than any that is looked for; what lies deeper is passed over.
_LONGEST_PATH: Final = 100
# As objects of Python, cells take five times the memory.
_MANY_CELLS: Final = 50_000
_TRIMMED: Final = ("s", "b", "e")


class _EnoughError(Exception):
    """Everything needed has been read."""


CELLS: Final = {
    "row": pl.Int64,
    "column": pl.Int64,
    "type": pl.String,
    "style": pl.Int64,
    "text": pl.String,
}
"""Cells with a value: row and column from 0, the type that the markup says (``s`` for a shared
text, ``n`` for a number …), the index of the style, and the value as written."""


class _Reader:
    """The base of readers of markup: tracks the element's path, and collects some texts.

    Args:
        texts_in: Paths of the elements whose text is wanted.
    """

    def __init__(self, *texts_in: str) -> None:
        self._texts_in = frozenset(texts_in)
        self._namespace: str | None = None
        self._path = ""
        self._foreign = 0  # depth inside an element of another namespace
        self._pieces: list[str] | None = None
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._on_start
        self._parser.EndElementHandler = self._on_end
        self._parser.CharacterDataHandler = self._on_text
        self._parser.StartDoctypeDeclHandler = self._on_doctype

    def read(self, stream: IO[bytes]) -> None:
        with suppress(_EnoughError):
            _parse(lambda: self._parser.ParseFile(stream))

    def start(self, path: str, attributes: dict[str, str]) -> None:
        """Override: an element begins."""

    def end(self, path: str, text: str | None) -> None:
        """Override: an element ends, with its text if that is wanted."""

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if self._namespace is None:
            self._namespace = namespace
        if self._foreign or namespace != self._namespace or len(self._path) > _LONGEST_PATH:
            self._foreign += 1
            return
        self._path = f"{self._path}/{local}" if self._path else local
        if self._path in self._texts_in:
            self._pieces = []
        self.start(self._path, attributes)

    def _on_end(self, _name: str) -> None:
        if self._foreign:
            self._foreign -= 1
            return
        path, text = self._path, None
        if self._pieces is not None and path in self._texts_in:
            text, self._pieces = "".join(self._pieces), None
        self._path = path.rpartition("/")[0]
        self.end(path, text)

    def _on_text(self, text: str) -> None:
        if self._pieces is not None and not self._foreign:
            self._pieces.append(text)

    def _on_doctype(self, *_: object) -> None:
        msg = "a document type, which no workbook has"
        raise FileContentError(msg)


def _parse(parse: Callable[[], object]) -> None:
    try:
        parse()
    except expat.ExpatError as error:
        msg = f"markup that is not well formed (line {error.lineno}, column {error.offset})"
        raise FileContentError(msg) from error
    except FileContentError:
        raise
    except (ValueError, LookupError) as error:
        msg = "markup in an unknown encoding"
        raise FileContentError(msg) from error


class _ElementReader(_Reader):
    def __init__(self, wanted: Collection[str]) -> None:
        super().__init__()
        self.found: dict[str, list[dict[str, str]]] = {path: [] for path in wanted}

    def start(self, path: str, attributes: dict[str, str]) -> None:
        if path in self.found:
            prefixed = {name.rpartition(" ")[2]: value for name, value in attributes.items()}
            plain = {name: value for name, value in attributes.items() if " " not in name}
            self.found[path].append(prefixed | plain)


_ROW: Final = "worksheet/sheetData/row"
_CELL: Final = f"{_ROW}/c"
_VALUE: Final = f"{_CELL}/v"
_INLINE: Final = (f"{_CELL}/is/t", f"{_CELL}/is/r/t")


class _SheetReader(_Reader):
    def __init__(self, columns: Container[int] | None, rows: int | None) -> None:
        super().__init__(_VALUE, *_INLINE)
        self._cells: list[tuple[int, int, str, int, str]] = []
        self._frames = [pl.DataFrame(schema=CELLS)]
        self._last_row_found = -1
        self._columns = columns
        self._rows_left = rows
        self._row = self._column = -1
        self._value: str | None = None
        self._inline: str | None = None
        self._is_kept = False  # white space around the text
        self._type, self._style = "n", 0

    def start(self, path: str, attributes: dict[str, str]) -> None:
        if path == _CELL:
            if reference := attributes.get("r"):
                self._row, self._column = cell_at(reference)
            else:
                self._column += 1
            if self._column >= COLUMNS or self._row >= ROWS:
                msg = "more cells than a sheet has columns or rows"
                raise FileContentError(msg)
            self._type = attributes.get("t") or "n"
            self._style = _number(attributes.get("s") or "0", "a cell with the style")
            self._value = self._inline = None
        elif path == _ROW:
            # Row and cell references may be left out: the next one follows.
            reference = attributes.get("r")
            if reference:
                self._row = _number(reference, "a row with the number") - 1
            else:
                self._row += 1
            self._column = -1
        elif path in _INLINE:
            self._is_kept = attributes.get(_SPACE) == "preserve"

    def end(self, path: str, text: str | None) -> None:
        if text is not None and path == _VALUE:
            self._value = text
        elif text is not None:
            shown = text if self._is_kept else text.strip(WHITESPACE)
            self._inline = shown if self._inline is None else self._inline + shown
        elif path == _CELL:
            self._end_cell()
        elif path == _ROW and self._rows_left is not None:
            self._rows_left -= self._last_row_found == self._row
            if not self._rows_left:
                raise _EnoughError
        elif path == "worksheet/sheetData":
            raise _EnoughError

    def _end_cell(self) -> None:
        text = self._value
        if self._inline is not None and (self._type == "inlineStr" or text is None):
            text = self._inline
        if text is None:
            return
        if self._type in _TRIMMED:
            text = text.strip(WHITESPACE)
        if not text and self._type in (*_TRIMMED, "n"):
            return
        if self._columns is None or self._column in self._columns:
            self._cells.append((self._row, self._column, self._type, self._style, text))
            self._last_row_found = self._row
            if len(self._cells) == _MANY_CELLS:
                self._gather()

    def listed(self) -> list[tuple[int, int, str, int, str]]:
        """Return the cells that are in no frame yet, all of them if there are few."""
        return self._cells

    def found(self) -> pl.DataFrame:
        """Return the cells."""
        self._gather()
        return pl.concat(self._frames)

    def _gather(self) -> None:
        self._frames.append(pl.DataFrame(self._cells, CELLS, orient="row"))
        self._cells = []


_ITEM: Final = "sst/si"
_RUNS: Final = (f"{_ITEM}/t", f"{_ITEM}/r/t")


class _SharedTextReader(_Reader):
    def __init__(self, last: int | None) -> None:
        super().__init__(*_RUNS)
        self.texts: list[str] = []
        self._last = last
        self._text = ""
        self._is_kept = False

    def start(self, path: str, attributes: dict[str, str]) -> None:
        if path == _ITEM:
            self._text = ""
        elif path in _RUNS:
            self._is_kept = attributes.get(_SPACE) == "preserve"

    def end(self, path: str, text: str | None) -> None:
        if text is not None:  # the runs of a formatted text follow each other
            self._text += text if self._is_kept else text.strip(WHITESPACE)
        elif path == _ITEM:
            self.texts.append(unescape(self._text))
            if self._last is not None and len(self.texts) > self._last:
                raise _EnoughError


def check_markup(markup: bytes) -> None:
    """Raise if markup is not well formed.

    Raises:
        FileContentError: It is not.
    """
    _parse(lambda: expat.ParserCreate().Parse(markup, True))  # noqa: FBT003  the last piece


def read_elements(stream: IO[bytes], *paths: str) -> dict[str, list[dict[str, str]]]:
    """Return the attributes of all elements at some paths, such as ``workbook/workbookPr``.

    Raises:
        FileContentError: The markup is damaged.
    """
    reader = _ElementReader(paths)
    reader.read(stream)
    return reader.found


def read_cells(
    stream: IO[bytes], columns: Container[int] | None = None, *, rows: int | None = None
) -> pl.DataFrame:
    """Read the cells of a sheet that have a value, as :data:`CELLS`.

    Args:
        stream: The sheet's markup.
        columns: The columns wanted, counted from 0; None for all.
        rows: Stop after so many rows that have a value.

    Raises:
        FileContentError: The markup is damaged.
    """
    reader = _SheetReader(columns, rows)
    reader.read(stream)
    return reader.found()


def read_first_row(stream: IO[bytes]) -> list[tuple[int, int, str, int, str]]:
    """Read the cells of the first row that has a value, as rows of :data:`CELLS`.

    A frame of so few takes longer to make than they take to read.

    Raises:
        FileContentError: The markup is damaged.
    """
    reader = _SheetReader(None, 1)
    reader.read(stream)
    return reader.listed()


def read_shared_texts(stream: IO[bytes], last: int | None = None) -> list[str]:
    """Read the texts that cells refer to by number, up to the ``last`` one if it is given.

    Raises:
        FileContentError: The markup is damaged.
    """
    reader = _SharedTextReader(last)
    reader.read(stream)
    return reader.texts


def unescape(text: str) -> str:
    r"""Return the text with escapes replaced by the characters that XML cannot hold.

    Example:
        >>> unescape("a_x000D_b")
        'a\rb'
    """
    if "_x" not in text:
        return text
    return _ESCAPED.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return match[0] if "\ud800" <= character <= "\udfff" else character


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(ROWS))):
        msg = f"{what} {text[:20]!r}"
        raise FileContentError(msg)
    return int(text)
