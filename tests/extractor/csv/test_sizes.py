"""Files that are too wide or too long for most readers."""

from __future__ import annotations

import gzip
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from algomancy_data.errors import FileContentError
from algomancy_data.extractor.csv import content as csv_content
from algomancy_data.extractor.csv.content import LineLengths
from algomancy_data.schema import CSVDialect, DataType, ReadLimits

if TYPE_CHECKING:
    from pathlib import Path

TWO_GB = 2 * 10**9
MEBIBYTE = 1 << 20

# Extracts a file in a process of its own, and prints the error and the most memory it ever had.
SCRIPT = """
import re, sys
from pathlib import Path
from algomancy_data import Column, CSVFile, CSVSingleExtractor, DataType, Schema
from algomancy_data.errors import FileContentError

class Table(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
    A = Column("a", DataType.STRING)
    B = Column("b", DataType.INTEGER)

try:
    CSVSingleExtractor(CSVFile("t", sys.argv[1]), Table).extract()
except FileContentError as error:
    print(error)
# The most of this program: getrusage would count the process that started it as well.
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def one_line(path: Path) -> None:
    """2 GB of letters, with no header and no line end."""
    piece = b"abcdefg;" * (MEBIBYTE // 8)
    with path.open("wb") as stream:
        for _ in range(TWO_GB // len(piece)):
            stream.write(piece)


def one_line_between_others(path: Path) -> None:
    """Ordinary rows, then a hole of 2 GB that a sparse file reads as one field, then a row."""
    with path.open("wb") as stream:
        stream.write(b"a;b\n" + b"text;1\n" * 10_000)
        stream.seek(TWO_GB, 1)
        stream.write(b";1\ntext;1\n")


def one_line_gzipped(path: Path) -> None:
    """2 GB of letters in 2 MB: members of the same gzip file."""
    member = gzip.compress(b"a" * (64 * MEBIBYTE))
    path.write_bytes(gzip.compress(b"a;b\n") + member * (TWO_GB // (64 * MEBIBYTE)))


@pytest.mark.long
@pytest.mark.parametrize("write", [one_line, one_line_between_others, one_line_gzipped])
def test_two_gigabytes_in_a_line_are_refused_with_bounded_memory(tmp_path, write) -> None:
    path = tmp_path / "t.csv"
    write(path)
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    path.unlink()
    error, mebibytes = ran.stdout.splitlines()
    assert "'t' has a" in error
    assert "its line ends are missing" in error
    assert int(mebibytes) < 800
    assert ran.stderr == ""


@pytest.fixture
def short_limit(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(csv_content, "_USUAL", 1000)
    monkeypatch.setattr(csv_content, "_READ", 64)
    return 1000


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("before", [0, 1, 499, 500, 501, 4000])
@pytest.mark.parametrize("after", [0, 3, 700])
@pytest.mark.parametrize("excess", [0, 1])
def test_the_limit_is_exact_wherever_the_line_lies(
    tmp_path, short_limit, end, before, after, excess
) -> None:
    path = tmp_path / "t.csv"
    lines = [b"x" * 60] * (before // 60) + [b"x" * (before % 60)]
    content = end.join([*lines, b"y" * (short_limit + excess), b"z" * after])
    path.write_bytes(content)

    def fed_piece_by_piece() -> None:
        lengths = LineLengths("t", ReadLimits(text_bytes=999))
        for start in range(0, len(content), 97):
            lengths.feed(content[start : start + 97])

    for look in (
        lambda: LineLengths("t", ReadLimits(text_bytes=999)).feed_file(path),
        fed_piece_by_piece,
    ):
        if excess:
            with pytest.raises(FileContentError, match="a line of more than"):
                look()
        else:
            look()


@pytest.mark.parametrize(
    ("text_bytes", "longest"), [(10, 1000), (1500, 1500), (2001, 2000), (None, 2000)]
)
def test_a_line_may_be_as_long_as_a_text_may_be_up_to_what_the_reader_can(
    monkeypatch, short_limit, text_bytes, longest
) -> None:
    monkeypatch.setattr(csv_content, "_ENGINE", 2 * short_limit)
    limits = ReadLimits(text_bytes=text_bytes)
    LineLengths("t", limits).feed(b"x" * longest)
    said = "No reader takes longer ones" if longest == 2000 else "a higher limit 'text_bytes'"
    with pytest.raises(FileContentError, match=said):
        LineLengths("t", limits).feed(b"x" * (longest + 1))


@pytest.mark.usefixtures("short_limit")
def test_long_lines_in_other_encodings_are_refused(monkeypatch, extractor) -> None:
    monkeypatch.setattr(csv_content, "_ENGINE", 1000)
    content = "a;b\n" + "é" * 700
    with pytest.raises(FileContentError, match="a line of more than"):
        extractor(
            content.encode("cp1252"), {"a": DataType.STRING}, CSVDialect(encoding="cp1252")
        ).extract()


def test_ten_thousand_columns(extract) -> None:
    names = [f"c{i}" for i in range(10_000)]
    kinds = [DataType.INTEGER, DataType.FLOAT, DataType.STRING, DataType.DATETIME]
    types = {name: kinds[i % 4] for i, name in enumerate(names)}
    texts = ["7", "0,5", "007", "2024-01-05"]
    row = ";".join(texts[i % 4] for i in range(10_000))
    frame = extract(";".join(names) + "\n" + f"{row}\n" * 3, types)
    assert frame.columns == names
    assert frame.height == 3
    assert all(types[name].accepts(dtype) for name, dtype in frame.schema.items())
    assert frame.row(2)[:3] == (7, 0.5, "007")


def test_ten_thousand_columns_with_a_short_row_and_a_quote(extractor) -> None:
    names = [f"c{i}" for i in range(10_000)]
    content = ";".join(names) + "\n" + ";".join(['5" pipe'] * 10_000) + "\nx;y\n"
    instance = extractor(content, {names[0]: DataType.STRING})
    frame = instance.extract()["t"]
    assert frame.row(0) == ('5" pipe',) * 10_000
    assert frame.row(1) == ("x", "y", *[None] * 9_998)
    assert instance.conversion_issues[0].rows == (1,)
