"""Put small faults into modules, and print those that no test notices, and a table."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.mutation.mutants import Mutant

_HOME = Path(__file__).parent
_ROOT = _HOME.parents[1]
_ANSWERS = _ROOT / "build" / "mutation"
_PYTEST = (
    *("-q", "-o", "addopts=", "--import-mode=importlib", "--doctest-modules"),
    *("--benchmark-disable", "-m", "not long"),
    *("-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:faulthandler"),
)
_SIGNS = {"killed": ".", "slow": "s", "survived": "?", "unreached": "u", "broken": "-"}
_ALIVE = {"survived", "unreached"}
_DONE = _SIGNS.keys() - _ALIVE


def main() -> None:
    """Judge the groups that are asked for, each in a process of its own."""
    configured = tomllib.loads((_HOME / "groups.toml").read_text(encoding="utf-8"))
    groups = configured["groups"]
    arguments = argparse.ArgumentParser(prog="make mutation", description=__doc__)
    arguments.add_argument("--only", nargs="*", choices=groups, default=[*groups])
    arguments.add_argument("--sample", type=int, default=60, help="mutants of a group; 0: all")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--again", action="store_true", help="only those that survived before")
    arguments.add_argument("--table", action="store_true", help="only print what was found before")
    arguments.add_argument("--judge", choices=groups, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.judge:
        sys.exit(_judge(asked.judge, configured, asked))
    options = ["--sample", str(asked.sample), "--seed", str(asked.seed), *["--again"] * asked.again]
    for group in () if asked.table else asked.only:
        command = [sys.executable, "-m", "tests.mutation", "--judge", group, *options]
        subprocess.run(command, cwd=_ROOT, check=True)
    print("\n".join(_table(asked.only)))


def _judge(group: str, configured: dict[str, Any], how: argparse.Namespace) -> int:
    """Judge one group, and keep what was found."""
    # Not before: only one group at a time needs what they import.
    from tests.mutation.judge import Judge  # noqa: PLC0415
    from tests.mutation.mutants import mutants_of  # noqa: PLC0415

    asked = configured["groups"][group]
    modules = [_ROOT / path for path in asked["modules"]]
    everything = [m for path in modules for m in mutants_of(path, _ROOT, configured["left_out"])]
    chosen = sorted(everything, key=lambda mutant: mutant.rank(how.seed))[: how.sample or None]
    chosen.sort(key=lambda mutant: (mutant.path, mutant.lines))
    before = _answer(group)["verdicts"] if how.again else {}
    chosen = [mutant for mutant in chosen if before.get(mutant.name) not in _DONE]
    verdicts: dict[str, str] = dict(before)

    def said(mutant: Mutant, verdict: str) -> None:
        verdicts[mutant.name] = verdict
        print(_SIGNS[verdict], end="", flush=True)
        if verdict in _ALIVE:
            print(f"\n{verdict}, line {mutant.lines[0]}: {mutant.name}", flush=True)

    print(f"== {group}: {len(chosen)} of {len(everything)} mutants", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        code = pytest.main(
            [
                *(*_PYTEST, f"--rootdir={_ROOT}", f"--basetemp={scratch}/tests"),
                *(str(_HOME / "shared_server.py"), *asked["modules"], *asked["tests"]),
            ],
            plugins=[Judge(chosen, asked.get("late", []), _ROOT, said)],
        )
    print(flush=True)
    _ANSWERS.mkdir(parents=True, exist_ok=True)
    answer = {"of": len(everything), "verdicts": verdicts}
    (_ANSWERS / f"{group}.json").write_text(json.dumps(answer, indent=1), encoding="utf-8")
    return int(code)


def _answer(group: str) -> dict[str, Any]:
    return json.loads((_ANSWERS / f"{group}.json").read_text(encoding="utf-8"))


def _table(groups: list[str]) -> list[str]:
    """Return what was found as a table, without the mutants that do not change a function."""
    looked_at = tomllib.loads((_HOME / "equivalent.toml").read_text(encoding="utf-8"))
    equivalent = {one["name"].strip() for one in looked_at["mutants"]}
    lines = [
        "| group | mutants | of | killed | survived | of these equivalent | score |",
        "| --- |" + " ---: |" * 6,
    ]
    total = Counter[str]()
    for group in groups:
        answer = _answer(group)
        verdicts = Counter[str](answer["verdicts"].values())
        alive = [name for name, verdict in answer["verdicts"].items() if verdict in _ALIVE]
        found = Counter[str](
            of=answer["of"],
            killed=verdicts["killed"] + verdicts["slow"],
            survived=len(alive),
            same=sum(name in equivalent for name in alive),
        )
        lines.append(_row(group, found))
        total.update(found)
    return [*lines, _row("all", total)]


def _row(group: str, found: Counter[str]) -> str:
    mutants = found["killed"] + found["survived"]
    score = found["killed"] / max(mutants - found["same"], 1)
    cells = (group, mutants, *(found[key] for key in ("of", "killed", "survived", "same")))
    return "| " + " | ".join(map(str, (*cells, f"{score:.1%}"))) + " |"


if __name__ == "__main__":
    main()
