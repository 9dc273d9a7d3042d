"""A column of text converts as a slow, obviously right model of the documented rules says."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import NamedTuple

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.extractor import ConversionIssue, DataTypeConverter, TextConventions
from algomancy_data.schema import DataType
from algomancy_data.schema.types import NULL_WORDS

NEUTRAL = " \u00a0\u2009\u202f'\u2019_"
OTHER_MARK = {".": ",", ",": "."}


class Expected(NamedTuple):
    """The values, or None if the column must stay text; and the severity of the one issue."""

    values: list | None
    severity: str | None = None


REFUSED = Expected(None, "ERROR")


def assert_as_expected(
    texts: list[str | None], target: DataType, conventions: TextConventions, expected: Expected
) -> None:
    issues: list[ConversionIssue] = []
    frame = pl.DataFrame({"c": pl.Series(texts, dtype=pl.String)})
    result = DataTypeConverter.convert_dtypes(frame, {"c": target}, issues, conventions=conventions)
    found = [str(issue.severity) for issue in issues]
    assert found == ([expected.severity] if expected.severity else [])
    assert all(0 < issue.count <= len(texts) - texts.count(None) for issue in issues)
    values = texts if expected.values is None else expected.values
    assert list(map(shown, result["c"].to_list())) == list(map(shown, values))


def shown(value: object) -> str:
    """Return a text that tells -0.0 from 0.0, and instants apart whatever their zone's class."""
    return value.isoformat() if isinstance(value, dt.datetime) else repr(value)


def stripped(text: str | None, keep: tuple[str, ...] = ()) -> str | None:
    text = (text or "").strip()
    return None if text == "" or (text in NULL_WORDS and text not in keep) else text


# --- numbers ------------------------------------------------------------------------------------


def digits(text: str, lengths: range | None = None) -> bool:
    return text.isascii() and text.isdigit() and (lengths is None or len(text) in lengths)


def without_groups(whole: str, mark: str) -> str | None:
    """Return the digits of a whole number, or None if it is none."""
    if digits(whole):
        return whole
    for group in OTHER_MARK[mark] + NEUTRAL:
        first, *others = whole.split(group)
        if not others or not digits(first) or first.startswith("0"):
            continue
        western = len(first) <= 3 and all(digits(other, range(3, 4)) for other in others)
        indian = (
            (mark, group) == (".", ",")
            and len(first) <= 2
            and len(others) >= 2
            and digits(others[-1], range(3, 4))
            and all(digits(other, range(2, 3)) for other in others[:-1])
        )
        if western or indian:
            return first + "".join(others)
    return None


def number(text: str, mark: str) -> Decimal | None:
    """Return the exact value of a text with this decimal mark, or None if it is no number."""
    sign = "-" if text[:1] in {"-", "\u2212"} else ""
    text = text[1:] if text[:1] in {"+", "-", "\u2212"} else text
    mantissa, e, exponent = text.replace("E", "e").partition("e")
    if e and not digits(exponent[exponent[:1] in {"+", "-"} :]):
        return None
    whole, point, fraction = mantissa.partition(mark)
    if fraction and not digits(fraction):
        return None
    plain = ("0" if fraction else None) if not whole else without_groups(whole, mark)
    if plain is None:
        return None
    return Decimal(f"{sign}{plain}{'.' if point else ''}{fraction}e{exponent or 0}")


def mark_of(texts: list[str], declared: str | None, ambiguous_marks: str) -> str | None:
    """Return the decimal mark, or None if every text can be read with either."""
    if declared is not None:
        return declared
    if not any(mark in text for text in texts for mark in ambiguous_marks):
        return "."
    misfits = {mark: sum(number(text, mark) is None for text in texts) for mark in ".,"}
    if misfits == {".": 0, ",": 0}:
        return None
    return "." if misfits["."] <= misfits[","] else ","


def float_of(value: Decimal, text: str) -> float | None:
    """Return the float next to a number, or None if FLOAT loses a whole number or overflows."""
    result = float(value)
    if math.isinf(result):
        return None
    is_written_out = "e" not in text.lower() and value == value.to_integral_value()
    is_exact = Decimal(result) == value or Decimal(repr(result)) == value
    return None if is_written_out and abs(result) >= 2**53 and not is_exact else result


def float_model(texts: list[str | None], declared: str | None) -> Expected:
    given_texts = [stripped(text, keep=("NaN", "nan")) for text in texts]
    words = {"inf", "infinity", "nan"}
    special = [
        t is not None and t.lstrip("+-").lower() in words and t[1:2] not in {"+", "-"}
        for t in given_texts
    ]
    numbers = [
        t
        for t, is_special in zip(given_texts, special, strict=True)
        if t is not None and not is_special
    ]
    mark = mark_of(numbers, declared, ",")
    if mark is None and any("." in text for text in numbers):
        return REFUSED
    values: list[float | None] = []
    for text, is_special in zip(given_texts, special, strict=True):
        if text is None or is_special:
            values.append(None if text is None else float(text))
            continue
        exact = number(text, mark or ",")
        value = None if exact is None else float_of(exact, text)
        if value is None:
            return REFUSED
        values.append(value)
    return Expected(values, "WARNING" if mark is None else None)


