"""Where files are: paths, addresses of object stores, directories and patterns of parts."""

from __future__ import annotations

import glob
import mmap
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from algomancy_data.errors import (
    DISK_FULL,
    FileContentError,
    MissingExtraError,
    ScratchError,
    UnreachableError,
)
from algomancy_data.masking import as_cause, mask

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator

_ADDRESS: Final = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")
_PATTERN: Final = re.compile(r"[*?\[]")
# How fsspec's stores say what they need.
_INSTALL: Final = re.compile(
    r'(?:\binstall (?:the )?|\brequires )"?(?P<package>(?!to\b)[a-z][\w.-]*)', re.IGNORECASE
)
_NUMBER: Final = re.compile(r"([0-9]+)")
_HIDDEN: Final = (".", "_")
_COMPRESSED: Final = ("", ".gz", ".zst", ".zip")
# Hadoop's name for a folder of rows without a value.
_NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"
_WEB: Final = ("http", "https")
_CONNECT_SECONDS: Final = 10
_READ_SECONDS: Final = 30
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Location:
    """One part of a table.

    Args:
        path: Where it is.
        label: What to call it in messages: its path below what the parts have in common.
        keys: Values that its folders give (``year=2024``); None for no value.
    """

    path: str
    label: str
    keys: dict[str, str | None] = field(default_factory=dict)


def is_address(path: str | Path) -> bool:
    """Tell whether a path is an address such as ``s3://bucket/orders.csv``.

    Example:
        >>> is_address("s3://bucket/orders.csv"), is_address("C:/orders.csv")
        (True, False)
    """
    return isinstance(path, str) and _ADDRESS.match(path) is not None


def file_name(path: str | Path) -> str:
    """Return the last part of a path or address, without the query.

    Raises:
        FileContentError: It is no address, although it begins like one.
    """
    if is_address(path):
        return unquote(PurePosixPath(_path_in(str(path))).name)
    return Path(path).name


