"""What a command gets: its own options, the settings that it names, and the flags of all."""

from __future__ import annotations

import json
from typing import Annotated

import pytest
import typer

from algomancy_data.cli.command import Command, command


@command("session", "read_limits")
def greet(
    command: Command,
    names: Annotated[list[str], typer.Argument()],
    times: Annotated[int, typer.Option("--times")] = 1,
) -> None:
    """Greet people."""
    command.output.result(
        {"session": command.settings.session, "names": names, "times": times},
        *(f"Hello, [b]{name}\x1b!" for name in names * times),
        exit_code=times,
    )


def run(capsys, *arguments):
    program = typer.Typer()
    program.command()(greet)
    with pytest.raises(SystemExit) as ended:
        program(arguments, prog_name="greet")
    return ended.value.code, capsys.readouterr().out


def test_its_own_options_and_the_shared_ones_reach_it(capsys):
    code, out = run(capsys, "Ann", "Bob", "--times", "3", "--session", "s", "--json")
    assert code == 3
    assert json.loads(out) == {
        "command": "greet",
        "session": "s",
        "names": ["Ann", "Bob"],
        "times": 3,
        "exit_code": 3,
    }


def test_lines_are_text(capsys):
    assert run(capsys, "Ann") == (1, "Hello, [b]Ann\\x1b!\n")


def test_help_has_what_the_command_names_and_nothing_else(capsys):
    code, out = run(capsys, "--help")
    assert code == 0
    assert "Greet people." in out
    options = {"--times", "--session", "--read-limits", "--json", "--verbose", "--store"}
    assert {option for option in options if option in out} == options - {"--store"}