def integer_model(texts: list[str | None], declared: str | None) -> Expected:
    given_texts = [stripped(text) for text in texts]
    plain = [
        t is not None and digits(t[t[:1] in {"+", "-"} :]) and abs(int(t)) < 2**63
        for t in given_texts
    ]
    others = [t for t, is_plain in zip(given_texts, plain, strict=True) if t and not is_plain]
    mark = mark_of(others, declared, ",.")
    if mark is None:
        return REFUSED
    values: list[int | None] = []
    for text in given_texts:
        exact = None if text is None else number(text, mark)
        if text is not None and (
            exact is None or exact != exact.to_integral_value() or not -(2**63) <= exact < 2**63
        ):
            return REFUSED
        values.append(None if exact is None else int(exact))
    return Expected(values)


def words(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from(text.split("|"))


GROUPED = st.builds(
    lambda value, group, mark, part: f"{value:,}".replace(",", group) + mark + part,
    st.integers(-(10**9), 10**9),
    st.sampled_from([",", ".", "", *NEUTRAL]),
    st.sampled_from(["", ".", ","]),
    st.sampled_from(["", "0", "5", "000", "125"]),
)
NUMBERS = st.one_of(
    GROUPED,
    GROUPED,
    st.integers(-(2**64), 2**64).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text("0123456789.,+-\u2212eE '\u00a0_", max_size=9),
    words(
        "| |NA|nan|NaN|-inf|12,34,567|1e3|1e18|15e-1|5-|(5)|5%|\u22125|.0|0e99|1e400|1e-400"
        "| 7\u00a0|\u0661|9007199254740993|9007199254740993.0|123456789012345680000"
    ),
)
COLUMNS = st.lists(st.none() | NUMBERS, min_size=1, max_size=4)
MARKS = st.sampled_from([None, ".", ","])


@given(COLUMNS, MARKS)
def test_floats(texts, mark) -> None:
    assert_as_expected(texts, DataType.FLOAT, TextConventions(mark), float_model(texts, mark))


@given(COLUMNS, MARKS)
def test_integers(texts, mark) -> None:
    assert_as_expected(texts, DataType.INTEGER, TextConventions(mark), integer_model(texts, mark))


# --- dates and times ----------------------------------------------------------------------------


def clock(text: str, *, short_hours: bool) -> tuple[int, ...] | None:
    """Return hours, minutes, seconds and microseconds of ``9:30``, ``09:30:15.5``."""
    hours, *others = text.split(":")
    seconds, point, fraction = others[-1].partition(".") if others else ("", "", "")
    if point:
        if len(others) != 2 or not digits(fraction, range(1, 7)):
            return None
        others[-1] = seconds
    if not digits(hours, range(1 if short_hours else 2, 3)) or int(hours) > 23:
        return None
    if len(others) not in {1, 2}:
        return None
    if not all(digits(other, range(2, 3)) and int(other) < 60 for other in others):
        return None
    numbers = [int(hours), *map(int, others), 0][:3]
    return (*numbers, int(fraction.ljust(6, "0")) if point else 0)


def split(text: str) -> tuple[str, str | None]:
    """Return the date, and what follows after a space or T."""
    for position, character in enumerate(text):
        if character in " T":
            return text[:position], text[position + 1 :]
    return text, None


def moment(year: str, month: str, day: str, time: tuple[int, ...]) -> dt.datetime | None:
    try:
        return dt.datetime(int(year), int(month), int(day), *time)
    except ValueError:
        return None


def iso(text: str) -> dt.datetime | None:
    """Return the date and time of an ISO 8601 text, in UTC if it has an offset."""
    date, rest = split(text)
    parts = date.split("-")
    if [len(part) for part in parts] != [4, 2, 2] or not all(map(digits, parts)):
        return None
    if rest is None:
        return moment(*parts, ())
    offset = None
    for sign in "+-":
        if sign in rest:
            rest, _, zone = rest.partition(sign)
            hours, minutes = zone[:2], zone[2:].removeprefix(":")
            is_short = len(zone) == 2
            if not digits(hours, range(2, 3)) or not (is_short or digits(minutes, range(2, 3))):
                return None
            if int(hours) > 23 or int(minutes or 0) > 59:
                return None
            offset = dt.timedelta(hours=int(hours), minutes=int(minutes or 0))
            offset = -offset if sign == "-" else offset
            break
    if offset is None and rest.endswith("Z"):
        rest, offset = rest[:-1], dt.timedelta()
    time = clock(rest if ":" in rest else f"{rest}:00", short_hours=False)
    value = None if time is None else moment(*parts, time)
    if value is None or offset is None:
        return value
    try:
        return (value - offset).replace(tzinfo=dt.UTC)
    except OverflowError:
        return None


def shape(text: str) -> str | None:
    """Return the separator of a date with day and month, ``"y"`` if the year is first, or None."""
    date, _ = split(text)
    for separator in "/-.":
        lengths = [len(part) if digits(part) else 0 for part in date.split(separator)]
        if len(lengths) == 3 and all(lengths):
            if lengths[2] == 4 and max(lengths[:2]) <= 2:
                return separator
            if separator == "/" and lengths[0] == 4 and max(lengths[1:]) <= 2:
                return "y"
    return None


def of_shape(text: str, wanted: str, order: str) -> dt.datetime | None:
    if shape(text) != wanted:
        return None
    date, rest = split(text)
    time = () if rest is None else clock(rest, short_hours=True)
    parts = dict(zip(order, date.split("/" if wanted == "y" else wanted), strict=True))
    return None if time is None else moment(parts["y"], parts["m"], parts["d"], time)


def datetime_model(texts: list[str | None], *, day_first: bool | None) -> Expected:
    given_texts = [stripped(text) for text in texts]
    present = [text for text in given_texts if text is not None]
    if not present:
        return Expected([None] * len(texts))
    first = shape(present[0])
    if first is None:
        readings = [[None if text is None else iso(text) for text in given_texts]]
        zones = {value.tzinfo for value in readings[0] if value is not None}
        if len(zones) > 1:
            return REFUSED
    else:
        orders = {"y": ["ymd"], ".": ["dmy"]}.get(first, ["mdy", "dmy"])
        if len(orders) == 2 and day_first is not None:
            orders = [orders[day_first]]
        readings = [
            [None if text is None else of_shape(text, first, order) for text in given_texts]
            for order in orders
        ]
    complete = [values for values in readings if values.count(None) == given_texts.count(None)]
    if not complete:
        return REFUSED
    return Expected(complete[0], "WARNING" if complete[0] != complete[-1] else None)


def iso_dates(numbers, clocks, zones) -> st.SearchStrategy[str]:
    return st.builds(
        lambda parts, *rest: "-".join([*parts]) + "".join(rest), numbers, clocks, zones
    )


def other_dates(numbers, clocks, marks: str, orders: list[tuple[int, ...]]):
    def text(parts: tuple[str, ...], time: str, mark: str, order: tuple[int, ...]) -> str:
        return mark.join(parts[i] for i in order) + time

    return st.builds(text, numbers, clocks, st.sampled_from(marks), st.sampled_from(orders))


DMY, MDY, YMD = (2, 1, 0), (1, 2, 0), (0, 1, 2)
YEARS, MONTHS, DAYS = words("0001|1500|1677|2024|9999"), words("01|02|03|12"), words("01|02|12|28")
CLOCKS = words("|| 10:30|T10:30:15| 09:30:00.000001| 23:59:59.999999")
GOOD = st.tuples(YEARS, MONTHS, DAYS)
ODD = st.tuples(
    YEARS | words("0000|24"), MONTHS | words("0|1|13"), DAYS | words("1|00|29|30|31|32")
)
ODD_CLOCKS = CLOCKS | words(
    " 9:30|T9:30:15.5| 24:00|T23:59:60| 10|T10:30:15,5| 10:30 PM|  10:30|T|T10:60"
)
ODD_ZONES = words("|Z|+02:00|+24:00|z| UTC|+2:00")
ODD_DATES = st.one_of(
    iso_dates(ODD, ODD_CLOCKS, ODD_ZONES),
    other_dates(ODD, ODD_CLOCKS, "/-.", [DMY, MDY, YMD]),
    words("|NA| 2024-01-05 |x|20240105|2024-W01-1|2024-001|12:30|2024|-1-01-01|5 Jan 2024"),
)
DATES = st.one_of(
    *(
        st.lists(st.none() | words("|NA") | dates, min_size=1, max_size=4)
        for dates in (
            iso_dates(GOOD, CLOCKS, st.just("")),
            iso_dates(GOOD, words(" 10:30|T00:00:15"), words("Z|+02:00|-0530|+14")),
            other_dates(GOOD, CLOCKS, "/", [DMY]),
            other_dates(GOOD, CLOCKS, "-", [MDY]),
            other_dates(GOOD, CLOCKS, ".", [DMY]),
            other_dates(GOOD, CLOCKS, "/", [YMD]),
        )
    ),
    st.lists(ODD_DATES, min_size=1, max_size=2),
    st.tuples(ODD_DATES, iso_dates(GOOD, CLOCKS, words("|Z"))).map(list),
    st.tuples(ODD_DATES, other_dates(GOOD, CLOCKS, "/-", [DMY, MDY])).map(list),
)


@given(DATES, st.sampled_from([None, True, False]))
def test_dates(texts, day_first) -> None:
    expected = datetime_model(texts, day_first=day_first)
    conventions = TextConventions(day_first=day_first)
    assert_as_expected(texts, DataType.DATETIME, conventions, expected)
