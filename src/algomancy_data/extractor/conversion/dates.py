"""To DATETIME.

ISO 8601 text is cast by Arrow, which is strict and the fastest. Other dates have one of a few
shapes; which of day and month comes first is decided by all values of the column.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

import polars as pl

from algomancy_data.extractor.conversion.outcome import Outcome

if TYPE_CHECKING:
    from algomancy_data.extractor.conversion.conventions import TextConventions

_TimeUnit: TypeAlias = Literal["us", "ns"]

_CLOCK: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
_ZONE: Final = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)$"
_ISO: Final = (
    rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[ T](?:{_CLOCK}|[01][0-9]|2[0-3])(?:{_ZONE})?)?$"
)
_ZONED: Final = rf"[ T][0-9:.]+{_ZONE}"
_NANOSECONDS: Final = r"\.[0-9]{7}"
_OTHER_CLOCK: Final = rf"(?:[ T](?:{_CLOCK}|[0-9]:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{{1,9}})?)?))?$"
_LONG: Final = 100_000
_SAMPLE: Final = 1_000
# From 0001-01-01 to 9999-12-31, in microseconds since 1970.
_FIRST_MICROSECOND: Final = -62_135_596_800_000_000
_LAST_MICROSECOND: Final = 253_402_300_799_999_999
_FIRST_DAY: Final = -719_162
_LAST_DAY: Final = 2_932_896
_FIRST_NANOSECOND_YEAR: Final = 1678
_LAST_NANOSECOND_YEAR: Final = 2261

# The shape of a date, and the orders of day and month to try; the first one wins if both fit.
_SHAPES: Final[dict[str, tuple[str, ...]]] = {
    r"^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}": ("%m/%d/%Y", "%d/%m/%Y"),
    r"^[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}": ("%m-%d-%Y", "%d-%m-%Y"),
    r"^[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}": ("%d.%m.%Y",),
    r"^[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}": ("%Y/%m/%d",),
}
_CLOCK_FORMATS: Final = ("", " %H:%M", " %H:%M:%S%.f")
_OUTSIDE: Final = "outside the years 1 to 9999 in UTC"
_NOT_A_DATE: Final = (
    "not a date and time in the column's format (ISO 8601, or day, month and year with / - .)"
)

# What people write, and what to say about it; the first that occurs is said.
_ADVICE: Final = {
    r"^[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2}(?:$|[ T])": "Write years with four digits.",
    r"[ T]24:00": "Write 24:00 as 00:00 of the next day.",
}


def datetime_from_text(texts: pl.Series, conventions: TextConventions) -> Outcome:
    """Read dates and times; refuse what is no date, or follows another format.

    The dtype is ``Datetime("us")``, or ``Datetime("ns")`` if a value has more than six digits
    after its seconds; with the time zone UTC if every value has an offset.
    """
    if (values := _iso(texts)) is not None:
        return _outcome(values, texts)
    stripped = conventions.strip(texts)
    first = stripped.drop_nulls().head(1)
    shape = next((shape for shape in _SHAPES if first.str.contains(shape).any()), None)
    outcome = _in_one_form(stripped, shape, conventions)
    if outcome.refused is None or 2 * outcome.refused.sum() <= stripped.count():
        return outcome
    usual = _usual_shape(stripped)  # the first value is the odd one
    return outcome if usual == shape else _in_one_form(stripped, usual, conventions)


def datetime_from_dates(dates: pl.Series) -> Outcome:
    """Put dates at midnight; refuse years that Python cannot show."""
    outside = _outside(dates, _FIRST_DAY, _LAST_DAY)
    if outside is not None:
        return Outcome(dates, outside, _OUTSIDE)
    return Outcome(dates.cast(pl.Datetime("us")))


def _outside(moments: pl.Series, first: int, last: int) -> pl.Series | None:
    """Return which moments are outside two of them, None if none is."""
    values = moments.to_physical()
    least, most = cast("tuple[int | None, int | None]", (values.min(), values.max()))
    if least is None or most is None or (first <= least and most <= last):
        return None
    return (~values.is_between(first, last)).fill_null(value=False)


def _in_one_form(stripped: pl.Series, shape: str | None, conventions: TextConventions) -> Outcome:
    """Read dates of one shape, or ISO 8601 if there is none."""
    if shape is not None:
        orders = _allowed(_SHAPES[shape], day_first=conventions.day_first)
        return _from_shape(stripped, shape, orders)
    if (values := _iso(stripped)) is not None:
        return _outcome(values, stripped)
    return _refuse_iso(stripped)


def _usual_shape(stripped: pl.Series) -> str | None:
    """Return the shape that most values have, or None if that is ISO 8601."""
    shapes = (None, *_SHAPES)
    counts = [stripped.str.contains(_ISO if shape is None else shape).sum() for shape in shapes]
    return shapes[counts.index(max(counts))]


def _outcome(values: pl.Series, texts: pl.Series) -> Outcome:
    """Refuse years that Arrow reads and Python cannot show."""
    if getattr(values.dtype, "time_unit", None) == "us":  # nanoseconds do not reach so far
        outside = _outside(values, _FIRST_MICROSECOND, _LAST_MICROSECOND)
        if outside is not None:
            return Outcome(texts, outside, _OUTSIDE)
    return Outcome(values)


def _iso(texts: pl.Series) -> pl.Series | None:
    """Return the datetimes if all texts are ISO 8601, all with an offset or all without."""
    first = texts.drop_nulls().head(1)
    # Arrow looks at every value before it fails, so look at one before it starts.
    if not first.str.contains(_ISO).all():
        return None
    zone = "UTC" if first.str.contains(_ZONED).any() else None
    if (values := _cast_by_arrow(texts, "us", zone)) is not None:
        return values
    if texts.str.contains(_NANOSECONDS).any():
        return _cast_by_arrow(texts, "ns", zone)
    return None


def _cast_by_arrow(texts: pl.Series, unit: _TimeUnit, zone: str | None) -> pl.Series | None:
    """Return the datetimes, or None if one text is none; long columns on all cores."""
    import pyarrow as pa  # noqa: PLC0415  import time that only dates have to pay
    from pyarrow import compute  # noqa: PLC0415

    dtype = pa.timestamp(unit, zone)

    def cast(part: pl.Series) -> pl.Series:
        # Without the name, which may have a NUL, as no name in Arrow's C interface has.
        return pl.Series(texts.name, compute.cast(part.alias("").to_arrow(), dtype))

    try:
        if len(texts) < _LONG:
            return cast(texts)
        threads = pl.thread_pool_size()
        size = -(-len(texts) // threads)
        parts = [texts.slice(start, size) for start in range(0, len(texts), size)]
        with ThreadPoolExecutor(threads) as pool:
            return pl.concat(list(pool.map(cast, parts)))
    except pa.ArrowInvalid:
        return None


def _refuse(refused: pl.Series, texts: pl.Series) -> Outcome:
    """Refuse what is no date; say what to do where that is plain."""
    values = texts.filter(refused)
    advice = (text for pattern, text in _ADVICE.items() if values.str.contains(pattern).any())
    return Outcome(texts, refused, _NOT_A_DATE, next(advice, ""))


def _refuse_iso(stripped: pl.Series) -> Outcome:
    """Say which values are the reason that a column is not ISO 8601."""
    dates = stripped.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    valid = (stripped.str.contains(_ISO) & dates.is_not_null()) | stripped.is_null()
    if not valid.all():
        return _refuse(~valid, stripped)
    zoned = stripped.str.contains(_ZONED)
    if zoned.any() and not zoned.all():
        return Outcome(
            stripped, ~zoned.fill_null(value=True), "without an offset, while other values have one"
        )
    refusal = _refuse_outside_nanoseconds(stripped, dates)
    if refusal.refused is not None and refusal.refused.any():
        return refusal
    return _refuse(stripped.is_not_null(), stripped)


def _refuse_outside_nanoseconds(texts: pl.Series, dates: pl.Series) -> Outcome:
    """Refuse what 64 bits of nanoseconds cannot hold, a few months at either end included."""
    outside = ~dates.dt.year().is_between(_FIRST_NANOSECOND_YEAR, _LAST_NANOSECOND_YEAR)
    reason = "outside the years 1678 to 2261, the range of a column with nanoseconds"
    return Outcome(texts, outside.fill_null(value=False), reason)


def _allowed(orders: tuple[str, ...], *, day_first: bool | None) -> tuple[str, ...]:
    """Return the orders of day and month that the conventions leave."""
    if len(orders) == 1 or day_first is None:
        return orders
    return tuple(order for order in orders if order.startswith("%d") == day_first)


def _from_shape(stripped: pl.Series, shape: str, orders: tuple[str, ...]) -> Outcome:
    """Read dates of one shape, with the order of day and month that fits all values."""
    fits = stripped.str.contains(shape + _OTHER_CLOCK)
    if not fits.all():
        return _refuse(~fits.fill_null(value=True), stripped)
    texts = stripped
    if texts.str.contains("T", literal=True).any():
        texts = texts.str.replace("T", " ", literal=True)
    # An order that fails among the first values need not be tried on all.
    start = texts.head(_SAMPLE)
    possible = [
        order for order in orders if _parse(start, order, "us").null_count() == start.null_count()
    ]
    orders = tuple(possible) or orders
    readings = [_parse(texts, order, "us") for order in orders]
    if stripped.str.contains(_NANOSECONDS).any():
        # Polars wraps what is out of range without a word: look before.
        refusal = _refuse_outside_nanoseconds(stripped, readings[0].fill_null(readings[-1]))
        if refusal.refused is not None and refusal.refused.any():
            return refusal
        readings = [_parse(texts, order, "ns") for order in orders]
    complete = [reading for reading in readings if reading.null_count() == texts.null_count()]
    if not complete:
        best = min(readings, key=lambda reading: reading.null_count())
        return _refuse(best.is_null() & stripped.is_not_null(), stripped)
    outcome = _outcome(complete[0], stripped)
    differ = (complete[0] != complete[-1]).fill_null(value=False)
    if outcome.refused is not None or not differ.any():
        return outcome
    return Outcome(
        complete[0],
        reason="read with the month before the day, though it could be the other way round",
        advice="Declare _CSV = CSVDialect(day_first=True) or (day_first=False).",
        guessed=differ,
    )


def _parse(texts: pl.Series, order: str, unit: _TimeUnit) -> pl.Series:
    """Return the datetimes, null where a text does not follow the order of day and month."""
    values = pl.Series(texts.name, [None], pl.Datetime(unit)).new_from_index(0, len(texts))
    # A format that does not fit costs a look at every value: begin with that of the first one.
    first = int(texts.drop_nulls().head(1).str.count_matches(":", literal=True).sum())
    for clock in (_CLOCK_FORMATS[first], *_CLOCK_FORMATS[:first], *_CLOCK_FORMATS[first + 1 :]):
        if values.null_count() == texts.null_count():
            break
        # Without the cache of parsed texts: it costs more than it saves when few repeat.
        parsed = texts.str.to_datetime(order + clock, time_unit=unit, strict=False, cache=False)
        values = values.zip_with(values.is_not_null(), parsed)
    return values
