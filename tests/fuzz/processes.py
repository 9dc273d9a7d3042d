"""Children that read inputs, one after the other: whatever ends one is a finding, not the end."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
READERS = sorted(path.stem for path in (HERE / "readers").glob("*.py"))
CHILD = (sys.executable, str(HERE / "child.py"))
# A child reads no more: its limit of memory is for what an input takes, not for many of them.
MOST_INPUTS = 1500
# What a crash shows, and no more.
LAST_WORDS = 1500


@dataclass
class Outcome:
    """What became of the inputs of a reader, and what is wrong with that."""

    inputs: int = 0
    read: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def note(self, lines):
        """Count what a child said; return the number of the input that it had last, or None."""
        last = None
        for line in lines:
            match line.split():
                case ["begin", number]:
                    last = int(number)
                case ["read", read, "refused", refused]:
                    self.read += int(read)
                    self.refused += int(refused)
                case ["fault", *_]:
                    self.faults.append(line.removeprefix("fault "))
        return last


def fuzz(name, seed, inputs, home, seconds=float("inf")):
    """Have children read so many inputs, or as many as some seconds take; a folder is theirs."""
    outcome = Outcome()
    start, first = time.monotonic(), 0
    while first < inputs and (left := seconds - outcome.seconds) > 0:
        until = min(first + MOST_INPUTS, inputs)
        done = spoken(home, name, seed, first, until, left)
        last = outcome.note(done.stdout.splitlines())
        if "panicked at" in done.stderr:
            outcome.faults.append(f"after {first}: shows a panic on standard error")
        outcome.seconds = time.monotonic() - start
        if done.stdout.endswith("done\n"):
            first = until
            continue
        assert last is not None, done.stderr[-LAST_WORDS:]
        assert last >= 0, f"a seed is not read: {done.stderr[-LAST_WORDS:]}"
        words = done.stderr[-LAST_WORDS:]
        outcome.faults.append(f"{last} ended the process ({done.returncode}): {words}")
        first = last + 1
    outcome.inputs = outcome.read + outcome.refused
    return outcome


def spoken(home, *arguments):
    """Run a child, and return what it said."""
    return subprocess.run(
        [*CHILD, *map(str, arguments)],
        env={**os.environ, "POLARS_MAX_THREADS": "2", "TMPDIR": str(home)},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
