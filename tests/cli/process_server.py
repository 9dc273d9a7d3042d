"""Run the command in forked processes, which need not import everything once more.

Started by conftest.py. Reads JSON lines ``{arguments, folder, environment, files}`` and prints the
exit code of each. It imports everything once, and forks before Polars has threads.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import sys
import traceback

from algomancy_data import database
from algomancy_data.cli import main
from algomancy_data.cli.app import COMMANDS

del database  # imported for those that are to be forked
# What is imported only when a command runs; another version of Typer may do without its adapters.
LATER = (
    *("typer._adapters", "algomancy_data.database.sqlite", "algomancy_data.database.postgresql"),
    *("sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql"),
)


def command(request):
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for number, path in enumerate(request["files"]):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(path, flags), number)
    sys.path[0] = os.fspath(request["folder"])
    sys.argv = ["algomancy-data", *request["arguments"]]
    return main()


def serve():
    for module, _ in COMMANDS.values():
        importlib.import_module(f"algomancy_data.cli.commands.{module}")
    for name in LATER:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)
    gc.freeze()  # no child looks through what is there already
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 99
            try:
                code = command(json.loads(line))
            except BaseException:  # noqa: BLE001  whatever it is, the test is to see it
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
