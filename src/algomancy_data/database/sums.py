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

from itertools import accumulate, islice
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars.datatypes import DataType as PolarsDataType

BLOCK_ROWS: Final = 50_000
"""How many rows have sums of their own."""

_WORD: Final = 8
_WRAP: Final = 2**64
_HALF: Final = 2**32
_NOWHERE: Final = -1
_FEW_BYTES: Final = 16_000
_OF_NULLS: Final = Struct("<IIQ")
_OF_WORDS: Final = Struct("<QQQ")
_PLACES: Final = pl.int_range(2 * BLOCK_ROWS, dtype=pl.UInt64, eager=True)


class _Column(NamedTuple):
    """The values of a column as words.

    Args:
        nulls: 1 for each null, if there is one.
        words: Words of the whole block: the values, or the lengths of texts; under a null is 0.
        texts: The bytes of all texts as words, if they are texts.
    """

    nulls: pl.Series | None
    words: list[pl.Series]
    texts: pl.Series | None = None


def block_sums(block: pl.DataFrame) -> list[bytes]:
    """Return the sums of each column of up to :data:`BLOCK_ROWS` rows.

    Args:
        block: Columns that are not nested, with numbers for names.

    Example:
        >>> one, other = block_sums(pl.DataFrame({"0": [1.5, 0.0], "1": [1.5, -0.0]}))
        >>> one == other, len(one)
        (False, 40)
    """
    return [_sums(column) for column in _columns(block)]


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
    (column,) = _columns(values.alias("0").to_frame())
    now = _sums(column)
    if now == noted:
        return []
    if len(now) != len(noted):
        return None
    if len(values) == 1:
        return [0]
    by_nulls, *by_words = _moves(now, noted)
    count = len(column.words)
    rows = [_place(move, len(values)) for move in (by_nulls, *by_words[:count])]
    # What follows a text of another length has moved, so that its words tell nothing.
    if column.texts is not None and not any(by_words[0]):
        rows += _changed_texts(column, by_words[count])
    found = {row for row in rows if row != _NOWHERE}
    return sorted(cast("set[int]", found)) if found and None not in found else None


def _columns(block: pl.DataFrame) -> list[_Column]:
    """Return the columns as words, all of them in one operation: there may be many."""
    block = _with_texts(block)
    made = {column.name: _words(column) for column in block}
    found = block.select(
        word.fill_null(0).alias(f"{name} {number}")
        for name, words in made.items()
        for number, word in enumerate(words)
    )
    texts = _text_words([column for column in block if _is_text(column)])
    words = iter(found)
    return [
        _Column(
            column.is_null().cast(pl.UInt64) if column.null_count() else None,
            list(islice(words, len(made[column.name]))),
            texts.get(column.name),
        )
        for column in block
    ]


def _with_texts(block: pl.DataFrame) -> pl.DataFrame:
    categories = [pl.col(one.name).cast(pl.String) for one in block if one.dtype == pl.Categorical]
    return block.with_columns(categories) if categories else block


def _is_text(column: pl.Series) -> bool:
    return isinstance(column.dtype, pl.String | pl.Binary)


def _words(column: pl.Series) -> list[pl.Expr]:
    """Return the words that a column's values have."""
    value = pl.col(column.name)
    match column.dtype:
        case pl.Null():
            return []
        case pl.String():
            return [value.str.len_bytes().cast(pl.UInt64)]
        case pl.Binary():
            return [value.bin.size().cast(pl.UInt64)]
        case pl.Boolean():
            return [value.cast(pl.UInt64)]
        case pl.Enum():
            return [value.to_physical().cast(pl.UInt64)]
        case pl.Float64():
            # NaN has many patterns of bits, and is one value.
            return [_folded(value.fill_nan(float("nan")).reinterpret(dtype=pl.UInt64))]
        case pl.Float32() | pl.Float16():
            single = value.cast(pl.Float32).fill_nan(float("nan"))
            return [single.reinterpret(dtype=pl.UInt32).cast(pl.UInt64)]
        case dtype:
            return _words_of_numbers(value.to_physical(), _unsigned(dtype))


