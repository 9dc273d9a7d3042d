"""Which mutants the tests notice: each is judged in a fork of a process that has imported all.

Polars' threads do not survive a fork, so the parent imports and collects, and runs nothing but a
test that starts a server. Each child exchanges the code of one function, runs the tests that reach
the fault, the quickest first, and ends at the first that fails.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from functools import cache
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from tests.mutation.children import in_child, status_in_child

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from tests.mutation.mutants import Mutant

_T = TypeVar("_T")
Place = tuple[str, str, int]
"""A file, a function within its classes, and its first line, decorators included."""

_SURVIVED, _KILLED, _BROKEN = 0, 1, 3
_VERDICTS = {_SURVIVED: "survived", _BROKEN: "broken", -signal.SIGXCPU: "slow"}
_LEAST_SECONDS = 5  # of computing, beyond four times what the tests take without a fault
_PATIENCE = 20  # times as long on the wall, since other programs run beside


class Judge:
    """A plugin of pytest that judges mutants by the tests that were collected.

    The first test that is collected starts what the others share.

    Args:
        mutants: The mutants.
        late: Paths of tests that use Polars as soon as they are imported: a child collects them.
        root: Root of the repository.
        said: Called with each mutant and the verdict: killed, slow, survived, unreached, broken.
    """

    def __init__(
        self,
        mutants: list[Mutant],
        late: list[str],
        root: Path,
        said: Callable[[Mutant, str], object],
    ) -> None:
        self._mutants = mutants
        self._late = late
        self._root = root
        self._said = said
        self._failed: list[str] = []
        self._functions: dict[Place, list[FunctionType]]
        self._reached: dict[tuple[str, int], set[str]]
        self._seconds: dict[str, float]

    def pytest_configure(self) -> None:
        """Have properties tried on the same examples each time, and none made smaller."""
        from hypothesis import Phase, settings  # noqa: PLC0415  pytest rewrites it before

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutation", database=None, derandomize=True, phases=phases)
        settings.load_profile("mutation")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember what failed."""
        if report.failed:
            self._failed.append(f"{report.nodeid}\n{report.longreprtext}")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Judge all mutants."""
        session.config.pluginmanager.unregister(name="terminalreporter")
        server, *early = session.items
        _run(server)
        if _polars_has_threads():
            raise pytest.UsageError("A test uses Polars when it is imported: say that it is late.")
        for mutant in self._mutants:
            importlib.import_module(mutant.module)
        paths = {str(self._root / mutant.path) for mutant in self._mutants}
        self._functions = functions_in(paths)
        self._reached, self._seconds = in_child(lambda: self._reach(session, early))
        print(f"{len(self._seconds)} tests, {sum(self._seconds.values()):.0f} s", flush=True)
        for mutant in self._mutants:
            self._said(mutant, self._judge(session, mutant, early))
        return True

    def _reach(
        self, session: pytest.Session, early: list[pytest.Item]
    ) -> tuple[dict[tuple[str, int], set[str]], dict[str, float]]:
        """Return which tests reach which lines, and how long each test takes."""
        paths = {str(self._root / mutant.path) for mutant in self._mutants}
        reached = defaultdict[tuple[str, int], set[str]](set)
        seconds = dict[str, float]()
        now = ""

        def in_line(frame: FrameType, event: str, _: object) -> Any:
            if event == "line":
                reached[frame.f_code.co_filename, frame.f_lineno].add(now)
            return in_line

        def in_call(frame: FrameType, _: str, __: object) -> Any:
            return in_line if frame.f_code.co_filename in paths else None

        threading.settrace(in_call)
        caches = caches_in(paths)
        for test in (*early, *self._collect_late(session)):
            now = test.nodeid
            for cached in caches:  # or a test would not reach what an earlier one left there
                cached.cache_clear()
            began = time.process_time()
            sys.settrace(in_call)
            _run(test)
            sys.settrace(None)
            seconds[now] = time.process_time() - began
        if self._failed:
            raise pytest.UsageError("Tests fail without a mutant:\n" + "\n".join(self._failed))
        return dict(reached), seconds

    def _judge(self, session: pytest.Session, mutant: Mutant, early: list[pytest.Item]) -> str:
        path = str(self._root / mutant.path)
        first, last = mutant.lines
        names = set[str]()
        names.update(*(self._reached.get((path, line), ()) for line in range(first, last + 1)))
        if not names:
            return "unreached"

        def judge() -> int:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # of crashes
            if not exchange(mutant, path, self._functions):
                return _BROKEN
            if self._find(early, names) or self._find(self._collect_late(session), names):
                return _KILLED
            return _SURVIVED

        limit = _LEAST_SECONDS + 4 * round(sum(self._seconds[name] for name in names))
        return _VERDICTS.get(status_in_child(judge, limit, limit * _PATIENCE), "killed")

    def _collect_late(self, session: pytest.Session) -> list[pytest.Item]:
        """Collect the late tests, into the folders of others, whose fixtures they share."""
        folders = {
            folder.path: folder
            for test in session.items
            for folder in test.iter_parents()
            if isinstance(folder, pytest.Directory)
        }
        files = [self._root / path for path in self._late]
        modules = [pytest.Module.from_parent(folders[file.parent], path=file) for file in files]
        tests = [test for module in modules for test in session.genitems(module)]
        return [test for test in tests if test.get_closest_marker("long") is None]

    def _find(self, tests: list[pytest.Item], names: set[str]) -> bool:
        """Tell whether one of the tests of these names fails."""
        chosen = [test for test in tests if test.nodeid in names]
        for test in sorted(chosen, key=lambda test: self._seconds[test.nodeid]):
            _run(test)
            if self._failed:
                return True
        return False


def _run(test: pytest.Item) -> None:
    """Run a test, and keep what lasts for the session."""
    lasting: Any = test.session
    test.config.hook.pytest_runtest_protocol(item=test, nextitem=lasting)


def _polars_has_threads() -> bool:
    names = (one.read_text() for one in Path("/proc/self/task").glob("*/comm"))
    return any(name.startswith("polars-0") for name in names)


def functions_in(paths: Collection[str]) -> dict[Place, list[FunctionType]]:
    """Return the functions of files that there are: of each one for each import of the file."""
    found = defaultdict[Place, list[FunctionType]](list)
    for function in _objects(FunctionType):
        if function.__code__.co_filename in paths:
            found[_place(function.__code__)].append(function)
    return dict(found)


def caches_in(paths: Collection[str]) -> list[Any]:
    """Return the functions of files that remember what they returned."""
    return [
        cached
        for cached in _objects(type(cache(abs)))
        if isinstance(function := cached.__wrapped__, FunctionType)
        and function.__code__.co_filename in paths
    ]


def _objects(kind: type[_T]) -> list[_T]:
    gc.unfreeze()
    found = [thing for thing in gc.get_objects() if isinstance(thing, kind)]
    gc.freeze()
    return found


def exchange(mutant: Mutant, path: str, functions: dict[Place, list[FunctionType]]) -> bool:
    """Give a function the code that it has in a mutant; tell whether it can be."""
    place = (path, mutant.function, mutant.line)
    try:
        code = dict(_codes(compile(mutant.mutated, path, "exec")))[place]
    except (KeyError, SyntaxError):
        return False
    found = [
        one for one in functions.get(place, []) if one.__code__.co_freevars == code.co_freevars
    ]
    for function in found:
        function.__code__ = code
    return bool(found)


def _codes(code: CodeType) -> Iterator[tuple[Place, CodeType]]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield _place(one), one
            yield from _codes(one)


def _place(code: CodeType) -> Place:
    return code.co_filename, code.co_qualname, code.co_firstlineno
