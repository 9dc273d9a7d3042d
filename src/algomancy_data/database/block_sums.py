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

from functools import cache
from itertools import accumulate, chain
from math import isnan, nan
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, cast

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from algomancy_data.frames.tabular import numbered

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from polars.datatypes import DataType as PolarsDataType

BLOCK_ROWS: Final = 50_000
"""How many rows have sums of their own."""

_WORD: Final = 8
_WRAP: Final = 2**64
_HALF: Final = 2**32
# Not by pa.scalar, which imports pandas where it is installed.
_HALF_BITS: Final = pa.Array.from_buffers(pa.uint64(), 1, [None, pa.py_buffer(b"\x20" + bytes(7))])[
    0
]
_MANY: Final = 12  # runs, which are faster added up all at once
_NOWHERE: Final = -1
_ThreeSums: TypeAlias = tuple[int, int, int]
_OF_NULLS: Final = Struct("<IIQ")
_OF_WORDS: Final = Struct("<QQQ")
_UNSIGNED: Final[Mapping[int, Any]] = {
    1: pa.uint8(),
    2: pa.uint16(),
    4: pa.uint32(),
    8: pa.uint64(),
}
_AT_ONCE: Final = 2 * BLOCK_ROWS
_FEW_WORDS: Final = 8 * 1024


def block_sums(block: pl.DataFrame, texts: Mapping[int, Any] | None = None) -> list[bytes]:
    """Return the sums of each column of up to :data:`BLOCK_ROWS` rows.

    Args:
        block: Columns that are not nested.
        texts: Columns that Arrow has already, as large texts or bytes, by number.

    Example:
        >>> one, other = block_sums(pl.DataFrame({"x": [1.5, 0.0], "y": [1.5, -0.0]}))
        >>> one == other, len(one)
        (False, 40)
    """
    if "\0" in "".join(block.columns):  # which Arrow takes in no name
        block = numbered(block)
    found = [_ColumnSums() for _ in range(block.width)]
    texts = texts or {}
    few: list[_Runs] = []
    words = 0
    for runs in _all_runs(block, texts, found):
        words += len(runs.words)
        if words > BLOCK_ROWS:
            _add_sums(few)
            few, words = [], len(runs.words)
        few.append(runs)
    _add_sums(few)
    return [sums.to_bytes() for sums in found]


def _all_runs(
    block: pl.DataFrame, texts: Mapping[int, Any], found: Sequence[_ColumnSums]
) -> Iterator[_Runs]:
    if texts:
        yield from _text_runs(list(texts.values()), [found[number] for number in texts])
    for numbers, columns in _stacks(block, texts):
        yield from _runs(columns, [found[number] for number in numbers])


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
        lengths, contents = _contents(_to_arrow(column), 1)
        rows += _changed_texts(lengths, _folded(_text_words(contents)), by_words[1])
    found = {row for row in rows if row != _NOWHERE}
    return sorted(cast("set[int]", found)) if found and None not in found else None


def _stacks(
    block: pl.DataFrame, done: Container[int]
) -> Iterator[tuple[tuple[int, ...], tuple[pl.Series, ...]]]:
    """Yield the columns that are not done with their numbers, those of one dtype together.

    Of few rows, what an operation costs is to be called. Of many, what it needs is memory.
    """
    alike: dict[PolarsDataType, list[tuple[int, pl.Series]]] = {}
    for number, (column, dtype) in enumerate(zip(block, block.dtypes, strict=True)):
        if number not in done:
            alike.setdefault(dtype, []).append((number, column))
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
        case pl.Float64() | pl.Float32() | pl.Float16() as dtype:
            floats = column.cast(pl.Float32) if dtype == pl.Float16() else column
            # NaN, which has many patterns of bits, gets one. The sum is a number only if all are.
            return floats.fill_nan(nan) if isnan(floats.sum()) else floats
        case _:
            return column


def _nulls(column: pl.Series) -> pl.Series:
    """Return where a column is null: not by Polars, to which that is a query, but by Arrow."""
    if isinstance(column.dtype, pl.Int128 | pl.UInt128):  # which Arrow has not
        return column.is_null()
    array: Any = column.to_arrow()
    return pl.Series(array.is_null())


