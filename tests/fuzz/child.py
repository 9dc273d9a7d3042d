"""Gives mutated inputs to a reader, and says what became of each.

Run as ``child.py READER SEED FIRST LAST``. It writes a line ``begin N`` before an input, or those
that are read together with it, so that its parent knows which one ended the process, and
``fault N …`` where something is wrong. With one more argument it only writes input FIRST to that
path, for a closer look.
"""

import importlib
import re
import resource
import shutil
import signal
import sys
import tempfile
import warnings
from itertools import chain
from pathlib import Path
from random import Random

from mutations import mutated

GIB = 1 << 30
# Far above what is allowed, so that it is mostly noticed as too much, and ends nothing else.
MEMORY = 4 * GIB
SECONDS = 60
# The insides of what the package is made of, which no message shows.
INSIDES = re.compile(
    r"panicked|unwrap\(\)|RUST_BACKTRACE|Traceback|\.rs:|\.cc:|pyo3|polars_|arrow::|Option::|Err\("
)


def main(name, seed, first, last, target=None):
    reader = importlib.import_module(f"readers.{name}")
    seeds = reader.seeds()
    if target is not None:
        Path(target).write_bytes(input_of(seeds, name, seed, int(first)))
        return
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    home = Path(tempfile.mkdtemp(prefix="fuzz-"))
    together = getattr(reader, "TOGETHER", 1)
    for some in batched(seeds, together):
        say(f"begin {-1}")
        # What is right must be read, and imports count for no input.
        for refusal in refusals_of(reader, some, home):
            if refusal is not None:
                raise refusal
    for numbers in batched(range(int(first), int(last)), together):
        inputs = {number: input_of(seeds, name, seed, number) for number in numbers}
        say(f"begin {numbers[0]}")
        faults = faults_of(reader, inputs, home)
        if faults and together > 1:  # which of them is it?
            alone = [faults_of(reader, {number: data}, home) for number, data in inputs.items()]
            faults = [*chain.from_iterable(alone)] or faults
        for fault in faults:
            say(f"fault {fault}")
    shutil.rmtree(home)
    say("done")


def batched(numbers, size):
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def input_of(seeds, name, seed, number):
    return mutated(seeds, Random(f"{name}/{seed}/{number}"))  # noqa: S311  to be repeatable


def faults_of(reader, inputs, home):
    """Return what is wrong with how inputs were read, with their numbers."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    before = forget_peak()
    which = "+".join(map(str, inputs))
    try:
        refusals = refusals_of(reader, [*inputs.values()], home)
    except BaseException as error:  # noqa: BLE001  PanicException is no Exception
        kind = f"{type(error).__module__}.{type(error).__name__}"
        faults = [f"{which} raised {kind}: {one_line(error)}"]
    else:
        faults = [
            f"{number} shows its insides: {one_line(refusal)}"
            for number, refusal in zip(inputs, refusals, strict=True)
            if INSIDES.search(str(refusal))
        ]
    grown = peak() - before
    if grown > GIB:
        size = sum(map(len, inputs.values()))
        faults.append(f"{which} took {grown / GIB:.1f} GiB for {size} bytes")
    return faults


def refusals_of(reader, inputs, home):
    """Return for each input the error that refused it, or None."""
    if hasattr(reader, "read_together"):
        return reader.read_together(inputs, home)
    return [refusal_of(reader, data, home) for data in inputs]


def refusal_of(reader, data, home):
    from algomancy_data.errors import AlgomancyDataError  # noqa: PLC0415  the reader comes first

    try:
        reader.read(data, home)
    except AlgomancyDataError as error:
        return error
    return None


def one_line(error):
    return " ".join(str(error).split())[:500]


def forget_peak():
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak()


def peak():
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