def _path_in(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError as error:
        msg = f"{mask(address)!r} is no address: {mask(error, address)}."
        raise FileContentError(msg) from as_cause(error, address)


class Place(NamedTuple):
    """What a path means.

    Args:
        path: The path, a plain one for ``file://``, or an address.
        is_address: Whether it is an address.
        has_parts: Whether it means several files: a directory, a pattern that no file is named.
    """

    path: str | Path
    is_address: bool
    has_parts: bool


def place_of(path: str | Path) -> Place:
    """Return what a path means now, depending on what is there.

    Raises:
        FileContentError: It is no address, although it begins like one.

    Example:
        >>> place_of("s3://bucket/orders/")
        Place(path='s3://bucket/orders/', is_address=True, has_parts=True)
    """
    if isinstance(path, str) and path.lower().startswith("file://"):
        path = url2pathname(_path_in(path))
    text = str(path)
    if is_address(path):
        return Place(path, is_address=True, has_parts="*" in text or text.endswith("/"))
    may_be_pattern = _PATTERN.search(text) is not None
    has_parts = Path(path).is_dir() or (may_be_pattern and not Path(path).exists())
    return Place(path, is_address=False, has_parts=has_parts)


def has_parts(path: str | Path) -> bool:
    """Tell whether a path means several files: a directory, or a pattern that is no file's name."""
    return place_of(path).has_parts


def exists(path: str | Path, suffixes: Collection[str] = ()) -> bool:
    """Tell whether something is there; addresses are assumed to exist until they are read."""
    place = place_of(path)
    if place.is_address:
        return True
    if place.has_parts:
        return Path(place.path).is_dir() or bool(find_parts(place.path, suffixes))
    return Path(place.path).is_file()


def find_parts(path: str | Path, suffixes: Collection[str]) -> list[Location]:
    """Return the files of a directory or pattern, in the natural order of their names.

    In a directory, names that begin with ``.`` or ``_`` are left out, and subfolders must be named
    ``<column>=<value>``. A pattern matches what it says; ``**`` is any number of folders.

    Args:
        path: Directory or pattern.
        suffixes: How the files of a directory may end, without the dot.

    Raises:
        FileContentError: A directory has a file or folder that is no part.
    """
    text = str(path)
    if is_address(path):
        locations = _remote_parts(text)
    elif Path(path).is_dir():
        endings = tuple(f".{suffix}{more}" for suffix in suffixes for more in _COMPRESSED)
        found = _files_below(Path(path), endings)
        locations = [Location(part, *_label(part, text)) for part in found]
    else:
        found = glob.glob(text, recursive=True)  # noqa: PTH207  a pattern may be absolute
        root = _fixed_folder(text)
        locations = [Location(part, *_label(part, root)) for part in found if Path(part).is_file()]
    return sorted(locations, key=lambda location: _natural(location.label))


@contextmanager
def fetched(address: str, check: Callable[[int], None]) -> Generator[Path]:
    """Fetch the content of an address, through fsspec, into a file that lasts as long as the block.

    On the disk it needs no memory, however much a server sends.

    Args:
        address: Where the content is.
        check: Called with how many bytes the store says there are, or has sent. It may raise a
            FileContentError to stop.

    Raises:
        MissingExtraError: A package that this kind of address needs is not installed.
        FileNotFoundError: There is nothing.
        UnreachableError: The store does not answer or forbids it, or there is no room on the disk
            (also an ``OSError``).
        FileContentError: It cannot be read.
    """
    with TemporaryDirectory(prefix="algomancy-data-", ignore_cleanup_errors=True) as folder:
        target = Path(folder, "content")
        _with_store(address, lambda store, path: _fetch(store, path, target, check))
        yield target


def _fetch(store: Any, path: str, target: Path, check: Callable[[int], None]) -> None:
    from fsspec.callbacks import Callback  # noqa: PLC0415  an extra

    def watch(size: int | None, sent: int, **_: Any) -> None:
        check(max(size or 0, sent))

    store.get_file(path, str(target), callback=Callback(hooks={"check": watch}))
    if not target.is_file():  # a folder of the store
        raise FileNotFoundError


@contextmanager
def reading(name: str) -> Generator[None]:
    """Turn errors of the system in a block into errors about the file being read.

    Args:
        name: What to call the file.

    Raises:
        UnreachableError: It cannot be read (also an ``OSError``). One that is gone is still a
            ``FileNotFoundError``.
    """
    try:
        yield
    except (FileNotFoundError, FileContentError, ScratchError):
        raise
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        msg = f"File {name!r} cannot be read: {reason}. Check its permissions and its disk."
        raise UnreachableError(msg) from error


def _unreachable(address: str, error: OSError) -> UnreachableError:
    """Return the error for an address that cannot be reached."""
    if error.errno in DISK_FULL:
        folder = gettempdir()
        msg = f"There is no room in {folder!r} to fetch {mask(address)!r}. Set TMPDIR to another."
        return UnreachableError(msg)
    reason = mask(error, address).partition("\n")[0]
    if isinstance(error, TimeoutError):
        reason = reason or "it does not answer"
    return UnreachableError(
        f"{mask(address)!r} cannot be reached: {reason or type(error).__name__}"
    )


# --- directories and patterns ---------------------------------------------------------------


def _files_below(folder: Path, endings: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for entry in folder.iterdir():
        if entry.name.startswith(_HIDDEN):
            continue
        if entry.is_dir() and "=" in entry.name:
            found += _files_below(entry, endings)
        elif entry.is_file() and entry.name.lower().endswith(endings):
            found.append(str(entry))
        else:
            kind = "folder" if entry.is_dir() else "file"
            listed = ", ".join(ending for ending in endings if ending.count(".") == 1)
            msg = (
                f"Directory {str(folder)!r} has the {kind} {entry.name!r}, which is no part of a "
                f"table ({listed}; folders '<column>=<value>'). Give a pattern of the parts, such "
                f"as {str(folder / ('*' + endings[0]))!r}."
            )
            raise FileContentError(msg)
    return found


def _fixed_folder(pattern: str) -> str:
    """Return the folders before the first one with a wildcard."""
    found = _PATTERN.search(pattern)
    fixed = pattern if found is None else pattern[: found.start()]
    return fixed.rpartition("/")[0]


def _label(path: str, root: str) -> tuple[str, dict[str, str | None]]:
    """Return a part's path below the common folder, and the values in its folders' names."""
    label = path.removeprefix(root).lstrip("/\\").replace("\\", "/")
    keys: dict[str, str | None] = {}
    for folder in label.split("/")[:-1]:
        key, equals, value = folder.partition("=")
        if equals:
            keys[unquote(key)] = None if value == _NO_VALUE else unquote(value)
    return label, keys


def _natural(label: str) -> tuple[list[tuple[int, str, int]], str]:
    """Return a key that sorts ``part-2`` before ``part-10``; the text itself decides a tie."""
    pieces = (
        (0, "", int(piece)) if piece.isdecimal() and piece.isascii() else (1, piece, 0)
        for piece in _NUMBER.split(label)
        if piece
    )
    return list(pieces), label


# --- stores ---------------------------------------------------------------------------------


def _remote_parts(address: str) -> list[Location]:
    def search(store: Any, path: str) -> list[Location]:
        pattern = f"{path.rstrip('/')}/*" if address.endswith("/") else path
        root = _fixed_folder(pattern)
        found = store.glob(pattern, detail=True).values()
        names = [str(entry["name"]) for entry in found if entry["type"] == "file"]
        if address.endswith("/"):
            names = [name for name in names if not file_name(name).startswith(_HIDDEN)]
        return [Location(store.unstrip_protocol(name), *_label(name, root)) for name in names]

    return _with_store(address, search)


def check_readable(path: str | Path) -> None:
    """Make sure that the libraries for a path are installed, without looking at the path.

    Raises:
        MissingExtraError: A package that this kind of address needs is not installed.

    Example:
        >>> check_readable("orders.csv"), check_readable("https://example.com/orders.csv")
        (None, None)
    """
    address = place_of(path).path
    if not is_address(address):
        return
    fsspec = _fsspec(str(address))
    try:
        fsspec.get_filesystem_class(str(address).partition("://")[0])
    except ImportError as error:
        raise _missing_package(str(address), error) from as_cause(error, str(address))
    except ValueError:
        return  # no store of this name is known: reading it says so


def _fsspec(address: str) -> Any:
    try:
        import fsspec  # noqa: PLC0415  an extra
    except ImportError as error:
        raise MissingExtraError.from_extra(f"Reading {mask(address)!r}", "remote") from error
    return fsspec


def _missing_package(address: str, error: ImportError) -> MissingExtraError:
    if address.partition("://")[0].lower() in _WEB:
        return MissingExtraError.from_extra(f"Reading {mask(address)!r}", "remote")
    reason = mask(error, address)
    found = _INSTALL.search(reason)
    if found is not None:
        return MissingExtraError.from_package(f"Reading {mask(address)!r}", found["package"])
    return MissingExtraError(
        f"Reading {mask(address)!r} needs a package that is not installed: {reason}"
    )


def _with_store(address: str, use: Callable[[Any, str], _Result]) -> _Result:
    fsspec = _fsspec(address)
    try:
        store, path = fsspec.core.url_to_fs(address, **_time_limits(address))
        return use(store, path)
    except FileContentError:
        raise  # by the check itself
    except FileNotFoundError as error:
        msg = f"There is nothing at {mask(address)!r}."
        raise FileNotFoundError(msg) from as_cause(error, address)
    except OSError as error:
        raise _unreachable(address, error) from as_cause(error, address)
    except ImportError as error:
        raise _missing_package(address, error) from as_cause(error, address)
    except Exception as error:  # noqa: BLE001  every store has exceptions of its own
        msg = f"{mask(address)!r} cannot be read: {mask(error, address) or type(error).__name__}"
        raise FileContentError(msg) from as_cause(error, address)


def _time_limits(address: str) -> dict[str, Any]:
    """Return time limits for web servers, unless fsspec's settings have some.

    Only silence ends it, not a large file.
    """
    scheme = address.partition("://")[0].lower()
    if scheme not in _WEB:
        return {}
    import aiohttp  # noqa: PLC0415  an extra
    from fsspec.config import conf  # noqa: PLC0415  as above

    settings: dict[str, Any] = conf.get(scheme, {}).get("client_kwargs", {})
    limit = aiohttp.ClientTimeout(
        total=None, connect=_CONNECT_SECONDS, sock_connect=_CONNECT_SECONDS, sock_read=_READ_SECONDS
    )
    return {"client_kwargs": {"timeout": limit, **settings}}


def bytes_of(source: Path | bytes) -> memoryview:
    """Return the content of a file, or the given bytes.

    The mapping is not closed here but when nobody has a view of it any more: an error may hold on
    to one for a while.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is empty.

    Example:
        >>> bytes_of(b"ab")[:1] == b"a"
        True
    """
    if isinstance(source, bytes):
        return memoryview(source)
    with source.open("rb") as stream:
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
