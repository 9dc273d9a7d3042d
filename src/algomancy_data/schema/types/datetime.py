"""DATETIME: a date with a time of day, or at midnight.

ISO 8601 text is cast by Arrow, which is strict and the fastest. Other dates have one of a few
shapes; which of day and month comes first is decided by all values of the column.
"""

from __future__ import annotations

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self, cast

import polars as pl

from algomancy_data.schema.types.base import (
    Advice,
    Outcome,
    ReadType,
    TextSlice,
    TimeUnit,
)
from algomancy_data.schema.types.distinct_texts import NO_VERDICT, Verdict

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types.conventions import TextConventions
    from algomancy_data.schema.types.distinct_texts import DistinctTexts
    from algomancy_data.schema.types.stack import Stack

_CLOCK: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
_ZONE: Final = r"(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)$"
_ISO: Final = (
    rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[ T](?:{_CLOCK}|[01][0-9]|2[0-3])(?:{_ZONE})?)?$"
)
_ZONED: Final = rf"[ T][0-9:.]+{_ZONE}"
_NANOSECONDS: Final = r"\.[0-9]{7}"
_OTHER_CLOCK: Final = rf"(?:[ T](?:{_CLOCK}|[0-9]:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{{1,9}})?)?))?$"
_LONG: Final = 100_000
# So many dates stay in the caches, and what they become on the way takes memory that is there.
_PIECE: Final = 1 << 16
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
_ISO_SHAPE: Final = ""
_NO_ORDER: Final = "%Y-%m-%d"
_DAY_AND_MONTH: Final = r"^(?<one>[0-9]{1,2})[/-](?<other>[0-9]{1,2})[/-][0-9]{4}"
_MONTHS: Final = 12
_DATE_LIKE: Final = r"[0-9][-/.:][0-9]"
_WITH_TIME: Final = "[ T]"
ZONED_NOTE: Final = "With an offset from UTC: extracted in UTC."
_DECLARE_ORDER: Final = Advice(0, "Declare _CSV = CSVDialect(day_first=True) or (day_first=False).")


@dataclass(frozen=True)
class DateFacts:
    """How dates are written.

    Args:
        count: How many there are.
        shape: The shape of the first one, ``""`` for ISO 8601; None if there is none.
        starts: How many begin like a date of each shape.
        fits: How many are a date of each shape, with nothing or a time of day behind.
        unread: How many of those are none with day and month in an order, by that order.
        differs: Whether a date is another one in the other order, by shape.
        has_nanoseconds: One has more than six digits behind its seconds.
        zoned: How many have an offset from UTC.
    """

    count: int
    shape: str | None
    starts: dict[str, int]
    fits: dict[str, int]
    unread: dict[str, int]
    differs: frozenset[str]
    has_nanoseconds: bool
    zoned: int

    def __add__(self, other: Self) -> Self:
        """Return the facts of both slices."""
        return type(self)(
            self.count + other.count,
            other.shape if self.shape is None else self.shape,
            _sum(self.starts, other.starts),
            _sum(self.fits, other.fits),
            _sum(self.unread, other.unread),
            self.differs | other.differs,
            self.has_nanoseconds or other.has_nanoseconds,
            self.zoned + other.zoned,
        )


@dataclass(frozen=True)
class DateForm:
    """How the dates of a column are written.

    Args:
        shape: Their shape, ``""`` for ISO 8601.
        order: Day, month and year, as a format.
        unit: The time unit that they need.
        zone: ``"UTC"`` if they have an offset.
        other: The order with which some of them are other dates, if nothing decides.
    """

    shape: str
    order: str = _NO_ORDER
    unit: TimeUnit = "us"
    zone: str | None = None
    other: str | None = None


