"""The public names of the package on the path, with the parameters of what can be called."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from enum import Enum
from typing import TYPE_CHECKING

import algomancy_data

if TYPE_CHECKING:
    from recording import Recording


def drive(recording: Recording):
    """Write down module, name and parameters of everything public, members included."""
    for found in pkgutil.walk_packages(algomancy_data.__path__, "algomancy_data."):
        module = importlib.import_module(found.name)
        short = found.name.removeprefix("algomancy_data.")
        for name, value in vars(module).items():
            if name[0] == "_" or not is_own(module, name, value):
                continue
            recording.keep(f"{short}.{name}", parameters(value))
            if inspect.isclass(value):
                for member, inner in vars(value).items():
                    if member[0] != "_":
                        recording.keep(f"{short}.{name}.{member}", parameters(inner))
    recording.keep("__all__", sorted(algomancy_data.__all__))


def is_own(module, name, value):
    """Tell whether a module made a value: it does not only import it."""
    if inspect.isclass(value) or inspect.isfunction(value):
        return value.__module__ == module.__name__
    return re.search(rf"^{name}\b.* = ", inspect.getsource(module), re.MULTILINE) is not None


def parameters(value):
    """Return the names of parameters, or None for what is not called."""
    value = getattr(value, "__func__", value)
    if isinstance(value, type) and issubclass(value, Enum | BaseException):
        return None
    if not callable(value) or isinstance(value, property):
        return None
    try:
        return list(inspect.signature(value).parameters)
    except ValueError:
        return None
