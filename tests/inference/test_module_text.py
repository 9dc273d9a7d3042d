"""The module: what a person would write, and what linter and formatter leave as it is."""

from __future__ import annotations

import ast
import keyword
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from algomancy_data import CSVFile, Schema
from algomancy_data.inference import InferredSchemas, infer_schemas
from algomancy_data.inference.inferred import InferredColumn, InferredFile, InferredTable
from algomancy_data.inference.module_text import attribute_names, class_names, module_text

ROOT = Path(__file__).parents[2]
RUFF = Path(sys.executable).with_name("ruff")
AIRPORTS = "faa;name;tz\nEWR;Newark;-5\nJFK;Kennedy;-5\nLGA;La Guardia;NA\n"
FLIGHTS = "id;origin;at\n1;EWR;2024-01-01\n2;JFK;2024-01-01\n3;LGA;2024-01-02\n4;EWR;2024-01-02\n"

NAMES = [
    "id",
    "ID",
    "Id ",
    "",
    " ",
    "_",
    "__class__",
    "_CSV",
    "_FILENAME",
    "class",
    "None",
    "columns",
    "primary_key",
    "mro",
    "1st",
    "2024-12-31",
    "prix €",
    "Größe",
    "価格",
    "имя",
    'say "hi"',
    "it's",
    "back\\slash",
    "new\nline",
    "tab\t",
    '"""',
    "\u202eright to left",
    "a" * 150,
    "ID_2",
    "id_2",
    "# type: ignore",
    "{braces}",
    "%s",
]

MODULE = '''\
"""Schemas of 2 files, inferred from all their rows.

What is declared holds on every row; what nearly holds is in the comments.

From airports.csv, flights.csv.
"""

import polars as pl
from algomancy_data import Column, CSVDialect, DataType, FileExtension, Schema, SchemaType


class Airports(Schema):
    """The table in airports.csv: 3 rows."""

    _FILENAME = "airports"
    _EXTENSION = FileExtension.CSV
    _SCHEMA_TYPE = SchemaType.SINGLE
    _CSV = CSVDialect(separator=";", null_words=("NA",))

    FAA = Column("faa", DataType.STRING, primary_key=True)
    NAME = Column("name", DataType.STRING)
    TZ = Column("tz", DataType.INTEGER, nullable=True)


class Flights(Schema):
    """The table in flights.csv: 4 rows."""

    _FILENAME = "flights"
    _EXTENSION = FileExtension.CSV
    _SCHEMA_TYPE = SchemaType.SINGLE
    _CSV = CSVDialect(separator=";")

    ID = Column("id", DataType.INTEGER, primary_key=True)
    ORIGIN = Column("origin", DataType.STRING, foreign_key=("airports", "faa"))
    AT = Column("at", pl.Date)


SCHEMAS: list[type[Schema]] = [Airports, Flights]
'''


def is_clean(text, folder):
    shutil.copy(ROOT / "pyproject.toml", folder / "pyproject.toml")
    path = folder / "schemas.py"
    path.write_text(text, encoding="utf-8")
    for arguments in (["check", "--no-cache"], ["format", "--no-cache", "--diff"]):
        done = subprocess.run(
            [RUFF, *arguments, path], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def two_files(write):
    return [write("airports.csv", AIRPORTS), write("flights.csv", FLIGHTS)]


def test_the_module_is_as_shown_here(two_files, load):
    assert load(two_files).inferred.to_module() == MODULE


def test_the_module_is_clean(two_files, tmp_path):
    (tmp_path / "lint").mkdir()
    is_clean(infer_schemas(two_files).to_module(), tmp_path / "lint")


def test_the_same_files_give_the_same_text_in_another_process(two_files):
    program = (
        "import sys; from algomancy_data.inference import infer_schemas; "
        "sys.stdout.write(infer_schemas(sys.argv[1:]).to_module())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, two_files)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7"},
    )
    assert done.stdout == MODULE


NASTY = {
    "a column whose name is so long that no line can hold it " * 2: [1],
    'say "hi"': ["x"],
    "it's": ["x"],
    "both \" and '": ["x"],
    "back\\slash": ["x"],
    '"""': ["x"],
    "tab\tinside": ["x"],
    "Größe": [1.5],
    "noqa": ["007"],
    "of medium length, so that the type goes into the next line and so": ["1,234"],
    "of another length, so that the type does, and the nullable as well": [None],
}


def test_nasty_names_give_a_clean_module(tmp_path, load):
    folder = tmp_path / "lint"
    folder.mkdir()
    frame = pl.DataFrame(NASTY)
    frame.write_csv(tmp_path / 'it\'s "quoted" # twice.csv')
    frame.write_parquet(tmp_path / "of the same, but with a long name that fills a line.parquet")
    loaded = load(sorted(tmp_path.glob("*.*")))
    assert {tuple(table.columns) for table in loaded.tables.values()} == {tuple(NASTY)}
    is_clean(loaded.inferred.to_module(), folder)