class DateSlice(TextSlice):
    """Some texts, and what they are with day and month in some order."""

    def __init__(self, texts: pl.Series, conventions: TextConventions) -> None:
        super().__init__(texts, conventions)
        self._read: dict[tuple[str, str], pl.Series] = {}

    @cached_property
    def spaced(self) -> pl.Series:
        """The texts with a space between date and time, where some have a T."""
        texts = self.stripped
        if not texts.str.contains("T", literal=True).any():
            return texts
        return texts.str.replace("T", " ", literal=True)

    @cached_property
    def has_nanoseconds(self) -> bool:
        """Whether one has more than six digits behind its seconds."""
        return bool(self.stripped.str.contains(_NANOSECONDS).any())

    @cached_property
    def shape(self) -> str | None:
        """The shape of the first one, ``""`` if it has none of ours, None if there is none."""
        first = self.stripped.drop_nulls().head(1)
        if first.is_empty():
            return None
        return next((shape for shape in _SHAPES if first.str.contains(shape).any()), _ISO_SHAPE)

    def read(self, order: str, unit: TimeUnit) -> pl.Series:
        """Return them as moments; null for texts in another order."""
        if (order, unit) not in self._read:
            self._read[order, unit] = _parse(self.spaced, order, unit)
        return self._read[order, unit]