def _is_text(column: pl.Series) -> bool:
    return isinstance(column.dtype, pl.String | pl.Binary)


class _ColumnSums:
    """The sums of a column: of its nulls, its words, and the bytes of its texts."""

    def __init__(self) -> None:
        self.of_nulls: list[_ThreeSums] = []
        self.of_words: list[_ThreeSums] = []
        self.of_bytes: list[_ThreeSums] = []

    def to_bytes(self) -> bytes:
        (of_nulls,) = self.of_nulls or [(0, 0, 0)]
        packed = [_OF_WORDS.pack(*one) for one in self.of_words + self.of_bytes]
        return b"".join([_OF_NULLS.pack(*of_nulls), *packed])


class _Runs(NamedTuple):
    """Words of several columns, one after the other.

    Args:
        words: The words, which are folded all at once.
        lengths: How many of them are whose.
        sums: Where their sums go.
    """

    words: pl.Series
    lengths: Sequence[int]
    sums: Sequence[list[_ThreeSums]]


def _runs(columns: Sequence[pl.Series], found: Sequence[_ColumnSums]) -> Iterator[_Runs]:
    """Yield all words of several columns of one dtype, in the order of their sums."""
    stack = _plain(pl.concat(columns) if len(columns) > 1 else columns[0])
    if _is_text(stack) and len(found) == 1:
        yield from _text_runs([_to_arrow(stack)], found)
        return
    lengths = [len(columns[0])] * len(columns)
    if stack.null_count():
        nulls = _nulls(stack)
        if len(found) > 1:
            yield _Runs(nulls.cast(pl.UInt64), lengths, [column.of_nulls for column in found])
        else:
            found[0].of_nulls.append(_sums_where(nulls))
    if stack.dtype == pl.Boolean() and len(found) == 1:
        found[0].of_words.append(_sums_where(stack))
        return
    of_words = [column.of_words for column in found]
    if not _is_text(stack):
        for words in _words(stack):
            yield _Runs(words, lengths, of_words)
        return
    of_texts, contents = _contents(_to_arrow(stack), len(columns))
    yield _Runs(of_texts, lengths, of_words)
    lengths = [_length(content) for content in contents]
    if sum(lengths) <= _AT_ONCE:
        yield _Runs(_text_words(contents), lengths, [column.of_bytes for column in found])
        return
    for content, column in zip(contents, found, strict=True):
        column.of_bytes.append(_sums_of_bytes(content))


def _text_runs(several: Sequence[Any], found: Sequence[_ColumnSums]) -> Iterator[_Runs]:
    """Yield the words of columns of texts that Arrow has; of much text, add the sums themselves."""
    contents: list[memoryview] = []
    for texts, column in zip(several, found, strict=True):
        if texts.null_count:
            column.of_nulls.append(_sums_where(pl.Series(texts.is_null())))
        lengths, (content,) = _contents(texts, 1)
        yield _Runs(lengths, [len(lengths)], [column.of_words])
        contents.append(content)
    lengths = [_length(content) for content in contents]
    if sum(lengths) <= _FEW_WORDS:  # a copy of them costs less than a call for each column
        yield _Runs(_text_words(contents), lengths, [column.of_bytes for column in found])
        return
    for content, column in zip(contents, found, strict=True):
        column.of_bytes.append(_sums_of_bytes(content))


def _add_sums(several: Sequence[_Runs]) -> None:
    """Add the sums of each run of words to those of its column."""
    if not several:
        return
    parts = [runs.words for runs in several]
    lengths = [length for runs in several for length in runs.lengths]
    words = pl.concat(parts, rechunk=True) if len(parts) > 1 else parts[0]
    found = _three_sums(words if _is_small(words) else _folded(words), lengths)
    for sums, one in zip((sums for runs in several for sums in runs.sums), found, strict=True):
        sums.append(one)


