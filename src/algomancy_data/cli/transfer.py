"""Datasets from one store to another, with a word about each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from algomancy_data.cli.output import Output, table
from algomancy_data.cli.running import DONE, REFUSED
from algomancy_data.datamanager import Migration, StatefulDataManager, migrate
from algomancy_data.display.words import counted
from algomancy_data.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from algomancy_data.cli.stores import Place
    from algomancy_data.datamanager import DataManager


def transfer(
    source: DataManager[Any],
    target: DataManager[Any],
    output: Output,
    names: Iterable[str] | None = None,
) -> Migration:
    """Copy datasets one by one, saying what became of each.

    Args:
        source: Where they are.
        target: Where they go.
        output: Told about each.
        names: Which; None for all, and then what the source could not read counts as failed.
    """
    copied: list[str] = []
    there: list[str] = []
    failed: dict[str, Exception] = {}
    if names is None and isinstance(source, StatefulDataManager):
        failed.update(source.startup_errors)
    wanted = list(source.get_data_keys() if names is None else names)
    for number, name in enumerate(wanted, 1):
        one = migrate(source, target, [name])
        source.refresh()
        copied += one.copied
        there += one.already_there
        failed |= one.failed
        output.note(f"{number} of {len(wanted)}: {name}: {_outcome(one)}")
    return Migration(tuple(copied), tuple(there), failed)


def show(output: Output, source: Place, target: Place, outcome: Migration) -> None:
    """Write what became of all of them; that one failed is the exit code."""
    rows = [
        *((name, "copied", "") for name in outcome.copied),
        *((name, "already there", "") for name in outcome.already_there),
        *((name, "failed", mask(str(error))) for name, error in outcome.failed.items()),
    ]
    output.result(
        {
            "from": source.describe(),
            "to": target.describe(),
            "copied": list(outcome.copied),
            "already_there": list(outcome.already_there),
            "failed": {name: mask(str(error)) for name, error in outcome.failed.items()},
        },
        table(("dataset", "outcome", "why"), rows) if rows else "",
        f"{counted(len(outcome.copied), 'dataset')} copied, {len(outcome.already_there)} already "
        f"there, {len(outcome.failed)} failed.",
        exit_code=DONE if outcome.is_complete else REFUSED,
    )


def _outcome(one: Migration) -> str:
    if one.copied:
        return "copied"
    return "already there" if one.already_there else "failed"
