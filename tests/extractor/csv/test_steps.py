"""No step of Python per line, field or column where a file may have millions of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from algomancy_data import (
    Column,
    CSVDialect,
    CSVFile,
    CSVSingleExtractor,
    DataType,
    ReadLimits,
    Schema,
)
from algomancy_data.errors import FileContentError, ReadLimitError
from algomancy_data.frames.tabular import unique_names
from algomancy_data.inference import infer_schemas

if TYPE_CHECKING:
    from collections.abc import Callable

MANY = 60_000
FEW = 20_000


class Table(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
    A = Column("a", DataType.STRING)
    B = Column("b", DataType.INTEGER)


def steps_of(run: Callable[[], object]) -> int:
    """Return how many functions were called, those written in C included."""
    steps = 0
    pa.array([1]).to_pylist()  # to import it counts for nothing

    def count(_frame: object, _event: str, _argument: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(None)
    return steps


REFUSED = {
    "nothing but blank lines": (b"\n" * MANY, "is empty"),
    "nothing but white space": (b" \r\n" * MANY, "is empty"),
    "a wide record behind blank lines": (b"a;b\n" + b"\n" * MANY + b"1;2;3", f"line {MANY + 2}:"),
    "a wide record": (b"a;b\n" + b"x;1\n" * MANY + b"1;2;3\n", f"line {MANY + 2}: 3 fields"),
    "text behind a quote": (b"a;b\n" + b'"x";1\n' * MANY + b'"x"y;1\n', f"line {MANY + 2}: "),
    "a file cut off": (b"a;b\n" + b'5" pipe;1\n' * MANY + b'"x', f"line {MANY + 2}: .* never ends"),
}
READ = {
    "blank lines before the header": (b"\n" * MANY + b"a;b\n1;2\n", 1),
    "blank lines below the header": (b"a;b\n" + b"\n" * MANY + b"1;2\n", 1),
    "records of several lines that end in null": (b"a;b\n" + b'"x\ny";\n' * MANY, MANY),
    "quotes inside of unquoted fields": (b"a;b\n" + b'5" pipe;1\n' * MANY, MANY),
    "short rows": (b"a;b\n" + b"x\n" * MANY, MANY),
    "unit separators": (b"a;b\n" + b"x\x1f;\n" * MANY, MANY),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_long_file_is_refused_in_few_steps(tmp_path, kind) -> None:
    content, problem = REFUSED[kind]
    path = tmp_path / "t.csv"
    path.write_bytes(content)

    def extract() -> None:
        with pytest.raises(FileContentError, match=problem):
            CSVSingleExtractor(CSVFile("t", path), Table).extract()

    def infer() -> None:
        with pytest.raises(FileContentError):
            infer_schemas([path])

    assert steps_of(extract) < FEW
    assert steps_of(infer) < 4 * FEW


@pytest.mark.parametrize("kind", READ)
def test_a_long_file_is_read_in_few_steps(tmp_path, kind) -> None:
    content, height = READ[kind]
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    heights = []

    def extract() -> None:
        heights.append(CSVSingleExtractor(CSVFile("t", path), Table).extract()["t"].height)

    assert steps_of(extract) < FEW
    assert heights == [height]


def test_a_header_of_a_million_separators_is_refused_before_it_is_taken_apart(tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b";" * 1_000_000 + b"\n")

    def extract() -> None:
        with pytest.raises(ReadLimitError, match="1,000,001 columns"):
            CSVSingleExtractor(CSVFile("t", path), Table).extract()

    assert steps_of(extract) < FEW
    with pytest.raises(ReadLimitError, match="1,000,001 columns"):
        infer_schemas([path])


@pytest.mark.parametrize("content", [b"a;b;c\n1;2;3\n", b'"a";"b";"c"\n', b'"a";"b";"c";"d\n'])
@pytest.mark.parametrize("has_header", [True, False])
def test_a_limit_of_columns_holds_for_a_short_or_quoted_header_as_well(
    tmp_path, content, has_header
) -> None:
    path = tmp_path / "t.csv"

    class Columns(Table):
        _CSV = CSVDialect(has_header=has_header)

    path.write_bytes(content)
    file = CSVFile("t", path, read_limits=ReadLimits(columns=2))
    with pytest.raises(ReadLimitError, match="'t' has more than 2 columns; the limit 'columns'"):
        CSVSingleExtractor(file, Columns).extract()


def test_a_header_that_repeats_a_name_is_numbered_in_as_many_steps() -> None:
    names = unique_names(["c"] * MANY)
    assert names[:3] == ["c", "c.1", "c.2"]
    assert names[-1] == f"c.{MANY - 1}"
    assert len(set(names)) == MANY
    assert unique_names(["c", "c.1", "c", "c", "c.2"]) == ["c", "c.1", "c.3", "c.4", "c.2"]