def _words(column: pl.Series) -> list[pl.Series]:
    """Return the words that values have: themselves, or the lengths of texts; 0 for null."""
    match column.dtype:
        case pl.Null():
            return []
        case pl.String() | pl.Binary():
            return [_contents(_to_arrow(column), 1)[0]]
        case pl.Decimal():
            return _halves(_to_arrow(column))
        case pl.Int128() | pl.UInt128():
            value = pl.col("x").reinterpret(dtype=pl.UInt128())
            halves = [(value % _WRAP).alias("low"), (value // _WRAP).alias("high")]
            found = column.alias("x").to_frame().select(halves)
            return [_filled(half.cast(pl.UInt64)) for half in found]
        case pl.Boolean():
            return [_filled(column.cast(pl.UInt64))]
        case _:
            array: Any = column.to_arrow()
            bits = pl.Series(array.view(_UNSIGNED[array.type.byte_width]))
            return [_filled(bits.cast(pl.UInt64))]


def _is_small(words: pl.Series) -> bool:
    """Tell whether words are what they are when they are folded."""
    return cast("int", words.max() or 0) < _HALF


def _to_arrow(column: pl.Series) -> Any:
    return column.to_arrow(compat_level=pl.CompatLevel.oldest())


def _halves(decimals: Any) -> list[pl.Series]:
    """Return the lower and the upper words of decimals that Arrow has; 0 for null."""
    # As they lie in memory, in half of the time that dividing 128 bits takes.
    _, values = decimals.buffers()
    words = pl.Series(
        pa.Array.from_buffers(
            pa.uint64(), 2 * len(decimals), [None, values], offset=2 * decimals.offset
        )
    )
    halves = [words.gather_every(2), words.gather_every(2, 1)]
    if not decimals.null_count:
        return halves
    given, zeros = pl.Series(decimals.is_valid()), _zeros().head(len(decimals))
    return [half.zip_with(given, zeros) for half in halves]


def _contents(texts: Any, count: int) -> tuple[pl.Series, list[memoryview]]:
    """Return the lengths of texts that Arrow has, and the bytes of so many columns of them.

    The columns lie one after the other in one. A null has no bytes.
    """
    _, ends, data = texts.buffers()
    places = pa.Array.from_buffers(pa.uint64(), len(texts) + 1, [None, ends], offset=texts.offset)
    words = pl.Series(places)
    lengths = words.slice(1) - words.head(len(texts))
    if texts.null_count and _sum(lengths.filter(pl.Series(texts.is_null()))):
        # Behind a null may be what nobody sees.
        empty = pa.scalar("" if texts.type == pa.large_string() else b"", texts.type)
        return _contents(pc.call_function("coalesce", [texts, empty]), count)
    content = memoryview(data or b"")
    height, at = len(texts) // count, memoryview(ends).cast("q")[texts.offset :]
    contents = [content[at[number * height] : at[(number + 1) * height]] for number in range(count)]
    return lengths, contents


def _sums_of_bytes(content: memoryview) -> _ThreeSums:
    """Return the sums of the words that bytes make, without a copy of them."""
    whole = len(content) // _WORD
    last = _folded_word(int.from_bytes(content[whole * _WORD :], "little"))
    plain, weighted, squared = last, whole * last, whole * whole * last
    for start in range(0, whole, _AT_ONCE):
        height = min(whole - start, _AT_ONCE)
        part = pa.py_buffer(content[start * _WORD : (start + height) * _WORD])
        words = pl.Series(pa.Array.from_buffers(pa.uint64(), height, [None, part]))
        ((a, b, c),) = _three_sums(_folded(words), [height])
        plain += a
        weighted += b + start * a
        squared += c + start * (2 * b + start * a)
    return plain % _WRAP, weighted % _WRAP, squared % _WRAP


def _length(content: memoryview) -> int:
    return -(-len(content) // _WORD)


def _text_words(contents: Sequence[memoryview]) -> pl.Series:
    """Return bytes as words, with zeros behind each part."""
    parts = ((one, bytes(_length(one) * _WORD - len(one))) for one in contents)
    filled = b"".join(chain.from_iterable(parts))
    array = pa.Array.from_buffers(pa.uint64(), len(filled) // _WORD, [None, pa.py_buffer(filled)])
    return pl.Series(array)


def _folded(words: pl.Series) -> pl.Series:
    """Return words of 64 bits, of whose halves the lower one changes with the upper one.

    A change of the highest bits alone would lose its place in the sums, modulo 2**64. Words of 32
    bits are what they are when they are folded.
    """
    halves: Any = pc.call_function("shift_right", [words.to_arrow(), _HALF_BITS])
    return words ^ pl.Series(halves)


def _folded_word(word: int) -> int:
    return word ^ (word >> 32)  # which also unfolds it


def _three_sums(words: pl.Series, lengths: Sequence[int]) -> list[_ThreeSums]:
    """Return the sums of each run of words: plain, by place in the run, by place squared.

    Args:
        words: All words, folded.
        lengths: How long the runs are.
    """
    places = _places().head(len(words))
    weighted = words * places
    if len(lengths) == 1:
        return [(_sum(words), _sum(weighted), _sum(weighted * places))]
    starts = accumulate(lengths, initial=0)
    found: list[_ThreeSums] = []
    sums = (_sums_of_runs(one, lengths) for one in (words, weighted, weighted * places))
    for start, plain, first, second in zip(starts, *sums, strict=False):
        # The places were those among all words: (p - s) * w = p * w - s * w.
        by_square = (second - start * (2 * first - start * plain)) % _WRAP
        found.append((plain, (first - start * plain) % _WRAP, by_square))
    return found


def _filled(words: pl.Series) -> pl.Series:
    """Return words with zeros in place of nulls: a fifth of the time that Polars takes."""
    if not words.null_count():
        return words
    array: Any = words.to_arrow()
    values = pa.Array.from_buffers(
        array.type, len(array), [None, array.buffers()[1]], offset=array.offset
    )
    return pl.Series(values).zip_with(pl.Series(array.is_valid()), _zeros().head(len(array)))


def _sums_where(truths: pl.Series) -> _ThreeSums:
    """Return the sums of words that are 1 where something is true, else 0."""
    rows = _places().head(len(truths)).filter(truths)
    return len(rows), _sum(rows), _sum(rows * rows)


def _sums_of_runs(words: pl.Series, lengths: Sequence[int]) -> list[int]:
    if len(lengths) > _MANY and len(set(lengths)) == 1 and lengths[0]:
        return words.reshape((len(lengths), lengths[0])).arr.sum().to_list()
    sums: list[int] = []
    start = 0
    for length in lengths:
        sums.append(cast("int", words.slice(start, length).sum()))
        start += length
    return sums


def _sum(words: pl.Series) -> int:
    return cast("int", words.sum())


def _moves(now: bytes, noted: bytes) -> list[_ThreeSums]:
    """Return by how much each three sums have changed: first those of the nulls."""
    return [
        ((a - d) % _WRAP, (b - e) % _WRAP, (c - f) % _WRAP)
        for (a, b, c), (d, e, f) in zip(_unpacked(now), _unpacked(noted), strict=True)
    ]


def _unpacked(sums: bytes) -> list[_ThreeSums]:
    of_words = _OF_WORDS.iter_unpack(sums[_OF_NULLS.size :])
    return cast("list[_ThreeSums]", [_OF_NULLS.unpack_from(sums), *of_words])


def _place(moves: _ThreeSums, count: int) -> int | None:
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


def _changed_texts(lengths: pl.Series, words: pl.Series, moves: _ThreeSums) -> list[int | None]:
    """Return the rows of the texts whose bytes changed, but not their number."""
    if not any(moves):
        return []
    changed: list[int] = []
    for place, change in _two_places(moves, len(words)):
        now: int = words[place]
        before = (now - change) % _WRAP
        differing = _folded_word(now) ^ _folded_word(before)
        changed += [place * _WORD + at for at in range(_WORD) if differing >> (8 * at) & 0xFF]
    ends = lengths.fill_null(0).cum_sum()
    if not changed or max(changed) >= ends[-1]:
        return [None]
    return [int(row) for row in ends.search_sorted(pl.Series(changed, dtype=ends.dtype), "right")]


def _two_places(moves: _ThreeSums, count: int) -> list[tuple[int, int]]:
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


# Made when they are needed: an import that starts the threads of Polars makes a later fork hang.


@cache
def _places() -> pl.Series:
    return pl.int_range(_AT_ONCE, dtype=pl.UInt64, eager=True)


@cache
def _zeros() -> pl.Series:
    return pl.zeros(_AT_ONCE, dtype=pl.UInt64, eager=True)
