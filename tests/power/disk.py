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
_MOST_BETWEEN = 8


@dataclass(eq=False)
class File:
    """A file.

    Args:
        now: What is read from it while there is power.
        synced: What is on the disk.
        between: Contents in between, some of them if there were many.
    """

    now: bytes = b""
    synced: bytes = b""
    between: list[bytes] = field(default_factory=list)

    def change(self, content: bytes) -> None:
        """Give it another content."""
        if self.now != self.synced:
            self.between.append(self.now)
            if len(self.between) > _MOST_BETWEEN:
                del self.between[::2]
        self.now = content

    def sync(self) -> None:
        """Put it on the disk."""
        self.synced = self.now
        self.between.clear()

    def survivors(self, chance: random.Random) -> list[bytes]:
        """Return contents that it may have after a power failure; the last is the present one."""
        if self.now == self.synced and not self.between:
            return [self.now]
        unwritten = self.synced[: len(self.now)].ljust(len(self.now), b"\0")
        cut = chance.randint(0, len(self.now))
        end = chance.randint(min(len(self.synced), len(self.now)), len(self.now))
        size = chance.choice(_SECTORS)
        starts = range(0, len(self.now), size)
        sources = (chance.choice((self.now, unwritten)) for _ in starts)
        pages = [source[at : at + size] for source, at in zip(sources, starts, strict=True)]
        found = [self.synced, unwritten, self.now[:end], self.now[:cut] + self.synced[cut:]]
        found += [b"".join(pages), *chance.sample(self.between, min(len(self.between), 2))]
        return [*dict.fromkeys(one for one in found if one != self.now), self.now]


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
                file = self._file(call.path)
                begin = file.now[: call.offset].ljust(call.offset, b"\0")
                file.change(begin + call.data + file.now[call.offset + len(call.data) :])
            case record.TRUNCATE:
                file = self._file(call.path)
                file.change(file.now[: call.offset].ljust(call.offset, b"\0"))
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
        found[one.name] = _read(one) if one.is_dir() else File(*[one.read_bytes()] * 2)
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
    for begin in list(picks):  # all but one
        for at, size in enumerate(sizes):
            picks += [(*begin[:at], other, *begin[at + 1 :]) for other in range(size)]
    edges = list(dict.fromkeys(picks))
    yield from edges if len(edges) <= most // 2 else chance.sample(edges, most // 2)
    for _ in range(most - min(len(edges), most // 2)):
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
            found.append((at + name, chosen.get(node, node.now)))
            continue
        if id(node) in seen:
            return None
        seen.add(id(node))
        below = _listed(node, chosen, seen, f"{at}{name}/")
        if below is None:
            return None
        found += [(at + name, None), *below]
    return found
