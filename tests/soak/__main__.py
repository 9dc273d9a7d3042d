"""Run scenarios that may damage a store, print what they came to, and write it as a page.

``model`` says what a store has to hold after each operation; ``tasks`` are what forked processes
do: work until they are killed, or inspect what is left; ``scenarios`` has a module for each kind of
fault.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.soak.outcome import Outcome, as_markdown
from tests.soak.run import Setting, home_of
from tests.soak.scenarios.crowd import crowd
from tests.soak.scenarios.faults import (
    disk_full,
    failing_calls,
    no_descriptors,
    no_memory,
    wrong_clock,
)
from tests.soak.scenarios.kills import kills
from tests.soak.scenarios.network import network
from tests.soak.scenarios.power import power
from tests.soak.scenarios.stops import stops

Scenario = Callable[[Setting], Iterator[Outcome]]

# With the share of the time that each takes.
SCENARIOS: dict[str, tuple[Scenario, float]] = {
    "kills": (kills, 6),
    "stops": (stops, 2),
    "crowd": (crowd, 2),
    "power": (power, 2),
    "disk": (disk_full, 1),
    "calls": (failing_calls, 1),
    "descriptors": (no_descriptors, 0.7),
    "memory": (no_memory, 0.7),
    "clock": (wrong_clock, 0.6),
    "network": (network, 1),
}


def main() -> int:
    """Run what was asked for; return the exit code."""
    asked = _arguments()
    names = asked.only.split(",") if asked.only else list(SCENARIOS)
    whole = sum(SCENARIOS[name][1] for name in names)
    outcomes: list[Outcome] = []
    began = time.monotonic()
    for name in names:
        scenario, share = SCENARIOS[name]
        with home_of(name) as home:
            setting = Setting(home, asked.minutes * 60 * share / whole, asked.seed)
            for outcome in scenario(setting):
                outcomes.append(outcome)
                _say(" | ".join(outcome.cells))
                for line in [*outcome.problems[:20], *outcome.notes]:
                    _say(f"    {line}")
    command = f"make soak MINUTES={asked.minutes:g} SEED={asked.seed}"
    command += f" ONLY={asked.only}" if asked.only else ""
    page = f"{_circumstances(command, time.monotonic() - began)}\n{as_markdown(outcomes)}"
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_text(page, encoding="utf-8")
    _say(f"\n{page}")
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--only", default="", help=f"some of {', '.join(SCENARIOS)}")
    parser.add_argument("--output", type=Path, default=Path("build/soak.md"))
    asked = parser.parse_args()
    if unknown := set(filter(None, asked.only.split(","))) - set(SCENARIOS):
        parser.error(f"there is no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    return asked


def _circumstances(command: str, seconds: float) -> str:
    git = ("git", "describe", "--always", "--dirty", "--exclude", "*")
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    return (
        f"`{command}` on commit {commit or 'unknown'}: {seconds / 60:.0f} minutes, "
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, {platform.system()} {platform.release()}.\n"
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
