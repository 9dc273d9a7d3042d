"""A disk as a power failure may leave it.

What was synced is there. Of what was not, anything may be: of a file its old content, the new one,
a beginning, zeros in place of it, or some of its pages; of the names in a directory each for
itself, what it stands for at present or stood for since the directory was synced. Only a directory
that is renamed is never in two places.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from tests.power import recording as record

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.power.recording import Call

Tree = dict[str, bytes | None]
"""Contents of files by path; None for directories."""

_SECTORS = (512, 4096)


@dataclass(eq=False)
class File:
    """A file.

    Args:
        now: What is read from it while there is power.
        synced: What is on the disk.
        changes: How often it was changed since it was synced.
        between: Contents that it had between these two, some of them if there were many.
    """

    now: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    changes: int = 0
    between: list[bytes] = field(default_factory=list)

    def write(self, data: bytes, offset: int) -> None:
        """Write something somewhere."""
        self._change()
        self._lengthen(offset)
        self.now[offset : offset + len(data)] = data

    def truncate(self, length: int) -> None:
        """Give it another length."""
        self._change()
        self._lengthen(length)
        del self.now[length:]

    def sync(self) -> None:
        """Put it on the disk."""
        if self.changes:
            self.synced, self.changes = bytes(self.now), 0
            self.between.clear()

    def survivors(self, chance: random.Random) -> list[bytes]:
        """Return contents that it may have after a power failure; the last is the present one."""
        now = bytes(self.now)
        if not self.changes:
            return [now]
        unwritten = self.synced[: len(now)].ljust(len(now), b"\0")
        cut = chance.randint(0, len(now))
        end = chance.randint(min(len(self.synced), len(now)), len(now))
        size = chance.choice(_SECTORS)
        pages = [chance.choice((now, unwritten))[at : at + size] for at in range(0, len(now), size)]
        found = [self.synced, unwritten, now[:end], now[:cut] + self.synced[cut:]]
        found += [b"".join(pages), *chance.sample(self.between, min(len(self.between), 2))]
        return [*dict.fromkeys(one for one in found if one != now), now]

    def _change(self) -> None:
        if self.changes & (self.changes - 1) == 0 and self.changes:
            self.between.append(bytes(self.now))
        self.changes += 1

    def _lengthen(self, length: int) -> None:
        self.now += bytes(max(length - len(self.now), 0))


@dataclass(eq=False)
class Directory:
    """A directory.

    Args:
        now: What its names stand for while there is power.
        before: What those that changed stood for since it was synced, the oldest first.
    """

    now: dict[str, Node] = field(default_factory=dict)
    before: dict[str, list[Node | None]] = field(default_factory=dict)

    def put(self, name: str, node: Node | None) -> None:
        """Let a name stand for something, or for nothing."""
        self.before.setdefault(name, []).append(self.now.pop(name, None))
        if node is not None:
            self.now[name] = node

    def sync(self) -> None:
        """Put its names on the disk."""
        self.before.clear()

    def survivors(self, name: str) -> list[Node | None]:
        """Return what a name may stand for after a power failure; the last is the present."""
        return list(dict.fromkeys((*self.before.get(name, ()), self.now.get(name))))

    @property
    def names(self) -> list[str]:
        """All names that may be there."""
        return sorted({*self.now, *self.before})


Node = File | Directory


class Disk:
    """A directory whose power can fail.

    Args:
        root: Where to read what is on the disk.
    """

    def __init__(self, root: Path) -> None:
        self._root = _read(root)

    def apply(self, call: Call) -> None:
        """Do what a process did."""
        home, name = self._parent(call.path)
        match call.kind:
            case record.CREATE:
                home.put(name, File())
            case record.MKDIR:
                home.put(name, Directory())
            case record.WRITE:
                self._file(call.path).write(call.data, call.offset)
            case record.TRUNCATE:
                self._file(call.path).truncate(call.offset)
            case record.SYNC:
                self._node(call.path).sync()
            case record.LINK | record.RENAME:
                there, new = self._parent(call.other)
                there.put(new, home.now[name])
                if call.kind == record.RENAME:
                    home.put(name, None)
            case record.REMOVE:
                home.put(name, None)

    def now(self) -> Tree:
        """Return what is seen while there is power."""
        return dict(_listed(self._root, {}, set()) or ())

    def after_power_failure(self, chance: random.Random, most: int) -> Iterator[Tree]:
        """Give what a power failure may leave: everything, or so much of it by chance."""
        choices: dict[object, list[Node | None] | list[bytes]] = {}
        _collect(self._root, choices, chance)
        for picked in _picks([len(found) for found in choices.values()], chance, most):
            chosen = {
                key: found[at] for (key, found), at in zip(choices.items(), picked, strict=True)
            }
            tree = _listed(self._root, chosen, set())
            if tree is not None:
                yield dict(tree)

    def _node(self, path: str) -> Node:
        node: Node = self._root
        for name in filter(None, path.split("/")):
            node = node.now[name]  # type: ignore[index,union-attr]  of directories
        return node

    def _file(self, path: str) -> File:
        node = self._node(path)
        assert isinstance(node, File), path
        return node

    def _parent(self, path: str) -> tuple[Directory, str]:
        home, _, name = path.rpartition("/")
        node = self._node(home)
        assert isinstance(node, Directory), path
        return node, name


def write_tree(tree: Tree, root: Path) -> None:
    """Write what is there into a directory, which is made."""
    root.mkdir(parents=True)
    for path, content in sorted(tree.items()):
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)


def read_tree(root: Path) -> Tree:
    """Return what is in a directory."""
    return {
        str(path.relative_to(root)): None if path.is_dir() else path.read_bytes()
        for path in root.rglob("*")
    }


def _read(path: Path) -> Directory:
    found: dict[str, Node] = {}
    for one in sorted(path.iterdir()):
        if one.is_dir():
            found[one.name] = _read(one)
        else:
            content = one.read_bytes()
            found[one.name] = File(bytearray(content), content)
    return Directory(found)


def _collect(
    home: Directory,
    choices: dict[object, list[Node | None] | list[bytes]],
    chance: random.Random,
) -> None:
    """Find all that is uncertain."""
    for name in home.names:
        nodes = home.survivors(name)
        if len(nodes) > 1:
            choices[home, name] = nodes
        for node in nodes:
            if isinstance(node, Directory):
                _collect(node, choices, chance)
            elif node is not None and node not in choices:
                contents = node.survivors(chance)
                if len(contents) > 1:
                    choices[node] = contents


def _picks(sizes: list[int], chance: random.Random, most: int) -> Iterator[tuple[int, ...]]:
    """Give places in lists of some lengths."""
    if prod(sizes) <= most:
        yield from product(*map(range, sizes))
        return
    last = tuple(size - 1 for size in sizes)
    picks = [(0,) * len(sizes), last]
    for begin in list(picks):  # but for one
        for at, size in enumerate(sizes):
            picks += [(*begin[:at], other, *begin[at + 1 :]) for other in range(size)]
    edges = list(dict.fromkeys(picks))
    count = min(len(edges), max(most // 2, 2))
    yield from [*edges[:2], *chance.sample(edges[2:], count - 2)]
    for _ in range(most - count):
        share = chance.choice((0.2, 0.5, 0.8))
        yield tuple(end if chance.random() < share else chance.randint(0, end) for end in last)


def _listed(
    home: Directory, chosen: dict[object, Node | bytes | None], seen: set[int], at: str = ""
) -> list[tuple[str, bytes | None]] | None:
    """Return what is in a directory; None if another one would be in it twice."""
    found: list[tuple[str, bytes | None]] = []
    for name in home.names:
        node = chosen.get((home, name), home.now.get(name))
        if node is None:
            continue
        if isinstance(node, File):
            found.append((at + name, chosen.get(node, bytes(node.now))))
            continue
        if id(node) in seen:
            return None
        seen.add(id(node))
        below = _listed(node, chosen, seen, f"{at}{name}/")
        if below is None:
            return None
        found += [(at + name, None), *below]
    return found
