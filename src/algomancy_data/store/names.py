"""What can be the name of a dataset, a session or a table."""

from __future__ import annotations

from algomancy_data.errors import DatasetNameError


def check_name(name: object, kind: str = "dataset") -> None:
    """Refuse what no store can use as a name: it must be Unicode text that is not empty.

    Args:
        name: The name.
        kind: What it is the name of.

    Raises:
        DatasetNameError: It is no text, empty, or contains NUL or half a surrogate pair.
    """
    if not isinstance(name, str) or not name:
        msg = f"The name of a {kind} must be a text that is not empty, not {name!r}."
        raise DatasetNameError(msg)
    try:
        name.encode()
    except UnicodeEncodeError as error:
        msg = f"The {kind} name {name!r} is no valid Unicode text: {error.reason}."
        raise DatasetNameError(msg) from error
    if "\0" in name:
        msg = f"The {kind} name {name!r} contains a NUL character, which no store can keep."
        raise DatasetNameError(msg)
