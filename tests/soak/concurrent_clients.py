"""What one process of a crowd does, with many threads, and what there must be in the end."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any

from algomancy_data import DataClassification, DataSource
from algomancy_data.errors import StoreBusyError
from tests.soak.inspection import StoreContents
from tests.soak.model import TABLES, Tables, frame
from tests.soak.stores import open_manager

if TYPE_CHECKING:
    from algomancy_data import DataManager
    from tests.soak.recovery import Log

_SHARED = "shared"


class _Client:
    """One thread: it writes a dataset of its own, and one that all write, and reads any.

    Args:
        manager: Its own, or that of its process.
        name: Of its dataset.
        seed: Decides what it does.
        number: Its own, of all of them.
        until: When it stops.
    """

    def __init__(
        self, manager: DataManager[DataSource], name: str, seed: int, number: int, until: float
    ) -> None:
        self._manager = manager
        self._name = name
        self._chance = random.Random(f"{seed} {number}")  # noqa: S311  no secrets
        self._until = until
        self._version = number * 1_000_000
        self._longest_write = self._longest_read = 0.0
        self.mine: Tables = {table: [] for table in TABLES}
        self.done = self.reads = self.refused = 0
        self.torn: list[str] = []
        self.failed: list[str] = []

    @property
    def longest(self) -> float:
        """Seconds that the longest call took."""
        return max(self._longest_write, self._longest_read)

    def run(self) -> None:
        """Go on until it is time."""
        try:
            while time.monotonic() < self._until:
                began = time.monotonic()
                is_read = self._chance.random() < 0.5
                try:
                    self._read() if is_read else self._write()
                except StoreBusyError:
                    self.refused += 1
                else:
                    self.done += 1
                    self.reads += is_read
                took = time.monotonic() - began
                if is_read:
                    self._longest_read = max(self._longest_read, took)
                else:
                    self._longest_write = max(self._longest_write, took)
        except Exception as error:  # noqa: BLE001  reported
            self.failed.append(f"{self._name}: {type(error).__name__}: {error}")

    def _write(self) -> None:
        self._version += 1
        count = self._chance.randint(1, 500)
        kind = self._chance.choice(("replace", "append", "shared"))
        end = sum(run[1] for run in self.mine["orders"])
        if kind == "append" and 0 < end < 20_000:
            added = {table: [[end, count, self._version]] for table in TABLES}
            self._manager.add_data_source(_source(self._name, added), mode="append")
            self.mine = {table: self.mine[table] + added[table] for table in TABLES}
            return
        new = {table: [[0, count, self._version]] for table in TABLES}
        if kind == "shared":
            self._manager.add_data_source(_source(_SHARED, new))
            return
        self._manager.add_data_source(_source(self._name, new))
        self.mine = new

    def _read(self) -> None:
        name = self._chance.choice([_SHARED, *self._manager.get_data_keys()])
        data = self._manager.get_data(name)
        if data is None:
            return
        orders, customers = (data.get_table(table)["version"] for table in ("orders", "customers"))
        if not orders.equals(customers) or (name == _SHARED and orders.n_unique() > 1):
            self.torn.append(f"{name}: two versions in one read")


def _source(name: str, tables: Tables) -> DataSource:
    source = DataSource(DataClassification.MASTER_DATA, name=name)
    source.tables = {table: frame(table, runs) for table, runs in tables.items()}
    return source


def use_concurrently(
    log: Log, *, address: str, process: int, threads: int, seed: int, seconds: float
) -> None:
    """Read and write with several threads.

    Args:
        log: Takes what is said.
        address: The store.
        process: Number of the process; in odd ones each thread has a manager of its own.
        threads: How many there are.
        seed: Decides what they do.
        seconds: How long.
    """
    until = time.monotonic() + seconds
    shared = open_manager(address)
    clients = [
        _Client(
            open_manager(address) if process % 2 else shared,
            f"p{process}t{number}",
            seed,
            process * threads + number + 1,
            until,
        )
        for number in range(threads)
    ]
    running = [threading.Thread(target=one.run) for one in clients]
    for thread in running:
        thread.start()
    for number, (thread, one) in enumerate(zip(running, clients, strict=True)):
        thread.join()
        log(
            done=one.done,
            reads=one.reads,
            refused=one.refused,
            longest=one.longest,
            torn=one.torn,
            failed=one.failed,
            has_own=bool(process % 2),
            acknowledged={f"p{process}t{number}": one.mine},
        )


def check_acknowledged(log: Log, *, address: str, acknowledged: dict[str, Tables]) -> None:
    """Look for every write that was acknowledged."""
    manager = open_manager(address)
    contents = StoreContents(manager)
    lost = [
        name
        for name, tables in acknowledged.items()
        if tables["orders"] and not contents.holds(name, tables)
    ]
    problems = [f"verify: {damage}" for damage in manager.verify()]
    manager.clear_leftovers()
    problems += [f"left over: {one}" for one in manager.leftovers()]
    facts: dict[str, Any] = {"lost": lost, "problems": problems}
    log(**facts)
