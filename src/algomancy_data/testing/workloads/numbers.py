"""Columns that are arithmetic on the row number.

A multiplicative hash is enough to keep branch prediction, dictionary encoding and compression from
finding a pattern.
"""

from __future__ import annotations

from typing import Final

import polars as pl

_EPOCH: Final = 1_577_836_800  # 2020, in seconds
_FOUR_YEARS_OF_SECONDS: Final = 4 * 365 * 86_400
_MICROSECONDS: Final = 1_000_000
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# The 31-bit primes keep `row * multiplier` below 2^63 up to 4 · 10^9 rows.
_MULTIPLIERS: Final = (1_103_515_245, 1_664_525_003, 1_013_904_223, 69_069_001)
_MODULUS: Final = 2_147_483_647


class Rows:
    """Some rows of a table; every method returns a column of them.

    The argument ``column`` of the methods is a number: columns with the same one depend on each
    other.

    Args:
        places: Which rows.
        seed: Other values for each.
    """

    # Of series and not of expressions: there, each step of the hash would double the expression.

    def __init__(self, places: range, seed: int) -> None:
        self._seed = seed
        self.number = pl.int_range(places.start, places.stop, dtype=pl.Int64, eager=True)

    def below(self, limit: int, column: int) -> pl.Series:
        """Return integers from 0 to ``limit - 1``."""
        return self._hash(column) % limit

    def fraction(self, limit: int, column: int, of: int) -> pl.Series:
        """Return integers below ``limit`` divided by ``of``: the floats nearest to the results."""
        # Beside a single number, Polars multiplies by its reciprocal, rounded twice (upstream.md).
        divisors = pl.Series([float(of)]).new_from_index(0, self.number.len())
        return self.below(limit, column).cast(pl.Float64) / divisors

    def flag(self, one_in: int, column: int) -> pl.Series:
        """Return truth values, of which one in ``one_in`` is true."""
        return self.below(one_in, column) == 0

    def choice(self, words: tuple[str, ...], column: int) -> pl.Series:
        """Return one of the words."""
        return pl.Series(words, dtype=pl.String).gather(self.below(len(words), column))

    def text(self, beginning: str, limit: int, column: int) -> pl.Series:
        """Return a text followed by integers below ``limit``."""
        number = self.below(limit, column).cast(pl.String)
        return pl.Series([beginning]).new_from_index(0, number.len()) + number

    def code(self, column: int) -> pl.Series:
        """Return two letters and six digits, of this column and the two behind it."""
        first, second = (self.choice(tuple(_LETTERS), column + place) for place in range(2))
        return first + second + self.below(10**6, column + 2).cast(pl.String).str.zfill(6)

    def moment(self, column: int) -> pl.Series:
        """Return a second of the years 2020 to 2023, without a time zone."""
        seconds = self.below(_FOUR_YEARS_OF_SECONDS, column) + _EPOCH
        return (seconds * _MICROSECONDS).cast(pl.Datetime("us"))

    def _hash(self, column: int) -> pl.Series:
        """Return a number below 2^31 per row."""
        value = self.number + (1 + 7_919 * column + 104_729 * self._seed) % _MODULUS
        for multiplier in _MULTIPLIERS:
            value = (value * multiplier + (column + 1)) % _MODULUS
            value ^= value // 65_536
        return value
