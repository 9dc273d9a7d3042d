"""Tools for testing and measuring stores.

:class:`DataManagerContract` is the contract that every DataManager keeps, as tests. It and
:func:`any_frame` and :func:`sample_frames` need the extra ``algomancy-data[testing]``.
:mod:`~algomancy_data.testing.workloads` makes tables of any size, and needs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from algomancy_data.errors import MissingExtraError
from algomancy_data.testing import workloads
from algomancy_data.testing.comparison import assert_identical

if TYPE_CHECKING:
    from algomancy_data.testing.manager_contract import DataManagerContract
    from algomancy_data.testing.samples import any_frame, sample_frames

__all__ = ["DataManagerContract", "any_frame", "assert_identical", "sample_frames", "workloads"]

_WITH_EXTRA: Final = {
    "DataManagerContract": "manager_contract",
    "any_frame": "samples",
    "sample_frames": "samples",
}


def __dir__() -> list[str]:
    """Return the names also of what is not imported yet."""
    return sorted({*globals(), *_WITH_EXTRA})


def __getattr__(name: str) -> Any:
    """Import what needs pytest and Hypothesis when it is asked for."""
    if name not in _WITH_EXTRA:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    try:
        import_module("hypothesis")
        import_module("pytest")
    except ImportError as error:
        raise MissingExtraError.from_extra(f"{__name__}.{name}", "testing") from error
    return getattr(import_module(f"{__name__}.{_WITH_EXTRA[name]}"), name)