def _words_of_numbers(number: pl.Expr, unsigned: PolarsDataType) -> list[pl.Expr]:
    value = number.reinterpret(dtype=unsigned)
    if unsigned == pl.UInt128():
        return [_folded(half.cast(pl.UInt64)) for half in (value % _WRAP, value // _WRAP)]
    return [_folded(value)] if unsigned == pl.UInt64() else [value.cast(pl.UInt64)]


def _unsigned(dtype: PolarsDataType) -> PolarsDataType:
    """Return the dtype of numbers without a sign of as many bits."""
    match dtype:
        case pl.Int8() | pl.UInt8():
            return pl.UInt8()
        case pl.Int16() | pl.UInt16():
            return pl.UInt16()
        case pl.Int32() | pl.UInt32() | pl.Date():
            return pl.UInt32()
        case pl.Int128() | pl.UInt128() | pl.Decimal():
            return pl.UInt128()
        case _:
            return pl.UInt64()


def _bytes_of(texts: pl.Series) -> memoryview:
    """Return the bytes of all texts one after the other."""
    if texts.null_count():
        texts = texts.fill_null("" if texts.dtype == pl.String() else b"")
    array: Any = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    _, ends, data = array.buffers()
    if data is None:
        return memoryview(b"")
    places = memoryview(ends).cast("q")
    return memoryview(data)[places[array.offset] : places[array.offset + len(array)]]


def _text_words(columns: Sequence[pl.Series]) -> dict[str, pl.Series]:
    """Return the bytes of the texts of each column as words, zeros behind them."""
    texts = {column.name: _bytes_of(column) for column in columns}
    found = {name: _long_text_words(text) for name, text in texts.items() if len(text) > _FEW_BYTES}
    # The short ones at once: for few words, what an operation costs is to be called.
    short = {name: bytes(text) for name, text in texts.items() if name not in found}
    lengths = [-(-len(text) // _WORD) for text in short.values()]
    padded = (
        text.ljust(length * _WORD, b"\0")
        for text, length in zip(short.values(), lengths, strict=True)
    )
    words = _long_text_words(memoryview(b"".join(padded)))
    for name, length, end in zip(short, lengths, accumulate(lengths), strict=True):
        found[name] = words.slice(end - length, length)
    return found


def _long_text_words(text: memoryview) -> pl.Series:
    # Without a copy but for the end.
    whole = len(text) // _WORD
    array = pa.Array.from_buffers(pa.uint64(), whole, [None, pa.py_buffer(text)])
    words = cast("pl.Series", pl.from_arrow(array))
    if whole * _WORD < len(text):
        end = int.from_bytes(text[whole * _WORD :], "little")
        words = words.append(pl.Series([end], dtype=pl.UInt64))
    return words.to_frame("x").select(_folded(pl.col("x"))).to_series()


def _folded(word: pl.Expr) -> pl.Expr:
    """Return words of 64 bits, of whose halves the lower one changes with the upper one.

    A change of the highest bits alone would lose its place in the sums, modulo 2**64. Words of 32
    bits are what they are when they are folded.
    """
    return word ^ (word // _HALF)


def _unfolded(word: int) -> int:
    return word ^ (word >> 32)


def _sums(column: _Column) -> bytes:
    nulls = (0, 0, 0) if column.nulls is None else _three_sums(column.nulls)
    words = column.words if column.texts is None else [*column.words, column.texts]
    return _OF_NULLS.pack(*nulls) + b"".join(_OF_WORDS.pack(*_three_sums(one)) for one in words)


def _three_sums(words: pl.Series) -> tuple[Any, Any, Any]:
    places = _places(len(words))
    weighted = words * places
    return words.sum(), weighted.sum(), (weighted * places).sum()


def _places(count: int) -> pl.Series:
    if count <= len(_PLACES):
        return _PLACES.head(count)
    return pl.int_range(count, dtype=pl.UInt64, eager=True)  # of long texts


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


def _changed_texts(column: _Column, moves: tuple[int, int, int]) -> list[int | None]:
    """Return the rows of the texts whose bytes changed, but not their number."""
    words, lengths = cast("pl.Series", column.texts), column.words[0]
    if not any(moves):
        return []
    changed: list[int] = []
    for place, change in _two_places(moves, len(words)):
        now: int = words[place]
        before = (now - change) % _WRAP
        differing = _unfolded(now) ^ _unfolded(before)
        changed += [place * _WORD + at for at in range(_WORD) if differing >> (8 * at) & 0xFF]
    ends = lengths.cum_sum()
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
