"""Files and stores with bytes that are nearly right: refused with an error of the package, or read.

Each module in ``readers`` is one reader: ``seeds()`` gives valid inputs, and ``read(data, home)``
reads a mutated one, for which it may write into the folder ``home``; or
``read_together(inputs, home)`` reads up to ``TOGETHER`` of them, and returns for each the error
that refused it, or None. ``CHANGES`` are functions that change an input with regard to its
structure. Processes of their own read them, so that one which crashes, hangs, or takes over 1 GiB,
is known by its number.

``FUZZ_SEED`` in the environment gives other inputs than everyday's, ``FUZZ_INPUTS`` another number
of them. ``make fuzz`` reads as many as fit into some minutes.

``corpus/<reader>/`` has small inputs, most of which once found something, and ``answers.toml`` what
is right for each: "read", or a part of what is said to whoever hands it over.
"""

import os
import tomllib

import pytest
from processes import HERE, LAST_WORDS, READERS, fuzz, spoken

SEED = os.environ.get("FUZZ_SEED", "0")
INPUTS = int(os.environ.get("FUZZ_INPUTS", "250"))
CORPUS = HERE / "corpus"
ANSWERS = tomllib.loads((CORPUS / "answers.toml").read_text(encoding="utf-8"))


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_mutated_bytes_are_read_or_refused_by_an_error_of_the_package(name, tmp_path):
    outcome = fuzz(name, SEED, INPUTS, tmp_path)
    how = f"{HERE / 'child.py'} {name} {SEED} NUMBER 0 0 FILE writes an input"
    assert not outcome.faults, "\n".join([f"{len(outcome.faults)}; {how}", *outcome.faults])
    assert outcome.inputs == INPUTS


def test_the_corpus_is_read_or_refused_as_it_should_be(tmp_path):
    paths = sorted(path for path in CORPUS.glob("*/*") if path.is_file())
    there = {name: {path.name for path in paths if path.parent.name == name} for name in ANSWERS}
    assert there == {name: set(answers) for name, answers in ANSWERS.items()}
    done = spoken(tmp_path, *paths)
    said = [line for line in done.stdout.splitlines() if not line.startswith("begin ")]
    assert said.pop() == "done", f"{done.stdout[-LAST_WORDS:]} {done.stderr[-LAST_WORDS:]}"
    for path, line in zip(paths, said, strict=True):
        answer = ANSWERS[path.parent.name][path.name]
        assert line == "read" if answer == "read" else answer in line, (path.name, line)
