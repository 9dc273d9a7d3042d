"""Reading JSON from a store, with every value checked.

It may have been changed meanwhile, so anything of another shape than documented raises a
:class:`~algomancy_data.errors.SerializationError` that says where. Unknown members are those of a
later version, and ignored.
"""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, Final, NoReturn, TypeVar, cast

from algomancy_data.errors import SerializationError

_T = TypeVar("_T")
_LARGEST: Final = 2**63 - 1
_SHOWN: Final = 60
_NAMES: Final[dict[type[Any], str]] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    int: "a whole number",
}


def parse(text: object) -> Any:
    """Return the value of a JSON text.

    Raises:
        SerializationError: It is no JSON, or nested too deeply to be read.

    Example:
        >>> parse('{"rows": 3}')
        {'rows': 3}
    """
    if not isinstance(text, str):
        _refuse("it", "a text", text)
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        problem = "lists or objects are nested too deeply"
    except ValueError as error:
        problem = str(error)
    msg = f"it is no JSON: {problem}"
    raise SerializationError(msg)


def expect(kind: type[_T], value: object, where: str) -> _T:
    """Return a value that must be of a kind: ``dict``, ``list``, ``str`` or ``int``.

    A number is one that counts something: not negative, and of 63 bits.

    Raises:
        SerializationError: It is not.

    Example:
        >>> expect(int, -1, "rows")
        Traceback (most recent call last):
        algomancy_data.errors.SerializationError: 'rows' is -1 instead of a whole number
    """
    if not _is(value, kind):
        _refuse(repr(where), _NAMES[kind], value)
    return cast("_T", value)


def member(document: object, name: str, kind: type[_T], where: str = "value") -> _T:
    """Return a member that an object must have, of a given kind.

    Raises:
        SerializationError: There is none, or it is of another kind.

    Example:
        >>> member({"rows": 3}, "rows", int)
        3
    """
    known = expect(dict, document, where)
    if name not in known:
        msg = f"{where!r} has no {name!r}"
        raise SerializationError(msg)
    return expect(kind, known[name], name)


def members_of(class_: type[Any], document: object, where: str) -> dict[str, Any]:
    """Return the fields of a dataclass that an object has, each of the declared type.

    Args:
        class_: A dataclass whose fields are texts, numbers or None; others are passed over.
        document: The object.
        where: What to call it in an error.

    Raises:
        SerializationError: It is no object, lacks a field without a default, or a value is of
            another type.
    """
    known = expect(dict, document, where)
    found: dict[str, Any] = {}
    for name, (types, is_required) in _scalars(class_).items():
        if name not in known:
            if is_required:
                msg = f"{where!r} has no {name!r}"
                raise SerializationError(msg)
            continue
        value = known[name]
        if not any(_is(value, one) for one in types):
            kinds = " or ".join(_NAMES.get(one, "a number") for one in types if one is not _NONE)
            _refuse(f"{name!r} of {where!r}", kinds, value)
        found[name] = value
    return found


_NONE: Final = type(None)
_SCALARS: Final[dict[str, type[Any]]] = {"str": str, "int": int, "float": float, "None": _NONE}


@cache
def _scalars(class_: type[Any]) -> dict[str, tuple[list[type[Any]], bool]]:
    """Return the types of each field that is a scalar, and whether it must be there."""
    # As they are written: what they are made of need not be imported.
    words = {one: str(one.type).split(" | ") for one in fields(class_)}
    return {
        one.name: (
            [_SCALARS[word] for word in named],
            one.default is MISSING and one.default_factory is MISSING,
        )
        for one, named in words.items()
        if _SCALARS.keys() >= set(named)
    }


def _is(value: object, kind: type) -> bool:
    if kind is float:
        return _is(value, int) or (isinstance(value, float) and math.isfinite(value))
    if kind is int:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return is_number and 0 <= cast("int", value) <= _LARGEST
    return isinstance(value, kind)


def _refuse(what: str, kind: str, value: object) -> NoReturn:
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    msg = f"{what} is {shown} instead of {kind}"
    raise SerializationError(msg)


def _no_number(constant: str) -> NoReturn:
    msg = f"{constant} is no number of JSON"
    raise ValueError(msg)
