from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_GROUPS = tomllib.loads((_ROOT / "tests/mutation/groups.toml").read_text())["groups"]
_EQUIVALENT = tomllib.loads((_ROOT / "tests/mutation/equivalent.toml").read_text())["mutants"]


@pytest.mark.parametrize("group", _GROUPS)
def test_modules_and_tests_of_a_group_are_where_it_says(group):
    paths = [path for kind in _GROUPS[group].values() for path in kind]
    assert len(paths) == len(set(paths))
    assert [path for path in paths if not (_ROOT / path).exists()] == []


def test_what_is_said_to_be_equivalent_is_about_lines_that_are_there():
    for mutant in _EQUIVALENT:
        place, *changed = mutant["name"].strip().splitlines()
        path, function = place.partition(" #")[0].split("::")
        lines = [line.strip() for line in (_ROOT / path).read_text().splitlines()]
        assert any(function.rpartition(".")[2] in line for line in lines)
        assert [line for line in changed if line[0] == "-" and line[2:] not in lines] == []
        assert mutant["because"]
