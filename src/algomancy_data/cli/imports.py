"""Keeps imports out of commands that do not need them."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

_LEFT_OUT: Final = ("numpy", "pandas")


class _Nothing(MetaPathFinder):
    """A finder that hides some packages."""

    def find_spec(self, fullname: str, *_: object) -> None:
        """Say that it is not there."""
        if fullname in _LEFT_OUT:
            raise ModuleNotFoundError(fullname, name=fullname)


@contextmanager
def without_numpy_and_pandas() -> Generator[None]:
    """Keep them from being imported in a block at the end of a program.

    PyArrow imports them to find out whether they are there, which takes longer than all the rest.
    """
    finder = _Nothing()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
