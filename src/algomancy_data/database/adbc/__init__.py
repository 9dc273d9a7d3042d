"""SQLAlchemy and PEP 249 over ADBC: what the drivers of all databases have in common.

ADBC's SQLite driver carries its own SQLite library, and two libraries must never have one file
open in one process (https://www.sqlite.org/howtocorrupt.html, section 2.2.1). So SQLAlchemy does
not get a driver of its own beside the bulk path: it speaks through ADBC as well.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def _left_out(module: str) -> Generator[None]:
    """Let nothing import a module in a block."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = ModuleType(module)
    try:
        yield
    finally:
        del sys.modules[module]


# ADBC's module for PEP 249 imports it to tell whether it is given a dataset of PyArrow, and it
# imports pandas where that is installed: half of the time in which a first store opens.
with _left_out("pyarrow.dataset"):
    import_module("adbc_driver_manager.dbapi")
