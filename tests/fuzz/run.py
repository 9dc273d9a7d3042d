"""Fuzz each form for some minutes: ``python tests/fuzz/run.py MINUTES [FORM]``.

The table that it prints is for docs/reliability.md. The inputs of a run are those of its seed:
``FUZZ_SEED``, or the time. What was found, and how an input is written again, goes to standard
error.
"""

import os
import sys
import tempfile
import time

from processes import CHILD, READERS, fuzz

COLUMNS = ("form", "inputs", "read", "refused", "findings", "minutes")


def main(minutes, form=""):
    forms = [name for name in READERS if name.startswith(form)]
    if not forms:
        sys.exit(f"There is no form {form!r}, but {', '.join(READERS)}.")
    seed = os.environ.get("FUZZ_SEED", str(int(time.time())))
    show(COLUMNS)
    show(["---", *["---:"] * (len(COLUMNS) - 1)])
    findings = 0
    for name in forms:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as home:
            done = fuzz(name, seed, sys.maxsize, home, float(minutes) * 60)
        counts = [f"{count:,}" for count in (done.inputs, done.read, done.refused)]
        show([name.replace("_", " "), *counts, len(done.faults), f"{done.seconds / 60:.0f}"])
        findings += len(done.faults)
        for fault in done.faults:
            print(f"{name} {fault}", file=sys.stderr)  # noqa: T201  a program
    if findings:
        how = f"{' '.join(CHILD)} FORM {seed} NUMBER 0 0 FILE writes an input."
        print(how, file=sys.stderr)  # noqa: T201
    sys.exit(bool(findings))


def show(cells):
    print(f"| {' | '.join(map(str, cells))} |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
