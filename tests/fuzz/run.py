"""Fuzz each form for some minutes: ``python tests/fuzz/run.py MINUTES [FORM]``.

The table that it prints is for docs/reliability.md. The inputs of a run are those of its seed:
``FUZZ_SEED``, or the time. What was found, and how an input is written again, stands below.
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
    findings = []
    for name in forms:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as home:
            done = fuzz(name, seed, sys.maxsize, home, float(minutes) * 60)
        counts = [f"{count:,}" for count in (done.inputs, done.read, done.refused)]
        show([name.replace("_", " "), *counts, len(done.faults), f"{done.seconds / 60:.0f}"])
        findings += [f"{name} {fault}" for fault in done.faults]
    for finding in findings:
        say(f"\n{finding}")
    if findings:
        say(f"\n{' '.join(CHILD)} FORM {seed} NUMBER 0 0 FILE writes an input.")
    sys.exit(bool(findings))


def show(cells):
    say(f"| {' | '.join(map(str, cells))} |")


def say(line):
    print(line, flush=True)  # noqa: T201  a program


if __name__ == "__main__":
    main(*sys.argv[1:])
