"""Files and stores with bytes that are nearly right: refused with an error of the package, or read.

Each module in ``readers`` is one reader: ``seeds()`` gives valid inputs, and ``read(data, home)``
reads a mutated one, for which it may write into the folder ``home``; or
``read_together(inputs, home)`` reads up to ``TOGETHER`` of them, and returns for each the error
that refused it, or None. Processes of their own read them, so that one which crashes, or takes over
1 GiB, is known by its number.

``FUZZ_SEED`` in the environment gives other inputs than everyday's, ``FUZZ_INPUTS`` another number
of them.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
READERS = sorted(path.stem for path in (HERE / "readers").glob("*.py"))
SEED = os.environ.get("FUZZ_SEED", "0")
INPUTS = int(
    os.environ.get("FUZZ_INPUTS", "2000" if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else "40")
)
# What a crash shows, and no more.
LAST_WORDS = 1500


def run(name, first, home):
    """Give a child the inputs from there on, and a folder; return its lines, end and last words."""
    command = [sys.executable, HERE / "child.py", name, SEED, str(first), str(INPUTS)]
    child = subprocess.run(
        list(map(str, command)),
        env={**os.environ, "POLARS_MAX_THREADS": "2", "TMPDIR": str(home)},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return child.stdout.splitlines(), child.returncode, child.stderr


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_mutated_bytes_are_read_or_refused_by_an_error_of_the_package(name, tmp_path):
    faults = []
    first = 0
    while first < INPUTS:
        lines, code, last_words = run(name, first, tmp_path)
        faults += [line.removeprefix("fault ") for line in lines if line.startswith("fault ")]
        if "panicked at" in last_words:
            faults.append(f"after {first}: shows a panic on standard error")
        if lines and lines[-1] == "done":
            break
        under_test = [int(line.split()[1]) for line in lines if line.startswith("begin ")]
        assert under_test, last_words[-LAST_WORDS:]
        assert under_test[-1] >= 0, f"a seed is not read: {last_words[-LAST_WORDS:]}"
        faults.append(f"{under_test[-1]} ended the process ({code}): {last_words[-LAST_WORDS:]}")
        first = under_test[-1] + 1
    how = f"{sys.executable} {HERE / 'child.py'} {name} {SEED} NUMBER NUMBER FILE writes an input"
    assert not faults, "\n".join([f"{len(faults)} of {INPUTS}; {how}", *faults])
