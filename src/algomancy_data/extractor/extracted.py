"""What is noted while files are read, and the result of an extraction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import FileContentError
from algomancy_data.schema.read_limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from algomancy_data.extractor.conversion import ConversionIssue, Reconversion
    from algomancy_data.file import File
    from algomancy_data.messages import ValidationMessage
    from algomancy_data.schema import Schema


@dataclass(eq=False)
class Reading:
    """What an extractor knows while it reads a file, and notes.

    Args:
        table: Name of the table that the file is, or is a part of.
        first_row: How many rows of the table come before it.
        as_text: Columns that must come as text, since they do in another part.
        issues: What was noticed, before any conversion.
        pieces: Columns that did not convert and whose texts do not say all: the typed columns that
            they are made of, by table and column.
        unpacked_bytes: How many bytes the content has when it is unpacked, where the reader has
            found out.
        stored_bytes: How many bytes the file has as it is stored, once it was asked for.
        notes: How the file was read, where that had to be found out.
    """

    table: str
    first_row: int = 0
    as_text: frozenset[str] = frozenset()
    issues: list[ConversionIssue] = field(default_factory=list["ConversionIssue"])
    pieces: dict[tuple[str, str], list[pl.Series]] = field(
        default_factory=dict[tuple[str, str], "list[pl.Series]"]
    )
    unpacked_bytes: int | None = None
    stored_bytes: int | None = None
    notes: list[ValidationMessage] = field(default_factory=list["ValidationMessage"])

    def note(self, message: ValidationMessage) -> None:
        """Keep a note once, however many parts it concerns."""
        if message not in self.notes:
            self.notes.append(message)


@dataclass(frozen=True, eq=False)
class SeparatedTable:
    """A table without the rows that cannot be read as declared.

    Args:
        frame: The other rows, in order.
        height: How many rows were extracted.
        original: Returns the rows of some numbers, as they were extracted.
        rows: Number of each row of ``frame`` among those extracted; None if all are there.
        taken: What is wrong with the rows that were taken out.
        left: What else was found; its rows are still there.
        reasons: Rows that were out before: ``row``, ``code`` and ``message``, one per reason.
    """

    frame: pl.DataFrame
    height: int
    original: Callable[[pl.Series], pl.DataFrame]
    rows: pl.Series | None = None
    taken: Sequence[ConversionIssue] = ()
    left: Sequence[ConversionIssue] = ()
    reasons: pl.DataFrame | None = None


@dataclass(frozen=True, eq=False)
class ExtractedTable:
    """One table.

    Args:
        frame: The table; a column that did not convert is in it as it is in the file.
        issues: What was found in it.
        again: How its columns are converted anew without some rows; None if that is unknown.
        schema: What declares it, if anything does.
        file: Name of the file that it comes from.
        separated: The table without rows that cannot be read, if those are known already.
    """

    frame: pl.DataFrame
    issues: Sequence[ConversionIssue] = ()
    again: Reconversion | None = None
    schema: type[Schema] | None = None
    file: str = ""
    separated: SeparatedTable | None = None


@dataclass(frozen=True, eq=False)
class Extracted:
    """The result of an extraction.

    Args:
        tables: The tables by logical name, in order.
        issues: All that was found, in order.
        notes: How files were read, where that had to be found out.
    """

    tables: Mapping[str, ExtractedTable] = field(default_factory=dict[str, ExtractedTable])
    issues: Sequence[ConversionIssue] = ()
    notes: Sequence[ValidationMessage] = ()

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """The frames by logical name."""
        return {name: table.frame for name, table in self.tables.items()}

    def having(self, frames: Mapping[str, pl.DataFrame]) -> Extracted:
        """Return the same with other frames."""
        nothing_known = ExtractedTable
        tables = {
            name: replace(self.tables[name], frame=frame)
            if name in self.tables
            else nothing_known(frame)
            for name, frame in frames.items()
        }
        return replace(self, tables=tables)


def reading_failures(name: str) -> AbstractContextManager[None]:
    """Turn a failure to read a file into an error that names it.

    Args:
        name: Name of the file.

    Raises:
        FileContentError: Memory ended, or something in the file is beyond what can be held.
    """
    return engine_failures(FileContentError, f"Reading file {name!r}", (PolarsError,))


def within_limits(
    frame: pl.DataFrame, file: File, unpacked_bytes: int | None = None
) -> pl.DataFrame:
    """Return a table that keeps the limits.

    Readers look before they take memory, where they can; this holds for whatever reader, those of
    users included.

    Args:
        frame: The table.
        file: Where it is from.
        unpacked_bytes: How many bytes the content has when it is unpacked, if that is known: no
            text is longer, so not even their sum has to be known.

    Raises:
        ReadLimitError: It does not.
    """
    # A file of no class of ours has none of its own.
    limits = getattr(file, "limits", None) or DEFAULT_LIMITS
    limits.check_shape(file.name, frame.height, frame.width)
    longest = limits.text_bytes
    if longest is None or (unpacked_bytes is not None and unpacked_bytes <= longest):
        return frame
    for column in frame.get_columns():
        if column.dtype == pl.String and column.estimated_size() > longest:
            size = column.str.len_bytes().max()
            limits.check_text(file.name, size if isinstance(size, int) else 0, column.name)
    return frame
