"""The markup of one sheet, cell by cell.

Slower than fastexcel, so only for what it does not tell: the header as it is written, and the
cells of columns in which kinds of cells are mixed or a number may have lost digits.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

import polars as pl

from algomancy_data.errors import FileContentError

if TYPE_CHECKING:
    from collections.abc import Container
    from typing import IO

_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")
_PHONETIC: Final = "rPh"
_BASE: Final = 26


class _EnoughError(Exception):
    """What was looked for has been read."""


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
    """What readers of markup share: a parser that gathers the text of some elements."""

    def __init__(self, texts_in: tuple[str, ...]) -> None:
        self._texts_in = texts_in
        self._pieces: list[str] | None = None
        self._phonetic = False
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._on_start
        self._parser.EndElementHandler = self._on_end
        self._parser.CharacterDataHandler = self._on_text
        self._parser.StartDoctypeDeclHandler = self._on_doctype

    def read(self, stream: IO[bytes]) -> None:
        try:
            self._parser.ParseFile(stream)
        except _EnoughError:
            pass
        except expat.ExpatError as error:
            msg = f"markup that is not well formed: {error}"
            raise FileContentError(msg) from error

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Override: an element begins."""

    def end(self, name: str, text: str | None) -> None:
        """Override: an element ends; the text if it is one of those wanted."""

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name == _PHONETIC:
            self._phonetic = True
        if name in self._texts_in and not self._phonetic:
            self._pieces = []
        self.start(name, attributes)

    def _on_end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name == _PHONETIC:
            self._phonetic = False
        text = None
        if self._pieces is not None and name in self._texts_in:
            text, self._pieces = "".join(self._pieces), None
        self.end(name, text)

    def _on_text(self, text: str) -> None:
        if self._pieces is not None:
            self._pieces.append(text)

    def _on_doctype(self, *_: object) -> None:
        msg = "a document type, which no workbook has"
        raise FileContentError(msg)


class _SheetReader(_Reader):
    def __init__(self, columns: Container[int] | None, *, first_row_only: bool) -> None:
        super().__init__(("v", "t"))
        self.cells: list[tuple[int, int, str, int, str]] = []
        self._columns = columns
        self._first_row_only = first_row_only
        self._row = self._column = -1
        self._text: str | None = None
        self._type, self._style = "n", 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            reference = attributes.get("r")
            self._column = self._column + 1 if reference is None else _column(reference)
            self._type = attributes.get("t", "n")
            self._style = int(attributes.get("s", "0"))
            self._text = None
        elif name == "row":
            # Row and cell references may be left out: the next one follows.
            self._row = int(attributes.get("r", self._row + 2)) - 1
            self._column = -1

    def end(self, name: str, text: str | None) -> None:
        if text is not None:
            self._text = text if self._text is None else self._text + text
        elif name == "c":
            self._end_cell()
        elif name == "row" and self._first_row_only and self.cells:
            raise _EnoughError

    def _end_cell(self) -> None:
        if self._text is None or (self._text == "" and self._type == "n"):
            return
        if self._columns is not None and self._column not in self._columns:
            return
        self.cells.append((self._row, self._column, self._type, self._style, self._text))


class _SharedTextReader(_Reader):
    def __init__(self, last: int | None) -> None:
        super().__init__(("t",))
        self.texts: list[str] = []
        self._last = last
        self._text = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        del attributes
        if name == "si":
            self._text = ""

    def end(self, name: str, text: str | None) -> None:
        if text is not None:  # the runs of a formatted text follow each other
            self._text += text
        elif name == "si":
            self.texts.append(unescape(self._text))
            if self._last is not None and len(self.texts) > self._last:
                raise _EnoughError


def read_cells(
    stream: IO[bytes], columns: Container[int] | None = None, *, first_row_only: bool = False
) -> pl.DataFrame:
    """Read the cells of a sheet that have a value, as :data:`CELLS`.

    Args:
        stream: The sheet's markup.
        columns: The columns wanted, counted from 0; None for all.
        first_row_only: Stop after the first row that has a value.

    Raises:
        FileContentError: The markup is damaged.
    """
    reader = _SheetReader(columns, first_row_only=first_row_only)
    reader.read(stream)
    return pl.DataFrame(reader.cells, CELLS, orient="row")


def read_shared_texts(stream: IO[bytes], last: int | None = None) -> list[str]:
    """Read the texts that cells refer to by number, up to the ``last`` one if it is given.

    Raises:
        FileContentError: The markup is damaged.
    """
    reader = _SharedTextReader(last)
    reader.read(stream)
    return reader.texts


def unescape(text: str) -> str:
    r"""Return the text with characters that XML cannot hold in place of their escapes.

    Example:
        >>> unescape("a_x000D_b")
        'a\rb'
    """
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def _column(reference: str) -> int:
    number = 0
    for letter in reference:
        if not letter.isalpha():
            break
        number = number * _BASE + ord(letter.upper()) - ord("A") + 1
    return number - 1
