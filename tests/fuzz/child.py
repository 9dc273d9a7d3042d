"""Gives mutated inputs to a reader, and says what became of each.

Run as ``child.py READER SEED FIRST LAST``. It writes a line ``begin N`` before an input, so that
its parent knows which one ended the process, and ``fault N …`` where something is wrong. With one
more argument it only writes input FIRST to that path, for a closer look.
"""

import importlib
import re
import resource
import shutil
import signal
import sys
import tempfile
import warnings
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
    for data in seeds:
        say(f"begin {-1}")
        reader.read(data, home)  # what is right must be read, and imports count for no input
    for number in range(int(first), int(last)):
        data = input_of(seeds, name, seed, number)
        say(f"begin {number}")
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        before = forget_peak()
        fault = fault_of(reader, data, home)
        grown = peak() - before
        if fault is not None:
            say(f"fault {number} {fault}")
        if grown > GIB:
            say(f"fault {number} took {grown / GIB:.1f} GiB for {len(data)} bytes")
    shutil.rmtree(home)
    say("done")


def input_of(seeds, name, seed, number):
    return mutated(seeds, Random(f"{name}/{seed}/{number}"))  # noqa: S311  to be repeatable


def fault_of(reader, data, home):
    """Return what is wrong with how an input was read, or None."""
    from algomancy_data.errors import AlgomancyDataError  # noqa: PLC0415  the reader comes first

    try:
        reader.read(data, home)
    except AlgomancyDataError as error:
        found = INSIDES.search(str(error))
        return f"shows its insides: {one_line(error)}" if found else None
    except BaseException as error:  # noqa: BLE001  PanicException is no Exception
        return f"raised {type(error).__module__}.{type(error).__name__}: {one_line(error)}"
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
