"""What a store has to hold: operations on datasets, each described by which ids have which version.

A table is a list of runs ``[first id, number of rows, version]``. All values of a row follow from
its id and its version, so a few numbers say what a table of any size must be, and an operation that
was done in part shows: a version that two tables, or two rows, do not share.
"""

from __future__ import annotations

from itertools import compress, product
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

Run = list[int]
Tables = dict[str, list[Run]]
State = dict[str, Tables]
Operation = dict[str, Any]
"""What is done: JSON, since processes tell each other."""

TABLES = ("customers", "orders")
NAMES = tuple(f"d{number}" for number in range(5))
_MOST_ROWS = 120_000


def frame(table: str, runs: Sequence[Run]) -> pl.DataFrame:
    """Return the rows of a table."""
    return pl.concat(_rows(table, *run) for run in runs or [[0, 0, 0]])


def _rows(table: str, first: int, count: int, version: int) -> pl.DataFrame:
    ids = pl.int_range(first, first + count, dtype=pl.Int64)
    ours = pl.repeat(version, count, dtype=pl.Int64)
    if table == "customers":
        return pl.select(id=ids, version=ours, name=pl.format("{} of version {}", ids, ours))
    moment = pl.datetime(2024, 1, 1, time_unit="us") + pl.duration(minutes=ids)
    return pl.select(id=ids, customer=ids, version=ours, amount=ids / 4 + ours, day=moment)


def delivery(operation: Operation) -> dict[str, pl.DataFrame]:
    """Return the tables that an operation brings."""
    return {table: frame(table, [operation["rows"]]) for table in TABLES}


def _cut(runs: Sequence[Run], first: int, count: int) -> list[Run]:
    """Return runs without the ids of a range."""
    left: list[Run] = []
    for begin, length, version in runs:
        before, behind = first - begin, begin + length - (first + count)
        if min(length, before) > 0:
            left.append([begin, min(length, before), version])
        if min(length, behind) > 0:
            kept = min(length, behind)
            left.append([begin + length - kept, kept, version])
    return left


def _end(tables: Tables) -> int:
    return max((first + count for first, count, _ in tables["customers"]), default=0)


def draw(chance: random.Random, state: State, version: int, *, in_turn: bool = False) -> Operation:
    """Return an operation that can be done in a state; its rows get a version of their own.

    Args:
        chance: Decides which.
        state: What the store holds.
        version: That of its rows.
        in_turn: Whether several datasets are written one after the other, as a folder does.
    """
    size = chance.choices((chance.randint(1, 50), chance.randint(500, 3_000), 40_000), (6, 5, 1))[0]
    kinds = ["etl", "add", "several", "batch"]
    if state:
        kinds += ["etl append", "etl upsert", "append", "upsert", "delete rows", "derive", "delete"]
    kind = chance.choice(kinds)
    rows = [0, size, version]
    if kind in {"several", "batch"}:
        names = chance.sample(NAMES, 3)
        operation = {"kind": kind, "names": names, "rows": rows, "version": version}
        return operation | ({"in turn": True} if in_turn and kind == "several" else {})
    if kind in {"etl", "add"}:
        return {"kind": kind, "name": chance.choice(NAMES), "rows": rows, "version": version}
    name = chance.choice(sorted(state))
    end = _end(state[name])
    match kind:
        case "derive":
            copy = f"{name[:2]} copy"
            if copy in state:
                return {"kind": "delete", "name": copy, "version": version}
            return {"kind": kind, "name": name, "to": copy, "version": version}
        case "delete":
            return {"kind": kind, "name": name, "version": version}
        case "delete rows":
            rows = [chance.randint(0, end), size, version]
        case _ if end + size > _MOST_ROWS:
            kind = "add"
        case "append" | "etl append":
            rows = [end, size, version]
        case _:
            rows = [chance.randint(0, end), size, version]
    return {"kind": kind, "name": name, "rows": rows, "version": version}


def outcomes(state: State, operation: Operation) -> list[State]:
    """Return the states in which an operation may leave a store: first the old, last the new.

    There are two, but for a batch, each of whose jobs is done or not, and for several datasets
    that are written in turn.
    """
    names = operation.get("names", [])
    if operation["kind"] == "batch":
        subsets = [list(compress(names, dones)) for dones in product((0, 1), repeat=len(names))]
        return [state | dict.fromkeys(done, _whole(operation)) for done in subsets]
    if "in turn" in operation:
        return [
            state | dict.fromkeys(names[:done], _whole(operation)) for done in range(len(names) + 1)
        ]
    return [state, _after(state, operation)]


def _after(state: State, operation: Operation) -> State:
    if operation["kind"] == "several":
        return state | dict.fromkeys(operation["names"], _whole(operation))
    name = operation["name"]
    before = state.get(name, {})
    match operation["kind"]:
        case "etl" | "add":
            return state | {name: _whole(operation)}
        case "derive":
            return state | {operation["to"]: before}
        case "delete":
            return {other: tables for other, tables in state.items() if other != name}
        case "delete rows":
            first, count, _ = operation["rows"]
            return state | {name: before | {"orders": _cut(before["orders"], first, count)}}
        case _:
            first, count, _ = operation["rows"]
            return state | {
                name: {
                    table: [*_cut(runs, first, count), operation["rows"]]
                    for table, runs in before.items()
                }
            }


def _whole(operation: Operation) -> Tables:
    return {table: [operation["rows"]] for table in TABLES}
