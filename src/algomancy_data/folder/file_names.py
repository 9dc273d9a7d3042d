"""Names of datasets as names of files, on any file system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final

RESERVED_STEMS: Final = frozenset({"meta", "scenarios"})
"""Stems of the JSON files that other packages of the framework keep in the same folder."""

# 255 bytes is what most file systems allow; ".json" and a version must still fit behind.
_LONGEST: Final = 200
_READABLE: Final = 40
_DIGITS: Final = 32
_FORBIDDEN: Final = frozenset('<>:"/\\|?*%')
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{device}{digit}" for device in ("com", "lpt") for digit in "0123456789¹²³"}
)
_HASHED: Final = re.compile(rf"-[0-9a-f]{{{_DIGITS}}}$")


def plain_stem(name: str) -> str | None:
    """Return the name itself if every file system accepts it as a stem, else None.

    Example:
        >>> plain_stem("flights 2024"), plain_stem("../etc"), plain_stem("NUL.2024")
        ('flights 2024', None, None)
    """
    is_plain = (
        name.isprintable()
        and not _FORBIDDEN.intersection(name)
        and unicodedata.normalize("NFC", name) == name
        and not name.startswith((".", "~", " "))
        and not name.endswith((".", " "))
        and len(name.encode()) <= _LONGEST
        and name.partition(".")[0].rstrip().casefold() not in _DEVICES
        and name.casefold() not in RESERVED_STEMS
        and _HASHED.search(name) is None
    )
    return name if is_plain else None


def hashed_stem(name: str) -> str:
    """Return the stem of a name that is not plain, or whose plain stem is taken.

    No plain stem looks like this one, and no other name has it.

    Example:
        >>> hashed_stem("../x")
        'x-d6b96a97d147daaae49eb87a5ca7bfbc'
    """
    readable = re.sub(r"[^A-Za-z0-9]+", "_", name)[:_READABLE].strip("_")
    return f"{readable or 'dataset'}-{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}"


def stems(name: str) -> tuple[str, ...]:
    """Return the possible stems of a dataset's file, the preferred one first."""
    plain = plain_stem(name)
    return (hashed_stem(name),) if plain is None else (plain, hashed_stem(name))


def clash_key(stem: str) -> str:
    """Return a key that is equal for stems that some file systems take as one.

    Example:
        >>> clash_key("Größe") == clash_key("GRO\u0308SSE")
        True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", stem).casefold())
