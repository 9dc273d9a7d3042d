"""To INTERVAL: lengths of time, as ISO 8601 (``P1DT2H``) or as days and a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.extractor.conversion.outcome import Outcome

if TYPE_CHECKING:
    from algomancy_data.extractor.conversion.conventions import TextConventions

# At most twelve digits each: the sum in nanoseconds then fits into 128 bits.
_NUMBER: Final = "[0-9]{1,12}"
_FRACTION: Final = r"(?:\.(?<fraction>[0-9]{1,9}))?"
_ISO: Final = (
    r"^(?<sign>[+-]?)P"
    rf"(?:(?<weeks>[+-]?{_NUMBER})W)?(?:(?<days>[+-]?{_NUMBER})D)?"
    rf"(?:T(?:(?<hours>{_NUMBER})H)?(?:(?<minutes>{_NUMBER})M)?"
    rf"(?:(?<seconds>{_NUMBER}){_FRACTION}S)?)?$"
)
# Python, pandas and PostgreSQL agree: "-1 day, 0:00:05" is five seconds more than minus one day.
_CLOCK: Final = (
    rf"^(?:(?<days>[+-]?{_NUMBER}) days?)?(?:(?:^|, ?| )"
    rf"(?<sign>[+-]?)(?<hours>{_NUMBER}):(?<minutes>[0-5][0-9]):(?<seconds>[0-5][0-9]){_FRACTION})?$"
)
_NANOSECONDS: Final = {
    "weeks": 7 * 86_400 * 10**9,
    "days": 86_400 * 10**9,
    "hours": 3_600 * 10**9,
    "minutes": 60 * 10**9,
    "seconds": 10**9,
}
_PER_MICROSECOND: Final = 1_000
_NO_LENGTH: Final = (
    "not a length of time (ISO 8601 without months and years such as P1DT2H30M, or days and a "
    "clock with seconds such as 1 day 02:30:00)"
)
_TOO_LONG: Final = "longer than 64 bits can count"


def interval_from_text(texts: pl.Series, conventions: TextConventions) -> Outcome:
    """Read lengths of time; refuse months, years, numbers without a unit and ``12:30``.

    The dtype is ``Duration("us")``, or ``Duration("ns")`` if a value needs more than six
    digits after its seconds.
    """
    stripped = conventions.strip(texts)
    # "P" and "PT" fit the pattern, but they are no length.
    iso = stripped.str.contains(_ISO) & stripped.str.contains("[WDHMS]$")
    clock = ~iso & stripped.str.contains(_CLOCK)
    neither = ~(iso | clock)
    if neither.any():
        return Outcome(texts, neither.fill_null(value=False), _NO_LENGTH)
    total = _nanoseconds(stripped.set(~iso, None), _ISO, sign_of_days=True)
    total = total.zip_with(iso, _nanoseconds(stripped.set(~clock, None), _CLOCK))
    length = pl.col(texts.name)
    lengths = total.alias(texts.name).to_frame()
    if lengths.select((length % _PER_MICROSECOND != 0).any()).item():
        dtype = pl.Duration("ns")
    else:
        dtype = pl.Duration("us")
        length //= _PER_MICROSECOND
    values = lengths.select(length.cast(pl.Int64, strict=False).cast(dtype)).to_series()
    return Outcome.of(values, stripped, _TOO_LONG)


def _nanoseconds(texts: pl.Series, pattern: str, *, sign_of_days: bool = False) -> pl.Series:
    """Return the lengths as Int128, null where there is no text.

    Args:
        texts: Texts that fit the pattern.
        pattern: The pattern, with the names of the units.
        sign_of_days: The sign holds for weeks and days as well, not for the clock alone.
    """
    parts = texts.str.extract_groups(pattern).struct.unnest()
    units = {unit: length for unit, length in _NANOSECONDS.items() if unit in parts.columns}
    lengths = {
        unit: pl.col(unit).cast(pl.Int128).fill_null(0) * length for unit, length in units.items()
    }
    fraction = pl.col("fraction").str.pad_end(9, "0").cast(pl.Int128).fill_null(0)
    sign = pl.when(pl.col("sign") == "-").then(-1).otherwise(1)
    clock = pl.sum_horizontal(lengths["hours"], lengths["minutes"], lengths["seconds"], fraction)
    days = pl.sum_horizontal(*(lengths[unit] for unit in units if unit in {"weeks", "days"}))
    total = sign * (days + clock) if sign_of_days else days + sign * clock
    return parts.select(total.alias(texts.name)).to_series().set(texts.is_null(), None)
