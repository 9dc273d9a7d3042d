"""The reading of numbers and truth values as they are written.

A parser gives each place in the records one type. Where records disagree, and where a number is
not exactly a float, all values are first turned into text, by one native pass over the document:
``"abc"`` becomes ``"abc#"`` and ``12`` becomes ``"#12"``. What ends in ``#`` was a text.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.extractor.json.parser import MalformedError
from algomancy_data.schema.types.float import has_large_floats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algomancy_data.extractor.json.plan import JSONPlan, Place
    from algomancy_data.extractor.json.types import ArrowArray

MARK: Final = "#"
OBJECT_MARK: Final = "#{"
"""The end of the key of an object, where other records have no object under that key."""

_VALUE: Final = (
    r'"((?:[^"\\]|\\.)*)"'
    r"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|NaN|-?Infinity)"
)
_MARKED: Final = f'"${{1}}{MARK}${{2}}"'
_INTEGER: Final = r"^-?[0-9]+$"
_WRITTEN_OUT: Final = r"^-?[0-9]+(?:\.0+)?$"
_INFINITE: Final = r"Infinity$"


def mark_values(piece: bytes) -> bytes:
    """Return a piece of a document with every value, and every key, as a marked text."""
    text = pl.Series([piece.decode()]).str.replace_all(_VALUE, _MARKED)
    return str(text[0]).encode()


class ExactValues:
    """Gives marked values back their types, the same in all pieces of a document.

    A place with numbers only has numbers; whole numbers beyond 64 bits, and whole numbers beside
    fractions that are not exactly floats, are text. So is a place with values of several kinds,
    and a column declared as INTEGER with floats that may be rounded.

    Args:
        plan: Which columns are declared as text: they keep numbers as they are written.

    Attributes:
        changes_lists: Whether a number became a text in a list that is declared as text.
    """

    def __init__(self, plan: JSONPlan) -> None:
        self._plan = plan
        self.changes_lists = False

    def restore(self, arrays: Sequence[ArrowArray]) -> list[ArrowArray]:
        """Return the records of all pieces with their values unmarked.

        Raises:
            MalformedError: A key was no text.
        """
        return self._restore(arrays, self._plan.root)

    def _restore(self, arrays: Sequence[ArrowArray], place: Place) -> list[ArrowArray]:
        import pyarrow as pa  # noqa: PLC0415  import time that only JSON has to pay

        dtype = arrays[0].type
        if pa.types.is_struct(dtype):
            return self._restore_objects(arrays, place)
        if pa.types.is_list(dtype):
            inside = self._restore([array.values for array in arrays], place.items())
            return [
                pa.ListArray.from_arrays(array.offsets, values, mask=array.is_null())
                for array, values in zip(arrays, inside, strict=True)
            ]
        if pa.types.is_null(dtype):
            return list(arrays)
        return self._restore_values(arrays, place)

    def _restore_objects(self, arrays: Sequence[ArrowArray], place: Place) -> list[ArrowArray]:
        import pyarrow as pa  # noqa: PLC0415

        names = [field.name for field in arrays[0].type]
        if not names:
            return list(arrays)
        members: list[list[ArrowArray]] = []
        keys: list[str] = []
        for position, name in enumerate(names):
            mark = OBJECT_MARK if name.endswith(OBJECT_MARK) else MARK
            if not name.endswith(mark):
                raise MalformedError
            keys.append(name.removesuffix(mark))
            inside = place.member(keys[-1])
            members.append(self._restore([array.field(position) for array in arrays], inside))
        return [
            pa.StructArray.from_arrays(list(values), names=keys, mask=array.is_null())
            for array, values in zip(arrays, zip(*members, strict=True), strict=True)
        ]

    def _restore_values(self, arrays: Sequence[ArrowArray], place: Place) -> list[ArrowArray]:
        import pyarrow as pa  # noqa: PLC0415

        if not pa.types.is_string(arrays[0].type):
            raise MalformedError  # a word that the parser knows, and JSON does not
        pieces = [pl.Series("", array) for array in arrays]
        values = pl.concat(pieces)
        is_text = values.str.ends_with(MARK)
        present = values.null_count() < len(values)
        if not present or is_text.all():
            typed = values.str.head(-1)
        else:
            typed = self._typed(values, is_text, place)
        ends = accumulate(len(piece) for piece in pieces)
        return [
            _arrow(typed.slice(end - len(piece), len(piece)))
            for piece, end in zip(pieces, ends, strict=True)
        ]

    def _typed(self, values: pl.Series, is_text: pl.Series, place: Place) -> pl.Series:
        written = values.str.tail(-1)
        if not is_text.any():
            if place.is_text and not place.in_list:
                return written
            if written.is_in(["true", "false"]).all():
                return written == "true"
            if (numbers := _numbers(written)) is not None:
                return written if place.is_integer and _may_be_rounded(numbers) else numbers
        if place.is_text and place.in_list:
            self.changes_lists = True
        return values.str.head(-1).zip_with(is_text, written)


def _numbers(written: pl.Series) -> pl.Series | None:
    """Return the numbers exactly, or None if they have no one type that holds them."""
    whole = written.str.contains(_INTEGER)
    if whole.all():
        integers = written.cast(pl.Int64, strict=False)
        return integers if integers.null_count() == written.null_count() else None
    floats = written.cast(pl.Float64, strict=False)
    if floats.null_count() > written.null_count():
        return None
    overflow = floats.is_infinite() & ~written.str.contains(_INFINITE)
    whole = written.str.contains(_WRITTEN_OUT)
    digits = written.set(~whole, None).str.replace(r"\.0*$", "")
    integers = digits.cast(pl.Int64, strict=False)
    rounded = floats.set(~whole, None).cast(pl.Int64, strict=False)
    exact = integers.eq_missing(rounded) & (integers.is_not_null() | ~whole)
    return floats if exact.all() and not overflow.any() else None


def _may_be_rounded(numbers: pl.Series) -> bool:
    """Tell whether a float may stand for a whole number that is not the one in the document."""
    return numbers.dtype == pl.Float64 and has_large_floats(numbers) and numbers.is_finite().all()


def _arrow(values: pl.Series) -> ArrowArray:
    """Return a column with the types that the parser gives."""
    import pyarrow as pa  # noqa: PLC0415

    array = values.to_arrow()
    return array.cast(pa.string()) if values.dtype == pl.String else array