class DatetimeType(ReadType[DateSlice, DateFacts, DateForm]):
    """Dates and times.

    The dtype of text that was read is ``Datetime("us")``, or ``Datetime("ns")`` if a value has
    more than six digits after its seconds; with the time zone UTC if every value has an offset.
    """

    name = "DATETIME"
    dtype = pl.Datetime("us")
    sql = "DateTime"
    samples = (
        *("2024-01-05 10:30", "2024-01-05", "2024-02-30", "2024-01-05T10:30Z"),
        *("2024-01-05T10:30+02:00", "2024-01-05 10:30:00.1234567", "1500-01-01"),
        *("2024-01-05T10", "2024-01-05 24:00", "2024-01-05T10:30+24:00", "0000-01-01"),
        *("01/02/2024", "13/02/2024", "02/13/2024", "1/1/24", "05/05/2024T10:30"),
        *("1/2/2024 1:2:3:4", "03-04-2024", "24-04-2024", "2024/1/5", "5.6.2024"),
        *("5.6.2024 9:30", "5.6.2024 09:30:00.1234567", "1.1.1500", "31.02.2024"),
        *("1:2:3:4:5", "NA", "x", ""),
    )
    in_header = False
    may_be_key = True
    undecided = "day_first"
    slice_type = DateSlice

    def accepts(self, dtype: PolarsDataType) -> bool:
        """Take any time unit, but no time zone."""
        return isinstance(dtype, pl.Datetime) and dtype.time_zone is None

    def quick(self, part: DateSlice) -> tuple[Outcome, DateForm] | None:
        """Read dates of one shape, where one order of day and month alone is possible."""
        if (reading := _iso_at_once(part.texts)) is not None:
            return reading
        match part.shape:
            case None:
                return None
            case "":
                return _iso_at_once(part.stripped)
            case shape:
                return _shape_at_once(part, shape)

    def facts(self, part: DateSlice, stack: Stack, *, is_whole: bool) -> list[DateFacts]:
        """Count the dates of each shape, and those that an order of day and month does not fit."""
        stripped = part.stripped
        present = stack.counts(stripped.is_not_null())
        shapes = _shapes_of(stack.firsts(stripped))
        own = [_ISO_SHAPE if shape is None else shape for shape in shapes]
        starts: dict[str, list[int]] = {}
        fits: dict[str, list[int]] = {}
        unread: dict[str, list[int]] = {}
        differs: dict[str, list[int]] = {}
        for shape in sorted((_ISO_SHAPE, *_SHAPES), key=lambda shape: shape not in own):
            if is_whole and all(
                count == 0 or (one in fits and fits[one][at] == count)
                for at, (one, count) in enumerate(zip(own, present, strict=True))
            ):
                break
            begins = stripped.str.contains(shape or _ISO)
            if not begins.any():
                continue
            starts[shape] = stack.counts(begins)
            fitting = stripped.str.contains(shape + _OTHER_CLOCK if shape else _ISO)
            fits[shape] = stack.counts(fitting)
            orders = _SHAPES.get(shape, ())
            if len(orders) > 1:
                readings = [part.read(order, "us").set(~fitting, None) for order in orders]
                for order, reading in zip(orders, readings, strict=True):
                    unread[order] = stack.counts(fitting & reading.is_null())
                differs[shape] = stack.counts(readings[0] != readings[1])
        nanoseconds = stack.counts(stripped.str.contains(_NANOSECONDS))
        zoned = stack.counts(stripped.str.contains(_ZONED))
        return [
            DateFacts(
                present[at],
                shape,
                _at(at, starts),
                _at(at, fits),
                _at(at, unread),
                frozenset(key for key, count in _at(at, differs).items() if count),
                nanoseconds[at] > 0,
                zoned[at],
            )
            for at, shape in enumerate(shapes)
        ]

    def decide(self, facts: DateFacts, conventions: TextConventions) -> DateForm:
        """Return the shape of the first value, or of most values if half of them differ."""
        shape = facts.shape or _ISO_SHAPE
        if 2 * (facts.count - facts.fits.get(shape, 0)) > facts.count:
            shape = max((_ISO_SHAPE, *_SHAPES), key=lambda shape: facts.starts.get(shape, 0))
        unit: TimeUnit = "ns" if facts.has_nanoseconds else "us"
        if shape == _ISO_SHAPE:
            return DateForm(shape, unit=unit, zone="UTC" if facts.zoned else None)
        orders = _allowed(_SHAPES[shape], day_first=conventions.day_first)
        misread = {order: facts.unread.get(order, 0) for order in orders}
        order = min(orders, key=misread.__getitem__)
        others = [other for other in orders if other != order]
        is_guess = not any(misread.values()) and shape in facts.differs
        return DateForm(shape, order, unit, other=others[0] if others and is_guess else None)

    def apply(self, part: DateSlice, form: DateForm) -> Outcome:
        """Read dates and times; refuse other texts and formats."""
        if form.shape == _ISO_SHAPE:
            return _in_iso(part.stripped, form.unit, form.zone)
        return _in_shape(part, form)

    def from_values(self, values: pl.Series) -> Outcome | None:
        """Put dates at midnight; keep time zones, which the declared type would lose."""
        if isinstance(values.dtype, pl.Datetime):
            return Outcome(values)
        return _from_dates(values) if values.dtype == pl.Date else None

    def doubtful(self, texts: pl.Series, conventions: TextConventions) -> pl.Series | None:
        """Tell which are valid, but different, dates with the day and with the month first."""
        if conventions.day_first is not None:
            return None
        parts = texts.str.extract_groups(_DAY_AND_MONTH).struct.unnest()
        one, other = (parts[name].cast(pl.Int64) for name in ("one", "other"))
        return ((one <= _MONTHS) & (other <= _MONTHS) & (one != other)).fill_null(value=False)

    def infer(self, column: DistinctTexts) -> Verdict:
        """Take dates, even if the order of day and month is unclear.

        Those without a time are days; those with an offset are moments in UTC.
        """
        if not column.has_digits:
            return NO_VERDICT
        outcome = column.read_as(self)
        if outcome.refused is not None:
            return column.nearly(outcome, "a date") if column.has(_DATE_LIKE) else NO_VERDICT
        if cast("pl.Datetime", outcome.values.dtype).time_zone is not None:
            return Verdict(outcome.values.dtype, ZONED_NOTE)
        declared = self.name if column.has(_WITH_TIME) else pl.Date()
        if outcome.guessed is None:
            return Verdict(declared)
        note = (
            "Read with the month before the day; no value says that it is so: declare the "
            "day_first of CSVDialect."
        )
        return Verdict(declared, note, self.undecided)

    def default(self, value: object) -> Any:
        """Read text as ISO 8601."""
        return dt.datetime.fromisoformat(value) if isinstance(value, str) else value


def _shapes_of(texts: pl.Series) -> list[str | None]:
    """Return the shape of each text, ``""`` if it has none of ours, None for null."""
    found = pl.when(pl.col("text").is_null()).then(None)
    for shape in _SHAPES:
        found = found.when(pl.col("text").str.contains(shape)).then(pl.lit(shape))
    named = found.otherwise(pl.lit(_ISO_SHAPE))
    return texts.to_frame("text").select(named).to_series().to_list()


