"""Many threads of many processes on one store, none of which may lose, mix or wait for ever."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.soak.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.soak.fork_server import ForkServer
    from tests.soak.run import Setting

_PROCESSES, _THREADS = 8, 8
LIMIT = 60.0
"""Seconds for which the product waits for a lock by default."""
_MARGIN = 10.0
_PATIENCE = 300.0


def crowd(setting: Setting) -> Iterator[Outcome]:
    """Let all of them read and write, and look at what they acknowledged."""
    with setting.forks() as forks:
        for store in ("SQLite", "PostgreSQL"):
            with setting.store(store) as address:
                yield _crowd(setting, forks, store, address)


def _crowd(setting: Setting, forks: ForkServer, store: str, address: str) -> Outcome:
    outcome = Outcome(f"{_PROCESSES} processes × {_THREADS} threads", store)
    began = time.monotonic()
    crew = [
        forks.start(
            "use_concurrently",
            address=address,
            process=number,
            threads=_THREADS,
            seed=setting.seed,
            seconds=setting.seconds / 2,
        )
        for number in range(_PROCESSES)
    ]
    acknowledged: dict[str, Any] = {}
    reads = refusals = 0
    longest_own = 0.0
    for one in crew:
        code = one.wait(setting.seconds + _PATIENCE)
        said = one.said()
        if code != 0:
            one.kill()
            outcome.problems.append(f"a process ended with {code}: {said[-1:]}")
        for facts in said:
            outcome.operations += facts.get("done", 0)
            outcome.waited(facts.get("longest", 0))
            outcome.torn += len(facts.get("torn", ()))
            outcome.problems += facts.get("torn", []) + facts.get("failed", [])
            # Threads that share a manager take turns, for which there is no limit.
            if facts.get("has_own"):
                longest_own = max(longest_own, facts["longest"])
            reads += facts.get("reads", 0)
            refusals += facts.get("refused", 0)
            acknowledged.update(facts.get("acknowledged", {}))
    outcome.seconds = time.monotonic() - began
    inspector = forks.start("check_acknowledged", address=address, acknowledged=acknowledged)
    inspector.wait()
    (*_, found) = inspector.said() or [{}]
    outcome.lost += len(found.get("lost", ()))
    outcome.problems += found.get("lost", []) + found.get("problems", [])
    if "lost" not in found:
        outcome.problems.append(f"cannot be opened: {found}")
    if longest_own > LIMIT + _MARGIN:
        outcome.problems.append(f"a call waited for {longest_own:.0f} s")
    outcome.failures = refusals
    share = reads / outcome.operations if outcome.operations else 0
    outcome.notes.append(
        f"{share:.0%} of the operations were reads; {refusals} gave up after the limit of "
        f"{LIMIT:.0f} s. The longest wait with a manager of one's own: {longest_own:.1f} s."
    )
    return outcome
