"""Each file of the tests' collections loads under what was inferred for it, or is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from algomancy_data import Column, DataType, FileExtension, Schema
from algomancy_data.errors import ETLConstructionError, FileContentError
from algomancy_data.file import SUFFIXES
from algomancy_data.inference.inferred import extract
from algomancy_data.inference.schemas import files_at

FOLDER = Path(__file__).parents[1] / "data"
REFUSED = {
    "csv/cut_off.csv": "never ends",
    "folder-v1/.algomancy-data/example.3df84b3185f14791948405d64d4c82ae/6.arrow": "has no columns",
    "messy/comment-above.csv": "Remove what stands above the header",
    "messy/empty.csv": "is empty",
    "messy/long-row.csv": "line 3: 4 fields",
    "messy/only-blank-lines.csv": "it is empty",
    "messy/only-bom.csv": "it is empty",
    "messy/really-a-workbook.csv": "an XLSX workbook",
    "messy/really-html.csv": "is no CSV table",
    "messy/trailing-separators-below-header.csv": "Remove the ';' at the end",
    "messy/utf16-le-bom.txt": "unknown extension 'txt'",
    "workbooks/empty.xlsx": "has no columns",
}
FILES = sorted(
    name
    for path in FOLDER.rglob("*.*")
    if path.suffix[1:] in SUFFIXES and (name := path.relative_to(FOLDER).as_posix()) not in REFUSED
)


def as_it_is(path, schema):
    """Return the table of a file as its format has it, without a declared type."""
    members = {
        "_FILENAME": schema.file_name(),
        "_EXTENSION": schema.extension(),
        "_SCHEMA_TYPE": "single",
        "NONE": Column("\0", DataType.STRING, optional=True),
    }
    if schema.extension() is FileExtension.CSV:
        members["_CSV"] = replace(schema.csv_dialect(), null_words=None)
        members |= {
            f"C{n}": Column(name, DataType.STRING) for n, name in enumerate(schema.columns())
        }
    if schema.sheet() is not None:
        members["_SHEET"] = schema.sheet()
    return extract(files_at(path)[0], type("AsItIs", (Schema,), members))[0][schema.file_name()]


@pytest.mark.parametrize("name", FILES)
def test_a_file_loads_under_what_was_inferred_for_it_and_comes_back_identical(
    name, load, means_the_same
):
    loaded = load(FOLDER / name)
    ((table, found),) = loaded.tables.items()
    written = as_it_is(FOLDER / name, loaded.schema(table)).drop("\0", strict=False)
    assert found.columns == written.columns
    for column in found.columns:
        assert means_the_same(found[column], written[column]), (found[column], written[column])


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_table_is_refused_with_the_reason(name, load):
    with pytest.raises((FileContentError, ETLConstructionError), match=REFUSED[name]):
        load(FOLDER / name)