def _at(position: int, counts: dict[str, list[int]]) -> dict[str, int]:
    return {key: found[position] for key, found in counts.items()}


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in one | other}


def _allowed(orders: tuple[str, ...], *, day_first: bool | None) -> tuple[str, ...]:
    """Return the orders of day and month that the conventions allow."""
    if len(orders) == 1 or day_first is None:
        return orders
    return tuple(order for order in orders if order.startswith("%d") == day_first)


def _from_dates(dates: pl.Series) -> Outcome:
    """Put dates at midnight; refuse years that Python cannot show."""
    return outside_calendar(dates) or Outcome(dates.cast(pl.Datetime("us")))


def outside_calendar(dates: pl.Series) -> Outcome | None:
    """Refuse dates in years that Python cannot show; return None if there are none."""
    outside = _outside(dates, _FIRST_DAY, _LAST_DAY)
    return None if outside is None else Outcome(dates, outside, _OUTSIDE)


def _outside(moments: pl.Series, first: int, last: int) -> pl.Series | None:
    """Return which moments are outside a range, or None."""
    values = moments.to_physical()
    least, most = cast("tuple[int | None, int | None]", (values.min(), values.max()))
    if least is None or most is None or (first <= least and most <= last):
        return None
    return (~values.is_between(first, last)).fill_null(value=False)


def _within_years(values: pl.Series, texts: pl.Series) -> Outcome:
    """Refuse years that Arrow reads and Python cannot show."""
    if getattr(values.dtype, "time_unit", None) == "us":  # nanoseconds do not reach so far
        outside = _outside(values, _FIRST_MICROSECOND, _LAST_MICROSECOND)
        if outside is not None:
            return Outcome(texts, outside, _OUTSIDE, rank=4)
    return Outcome(values)


def _outside_nanoseconds(texts: pl.Series, dates: pl.Series) -> Outcome | None:
    """Refuse what 64 bits of nanoseconds cannot hold, with a margin of a few months."""
    outside = ~dates.dt.year().is_between(_FIRST_NANOSECOND_YEAR, _LAST_NANOSECOND_YEAR)
    if not outside.any():
        return None
    reason = "outside the years 1678 to 2261, the range of a column with nanoseconds"
    return Outcome(texts, outside.fill_null(value=False), reason, rank=2)


def _refuse(refused: pl.Series, texts: pl.Series, rank: int) -> Outcome:
    """Refuse what is not a date, with advice where possible."""
    advice = Advice.on(texts.filter(refused), _ADVICE)
    return Outcome(texts, refused, _NOT_A_DATE, advice, rank=rank)


def _iso_at_once(texts: pl.Series) -> tuple[Outcome, DateForm] | None:
    """Return the datetimes if all texts are ISO 8601, all with an offset or all without."""
    # Arrow looks at every value before it fails, so look at one before it starts.
    at = texts.is_not_null().arg_max()
    first: str | None = None if at is None else texts[at]
    if first is not None and not re.fullmatch(_ISO, first):
        return None
    zone = "UTC" if first is not None and re.search(_ZONED, first) else None
    unit: TimeUnit = "us"
    values = _cast_by_arrow(texts, unit, zone)
    if values is None and texts.str.contains(_NANOSECONDS).any():
        unit = "ns"
        values = _cast_by_arrow(texts, unit, zone)
    if values is None:
        return None
    return _within_years(values, texts), DateForm(_ISO_SHAPE, unit=unit, zone=zone)


def _in_iso(stripped: pl.Series, unit: TimeUnit, zone: str | None) -> Outcome:
    """Read ISO 8601; name the values that are not."""
    values = _cast_by_arrow(stripped, unit, zone)
    if values is not None:
        return _within_years(values, stripped)
    dates = stripped.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    valid = (stripped.str.contains(_ISO) & dates.is_not_null()) | stripped.is_null()
    if not valid.all():
        return _refuse(~valid, stripped, rank=0)
    without = ~stripped.str.contains(_ZONED)
    if zone is not None and without.any():
        reason = "without an offset, while other values have one"
        return Outcome(stripped, without.fill_null(value=False), reason, rank=1)
    return _outside_nanoseconds(stripped, dates) or _refuse(stripped.is_not_null(), stripped, 5)


