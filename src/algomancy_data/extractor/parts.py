"""A table that lies in several files: one after the other, under one set of columns."""

from __future__ import annotations

import copy
from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.errors import FileContentError
from algomancy_data.extractor.conversion import DataTypeConverter
from algomancy_data.extractor.pieces import convert_pieces
from algomancy_data.metrics import phase_under_way
from algomancy_data.schema import DataType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.extractor.base import SingleExtractor
    from algomancy_data.extractor.conversion import ConversionIssue
    from algomancy_data.file import FilePart


@dataclass(frozen=True)
class Part:
    """A part as it was read."""

    label: str
    frame: pl.DataFrame


class PartedTable:
    """The parts of a table.

    Args:
        extractor: Reads each part, as a copy of itself.
        parts: The parts in order.

    Attributes:
        issues: What was noted while the parts were read.
        lost: Columns whose values do not go together, which are text for that reason.
    """

    def __init__(self, extractor: SingleExtractor, parts: Sequence[FilePart]) -> None:
        self.issues: list[ConversionIssue] = []
        self.lost: set[str] = set()
        self._extractor = extractor
        self._name = extractor.file.name
        self._types = extractor.schema.datatypes()
        self._files = parts
        self._parts = self._read(frozenset())

    def frame(self) -> pl.DataFrame:
        """Return the whole table.

        Raises:
            FileContentError: Parts have different columns, or columns that do not go together.
        """
        if self._extractor.may_lack_columns:
            self._fill_columns()
        else:
            self._check_columns()
        differing = [name for name in self._parts[0].frame.columns if len(self._dtypes(name)) > 1]
        if self._extractor.can_give_text and differing:
            self._parts = self._read(frozenset(differing))
            differing = []
        unified = {name: self._unified(name) for name in differing}
        names = self._parts[0].frame.columns
        same = [name for name in names if name not in unified]
        # Without a copy: the chunks of each part follow each other.
        whole = pl.concat([part.frame.select(same) for part in self._parts], rechunk=False)
        return pl.DataFrame([unified[n] if n in unified else whole[n] for n in names])

    def located(self, issue: ConversionIssue) -> ConversionIssue:
        """Return the issue with the parts that its rows are in."""
        places: dict[str, int] = {}
        starts = list(accumulate((part.frame.height for part in self._parts), initial=0))
        for row in issue.rows:
            number = bisect_right(starts, row) - 1
            places[self._parts[number].label] = starts[number]
        if not places:
            return issue
        listed = ", ".join(f"{label!r} (from row {start})" for label, start in places.items())
        word = "Part" if len(places) == 1 else "Parts"
        return replace(issue, reason=f"{issue.reason} {word}: {listed}.")

    # --- reading ----------------------------------------------------------------------------

    def _read(self, as_text: frozenset[str]) -> list[Part]:
        self.issues.clear()
        parts: list[Part] = []
        first_row = width = 0
        for file in self._files:
            reader = copy.copy(self._extractor)
            frame, noted = reader.read_part(file.file, self._name, first_row, as_text)
            frame = self._with_keys(frame, file)
            self.issues += noted
            first_row += frame.height
            # Each part keeps the limits by itself; that all of them do is known part by part.
            width = max(width, frame.width)
            file.file.limits.check_shape(self._name, first_row, width)
            if not as_text:  # they are read a second time then
                phase_under_way().advance(frame.height)
            parts.append(Part(file.label, frame))
        return parts

    def _with_keys(self, frame: pl.DataFrame, file: FilePart) -> pl.DataFrame:
        for key in file.keys:
            if key in frame.columns:
                msg = (
                    f"File {self._name!r}, part {file.label!r}: the column {key!r} is in the file "
                    f"and in the name of its folder. Rename one of them."
                )
                raise FileContentError(msg)
        return frame.with_columns(
            pl.Series(key, [value], pl.String).new_from_index(0, frame.height)
            for key, value in file.keys.items()
        )

    # --- columns ----------------------------------------------------------------------------

    def _check_columns(self) -> None:
        first = self._parts[0]
        expected = set(first.frame.columns)
        for part in self._parts[1:]:
            columns = set(part.frame.columns)
            if columns == expected:
                continue
            missing = ", ".join(repr(n) for n in first.frame.columns if n not in columns)
            more = ", ".join(repr(name) for name in part.frame.columns if name not in expected)
            differences = [f"lacks {missing}"] if missing else []
            differences += [f"has {more} besides"] if more else []
            msg = (
                f"File {self._name!r}: part {part.label!r} {' and '.join(differences)}, compared "
                f"with part {first.label!r}. All parts of a table need the same columns."
            )
            raise FileContentError(msg)

    def _fill_columns(self) -> None:
        """Give every part the columns of all parts, null where it has none.

        A member that is null throughout a part, and an object in another, has the columns of the
        object only.
        """
        found = dict.fromkeys(name for part in self._parts for name in part.frame.columns)
        objects = {name[:end] for name in found for end in _ends_of_objects(name)}
        names = [
            name
            for name in found
            if name not in objects or name in self._types or not self._is_null(name)
        ]
        height = sum(part.frame.height for part in self._parts)
        self._files[0].file.limits.check_shape(self._name, height, len(names))
        nothing = pl.Series([None], dtype=pl.Null)
        self._parts = [
            replace(
                part,
                frame=part.frame.with_columns(
                    nothing.alias(name).new_from_index(0, part.frame.height)
                    for name in names
                    if name not in part.frame.columns
                ).select(names),
            )
            for part in self._parts
        ]

    def _is_null(self, name: str) -> bool:
        return all(part.frame.schema.get(name, pl.Null) == pl.Null for part in self._parts)

    def _dtypes(self, name: str) -> dict[PolarsDataType, Part]:
        """Return the first part of each dtype that a column has."""
        found: dict[PolarsDataType, Part] = {}
        for part in self._parts:
            found.setdefault(part.frame.schema[name], part)
        return found

    def _unified(self, name: str) -> pl.Series:
        """Return a column that has different dtypes in different parts."""
        found = self._dtypes(name)
        if (dtype := _common(list(found))) is not None:
            return pl.concat([part.frame[name].cast(dtype) for part in self._parts])
        target = self._types.get(name)
        if target is None:
            listed = " and ".join(f"{d} in {part.label!r}" for d, part in found.items())
            msg = (
                f"File {self._name!r}: the column {name!r} is {listed}. Declare it in schema "
                f"{self._extractor.schema.__name__!r}, or write all parts alike."
            )
            raise FileContentError(msg)
        pieces = [self._piece(name, dtype) for dtype in found]
        values = convert_pieces(pieces, target, self._name, self.issues)
        if isinstance(values, pl.Series):
            return values.alias(name)
        self.lost.add(name)
        # As text, whole: the conversion that follows says what is wrong with it.
        texts = [
            DataTypeConverter.convert_dtypes(part.frame.select(name), {name: DataType.STRING})
            for part in self._parts
        ]
        return pl.concat([text.to_series().cast(pl.String) for text in texts])

    def _piece(self, name: str, dtype: PolarsDataType) -> pl.Series:
        """Return the whole column, null in the parts that have another dtype."""
        return pl.concat(
            [
                values
                if values.dtype == dtype
                else pl.Series(name, [None], dtype).new_from_index(0, len(values))
                for values in (part.frame[name] for part in self._parts)
            ]
        )


def _ends_of_objects(name: str) -> list[int]:
    """Return where the names of the objects end that a member named after its path is in."""
    return [position for position, letter in enumerate(name) if letter == "."]


def _common(dtypes: list[PolarsDataType]) -> PolarsDataType | None:
    """Return a dtype that holds all values of some dtypes, or None."""
    known = [dtype for dtype in dtypes if dtype != pl.Null]
    if len(known) == 1:
        return known[0]
    for family in ("is_signed_integer", "is_unsigned_integer", "is_float"):
        if all(getattr(dtype, family)() for dtype in known):
            return max(known, key=_bits)
    return None


def _bits(dtype: PolarsDataType) -> int:
    return int("".join(letter for letter in str(dtype) if letter.isdigit()))
