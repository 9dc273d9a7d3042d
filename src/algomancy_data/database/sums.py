"""Check sums of the values of a table, by column and block of rows: whether one changed, and which.

The values of a block are words w(i) of 64 bits. The catalogue keeps the sums of w(i), of i * w(i)
and of i * i * w(i), modulo 2**64: like Fletcher's check sum they change with any value, and with
any two that change places. One changed word changes the first sum by d and the second by i * d, and
the quotient is its place. Texts have the sums of their lengths, and of the words that their bytes
make one after the other, of which a text that changed may lie in two. Where more of a block
changed, all that is told is the block.

The sums are of the values, not of how a database stores them, so a copy has the same ones. They
depend on no version of a library. They are part of the storage format.
"""

from __future__ import annotations

from itertools import accumulate
from math import isnan, nan
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from polars.datatypes import DataType as PolarsDataType

BLOCK_ROWS: Final = 50_000
"""How many rows have sums of their own."""

_WORD: Final = 8
_WRAP: Final = 2**64
_HALF: Final = 2**32
_NOWHERE: Final = -1
_OF_NULLS: Final = Struct("<IIQ")
_OF_WORDS: Final = Struct("<QQQ")
_UNSIGNED: Final[Mapping[PolarsDataType, PolarsDataType]] = {
    pl.Int8(): pl.UInt8(),
    pl.Int16(): pl.UInt16(),
    pl.Int32(): pl.UInt32(),
    pl.Int64(): pl.UInt64(),
}
_PLACES: Final = pl.int_range(2 * BLOCK_ROWS, dtype=pl.UInt64, eager=True)


def block_sums(block: pl.DataFrame) -> list[bytes]:
    """Return the sums of each column of up to :data:`BLOCK_ROWS` rows.

    Args:
        block: Columns that are not nested.

    Example:
        >>> one, other = block_sums(pl.DataFrame({"x": [1.5, 0.0], "y": [1.5, -0.0]}))
        >>> one == other, len(one)
        (False, 40)
    """
    sums = [b""] * block.width
    for numbers, columns in _stacks(block):
        for number, found in zip(numbers, _sums(columns), strict=True):
            sums[number] = found
    return sums


def changed_rows(values: pl.Series, noted: bytes) -> list[int] | None:
    """Return the rows of a block whose values are not those that its sums were made of.

    Args:
        values: The values as they are now.
        noted: What :func:`block_sums` returned for them.

    Returns:
        Rows from 0 on, none if all is well; None if the sums do not tell which rows changed.

    Example:
        >>> (noted,) = block_sums(pl.DataFrame({"0": ["a", "bb", None]}))
        >>> changed_rows(pl.Series(["a", "bc", None]), noted)
        [1]
        >>> changed_rows(pl.Series(["a", "bb", ""]), noted)
        [2]
        >>> changed_rows(pl.Series(["xx", "b", None]), noted)
    """
    (now,) = block_sums(values.to_frame())
    if now == noted:
        return []
    if len(now) != len(noted):
        return None
    if len(values) == 1:
        return [0]
    column = _plain(values)
    words = _words(column)
    by_nulls, *by_words = _moves(now, noted)
    rows = [_place(move, len(values)) for move in (by_nulls, *by_words[: len(words)])]
    # What follows a text of another length has moved, so that its words tell nothing.
    if _is_text(column) and not any(by_words[0]):
        texts = _text_words(*_contents(column, 1))
        rows += _changed_texts(words[0], texts, by_words[1])
    found = {row for row in rows if row != _NOWHERE}
    return sorted(cast("set[int]", found)) if found and None not in found else None


