"""What the components of all stages share, and how errors in users' components are reported.

Each has a name and a logger. What a user's component returns is checked. What it raises propagates
unchanged, with a note that names the component: its class, where that is defined, and its input.
"""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, TypedDict

from algomancy_data.engine_failures import foreign_trace
from algomancy_data.errors import ArgumentError, ComponentError
from algomancy_data.logs import Logging

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Generator, Iterable

    from algomancy_data.logs import Logger

_OURS: Final = __name__.partition(".")[0]
_UNSAID: Final = (KeyboardInterrupt, SystemExit, GeneratorExit, ComponentError)
_MOST_NAMES: Final = 8


NameOrLogger: TypeAlias = "str | Logger | logging.Logger | None"
"""A name or a logger, wherever the one or the other is expected: a text is a name."""


class KnownAs(TypedDict, total=False):
    """The keywords that every component takes."""

    name: NameOrLogger
    logger: NameOrLogger


class Component(Logging):
    """What a stage is made of.

    Args:
        name: What it is called in the log.
        logger: The framework's logger, one of the standard library, or None for the standard
            library's ``algomancy_data``. The two may change places: a text is the name.

    Attributes:
        name: As it was given, or that of its class.
        logger: As it was given.

    Raises:
        ArgumentError: There are two names, or two loggers.

    Example:
        >>> import logging
        >>> log = logging.getLogger("mine")
        >>> Component(log).logger is Component("a", log).logger is Component(log, "a").logger
        True
    """

    name: str
    _unnamed: ClassVar[str] = ""

    def __init__(self, name: NameOrLogger = None, logger: NameOrLogger = None) -> None:
        has_changed_places = isinstance(logger, str) or not isinstance(name, str | None)
        called, told = (logger, name) if has_changed_places else (name, logger)
        if isinstance(told, str) or not isinstance(called, str | None):
            raise ArgumentError.from_given("logger", logger, "a logger, beside one name")
        self.name = self._unnamed or type(self).__name__ if called is None else called
        self.logger = told


class ComponentNote(str):
    """The note on an exception that a user's component raised."""

    __slots__ = ()


@contextmanager
def named(kind: str, called: Callable[..., Any], *, given: Iterable[str] = ()) -> Generator[None]:
    """Add a note to what a user's component raises in a block.

    Args:
        kind: What it is: "transformer".
        called: Its method that is called, or its class where that is.
        given: Names of the tables that it was given.
    """
    try:
        yield
    except BaseException as error:
        note_component(error, kind, called, given)
        raise


def note_rule(error: BaseException, rule: str, schema: type, table: str) -> None:
    """Name the rule of a schema whose code raised an exception."""
    if note_of(error) is None:
        what = f"Raised by rule {rule} of the schema {schema.__name__}{source_of(schema)}"
        error.add_note(ComponentNote(f"{what}, on table {table!r}."))


def note_component(
    error: BaseException, kind: str, called: Callable[..., Any], given: Iterable[str] = ()
) -> None:
    """Add the note of :func:`named` to an exception."""
    if isinstance(error, _UNSAID) or note_of(error) is not None or not is_own(_owner(called)):
        return
    code = called.__init__ if isinstance(called, type) else called
    if is_own(code) or foreign_trace(error.__traceback__) is not None:
        names = _listed(given)
        tables = f", which had {names}" if names else ""
        error.add_note(ComponentNote(f"Raised by {_described(kind, called)}{tables}."))


def note_of(error: BaseException) -> ComponentNote | None:
    """Return the note that names the component that raised an exception, or None."""
    notes = getattr(error, "__notes__", ())
    return next((note for note in notes if isinstance(note, ComponentNote)), None)


def check_parts(kind: str, method: str, parts: Iterable[object]) -> None:
    """Make sure that a stage is made of components.

    Args:
        kind: What they are: "transformer".
        method: The method that is called.
        parts: The components, or what has their method.

    Raises:
        ArgumentError: One is something else, such as a class.

    Example:
        >>> from algomancy_data import NoopTransformer
        >>> check_parts("transformer", "transform", [NoopTransformer()])
    """
    for part in parts:
        if isinstance(part, type) or not callable(getattr(part, method, None)):
            article = "An" if kind.startswith("e") else "A"
            possible = f"an object with the method {method}()"
            raise ArgumentError.from_given(f"{article} {kind}", part, possible)


def returned_wrongly(
    kind: str, called: Callable[..., Any], returned: object, expected: str
) -> ComponentError:
    """Return the error for a component that returned the wrong type.

    Args:
        kind: What it is.
        called: Its method.
        returned: What that returned.
        expected: What it must return, and how.
    """
    given = "None" if returned is None else f"an object of {type(returned).__name__}"
    return ComponentError(f"{_described(kind, called)} returned {given}: {expected}.")


def source_of(code: object) -> str:
    """Return where a class or function is defined, as ``" (etl.py:12)"``; nothing at a prompt.

    Example:
        >>> from algomancy_data import Transformer
        >>> source_of(Transformer).rpartition("/")[2].partition(":")[0]
        'base.py'
        >>> source_of(len)
        ''
    """
    plain: Any = inspect.unwrap(code) if callable(code) else code
    try:
        path, line = inspect.getsourcefile(plain), inspect.getsourcelines(plain)[1]
    except (OSError, TypeError):  # written at a prompt
        return ""
    shown = Path(path or "?")
    if shown.is_relative_to(here := Path.cwd()):
        shown = shown.relative_to(here)
    return f" ({shown}:{line})"


def is_own(code: object) -> bool:
    """Tell whether a class or function is a user's, not this package's."""
    return str(getattr(code, "__module__", "")).partition(".")[0] != _OURS


def _described(kind: str, called: Callable[..., Any]) -> str:
    owner = _owner(called)
    name = owner.__qualname__.rpartition("<locals>.")[2]
    place = f"the {kind} {name}{source_of(owner)}"
    return place if called is owner else f"{called.__name__}() of {place}"


def _owner(called: Callable[..., Any]) -> type | FunctionType:
    owner = getattr(called, "__self__", called)
    if isinstance(owner, FunctionType):  # a method that should be a classmethod, and is not
        return owner
    return owner if isinstance(owner, type) else type(owner)


def _listed(names: Iterable[str]) -> str:
    listed = [*map(repr, names)]
    more = f" and {len(listed) - _MOST_NAMES} more" if len(listed) > _MOST_NAMES else ""
    return ", ".join(listed[:_MOST_NAMES]) + more
