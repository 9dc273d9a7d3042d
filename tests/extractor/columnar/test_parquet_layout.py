"""The usual forms of Parquet's structs, which are matched: as if they were looked at one by one."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from datetime import datetime
from random import Random

import polars as pl
import pyarrow as pa
import pytest
from polars.exceptions import PanicException
from pyarrow import parquet

from algomancy_data import Column, DataType, ParquetFile, ParquetSingleExtractor, Schema
from algomancy_data.errors import FileContentError
from algomancy_data.extractor.columnar import parquet_layout as layout_module
from algomancy_data.extractor.columnar import parquet_pages as pages_module
from algomancy_data.extractor.columnar.parquet_layout import ParquetLayoutError, parquet_layout
from algomancy_data.extractor.columnar.parquet_pages import parquet_pages
from algomancy_data.extractor.columnar.thrift import Structs, form

TABLE = pl.DataFrame(
    {
        "id": range(60),
        "small": pl.Series(range(60), dtype=pl.UInt8),
        "price": [number / 3 for number in range(60)],
        "a name of more letters than others have": ["x", None, "a longer text " * 5] * 20,
        "day": pl.Series(range(60)).cast(pl.Date),
        "moment": [datetime(2024, 1, 1, 0, 0, number) for number in range(60)],
        "paid": [True, None, False] * 20,
    }
)
WRITERS = {
    "polars": {},
    "polars, groups": {"row_group_size": 7},
    "pyarrow": {"use_pyarrow": True, "pyarrow_options": {"write_page_checksum": True}},
    "pyarrow, groups": {
        "use_pyarrow": True,
        "pyarrow_options": {"row_group_size": 7, "store_schema": False},
    },
    "pyarrow, plain": {
        "use_pyarrow": True,
        "pyarrow_options": {"use_dictionary": False, "write_page_index": True},
    },
    "pyarrow, deltas": {
        "use_pyarrow": True,
        "pyarrow_options": {
            "use_dictionary": False,
            "column_encoding": {"id": "DELTA_BINARY_PACKED"},
        },
    },
    "pyarrow, pages of version 2": {
        "use_pyarrow": True,
        "pyarrow_options": {"data_page_version": "2.0", "compression": "none"},
    },
}
NEVER = form(b"(?!)")


def written(writer, table=TABLE):
    sink = io.BytesIO()
    table.write_parquet(sink, **WRITERS[writer])
    return sink.getvalue()


def described(content):
    """Return all that is known of a file, or what is wrong with it."""
    try:
        layout = parquet_layout(content)
        pages = parquet_pages(content, layout)
        chunks = [chunk[1:] for chunk in layout.chunks(len(content))]
    except ParquetLayoutError as error:
        return str(error)
    return layout.rows, layout.widths, chunks, pages[:2]  # what texts take, only forms tell


@pytest.fixture
def walked(monkeypatch):
    """Return what is known of a file whose structs match no form."""

    def run(content):
        with monkeypatch.context() as patch:
            footer = dict(layout_module._FOOTER)
            footer[2] = Structs(footer[2].wanted)
            group = dict(footer[4].wanted)
            group[1] = Structs(group[1].wanted)
            footer[4] = Structs(group)
            patch.setattr(layout_module, "_FOOTER", footer)
            patch.setattr(pages_module, "_USUAL_DATA", NEVER)
            patch.setattr(pages_module, "_USUAL_DICTIONARY", NEVER)
            return described(content)

    return run


@pytest.mark.parametrize("writer", WRITERS)
def test_a_form_tells_what_a_walk_tells(writer, walked):
    content = written(writer)
    found = described(content)
    assert found == walked(content)
    assert found[0] == 60
    assert parquet_layout(content).is_plain


@pytest.mark.parametrize("writer", WRITERS)
def test_a_form_tells_of_damaged_bytes_what_a_walk_tells(writer, walked):
    content = written(writer)
    random = Random(writer)  # noqa: S311  to be repeatable
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(random.choice((1, 1, 2, 4))):
            start = random.choice((footer, footer, 4))
            damaged[random.randrange(start, len(content) - 8)] = random.randrange(256)
        assert described(bytes(damaged)) == walked(bytes(damaged))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1]]),
        pa.array([{"a": 1}]),
        pa.array([1], pa.time64("us")),
        pa.array([1], pa.decimal128(5, 2)),
        pa.array([b"ab"], pa.binary(2)),
        pa.array(["{}"], pa.json_()),
    ],
    ids=lambda column: str(column.type),
)
def test_a_column_that_may_need_a_closer_look_is_not_plain(column):
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table({"id": [1], "c": column}), sink)
    assert not parquet_layout(sink.getvalue().to_pybytes()).is_plain


PROGRAM = """
import sys
from algomancy_data import Column, DataType, ParquetFile, ParquetSingleExtractor, Schema
class Table(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "parquet", "single"
    ID = Column("id", DataType.INTEGER)
assert ParquetSingleExtractor(ParquetFile("t", sys.argv[1]), Table).extract()["t"].height == 60
print("pyarrow" in sys.modules)
"""


@pytest.mark.parametrize("writer", ["polars", "pyarrow, groups"])
def test_a_plain_file_is_read_without_pyarrow(writer, tmp_path):
    (tmp_path / "t.parquet").write_bytes(written(writer))
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "t.parquet")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (rb"\x15\x10(\x15\x06\x15\x06)", b"\x15\x2d\\1", "an unknown encoding"),
        (
            rb"(\x26[\x80-\xff].\x26)[\x80-\xff].",
            b"\\1\xfe\x7f",
            "its dictionary behind its values",
        ),
    ],
)
def test_pages_at_which_polars_panics_are_refused_before_it_looks(
    tmp_path, capfd, before, after, said
):
    class Numbered(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "parquet", "single"
        A = Column("a", DataType.INTEGER)

    path = tmp_path / "t.parquet"
    parquet.write_table(
        pa.table({"a": range(100), "b": range(100)}),
        path,
        compression="none",
        write_statistics=False,
    )
    content = path.read_bytes()
    damaged = re.sub(before, after, content, count=1)
    path.write_bytes(damaged)
    with pytest.raises(PanicException):
        pl.read_parquet(path)
    assert "panicked" in capfd.readouterr().err
    with pytest.raises(FileContentError, match=said):
        ParquetSingleExtractor(ParquetFile("t", path), Numbered).extract()
    assert capfd.readouterr().err == ""
