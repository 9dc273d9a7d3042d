"""The dialect of a CSV file, which a schema declares."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

DEFAULT_SEPARATOR: Final = ";"
"""The separator of a CSV file, where none is declared and it fits."""

SEPARATORS: Final = ",;\t|"
"""The separators that are tried where none is declared."""

if TYPE_CHECKING:
    from algomancy_data.schema.types.conventions import BinaryEncoding


@dataclass(frozen=True)
class CSVDialect:
    r"""The dialect of a CSV file.

    Set it on a schema (or on a base class of several schemas) as ``_CSV``.

    Args:
        separator: One ASCII character between two fields. None is ``";"``, or where that does not
            fit a file and ``","``, a tab or ``"|"`` does, that one, of which an INFO message tells.
        quote: One ASCII character around fields that contain separators, or None if no field is
            ever quoted.
        decimal_mark: ``"."`` or ``","``. None lets each column's own values decide.
        null_words: Fields, quoted or not, that mean "no value" in every column. None keeps the
            default: ``NA``, ``N/A``, ``n/a``, ``NULL``, ``null``, ``None``, ``NaN``, ``nan`` and
            ``<NA>`` are null in every column but text ones, where they are text, and but FLOAT
            for ``NaN`` and ``nan``, which are the float NaN. Whatever is declared, an empty
            field is null; only a quoted empty field in a text column is the empty text.
        encoding: Any codec that Python knows, such as ``"utf-8"``, ``"cp1252"``, ``"utf-16"``.
        has_header: The first record names the columns. Without one, the columns are those of
            the schema, in order.
        day_first: Whether ``01/02/2024`` is the 1st of February. None lets each column's own
            values decide.
        true_words: Words that mean true in a BOOLEAN column, in any case. None keeps the
            default: ``true``, ``yes``, ``y``, ``1``, ``t`` and ``1.0``.
        false_words: As ``true_words``, for false. None keeps the default: ``false``, ``no``,
            ``n``, ``0``, ``f`` and ``0.0``.
        binary: How bytes are written in a column that is declared as ``pl.Binary``:
            ``"base64"``, or ``"hex"`` for two digits a byte.

    Example:
        >>> from algomancy_data import Column, CSVDialect, DataType, Schema
        >>> class Airlines(Schema):
        ...     _FILENAME = "airlines"
        ...     _EXTENSION = "csv"
        ...     _SCHEMA_TYPE = "single"
        ...     _CSV = CSVDialect(separator=",", null_words=("NA",))
        ...     CARRIER = Column("carrier", DataType.STRING, primary_key=True)
        >>> Airlines.csv_dialect().separator
        ','
    """

    separator: str | None = None
    quote: str | None = '"'
    decimal_mark: str | None = None
    null_words: tuple[str, ...] | None = None
    encoding: str = "utf-8"
    has_header: bool = True
    day_first: bool | None = None
    true_words: tuple[str, ...] | None = None
    false_words: tuple[str, ...] | None = None
    binary: BinaryEncoding = "base64"

    def problem(self) -> str | None:
        """Return what is wrong with the dialect, or None."""
        separator = self.separator
        if separator is not None and (not _is_single_ascii(separator) or separator in "\r\n"):
            return f"separator must be one ASCII character or None, not {separator!r}."
        if self.quote is not None and (not _is_single_ascii(self.quote) or self.quote in "\r\n"):
            return f"quote must be one ASCII character or None, not {self.quote!r}."
        if self.quote is not None and self.quote == separator:
            return f"separator and quote are both {self.quote!r}."
        if self.decimal_mark not in {None, ".", ","}:
            return f"decimal_mark must be '.', ',' or None, not {self.decimal_mark!r}."
        for name in ("null_words", "true_words", "false_words"):
            if isinstance(words := getattr(self, name), str):
                return f"{name} must be a tuple of words, not the text {words!r}."
        if self.binary not in {"base64", "hex"}:
            return f"binary must be 'base64' or 'hex', not {self.binary!r}."
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            return f"encoding {self.encoding!r} is not known to Python."
        return None


def _is_single_ascii(text: str) -> bool:
    return len(text) == 1 and text.isascii()
