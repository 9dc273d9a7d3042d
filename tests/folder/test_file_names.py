from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from algomancy_data.folder.file_names import clash_key, hashed_stem, plain_stem, stems
from algomancy_data.folder.reader import PRIVATE

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")

AWKWARD = [
    "..", ".", "/", "a/b", "../x", "/etc/passwd", "\\", "C:x", "NUL", "nul.txt", "COM1", "aux ",
    "meta", "META", "scenarios", ".hidden", "~x", "x.", "x ", " x", "a\nb", "*", "?", "%41", "%",
    "🦆", "Größe", "Gro\u0308ße", "x" * 300, "🦆" * 100, "a", "A", "ß", "SS", "ss", "ﬁ", "fi",
    PRIVATE, "x.json", "d.json.json", hashed_stem("a"), "\u202eevil", "\ufeff", "a:b",
]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["a", "Master Data", "flights 2024-01", "Größe", "🦆", "a.b", "x.json"]
)
def test_a_plain_name_is_the_name_of_its_file(name):
    assert plain_stem(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "..",
            "a/b",
            "\\",
            "NUL",
            "con.x",
            "aux .x",
            "LPT1",
            "meta",
            "Scenarios",
            ".x",
            "~x",
            " x",
        ),
        *("x.", "x ", "x" * 300, "a\nb", "Gro\u0308ße"),
    ],
)
def test_a_name_that_some_file_system_does_not_take_is_hashed(name):
    assert plain_stem(name) is None
    assert stems(name) == (hashed_stem(name),)


def test_a_name_without_plain_letters_is_called_a_dataset():
    assert hashed_stem("🦆" * 100).startswith("dataset-")


def test_a_hashed_name_begins_with_what_was_readable():
    assert hashed_stem("/X-ray: XX/").startswith("X_ray_XX-")


@given(st.text(min_size=1))
def test_every_stem_is_the_name_of_one_file_on_any_file_system(name):
    for stem in stems(name):
        assert 0 < len(stem.encode()) <= 200
        assert not set(stem) & set('<>:"/\\|?*\0\n')
        assert stem.strip(". ")[:1] == stem[:1]
        assert stem == unicodedata.normalize("NFC", stem)


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_names_share_no_stem(one, other):
    if one != other:
        assert not set(stems(one)) & set(stems(other))


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(AWKWARD), unique=True, max_size=5))
def test_awkward_names_share_no_file_even_where_case_does_not_count(
    tmp_path_factory, open_manager, source, names
):
    place = tmp_path_factory.mktemp("names") / "data"
    manager = open_manager(path=place)
    for number, name in enumerate(names):
        manager.add_data_source(source(name, t=pl.DataFrame({"x": [number]})))
    again = open_manager(path=place)
    assert again.startup_errors == []
    assert again.get_data_keys() == names
    assert [again.get_data(name).get_table("t").item() for name in names] == list(range(len(names)))
    if names:
        files = [path.stem for path in place.iterdir() if path.name != PRIVATE]
        assert len({clash_key(stem) for stem in files}) == len(names)
        assert [path.name for path in place.parent.iterdir()] == ["data"]
    for name in names:
        again.delete_data(name)
    assert open_manager(path=place).get_data_keys() == []
