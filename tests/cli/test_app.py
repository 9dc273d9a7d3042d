"""What all commands have in common: help, versions, exit codes, streams."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from algomancy_data.cli import app
from algomancy_data.cli.overview import answer

WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Blocker(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "{package}":
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Blocker())
from algomancy_data.cli import main
sys.exit(main())
"""


def test_the_console_script_is_the_module(environment):
    script = Path(sys.executable).with_name("algomancy-data")
    done = subprocess.run(
        [script, "--version"], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == f"algomancy-data {version('algomancy-data')}\n"


def test_the_version_is_that_of_the_first_description_on_the_path(tmp_path, monkeypatch):
    described = tmp_path / "site" / "algomancy_data-3.1.dist-info"
    described.mkdir(parents=True)
    text = "Metadata-Version: 2.4\nName: algomancy-data\nVersion: 3.1\n\nVersion: 2"
    (described / "METADATA").write_text(text)
    (tmp_path / "algomancy_data_more-2.dist-info").mkdir()
    before = [tmp_path / "none", tmp_path, described.parent]
    monkeypatch.setattr(sys, "path", [*map(str, before), *sys.path])
    assert answer(["--version"]) == "algomancy-data 3.1\n"
    assert version("algomancy-data") == "3.1"


def test_where_no_folder_describes_it_the_version_is_found_all_the_same(tmp_path, monkeypatch):
    package = tmp_path / "packed.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("algomancy_data-3.2.dist-info/METADATA", "Version: 3.2\n")
    monkeypatch.setattr(sys, "path", [str(package)])
    assert answer(["--version"]) == "algomancy-data 3.2\n"


def test_the_list_of_commands_is_what_typer_makes_of_them(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert app.run(["--help"]) == 0
    assert capsys.readouterr().out == answer(["--help"]) == answer(["-h"]) == answer([])


@pytest.mark.parametrize("command", ["batch", "load", "query"])
def test_what_an_option_takes_fits_into_its_column_at_80_columns(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert app.run([command, "--help"]) == 0
    lines = [line.strip("│ ") for line in capsys.readouterr().out.splitlines() if line[:1] == "│"]
    continued = [line for line in lines if not line.startswith(("-", "*"))]
    assert continued
    assert [line for line in continued if re.search(r"\S {3,}\S", line)] == []


def test_without_a_command_it_lists_them_and_is_used_wrongly(run):
    done = run()
    assert (done.code, done.out) == (2, "")
    assert done.err == answer(["--help"])


def test_a_shell_that_asks_for_commands_gets_their_names(environment):
    asked = {"COMP_WORDS": "algomancy-data l", "COMP_CWORD": "1"}
    done = subprocess.run(
        [Path(sys.executable).with_name("algomancy-data")],
        capture_output=True,
        text=True,
        check=True,
        env=environment | asked | {"_ALGOMANCY_DATA_COMPLETE": "complete_bash"},
    )
    assert done.stdout.split() == ["load", "ls"]


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_without_the_extra_the_error_names_it(package, environment):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(package=package), "ls"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "error: The command algomancy-data needs packages that are not installed. "
        "Run: pip install 'algomancy-data[cli]'\n"
    )


INTERRUPTED_IMPORT = """
import signal, sys
from importlib.abc import MetaPathFinder

class Interrupter(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupter())
from algomancy_data.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("module", ["typer", "rich.console", "polars", "sqlalchemy"])
def test_an_interrupt_while_it_is_imported_ends_it_without_a_traceback(module, environment):
    done = subprocess.run(
        [
            *(sys.executable, "-c", INTERRUPTED_IMPORT.format(module=module)),
            *("ls", "--store", "sqlite:///none.db"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.startswith("Interrupted. Every dataset in the store is whole")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lss"], "No such command 'lss'. Did you mean 'ls'?"),
        (["ls"], "No store is given. Add --store, set ALGOMANCY_STORE, or write it as"),
        (["ls", "--stor", "x"], "No such option: --stor"),
        (["ls", "--store", "mysql://host/x"], "'mysql://host/x' is no store."),
        (["migrate", "x"], "Missing argument 'URL'."),
    ],
)
def test_used_wrongly_it_says_how_to_use_it(run, arguments, said):
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


LISTING = """
import sys
from algomancy_data.cli import main
code = main()
OURS = ("etl", "extractor", "datamanager", "database.postgresql.bulk", "database.portable.bulk")
HEAVY = ("numpy", "pandas", *(f"algomancy_data.{name}" for name in OURS))
print(*(name for name in HEAVY if name in sys.modules), file=sys.stderr)
sys.exit(code)
"""


def test_a_listing_imports_nothing_that_it_has_no_need_of(sqlite, source, environment, tmp_path):
    sqlite.manager().add_data_source(source("shop"))
    (tmp_path / "schemas.py").write_text("import pandas, numpy")
    done = subprocess.run(
        [sys.executable, "-c", LISTING, "ls", *sqlite.flags],
        capture_output=True,
        text=True,
        check=True,
        env=environment | {"ALGOMANCY_SCHEMAS": str(tmp_path / "schemas.py")},
    )
    assert "shop" in done.stdout
    assert done.stderr == "\n"


class Terminal(io.StringIO):
    """Looks like a terminal."""

    def isatty(self):
        return True


def test_something_is_on_the_terminal_at_once_and_makes_room(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    seen = []
    monkeypatch.setattr(app, "build", lambda _: lambda *_, **__: seen.append(terminal.getvalue()))
    assert app.run(["ls"]) == 0
    assert seen == ["algomancy-data ls …"]
    assert terminal.getvalue() == "algomancy-data ls …\r\x1b[K"
    assert app.run(["ls", "--help"]) == 0
    assert seen[1] == terminal.getvalue()
