"""Secrets stay secret: nothing that the package says, logs or keeps shows one.

Addresses have them in front of the host (``user:password@``) and behind the path: whoever has a
pre-signed address has the right to read what it leads to.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus, unquote_plus

MASK: Final = "***"

# What stands between the user and the last @ before the path; passwords may contain an @.
_IN_URL: Final = re.compile(r"(?P<user>[A-Za-z][\w+.-]*://[^\s:/?#@]*):[^\s/?#]+@")
_IN_OPTIONS: Final = re.compile(
    r"(?P<name>\b(?:ssl)?password\s*=\s*)('[^']*'|[^\s&'\"]+)", re.IGNORECASE
)
# Of a database, the options say much and are no secrets.
_ADDRESS: Final = r"(?P<scheme>(?<![\w+.-])(?!sqlite|postgres|mysql)[A-Za-z][\w+.-]*://)"
_TOKEN: Final = re.compile(rf"{_ADDRESS}[^\s:/?#@]+@")
_QUERY: Final = re.compile(rf"(?P<front>{_ADDRESS}[^\s?'\"<>]*\?)[^\s'\"<>]+")
_BEFORE_HOST: Final = re.compile(r"(?<=://)[^\s/?#]*@")
_BEHIND_PATH: Final = re.compile(r"\?.*?(?=::|$)", re.DOTALL)
_HAS_SCHEME: Final = re.compile(r"[A-Za-z][\w+.-]*://")
# Shorter ones are masked where they are written as passwords, not wherever the letters occur.
_SHORTEST: Final = 4

_secrets: Final[set[str]] = set()


def remember_secret(secret: str) -> None:
    """Mask a password from now on, however it is written."""
    plain = unquote_plus(secret)
    _secrets.update(
        form
        for form in (secret, plain, quote(plain, safe=""), quote_plus(plain), repr(plain)[1:-1])
        if len(form) >= _SHORTEST
    )


def mask(text: object, address: str = "") -> str:
    """Return a text without passwords, and without the queries of addresses.

    Args:
        text: The message.
        address: An address that it is about, and of which it may have parts.

    Example:
        >>> mask("postgresql://me:secret@host/db failed: password=secret")
        'postgresql://me:***@host/db failed: password=***'
        >>> mask("403 for https://token@host/orders.csv?X-Amz-Signature=secret")
        '403 for https://***@host/orders.csv?***'
    """
    masked = str(text)
    for secret in sorted(_secrets, key=len, reverse=True):
        masked = masked.replace(secret, MASK)
    query = address.partition("?")[2]
    if len(query) >= _SHORTEST:
        masked = masked.replace(query, MASK)
    masked = _IN_URL.sub(rf"\g<user>:{MASK}@", masked)
    masked = _TOKEN.sub(rf"\g<scheme>{MASK}@", masked)
    masked = _QUERY.sub(rf"\g<front>{MASK}", masked)
    return _IN_OPTIONS.sub(rf"\g<name>{MASK}", masked)


def without_secrets(place: str | Path) -> str:
    """Return a path as it is, and an address without user, password and query.

    Example:
        >>> without_secrets("https://me:secret@host/orders.csv?sig=secret")
        'https://host/orders.csv'
        >>> without_secrets("orders?.csv")
        'orders?.csv'
    """
    text = str(place)
    if isinstance(place, Path) or not _HAS_SCHEME.match(text):
        return text
    return _BEHIND_PATH.sub("", _BEFORE_HOST.sub("", text))


def as_cause(error: BaseException, address: str = "") -> BaseException | None:
    """Return an error that may be shown as a cause; None if it reveals a secret.

    Args:
        error: The error.
        address: The address that it is about.

    Example:
        >>> as_cause(OSError("no route to https://host/a"))
        OSError('no route to https://host/a')
        >>> as_cause(OSError("no route to https://host/a?sig=secret"))
    """
    earlier: BaseException | None = error
    while earlier is not None:
        if mask(earlier, address) != str(earlier):
            return None
        earlier = earlier.__cause__ or earlier.__context__
    return error
