from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.mutation.children import in_child, status_in_child
from tests.mutation.judge import caches_in, exchange, functions_in
from tests.mutation.mutants import mutants_of

_MODULE = """\
from contextlib import contextmanager
from functools import cache, cached_property


class Numbers:
    @property
    def shown(self):
        return 1

    @cached_property
    def kept(self):
        return 1

    @classmethod
    def made(cls):
        return 1

    @staticmethod
    def alone():
        return 1

    def outer(self):
        def inner():
            return 1

        return inner()


@cache
def cached():
    return 1


@contextmanager
def opened():
    yield 1
"""


def _values(module):
    numbers = module.Numbers()
    module.cached.cache_clear()
    with module.opened() as opened:
        found = numbers.shown, numbers.kept, numbers.made(), numbers.alone(), numbers.outer()
        return *found, module.cached(), opened


@pytest.fixture
def module(tmp_path, workers_import):
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "mutated_numbers.py").write_text(_MODULE)
    return workers_import(folder, "mutated_numbers")


def test_the_code_of_a_function_is_exchanged_however_it_is_wrapped(tmp_path, module):
    assert _values(module) == (1,) * 7
    path = tmp_path / "src" / "mutated_numbers.py"
    mutants = mutants_of(path, tmp_path, [])
    functions = functions_in({str(path)})
    assert len(mutants) == 7
    for place, mutant in enumerate(mutants, 1):
        assert mutant.module == "mutated_numbers"
        assert exchange(mutant, str(path), functions)
        assert _values(module) == (2,) * place + (1,) * (7 - place)


def test_functions_that_remember_what_they_returned_are_found(tmp_path, module):
    assert caches_in({str(tmp_path / "src" / "mutated_numbers.py")}) == [module.cached]
    assert caches_in({str(tmp_path / "src" / "another.py")}) == []


def test_a_child_ends_by_itself_or_by_its_limits():
    assert in_child(lambda: {"x": 1}) == {"x": 1}
    assert status_in_child(lambda: 3) == 3
    assert status_in_child(lambda: 1 // 0) == 2
    assert status_in_child(lambda: time.sleep(60) or 0, wall=0.1) < 0


def test_a_child_that_empties_the_directory_it_works_in_empties_its_own():
    here = Path.cwd()
    there, names = in_child(lambda: (Path.cwd(), os.listdir(None)))  # noqa: PTH208  as a fault does
    assert names == []
    assert there != here
    assert not there.exists()
    assert Path.cwd() == here
