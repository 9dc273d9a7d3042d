"""Quotes are around whole fields, or the file is refused: nothing is dropped to read on."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from algomancy_data import (
    Column,
    CSVFile,
    CSVSingleExtractor,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.errors import FileContentError
from algomancy_data.inference import infer_schemas
from algomancy_data.schema import CSVDialect

CUT_OFF = Path(__file__).parents[2] / "data" / "csv" / "cut_off.csv"
LONG = "".join(f'"text {number}";"{number}"\n' for number in range(5_000))
"""Longer than what is looked at in one piece before the reader takes over."""

DEFAULT = CSVDialect()
CASES = [*(("", target) for target in DataType), (LONG, DataType.INTEGER), (LONG, DataType.STRING)]
ENDLESS = [
    '"12345',
    '"99.95',
    '"1',
    '"tru',
    '"x""',
    '"',
    '"""',
    '"1;2',
    '"12\n',
    '"12\n\n',
    '"1"";',
]
STRAY = ['"a"b"c"', '""1""', '"1"1""', '";"1""', '"x"y', '"1" ', '""""1"', '"a;"b";c"']


class Table(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
    K = Column("k", DataType.STRING)
    V = Column("v", DataType.INTEGER)


def refused(extractor, content: str | bytes, target: DataType, dialect=DEFAULT) -> str:
    with pytest.raises(FileContentError, match="the quoted field that begins with") as caught:
        extractor(content, {"k": DataType.STRING, "v": target}, dialect).extract()
    return str(caught.value)


@pytest.mark.parametrize("field", ENDLESS)
def test_a_file_that_ends_inside_quotes_is_refused(extractor, field) -> None:
    for before, target in CASES:
        content = f'"k";"v"\n{before}"a";{field}'
        for written in (content, content.replace("\n", "\r\n")):
            message = refused(extractor, written, target)
            assert "never ends. Is the file cut off?" in message


@pytest.mark.parametrize("field", STRAY)
def test_text_behind_a_closing_quote_is_refused(extractor, field) -> None:
    for before, target in CASES:
        content = f'"k";"v"\n{before}"a";{field}\n"b";"2"\n{before}'
        message = refused(extractor, content, target)
        assert f"line {before.count(chr(10)) + 2}: the quoted field" in message
        assert "goes on after it" in message


@pytest.mark.parametrize("before", ["", LONG], ids=["short", "long"])
@pytest.mark.parametrize("dialect", [CSVDialect(quote="'"), CSVDialect(separator="\t", quote="|")])
@pytest.mark.parametrize(("field", "problem"), [('"12', "never ends"), ('"a"b"c"', "goes on")])
def test_other_quotes_are_no_different(extractor, before, dialect, field, problem) -> None:
    content = f'"k";"v"\n{before}"a";{field}'.replace('"', dialect.quote)
    content = content.replace(";", dialect.separator or ";")
    assert problem in refused(extractor, content, DataType.INTEGER, dialect)


@pytest.mark.parametrize("quoted", ["k;v\na;1\n", LONG], ids=["no quote before", "long"])
def test_a_file_that_was_cut_off_comes_in_nowhere(tmp_path, quoted) -> None:
    content = (quoted + 'z;"12345').encode()
    if quoted is LONG:
        content = b"k;v\n" + content
    whole, parts, packed = tmp_path / "t.csv", tmp_path / "parts", tmp_path / "t.csv.gz"
    parts.mkdir()
    whole.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    (parts / "0.csv").write_text("k;v\na;1\n")
    (parts / "1.csv").write_bytes(content)
    uploaded = f"data:text/csv;base64,{base64.b64encode(content).decode()}"
    for file in (
        CSVFile("t", whole),
        CSVFile("t", packed),
        CSVFile("t", parts),
        CSVFile("t", content=uploaded),
    ):
        with pytest.raises(FileContentError, match="never ends"):
            CSVSingleExtractor(file, Table).extract()
        for quarantine in (False, True):
            manager = StatelessDataManager(SimpleETLFactory, [Table], "json", DataSource)
            result = manager.etl_data({"t": file}, "d", quarantine=quarantine)
            assert [message.code for message in result.messages] == ["EXTRACTION_FAILED"]
            assert manager.get_data_keys() == []
    for sample_bytes in (None, 1_000):
        with pytest.raises(FileContentError, match="never ends"):
            infer_schemas([whole], sample_bytes=sample_bytes)


def test_a_number_keeps_its_last_digit() -> None:
    with pytest.raises(FileContentError, match="line 2: the quoted field that begins with"):
        CSVSingleExtractor(CSVFile("t", CUT_OFF), Table).extract()
    with pytest.raises(FileContentError, match="line 2: the quoted field that begins with"):
        infer_schemas([CUT_OFF])


def is_clear(content: str) -> bool:
    """Tell whether Python's csv module finds the quotes clear; its strict mode is as strict."""
    try:
        list(csv.reader(io.StringIO(content, newline=""), delimiter=";", strict=True))
    except csv.Error:
        return False
    return True


@given(
    st.text('";\n1x', min_size=1, max_size=12),
    st.sampled_from([DataType.STRING, DataType.INTEGER, DataType.BOOLEAN]),
    st.sampled_from(["", LONG]),
)
@example('5" pipe;1', DataType.INTEGER, LONG)
@example('5" pipe;"1', DataType.INTEGER, LONG)
@example('"two\nlines;""and"";";"1"', DataType.INTEGER, LONG)
def test_what_is_refused_is_what_the_csv_module_refuses(extractor, body, target, before) -> None:
    content = f"k;v\n{before}{body}"
    try:
        extractor(content, {"k": DataType.STRING, "v": target}).extract()
    except FileContentError as error:
        message = str(error)
    else:
        message = ""
    if is_clear(content):
        assert "the quoted field" not in message
    else:
        assert message


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_clear_quotes_are_read_wherever_a_piece_ends(extract, line_end) -> None:
    # 4 MiB and more, all kinds of fields, shifted by one byte each time.
    fields = ['a ""word""', "se;mi", "two\nlines", '"""', "", '""', "x"]
    fields = [field.replace('"""', '""""') for field in fields]
    lines = "".join(f'"{field}";"{number}"\n' for number, field in enumerate(fields))
    many = (1 << 22) // len(lines) + 1
    for shift in range(0, 80, 13):
        content = f'k;v\n"{"y" * shift}";"7"\n{lines * many}'.replace("\n", line_end)
        frame = extract(content, {"k": DataType.STRING, "v": DataType.INTEGER})
        assert frame.height == 1 + len(fields) * many
        assert frame["v"].sum() == 7 + sum(range(len(fields))) * many
        expected = [re.sub('""', '"', field).replace("\n", line_end) for field in fields]
        assert frame["k"][1 : 1 + len(fields)].to_list() == expected


@pytest.mark.parametrize("before", ["", LONG], ids=["short", "long"])
def test_a_quote_at_the_end_of_a_line_shows_nothing_of_the_reader(extract, capfd, before) -> None:
    content = f'k;v\n{before}"{"x" * 40_000}\n";"\n"\na;1'
    frame = extract(content, {"k": DataType.STRING, "v": DataType.INTEGER})
    assert frame["v"][-2:].to_list() == [None, 1]
    content = f'k;v\n{before}b;"\n"\na;"\n"\n'
    assert extract(content, {"v": DataType.INTEGER})["v"][-2:].to_list() == [None, None]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("inside", ["x\r\ny", "x\ny", "x\r\n\r\ny", "\r\n"])
def test_a_quoted_field_keeps_its_line_ends_beside_unclear_quotes(extractor, end, inside) -> None:
    content = f'k;v{end}a"b;1{end}{end}c"d;"{inside}"{end}"{inside}";2{end}'
    extract = extractor(content, {"k": DataType.STRING, "v": DataType.STRING})
    frame = extract.extract()["t"]
    assert frame.rows() == [('a"b', "1"), ('c"d', inside), (inside, "2")]