@pytest.mark.parametrize("count", [1, 2, 12])
def test_any_number_of_files_gives_a_clean_module(count, write, tmp_path):
    folder = tmp_path / "lint"
    folder.mkdir()
    paths = [write(f"table number {number}.csv", "id,n\n1,2\n3,4\n") for number in range(count)]
    is_clean(infer_schemas(paths).to_module(), folder)


def test_groups_give_a_clean_module(write, tmp_path):
    folder = tmp_path / "lint"
    folder.mkdir()
    records = ", ".join(
        f'{{"id": {n}, "a long name for the lines of an order": [{{"x": {n}, "y": "007"}}]}}'
        for n in range(20)
    )
    path = write("orders.json", f"[{records}]")
    is_clean(infer_schemas(path).to_module(), folder)


def test_what_was_found_can_be_read_at_a_glance(two_files):
    inferred = infer_schemas(two_files)
    assert str(inferred) == (
        "airports: 3 rows, 3 columns, key faa\n"
        "flights: 4 rows, 3 columns, key id, origin -> airports.faa"
    )
    assert repr(inferred) == "InferredSchemas([Airports, Flights])"
    assert isinstance(inferred, InferredSchemas)


PLAIN = (pl.Int64(), pl.UInt8(), pl.String(), pl.Date(), pl.Binary(), pl.Decimal(18, 4))
# The linter wonders about letters that look like others.
SHORT = [name for name in NAMES if len(name) < 40 and name.isascii()]
WORDS = st.lists(
    st.sampled_from(SHORT) | st.text(st.characters(codec="ascii"), max_size=40),
    max_size=20,
    unique=True,
)
DTYPES = st.recursive(
    st.sampled_from([*PLAIN, pl.Duration("us"), pl.Datetime("ns"), pl.Datetime("us", "UTC")])
    | WORDS.map(pl.Enum),
    lambda inner: (
        st.builds(pl.List, inner)
        | st.builds(pl.Array, inner, st.integers(0, 9))
        | st.dictionaries(st.sampled_from(SHORT), inner, max_size=5).map(pl.Struct)
    ),
    max_leaves=12,
)


LONG = pl.Enum(["0" * 21 + " " + "\x1f" * 7 + "\x08" * 3])


@settings(max_examples=30)  # each one is formatted by another process
@example(dtypes=[pl.List(pl.Struct({"abcdef": pl.List(LONG)}))], groups=True)
@given(dtypes=st.lists(DTYPES, min_size=1, max_size=4), groups=st.booleans())
def test_any_dtype_is_written_as_the_formatter_leaves_it(dtypes, groups):
    columns = [InferredColumn(f"c{n}", dtype, f"C{n}") for n, dtype in enumerate(dtypes)]
    group = "a group" if groups else None
    file = InferredFile(CSVFile("t", content="data:,"), [InferredTable(group, columns, "GROUP")])
    text = module_text([file])
    with TemporaryDirectory() as folder:
        is_clean(text, Path(folder))
    module: dict[str, Any] = {}
    exec(compile(text, "schemas.py", "exec"), module)  # noqa: S102  it is what users do with it
    (schema,) = module["SCHEMAS"]
    found = schema.datatype_groups()["a group"] if groups else schema.datatypes()
    assert list(found.values()) == dtypes


@given(st.lists(st.one_of(st.text(max_size=12), st.sampled_from(NAMES)), max_size=12))
def test_attributes_are_distinct_upper_case_identifiers_that_hide_nothing(names):
    found = attribute_names(names, "COLUMN")
    assert len(set(found)) == len(names)
    for name in found:
        assert name.isidentifier()
        assert name.isascii()
        assert name == name.upper()
        assert not keyword.iskeyword(name)
        assert not hasattr(Schema, name)
        assert name[0] != "_"


@given(st.lists(st.one_of(st.text(max_size=12), st.sampled_from(NAMES)), max_size=12))
def test_classes_are_distinct_identifiers_that_hide_no_import(names):
    found = class_names(names)
    assert len(set(found)) == len(names)
    for name in found:
        assert name.isidentifier()
        assert name.isascii()
        assert not keyword.iskeyword(name)
        assert name not in {"Schema", "Column", "DataType", "SCHEMAS", "Schematype"}


def test_a_name_keeps_its_attribute_whatever_stands_behind_it():
    names = ["a", "A", "a-2", "A_2"]
    assert attribute_names(names, "COLUMN") == ["A", "A_3", "A_2", "A_2_2"]


@pytest.mark.parametrize("separator", [",", ";"])
def test_nasty_column_names_load_under_their_own_names(separator, write, load):
    names = [name for name in NAMES if name.strip()]
    header = separator.join('"' + name.replace('"', '""') + '"' for name in names)
    path = write("no names.csv", header + "\n" + separator.join("x" * len(names)) + "\n")
    loaded = load(path)
    assert loaded.tables["no names"].columns == names
    ast.parse(loaded.inferred.to_module())
