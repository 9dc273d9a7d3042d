"""Rules that hold for any value."""

from __future__ import annotations

import csv
import io
import math

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.errors import FileContentError
from algomancy_data.extractor import DataTypeConverter, TextConventions
from algomancy_data.schema import CSVDialect, DataType

INT64 = st.integers(-(2**63), 2**63 - 1)
# Python's csv module changes lone \r; a short file full of NULs looks like UTF-16.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)
TYPED = [DataType.INTEGER, DataType.FLOAT, DataType.BOOLEAN, DataType.DATETIME]
FIELDS = st.one_of(
    st.sampled_from(
        [
            "",
            '""',
            " ",
            "1",
            " 2",
            "3 ",
            "+4",
            "-5",
            "1.0",
            "1,0",
            "1,234",
            "1e3",
            "1e400",
            "nan",
            "NaN",
            "NA",
            "null",
            "inf",
            "true",
            "TRUE",
            " false",
            "yes",
            "0",
            ".5",
            "5.",
            "x",
            "-",
            "2024-01-05",
            "01/02/2024",
            '"7"',
            "9223372036854775808",
            "\u0661",
            "1_000",
        ]
    ),
    INT64.map(str),
    st.floats().map(repr),
)


def converted(texts: list[str | None], target: DataType, mark: str | None = None) -> pl.Series:
    frame = pl.DataFrame({"c": pl.Series(texts, dtype=pl.String)})
    return DataTypeConverter.convert_dtypes(
        frame, {"c": target}, conventions=TextConventions(mark)
    )["c"]


@given(fields=st.lists(FIELDS, min_size=1, max_size=6), target=st.sampled_from(TYPED))
def test_typed_reading_equals_reading_text_and_converting(extractor, fields, target) -> None:
    content = "key;c\n" + "".join(f"k;{field}\n" for field in fields)
    typed = extractor(content, {"c": target}).extract()["t"]["c"]
    text = extractor(content, {"key": DataType.STRING}).extract()["t"][["c"]]
    from_text = DataTypeConverter.convert_dtypes(text, {"c": target})["c"]
    assert typed.dtype == from_text.dtype
    assert typed.equals(from_text, null_equal=True)


@given(st.lists(INT64 | st.none()))
def test_any_int64_is_read_exactly(extract, values) -> None:
    content = "key;c\n" + "".join(f"k;{'' if v is None else v}\n" for v in values)
    assert extract(content, {"c": DataType.INTEGER})["c"].to_list() == values


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.sampled_from([".", ","]))
def test_any_float_is_read_exactly_with_either_declared_mark(extract, values, mark) -> None:
    content = "key;c\n" + "".join(f"k;{repr(v).replace('.', mark)}\n" for v in values)
    read = extract(content, {"c": DataType.FLOAT}, CSVDialect(decimal_mark=mark))["c"].to_list()
    assert read == values
    assert [math.copysign(1, v) for v in read] == [math.copysign(1, v) for v in values]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_floats_with_a_decimal_comma_are_recognised(values) -> None:
    # The second value decides: it cannot be a number with thousands.
    texts = [repr(v).replace(".", ",") for v in values] + ["0,5"]
    assert converted(texts, DataType.FLOAT).to_list() == [*values, 0.5]


@given(st.lists(INT64, min_size=1), st.sampled_from([".", ","]))
def test_thousands_are_read_exactly(values, mark) -> None:
    group = {".": ",", ",": "."}[mark]
    texts = [f"{v:,}".replace(",", group) for v in values]
    assert converted(texts, DataType.INTEGER, mark).to_list() == values


@given(st.lists(st.datetimes(), min_size=1), st.sampled_from(" T"))
def test_any_iso_datetime_is_read_exactly(values, between) -> None:
    texts = [v.isoformat(between) for v in values]
    assert converted(texts, DataType.DATETIME).to_list() == values


@given(st.lists(st.datetimes(), min_size=1))
def test_day_first_datetimes_are_read_exactly(values) -> None:
    texts = [f"{v:%d/%m/}{v.year:04}{v:T%H:%M:%S.%f}" for v in values] + ["31/01/2024"]
    assert converted(texts, DataType.DATETIME).to_list()[:-1] == values


@given(st.lists(st.text(max_size=6)), st.sampled_from([*DataType]))
def test_a_column_converts_without_loss_or_stays(texts, target) -> None:
    issues: list = []
    frame = pl.DataFrame({"c": pl.Series(texts, dtype=pl.String)})
    result = DataTypeConverter.convert_dtypes(frame, {"c": target}, issues)["c"]
    if any(issue.severity == "ERROR" for issue in issues):
        assert result.equals(frame["c"])
        assert issues[0].count > 0
    else:
        assert len(result) == len(texts)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT)))
def test_what_the_csv_module_writes_comes_back(extract, rows) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b", "c"), *rows])
    columns = dict.fromkeys("abc", DataType.STRING)
    assert extract(buffer.getvalue(), columns).rows() == rows


@given(st.lists(TEXT.map(lambda s: s.replace("\n", "")), min_size=2, max_size=5, unique=True))
def test_any_header_comes_back(extract, names) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";", lineterminator="\n").writerows([names, ["1"] * len(names)])
    expected = [name or f"Unnamed: {i}" for i, name in enumerate(names)]
    assert extract(buffer.getvalue(), {"z": DataType.STRING}).columns == expected


@given(st.text('ab;"\n\r, \x00é', max_size=40))
def test_any_content_gives_a_frame_or_a_clear_error(extractor, content) -> None:
    try:
        frame = extractor(content, {"a": DataType.STRING, "b": DataType.INTEGER}).extract()["t"]
    except FileContentError as error:
        message = str(error)
    else:
        message = "'t'" if frame.width > 0 else ""
    assert "'t'" in message


@given(st.binary(max_size=60))
def test_any_bytes_give_a_frame_or_a_clear_error(extractor, content) -> None:
    message = "'t'"
    try:
        extractor(content, {"a": DataType.STRING, "b": DataType.FLOAT}).extract()
    except FileContentError as error:
        message = str(error)
    assert "'t'" in message