def _shape_at_once(part: DateSlice, shape: str) -> tuple[Outcome, DateForm] | None:
    stripped = part.stripped
    if part.has_nanoseconds or not stripped.str.contains(shape + _OTHER_CLOCK).all():
        return None
    # An order that fails among the first values need not be tried on all.
    start = part.spaced.head(_SAMPLE)
    possible = [
        order
        for order in _allowed(_SHAPES[shape], day_first=part.conventions.day_first)
        if _parse(start, order, "us").null_count() == start.null_count()
        and part.read(order, "us").null_count() == stripped.null_count()
    ]
    if len(possible) != 1:
        return None
    return _within_years(part.read(possible[0], "us"), stripped), DateForm(shape, possible[0])


def _in_shape(part: DateSlice, form: DateForm) -> Outcome:
    """Read dates of one shape, with day and month in one order."""
    stripped = part.stripped
    fits = stripped.str.contains(form.shape + _OTHER_CLOCK)
    if not fits.all():
        return _refuse(~fits.fill_null(value=True), stripped, rank=0)
    values = part.read(form.order, "us")
    if form.unit == "ns":
        # Polars wraps what is out of range without a word: look before.
        refusal = _outside_nanoseconds(stripped, values)
        if refusal is not None:
            return refusal
        values = part.read(form.order, "ns")
    if values.null_count() > stripped.null_count():
        return _refuse(values.is_null() & stripped.is_not_null(), stripped, rank=3)
    outcome = _within_years(values, stripped)
    if outcome.refused is not None or form.other is None:
        return outcome
    differ = (values != part.read(form.other, form.unit)).fill_null(value=False)
    reason = "read with the month before the day, though it could be the other way round"
    return Outcome(values, reason=reason, advice=_DECLARE_ORDER, guessed=differ)


def _cast_by_arrow(texts: pl.Series, unit: TimeUnit, zone: str | None) -> pl.Series | None:
    """Return the datetimes, or None if one text is invalid; long columns use all cores."""
    import pyarrow as pa  # noqa: PLC0415  import time that only dates have to pay
    from pyarrow import compute  # noqa: PLC0415  as above

    dtype = pa.timestamp(unit, zone)

    def cast(part: pl.Series) -> pl.Series:
        # Without the name, which may have a NUL, as no name in Arrow's C interface has.
        return pl.Series(texts.name, compute.cast(part.alias("").to_arrow(), dtype))

    try:
        if len(texts) < _LONG:
            return cast(texts)
        parts = [texts.slice(start, _PIECE) for start in range(0, len(texts), _PIECE)]
        with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
            return pl.concat(list(pool.map(cast, parts)), rechunk=True)
    except pa.ArrowInvalid:
        return None


def _parse(texts: pl.Series, order: str, unit: TimeUnit) -> pl.Series:
    """Return the datetimes; null for texts in another order of day and month."""
    values = pl.Series(texts.name, [None], pl.Datetime(unit)).new_from_index(0, len(texts))
    # A format that does not fit costs a look at every value: begin with that of the first one.
    colons = int(texts.drop_nulls().head(1).str.count_matches(":", literal=True).sum())
    first = min(colons, len(_CLOCK_FORMATS) - 1)
    for clock in (_CLOCK_FORMATS[first], *_CLOCK_FORMATS[:first], *_CLOCK_FORMATS[first + 1 :]):
        if values.null_count() == texts.null_count():
            break
        # Without the cache of parsed texts: it costs more than it saves when few repeat.
        parsed = texts.str.to_datetime(order + clock, time_unit=unit, strict=False, cache=False)
        values = values.zip_with(values.is_not_null(), parsed)
    return values
