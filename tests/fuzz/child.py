"""Gives mutated inputs to a reader, and says what became of each.

Run as ``child.py READER SEED FIRST LAST SECONDS``. It writes a line ``begin N`` before an input, or
those that are read together with it, so that its parent knows which one ended the process,
``fault N …`` where something is wrong, and ``read N refused N`` behind each. After so many seconds
it reads no more. With a path as one more argument it only writes input FIRST to it, for a closer
look. ``child.py PATH…`` reads files of the corpus, each by the reader that its folder is named
after, and says ``read`` of each, or ``refused`` and why.
"""

import faulthandler
import importlib
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from itertools import chain
from pathlib import Path
from random import Random

from mutations import mutated

GIB = 1 << 30
# Far above what is allowed, so that it is mostly noticed as too much, and ends nothing else.
MEMORY = 4 * GIB
SECONDS = 60
# By the clock, which a slow machine may take longer by: nobody waits for ever.
PATIENCE = 900
# The insides of what the package is made of, which no message shows.
INSIDES = re.compile(
    r"panicked|unwrap\(\)|RUST_BACKTRACE|Traceback|\.rs:|\.cc:|pyo3|polars_|arrow::|Option::|Err\("
)


def main(name, *arguments):
    if Path(name).is_file():
        replay([Path(name), *map(Path, arguments)])
        return
    seed, first, last, seconds, *target = arguments
    reader = importlib.import_module(f"readers.{name}")
    seeds = reader.seeds()
    if target:
        Path(*target).write_bytes(input_of(reader, seeds, seed, int(first)))
        return
    home = prepared()
    together = getattr(reader, "TOGETHER", 1)
    for some in batched(seeds, together):
        say(f"begin {-1}")
        # What is right must be read, and imports count for no input.
        for refusal in refusals_of(reader, some, home):
            if refusal is not None:
                raise refusal
    end = time.monotonic() + float(seconds)
    for numbers in batched(range(int(first), int(last)), together):
        if time.monotonic() > end:
            break
        inputs = {number: input_of(reader, seeds, seed, number) for number in numbers}
        say(f"begin {numbers[0]}")
        faults, refusals = faults_of(reader, inputs, home)
        if faults and together > 1:  # which of them is it?
            alone = [faults_of(reader, {number: data}, home)[0] for number, data in inputs.items()]
            faults = [*chain.from_iterable(alone)] or faults
        for fault in faults:
            say(f"fault {fault}")
        refused = sum(refusal is not None for refusal in refusals)
        say(f"read {len(refusals) - refused} refused {refused}")
    shutil.rmtree(home)
    say("done")


def replay(paths):
    """Read the files of the corpus, those of a reader behind each other."""
    home = prepared()
    readers = {}
    for path in paths:
        say(f"begin {path}")
        name = path.parent.name
        if name not in readers:
            readers[name] = importlib.import_module(f"readers.{name}")
            readers[name].seeds()
        (refusal,) = refusals_of(readers[name], [path.read_bytes()], home)
        say("read" if refusal is None else f"refused {one_line(refusal)}")
    shutil.rmtree(home)
    say("done")


def prepared():
    """Limit the memory of the process, and return a folder for it."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    faulthandler.enable()
    faulthandler.register(signal.SIGALRM, chain=True)
    return Path(tempfile.mkdtemp(prefix="fuzz-"))


def batched(numbers, size):
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


def input_of(reader, seeds, seed, number):
    random = Random(f"{reader.__name__}/{seed}/{number}")  # noqa: S311  to be repeatable
    return mutated(seeds, random, getattr(reader, "CHANGES", ()))


def faults_of(reader, inputs, home):
    """Return what is wrong with how inputs were read, with their numbers, and what refused them."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.alarm(PATIENCE)
    before = forget_peak()
    which = "+".join(map(str, inputs))
    refusals = []
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
    return faults, refusals


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
