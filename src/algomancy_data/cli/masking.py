"""Secrets stay secret: nothing that the command writes shows a password."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, quote_plus, unquote_plus

MASK: Final = "***"

# What stands between the user and the last @ before the path; passwords may contain an @.
_IN_URL: Final = re.compile(r"(?P<user>[A-Za-z][\w+.-]*://[^\s:/?#@]*):[^\s/?#]+@")
_IN_OPTIONS: Final = re.compile(
    r"(?P<name>\b(?:ssl)?password\s*=\s*)('[^']*'|[^\s&'\"]+)", re.IGNORECASE
)
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


def mask(text: str) -> str:
    """Return the text without passwords.

    Example:
        >>> mask("postgresql://me:secret@host/db failed: password=secret")
        'postgresql://me:***@host/db failed: password=***'
    """
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _IN_URL.sub(rf"\g<user>:{MASK}@", text)
    return _IN_OPTIONS.sub(rf"\g<name>{MASK}", text)
