"""How much of its files a run may have in memory."""

import io
import json
import os

import openpyxl
import pytest

from algomancy_data import Column, CSVFile, DataType, JSONFile, ReadLimits, Schema, XLSXFile
from algomancy_data.errors import ReadLimitError
from algomancy_data.etl import RunSettings, run
from algomancy_data.etl.limits import limited_files
from algomancy_data.memory import MemoryBudget

MIB = 1 << 20


class Items(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "items", "json", "single"
    NAME = Column("name", DataType.STRING)


class Sheets(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "sheets", "xlsx", "single"
    NAME = Column("name", DataType.STRING)


def test_files_that_fit_together_stay_in_memory_and_limits_that_were_set_stay(tmp_path):
    sizes = {"small": 10 * MIB, "large": 30 * MIB, "set": 30 * MIB}
    files = {}
    for name, size in sizes.items():
        path = tmp_path / f"{name}.csv"
        path.touch()
        os.truncate(path, size)
        files[name] = CSVFile(name, path)
    files["set"] = files["set"].within(ReadLimits(in_memory_bytes=None, memory_bytes=7))
    limits = {
        name: file.limits
        for name, file in limited_files(
            files, {}, ReadLimits(columns=5), budget=MemoryBudget.of("256MiB")
        ).items()
    }
    assert limits["small"].in_memory_bytes == 32 * MIB
    assert limits["large"].in_memory_bytes == 30 * MIB - 1
    assert limits["small"].memory_bytes == 128 * MIB
    assert (limits["large"].columns, limits["set"].columns) == (5, 100_000)
    assert (limits["set"].in_memory_bytes, limits["set"].memory_bytes) == (None, 7)


def written(tmp_path, characters):
    """Return a JSON document and a workbook with a text of so many characters."""
    records = [{"name": "x" * characters}, {"name": 1}]  # of which no slice tells what they are
    (tmp_path / "items.json").write_text(json.dumps(records))
    book = openpyxl.Workbook()
    for row in [["name"], *[["x" * 1000]] * (characters // 1000)]:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    (tmp_path / "sheets.xlsx").write_bytes(content.getvalue())
    return {
        "items": JSONFile("items", tmp_path / "items.json"),
        "sheets": XLSXFile("sheets", tmp_path / "sheets.xlsx"),
    }


@pytest.mark.parametrize("name", ["items", "sheets"])
def test_a_file_that_is_read_whole_is_refused_if_it_does_not_fit(tmp_path, name):
    file = written(tmp_path, 100_000)[name]
    schemas = {"items": Items, "sheets": Sheets}
    tight = ReadLimits(memory_bytes=50_000, in_memory_bytes=1000, ratio=None)
    result = run({name: file}, schemas, RunSettings(read_limits=tight), name="d")
    assert isinstance(result.raised, ReadLimitError)
    assert "cannot be read in slices" in str(result.raised)
    assert "memory_limit=" in str(result.raised)
    loose = ReadLimits(memory_bytes=50_000_000, in_memory_bytes=1000, ratio=None)
    assert run({name: file}, schemas, RunSettings(read_limits=loose), name="d").is_success