def _stacks(block: pl.DataFrame) -> Iterator[tuple[tuple[int, ...], tuple[pl.Series, ...]]]:
    """Yield the columns with their numbers, those of one dtype together.

    Of few rows, what an operation costs is to be called. Of many, what it needs is memory.
    """
    alike: dict[PolarsDataType, list[tuple[int, pl.Series]]] = {}
    for number, column in enumerate(map(_plain, block)):
        alike.setdefault(column.dtype, []).append((number, column))
    together = max(BLOCK_ROWS // max(block.height, 1), 1)
    for columns in alike.values():
        for start in range(0, len(columns), together):
            numbers, stack = zip(*columns[start : start + together], strict=True)
            yield numbers, stack


def _plain(column: pl.Series) -> pl.Series:
    """Return a column whose values are numbers or texts behind the scenes as these."""
    match column.dtype:
        case pl.Categorical():
            return column.cast(pl.String)
        case pl.Enum():
            return column.to_physical()
        case pl.Datetime() | pl.Duration() | pl.Time():
            return column.cast(pl.Int64)
        case pl.Date():
            return column.cast(pl.Int32)
        case _:
            return column


def _is_text(column: pl.Series) -> bool:
    return isinstance(column.dtype, pl.String | pl.Binary)


def _sums(columns: Sequence[pl.Series]) -> list[bytes]:
    """Return the sums of each of several columns of one dtype."""
    height, count = len(columns[0]), len(columns)
    stack = pl.concat(columns) if count > 1 else columns[0]
    runs = [(number * height, height) for number in range(count)]
    nulls = [(0, 0, 0)] * count
    if stack.null_count():
        nulls = _three_sums(stack.is_null().cast(pl.UInt64), runs)
    of_words = [_three_sums(words, runs) for words in _words(stack)]
    if _is_text(stack):
        of_words.append(_text_sums(_contents(stack, count)))
    return [
        _OF_NULLS.pack(*of_nulls) + b"".join(_OF_WORDS.pack(*one) for one in of_column)
        for of_nulls, *of_column in zip(nulls, *of_words, strict=True)
    ]


def _words(column: pl.Series) -> list[pl.Series]:
    """Return the words that values have: themselves, or the lengths of texts; null is null."""
    match column.dtype:
        case pl.Null():
            return []
        case pl.String():
            return [column.str.len_bytes().cast(pl.UInt64)]
        case pl.Binary():
            return [column.bin.size().cast(pl.UInt64)]
        case pl.Float64():
            bits = _plain_nan(column).reinterpret(dtype=pl.UInt64)
            return [_folded(bits)]
        case pl.Float32() | pl.Float16():
            bits = _plain_nan(column.cast(pl.Float32)).reinterpret(dtype=pl.UInt32)
            return [bits.cast(pl.UInt64)]
        case pl.Int128() | pl.UInt128() | pl.Decimal():
            value = pl.col("x").to_physical().reinterpret(dtype=pl.UInt128())
            halves = [(value % _WRAP).alias("low"), (value // _WRAP).alias("high")]
            found = column.alias("x").to_frame().select(halves)
            return [_folded(half.cast(pl.UInt64)) for half in found]
        case dtype:
            unsigned = column.cast(_UNSIGNED.get(dtype, dtype), wrap_numerical=True)
            return [_folded(unsigned.cast(pl.UInt64))]


def _plain_nan(floats: pl.Series) -> pl.Series:
    """Return floats in which NaN, which has many patterns of bits, has one."""
    # The sum is a number only if all are.
    return floats.fill_nan(nan) if isnan(floats.sum()) else floats


def _contents(texts: pl.Series, count: int) -> list[memoryview]:
    """Return the bytes of so many columns of texts, which lie one after the other in one."""
    if texts.null_count():
        texts = texts.fill_null("" if texts.dtype == pl.String() else b"")
    array: Any = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    _, ends, data = array.buffers()
    content = memoryview(data or b"")
    height, places = len(array) // count, memoryview(ends).cast("q")[array.offset :]
    return [
        content[places[number * height] : places[(number + 1) * height]] for number in range(count)
    ]


def _text_sums(contents: Sequence[memoryview]) -> list[tuple[int, int, int]]:
    """Return the sums of the bytes of each column of texts."""
    lengths = [_length(content) for content in contents]
    if sum(lengths) > len(_PLACES):
        return [_long_sums(content) for content in contents]
    runs = list(zip(accumulate(lengths, initial=0), lengths, strict=False))
    return _three_sums(_text_words(*contents), runs)


def _long_sums(content: memoryview) -> tuple[int, int, int]:
    plain = weighted = squared = 0
    for start in range(0, _length(content), len(_PLACES)):
        words = _text_words(content[start * _WORD : (start + len(_PLACES)) * _WORD])
        ((a, b, c),) = _three_sums(words, [(0, len(words))])
        plain += a
        weighted += b + start * a
        squared += c + start * (2 * b + start * a)
    return plain % _WRAP, weighted % _WRAP, squared % _WRAP


def _length(content: memoryview) -> int:
    return -(-len(content) // _WORD)


def _text_words(*contents: memoryview) -> pl.Series:
    """Return bytes as words, with zeros behind each part."""
    filled = b"".join(bytes(one).ljust(_length(one) * _WORD, b"\0") for one in contents)
    array = pa.Array.from_buffers(pa.uint64(), len(filled) // _WORD, [None, pa.py_buffer(filled)])
    return _folded(cast("pl.Series", pl.from_arrow(array)))


def _folded(words: pl.Series) -> pl.Series:
    """Return words of 64 bits, of whose halves the lower one changes with the upper one.

    A change of the highest bits alone would lose its place in the sums, modulo 2**64. Words of 32
    bits are what they are when they are folded.
    """
    if (cast("int | None", words.max()) or 0) < _HALF:
        return words
    return words ^ (words // _HALF)


def _unfolded(word: int) -> int:
    return word ^ (word >> 32)


def _three_sums(words: pl.Series, runs: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Return the sums of each run of words: plain, by place in the run, by place squared.

    Args:
        words: All words; nulls count for nothing.
        runs: Where each begins, and how long it is.
    """
    places = _PLACES.head(len(words))
    weighted = words * places
    squared = weighted * places
    found: list[tuple[int, int, int]] = []
    for start, length in runs:
        plain = _sum(words.slice(start, length))
        first = _sum(weighted.slice(start, length))
        second = _sum(squared.slice(start, length))
        # The places were those among all words: (p - s) * w = p * w - s * w.
        second = (second - start * (2 * first - start * plain)) % _WRAP
        found.append((plain, (first - start * plain) % _WRAP, second))
    return found


def _sum(words: pl.Series) -> int:
    return cast("int", words.sum())


def _moves(now: bytes, noted: bytes) -> list[tuple[int, int, int]]:
    """Return by how much each three sums have changed: first those of the nulls."""
    return [
        ((a - d) % _WRAP, (b - e) % _WRAP, (c - f) % _WRAP)
        for (a, b, c), (d, e, f) in zip(_unpacked(now), _unpacked(noted), strict=True)
    ]


def _unpacked(sums: bytes) -> list[tuple[int, int, int]]:
    of_words = _OF_WORDS.iter_unpack(sums[_OF_NULLS.size :])
    return cast("list[tuple[int, int, int]]", [_OF_NULLS.unpack_from(sums), *of_words])


def _place(moves: tuple[int, int, int], count: int) -> int | None:
    """Return which one of so many words changed; None if that is not plain.

    Args:
        moves: By how much the three sums have changed.
        count: Number of words.
    """
    change, weighted, by_square = moves
    if not any(moves):
        return _NOWHERE
    if not change:
        return None
    twos = (change & -change).bit_length() - 1
    limit = _WRAP >> twos  # the quotient is known up to multiples of this
    if limit < count or weighted % (1 << twos):
        return None
    place = (weighted >> twos) * pow(change >> twos, -1, limit) % limit
    return place if place < count and place * weighted % _WRAP == by_square else None


def _changed_texts(
    lengths: pl.Series, words: pl.Series, moves: tuple[int, int, int]
) -> list[int | None]:
    """Return the rows of the texts whose bytes changed, but not their number."""
    if not any(moves):
        return []
    changed: list[int] = []
    for place, change in _two_places(moves, len(words)):
        now: int = words[place]
        before = (now - change) % _WRAP
        differing = _unfolded(now) ^ _unfolded(before)
        changed += [place * _WORD + at for at in range(_WORD) if differing >> (8 * at) & 0xFF]
    ends = lengths.fill_null(0).cum_sum()
    if not changed or max(changed) >= ends[-1]:
        return [None]
    return [int(row) for row in ends.search_sorted(pl.Series(changed, dtype=ends.dtype), "right")]


def _two_places(moves: tuple[int, int, int], count: int) -> list[tuple[int, int]]:
    """Return which word changed and by how much, or which two that follow one another.

    Args:
        moves: By how much the sums of the words have changed: plain, by place, by place squared.
        count: Number of words.
    """
    change, weighted, by_square = moves
    for place in range(count):
        second = (weighted - place * change) % _WRAP
        first = (change - second) % _WRAP
        if (place * place * first + (place + 1) ** 2 * second - by_square) % _WRAP == 0:
            found = [(place, first), (place + 1, second)]
            return [(at, by) for at, by in found if by and at < count]
    return []
