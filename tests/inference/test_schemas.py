"""Each file of the tests' collections loads under what was inferred for it, or is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from algomancy_data import Column, CSVFile, DataType, FileExtension, Schema, SimpleETLFactory
from algomancy_data.errors import ETLConstructionError, FileContentError
from algomancy_data.file import SUFFIXES
from algomancy_data.inference import infer_schemas
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
    "releases/1.0/tables/types - no columns but rows.arrow": "has no columns",
    "releases/1.0/tables/types - no columns.arrow": "has no columns",
    "workbooks/empty.xlsx": "has no columns",
}
# What earlier releases stored is no file of a table, but beside it are those that it holds.
FILES = sorted(
    name
    for path in FOLDER.rglob("*.*")
    if ("releases" not in path.parts or path.parent.name == "tables")
    and path.suffix[1:] in SUFFIXES
    and (name := path.relative_to(FOLDER).as_posix()) not in REFUSED
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


@pytest.mark.parametrize("name", ["t.txt", "t", "t.2024-01-05"])
def test_a_file_whose_name_ends_in_no_format_is_told_one(name, write, load):
    path = write(name, "id\tname\n1\tAnn, Bob\n2\tCy\n")
    with pytest.raises(ETLConstructionError):
        infer_schemas(path)
    inferred = infer_schemas(path, file_format="csv")
    (schema,) = inferred.schemas
    assert (schema.file_name(), schema.extension()) == ("t", FileExtension.CSV)
    files = {"t": CSVFile("t", path)}
    result = SimpleETLFactory.build_pipeline("d", files, {"t": schema}).run()
    assert result.datasource.tables["t"].rows() == [(1, "Ann, Bob"), (2, "Cy")]


def test_parts_whose_names_end_in_no_format_are_told_one(tmp_path):
    for number in (1, 2):
        (tmp_path / f"p-{number}.txt").write_text(f"id,x\n{number},a\n", encoding="utf-8")
    with pytest.raises(ETLConstructionError, match="have no known format"):
        infer_schemas(str(tmp_path / "p-*.txt"))
    inferred = infer_schemas(str(tmp_path / "p-*.txt"), file_format="csv")
    assert str(inferred) == "p: 2 rows, 2 columns, key id"


def test_a_format_is_taken_for_names_that_have_none_only(write):
    paths = [write("a.json", '[{"x": 1}]'), write("b.txt", "x;y\n1;2\n")]
    inferred = infer_schemas(paths, file_format="csv")
    assert [schema.extension() for schema in inferred.schemas] == ["json", "csv"]
    with pytest.raises(ETLConstructionError, match="no format 'docx'"):
        infer_schemas(paths, file_format="docx")


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_separator_may_be_told(line_end, write, load):
    path = write("t.csv", line_end.join(["a,b#c,d", "1,2#3,4", '"5#5"#7,8', ""]))
    (schema,) = load(path, separator="#").inferred.schemas
    assert schema.csv_dialect().separator == "#"
    assert list(schema.columns()) == ["a,b", "c,d"]
    assert load(path).tables["t"].width == 3


def test_a_separator_that_is_none_is_refused(write):
    with pytest.raises(ETLConstructionError, match="separator must be one ASCII character"):
        infer_schemas(write("t.csv", "a;b\n1;2\n"), separator="||")


ANSWERS = "id;answer;note;country\n" + "".join(
    f"{row};{('yes', 'perhaps', '')[row % 3]};n{row};{('nl', 'de')[row % 2]}\n" for row in range(30)
)


def test_words_that_repeat_are_declared_on_request_only(write, load):
    path = write("answers.csv", ANSWERS)
    assert load(path).schema("answers").datatypes()["answer"] is DataType.STRING
    loaded = load(path, enums=True)
    assert loaded.schema("answers").datatypes() == {
        "id": DataType.INTEGER,
        "answer": pl.Enum(["perhaps", "yes"]),
        "note": DataType.STRING,
        "country": pl.Enum(["de", "nl"]),
    }
    assert loaded.tables["answers"]["answer"].null_count() == 10


def test_words_that_are_keys_or_refer_to_them_stay_texts(write, load):
    countries = write("countries.csv", "code;name\nnl;Netherlands\nde;Germany\n")
    people = "id;country\n" + "".join(f"{n};{('nl', 'de')[n % 2]}\n" for n in range(20))
    loaded = load([countries, write("people.csv", people)], enums=True)
    assert loaded.schema("people").datatypes()["country"] is DataType.STRING
    assert loaded.schema("people").columns()["country"].foreign_key == ("countries", "code")
