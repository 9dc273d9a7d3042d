"""Passwords of databases: from the environment or the keyring, never from where others see them."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from algomancy_data.errors import CommandLineError
from algomancy_data.masking import remember_secret

if TYPE_CHECKING:
    import sqlalchemy as sa

    from algomancy_data.cli.configuration import Setting

VARIABLE: Final = "ALGOMANCY_PASSWORD"
SERVICE: Final = "algomancy-data"
"""Under this name passwords are in the keyring."""

_OPTIONS: Final = ("password", "sslpassword")


def check_visible(store: Setting) -> None:
    """Refuse a password where others can see it: in the list of processes, or in a file.

    Raises:
        CommandLineError: The URL of a store has one; the message says where to put it.
    """
    passwords = _passwords(store.value)
    for password in passwords:
        remember_secret(password)
    if not passwords or (not store.is_flag and store.base is None):
        return
    where = (
        "on the command line, where every user of this machine can read it"
        if store.is_flag
        else f"in the file {store.origin!r}"
    )
    msg = (
        f"The URL of the store has a password {where}. Take it out, and set {VARIABLE}, put the "
        f"whole URL into ALGOMANCY_STORE, or put the password into the keyring or ~/.pgpass."
    )
    raise CommandLineError(msg)


def with_password(url: sa.URL) -> sa.URL:
    """Return the URL of a server with the password that there is for it."""
    from algomancy_data.database.backend import backend_of_url  # noqa: PLC0415  with SQLAlchemy

    if url.password or "password" in url.query or not backend_of_url(url).asks_password:
        return url
    password = os.environ.get(VARIABLE) or _from_keyring(url)
    if password is None:
        return url  # the server may ask for none, or libpq find it: $PGPASSWORD, ~/.pgpass
    remember_secret(password)
    return url.set(password=password)


def keyring_user(url: sa.URL) -> str:
    """Return the name of a database's entry in the keyring: ``user@host/database``."""
    host = url.host or str(url.query.get("host", "localhost"))
    return f"{url.username or ''}@{host}/{url.database or ''}"


def _from_keyring(url: sa.URL) -> str | None:
    import keyring  # noqa: PLC0415  it looks for backends when it is imported
    from keyring.errors import NoKeyringError  # noqa: PLC0415  as above

    try:
        return keyring.get_password(SERVICE, keyring_user(url))
    except NoKeyringError:
        return None
    except Exception as error:  # noqa: BLE001  a backend's; the server may want no password
        warnings.warn(f"The keyring could not be asked: {error}", stacklevel=2)
        return None


def _passwords(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
    except ValueError:  # opening it reports what is wrong with it
        return []
    in_query = [value for name, value in parse_qsl(parts.query) if name in _OPTIONS]
    _, separator, in_front = parts.netloc.rpartition("@")[0].partition(":")
    return [password for password in (in_front if separator else "", *in_query) if password]
