"""What a process that opens a store anew finds there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from algomancy_data.store.history import Outcome
from algomancy_data.testing import assert_identical
from tests.soak.model import TABLES, Operation, State, Tables, frame
from tests.soak.operations import batch_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algomancy_data import DataManager, DataSource


class StoreContents:
    """The datasets of a store beside what may be there; each is read once.

    Args:
        manager: A started manager.
    """

    def __init__(self, manager: DataManager[DataSource]) -> None:
        self._manager = manager
        self._names = manager.get_data_keys()
        self._found = {name: manager.require_data(name).tables for name in self._names}
        self._same: dict[str, bool] = {}

    def matches(self, state: State) -> bool:
        """Return whether the store holds a state: all of its datasets, and no other."""
        return set(self._names) == set(state) and all(
            self.holds(name, tables) for name, tables in state.items()
        )

    def holds(self, name: str, tables: Tables) -> bool:
        """Return whether the store has a dataset that is what it should be."""
        key = json.dumps([name, tables])
        if key not in self._same:
            self._same[key] = self._compare(name, tables)
        return self._same[key]

    def _compare(self, name: str, tables: Tables) -> bool:
        if sorted(self._found.get(name, ())) != sorted(TABLES):
            return False
        try:
            for table, runs in tables.items():
                assert_identical(self._found[name][table], frame(table, runs))
        except AssertionError:
            return False
        return True

    def describe(self) -> str:
        """Return what is there: of each table how many rows of which versions."""
        return str(
            {
                name: {
                    table: f"{found.height} rows of {found['version'].unique().to_list()}"
                    for table, found in tables.items()
                }
                for name, tables in self._found.items()
            }
        )


def matching(contents: StoreContents, states: Sequence[State]) -> int | None:
    """Return the place of the last of some states that the store holds."""
    places = reversed(range(len(states)))
    return next((place for place in places if contents.matches(states[place])), None)


def inspect_store(
    manager: DataManager[DataSource], states: Sequence[State], last: Operation | None
) -> dict[str, Any]:
    """Compare all that a store holds, and have it verified and cleared.

    Args:
        manager: A manager that was started on it.
        states: What may be there, and what was there before.
        last: What was being done, if it is not known to be done.
    """
    problems = [f"startup: {error}" for _, error in getattr(manager, "startup_errors", ())]
    contents = StoreContents(manager)
    place = matching(contents, states)
    problems += [f"verify: {damage}" for damage in manager.verify()]
    cleared = len(manager.clear_leftovers())
    problems += [f"left over: {one}" for one in manager.leftovers()]
    if last is not None and last["kind"] == "batch" and place is not None:
        history = manager.store.history.attempts()
        done = {
            one.dataset
            for one in history
            if one.batch == batch_name(last) and one.outcome == Outcome.DONE
        }
        written = {
            name
            for name in last["names"]
            if states[place].get(name, {}).get("orders") == [last["rows"]]
        }
        if done != written:
            problems.append(f"history: it has {done} as done, the store {written}")
    found = "" if place is not None else contents.describe()
    return {"place": place, "problems": problems, "found": found, "cleared": cleared}
