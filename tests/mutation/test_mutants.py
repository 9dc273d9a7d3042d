from __future__ import annotations

from tests.mutation.mutants import mutants_of

_MODULE = '''\
"""Numbers."""

LIMIT = 1


class Numbers:
    @property
    def first(self) -> int:
        """Return the first."""
        return self.numbers[0]


def bounded(number: int, most: int = 2) -> int:
    if number > most:
        raise LimitError("too many", most)
    return number
'''


def test_each_mutant_has_one_fault_in_the_body_of_a_function(tmp_path):
    path = tmp_path / "numbers.py"
    path.write_text(_MODULE)
    mutants = mutants_of(path, tmp_path, ["*Error"])
    assert [mutant.name for mutant in mutants] == [
        "numbers.py::Numbers.first\n- return self.numbers[0]\n+ return self.numbers[1]",
        "numbers.py::bounded\n- if number > most:\n+ if number >= most:",
    ]
    assert [(mutant.line, mutant.lines) for mutant in mutants] == [(7, (10, 10)), (13, (14, 14))]
    assert mutants[0].mutated == _MODULE.replace("[0]", "[1]")


def test_the_sample_of_a_seed_is_the_same_whatever_else_there_is(tmp_path):
    path = tmp_path / "numbers.py"
    path.write_text(_MODULE)
    before = {mutant.rank(1) for mutant in mutants_of(path, tmp_path, [])}
    path.write_text(_MODULE + "\n\ndef other() -> bool:\n    return not True\n")
    after = {mutant.rank(1) for mutant in mutants_of(path, tmp_path, [])}
    assert before < after
    assert before.isdisjoint(mutant.rank(2) for mutant in mutants_of(path, tmp_path, []))
