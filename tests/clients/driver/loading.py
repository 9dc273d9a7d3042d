"""Run sources that were written for Python 3.14 on older ones, as they are.

They need two things of it: annotations that are not evaluated (PEP 649), which
``from __future__ import annotations`` gives as well, and ``except A, B:`` without parentheses
(PEP 758), which is put into parentheses while the source is compiled.
"""

from __future__ import annotations
import __future__

import re
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path

_EXCEPT = re.compile(rb"^(\s*except )([\w.]+(?:, [\w.]+)+):", re.MULTILINE)


class _Loader(SourceFileLoader):
    def source_to_code(self, data, path, *, _optimize=-1):
        source = _EXCEPT.sub(rb"\1(\2):", data)
        flags = __future__.annotations.compiler_flag
        return compile(source, path, "exec", flags, dont_inherit=True, optimize=_optimize)


class _Finder(MetaPathFinder):
    """Finds the packages of one folder, before anything else does."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._names = {each.name for each in self._folder.glob("algomancy_*") if each.is_dir()}

    def find_spec(self, fullname, path=None, target=None):
        top, *rest = fullname.split(".")
        if top not in self._names:
            return None
        where = self._folder.joinpath(top, *rest[:-1]) if rest else self._folder
        return FileFinder(str(where), (_Loader, [".py"])).find_spec(fullname, target)


def use(*folders):
    """Put folders on the path, the first one foremost, and what is in them into reach."""
    for folder in reversed(folders):
        sys.path.insert(0, folder)
        if sys.version_info < (3, 14):
            sys.meta_path.insert(0, _Finder(folder))
