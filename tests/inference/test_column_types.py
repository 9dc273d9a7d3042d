"""Which type a text column has: never one that loses what the text may have meant."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data import DataType
from algomancy_data.extractor import TextConventions
from algomancy_data.inference.column_types import text_type

STRING, INTEGER, FLOAT = DataType.STRING, DataType.INTEGER, DataType.FLOAT
BOOLEAN, DATETIME, INTERVAL = DataType.BOOLEAN, DataType.DATETIME, DataType.INTERVAL
DATE, TIME, MONEY = pl.Date(), pl.Time(), pl.Decimal(18, 2)

UTC = pl.Datetime("us", "UTC")
CENTS = [cents for cents in range(1, 40) if cents % 10]

COLUMNS = {
    "whole numbers": (["1", "-2", "30"], INTEGER),
    "whole numbers and nulls": (["1", None, "NA"], INTEGER),
    "0 and 1": (["0", "1", "1"], INTEGER),
    "groups of thousands": (["1,234,567", "12"], INTEGER),
    "64 bits": (["9223372036854775807", "1"], INTEGER),
    "more than 64 bits": (["9223372036854775808", "1"], STRING),
    "leading zeros": (["007", "12"], STRING),
    "zero alone": (["0", "12"], INTEGER),
    "zero before a point": (["0.5", "12"], FLOAT),
    "telephone numbers": (["+41223456789", "+31201234567"], STRING),
    "signed numbers": (["+4", "-3"], INTEGER),
    "underscores": (["1_000", "2_000"], STRING),
    "product codes like 12E3": (["12E3", "1200"], STRING),
    "numbers with exponents": (["1e3", "0.5"], FLOAT),
    "exponents alone": (["1e300", "1e-7"], FLOAT),
    "fractions": (["1.5", "2"], FLOAT),
    "decimal commas": (["1,5", "22,75"], FLOAT),
    "floats that are whole": (["1.0", "2.0"], FLOAT),
    "floats that are whole where others are missing": (["1.0", None, "2.0"], INTEGER),
    "infinity beside numbers": (["inf", "1.5"], FLOAT),
    "infinity alone": (["inf", "nan"], STRING),
    "true and false": (["True", "false"], BOOLEAN),
    "true alone": (["true", "true"], BOOLEAN),
    "yes and no": (["yes", "NO"], BOOLEAN),
    "Y and N": (["Y", "N", None], BOOLEAN),
    "N alone may be a code": (["N", "N"], STRING),
    "yes beside true": (["yes", "true"], STRING),
    "dates": (["2024-12-31", "2024-01-01"], DATE),
    "dates, one with a time": (["2024-12-31", "2024-01-01 00:00"], DATETIME),
    "times at midnight": (["2024-12-31 00:00:00"], DATETIME),
    "moments with an offset": (["2024-12-31T10:00+01:00", "2024-07-01T10:00Z"], UTC),
    "nanoseconds with an offset": (["2024-12-31T10:00:00.123456789Z"], pl.Datetime("ns", "UTC")),
    "offsets beside none": (["2024-12-31T10:00Z", "2024-12-31T10:00"], STRING),
    "times": (["2024-12-31T10:00:00", "2024-01-01T00:00:00.5"], DATETIME),
    "dates with dots": (["31.12.2024", "1.1.2024"], DATE),
    "mixed dates": (["2024-12-31", "31.12.2024"], STRING),
    "eight digits": (["20241231", "20240101"], INTEGER),
    "times of day": (["10:30:00", "23:59:59"], TIME),
    "clocks beyond a day": (["10:30:00", "30:00:00"], INTERVAL),
    "ISO lengths": (["PT1H", "P1DT2H"], INTERVAL),
    "hours and minutes": (["10:30", "23:59"], TIME),
    "clocks before zero": (["10:30:00", "-1:30:00"], INTERVAL),
    "minutes and hundredths": (["1:23.456"], STRING),
    "prices": (["12.50", "3.99"], MONEY),
    "prices with a comma": (["12,50", "1.003,99"], MONEY),
    "whole prices": (["12.00", None], MONEY),
    "prices without a last zero": (["19.99", "4.95"], FLOAT),
    "many prices without a last zero": ([f"{cents / 100:.2f}" for cents in CENTS], MONEY),
    "prices and nan": (["12.50", "nan"], FLOAT),
    "prices with an exponent": (["12.50", "1e3"], FLOAT),
    "coordinates": (["52.370210", "4.895168"], FLOAT),
    "one decimal each": (["1.5", "2.0"], FLOAT),
    "floats of seventeen digits": (["0.10000000000000001", "0.5"], FLOAT),
    "more digits than a float": (["12345678901234.5678", "1.5"], pl.Decimal(18, 4)),
    "seventeen digits of one scale": (["9999999999999999.9", "1.5"], pl.Decimal(18, 1)),
    "more digits than a decimal of eighteen": (["12345678901234567.50"], pl.Decimal(38, 2)),
    "more digits than any decimal": (["1." + "2" * 45, "1.1"], FLOAT),
    "text": (["a", "1"], STRING),
    "empty texts": (["", ""], STRING),
    "nulls": ([None, None], STRING),
    "nothing": ([], STRING),
    "percents": (["5 %", "7 %"], STRING),
    "versions": (["1.2.3", "1.10.0"], STRING),
    "IP addresses": (["10.0.0.1", "192.168.0.1"], STRING),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_a_column_of_texts_has_a_type(case):
    texts, expected = COLUMNS[case]
    found = text_type(pl.Series(texts, dtype=pl.String), TextConventions())
    assert found.dtype == expected, found


@pytest.mark.parametrize(
    ("texts", "note"),
    [
        (["007", "12"], "leading zeros: '007'"),
        (["1,234"], "'1,234' is either thousands or a fraction"),
        (["1.0", "2.0"], "All values are whole numbers."),
        (["1.0", None], "as pandas does"),
        (["10:30:00"], "if they are lengths of time"),
        (["2024-01-01T10:00:00+01:00"], "With an offset from UTC"),
        ([*map(str, range(99)), "x"], "Nearly a number: 99.0 % of the distinct values are."),
        (["NA", "NULL"], "Only words such as 'NA'"),
    ],
)
def test_what_a_person_should_know_is_noted(texts, note):
    found = text_type(pl.Series(texts, dtype=pl.String), TextConventions())
    assert note in " ".join(found.notes)


@pytest.mark.parametrize("mark", [".", ","])
def test_a_declared_decimal_mark_decides(mark):
    found = text_type(pl.Series(["1,234", "5,678"]), TextConventions(decimal_mark=mark))
    assert found.dtype is (INTEGER if mark == "." else FLOAT)
