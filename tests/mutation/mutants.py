"""The mutants of a module: its source with one small fault in the body of a function."""

from __future__ import annotations

import fnmatch
import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, cast

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from libcst.metadata import CodeRange


@dataclass(frozen=True)
class Mutant:
    """One fault in one place.

    Args:
        path: Path of the module, from the root of the repository.
        function: Name of the function, within its classes.
        line: First line of the function, with its decorators, as its code knows it.
        lines: First and last line of the statement that has the fault.
        fault: What stands there, what the fault makes of it, and how often this was before.
        source: The whole module.
        write: Writes the whole module with the fault.
    """

    path: str
    function: str
    line: int
    lines: tuple[int, int]
    fault: tuple[str, str, int]
    source: str
    write: Callable[[], str]

    @property
    def module(self) -> str:
        """Name of the module."""
        inner = self.path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
        return inner.replace("/", ".")

    def rank(self, seed: int) -> bytes:
        """Return its turn in a sample, which other mutants do not change."""
        return hashlib.sha256(f"{seed}:{self.path}:{self.function}:{self.fault}".encode()).digest()

    @cached_property
    def mutated(self) -> str:
        """The whole module with the fault."""
        return self.write()

    @cached_property
    def name(self) -> str:
        """What is said of the mutant in reports, and by which it is known as equivalent."""
        was, now = self.source.splitlines(), self.mutated.splitlines()
        same = _equal_lines(was, now)
        rest = _equal_lines(was[same:][::-1], now[same:][::-1])
        changed = (
            f"{sign} {line.strip()}"
            for sign, lines in (("-", was), ("+", now))
            for line in lines[same : len(lines) - rest]
        )
        which = f" #{self.fault[2]}" if self.fault[2] else ""
        return "\n".join((f"{self.path}::{self.function}{which}", *changed))


def mutants_of(path: Path, root: Path, left_out: Collection[str]) -> list[Mutant]:
    """Return the mutants of a module.

    Args:
        path: Path of the module.
        root: Root of the repository.
        left_out: Patterns of names of functions whose calls have none, such as ``*.debug``.
    """
    wrapper = MetadataWrapper(cst.parse_module(path.read_text(encoding="utf-8")))
    finder = _Finder(path.relative_to(root).as_posix(), wrapper.module, left_out)
    wrapper.visit(finder)
    return finder.found


def _equal_lines(some: list[str], others: list[str]) -> int:
    """Return how many lines are the same before the first that is not."""
    pairs = zip(some, others, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


class _Finder(cst.CSTVisitor):
    """Goes through a module. Only bodies of functions can be exchanged while a program runs."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, path: str, module: cst.Module, left_out: Collection[str]) -> None:
        super().__init__()
        self.found: list[Mutant] = []
        self._path = path
        self._module = module
        self._source = module.code
        self._left_out = left_out
        self._names: list[str] = []
        self._function: tuple[str, int] | None = None
        self._statements: list[tuple[cst.CSTNode, tuple[int, int]]] = []
        self._alike: Counter[tuple[str, str, str]] = Counter()

    def visit_ClassDef(self, node: cst.ClassDef) -> None:  # noqa: N802  libcst's name
        """Remember the name."""
        self._names.append(node.name.value)

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:  # noqa: N802
        """Forget it."""
        self._names.pop()

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:  # noqa: N802
        """Visit the body: annotations, defaults and decorators are evaluated only once."""
        outermost = self._function is None
        if outermost:
            first = node.decorators[0] if node.decorators else node
            self._function = ".".join((*self._names, node.name.value)), self._lines(first)[0]
        node.body.visit(self)
        if outermost:
            self._function = None
        return False

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Make the mutants of one node."""
        if self._function is not None and not isinstance(node, cst.FunctionDef):
            if self._is_left_out(node):
                return False
            if isinstance(node, cst.BaseSmallStatement):
                self._statements.append((node, self._lines(node)))
            for kind, operator in mutation_operators:
                if isinstance(node, kind):
                    for mutated in operator(node):
                        self._add(node, mutated, self._function)
        return super().on_visit(node)

    def on_leave(self, original_node: cst.CSTNode) -> None:
        """Forget the statement."""
        if self._statements and self._statements[-1][0] is original_node:
            self._statements.pop()
        super().on_leave(original_node)

    def _is_left_out(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation):
            return True
        if isinstance(node, cst.Expr):
            return isinstance(node.value, cst.BaseString)  # a docstring
        if not isinstance(node, cst.Call):
            return False
        name = self._module.code_for_node(node.func)
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self._left_out)

    def _add(self, node: cst.CSTNode, mutated: cst.CSTNode, function: tuple[str, int]) -> None:
        was, now = (" ".join(self._module.code_for_node(each).split()) for each in (node, mutated))
        # In SQL, letters of the other case say the same.
        if isinstance(node, cst.BaseString) and was.casefold() == now.casefold():
            return
        lines = self._statements[-1][1] if self._statements else self._lines(node)
        name, line = function
        place = self._alike[name, was, now]
        self._alike[name, was, now] += 1
        self.found.append(
            Mutant(
                *(self._path, name, line, lines, (was, now, place), self._source),
                lambda: cst.ensure_type(self._module.deep_replace(node, mutated), cst.Module).code,
            )
        )

    def _lines(self, node: cst.CSTNode) -> tuple[int, int]:
        place = cast("CodeRange", self.get_metadata(PositionProvider, node))
        return place.start.line, place.end.line
