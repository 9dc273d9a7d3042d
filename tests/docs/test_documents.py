"""README.md and docs/ do what they say: their blocks run in order, in a folder of their own.

- ``python`` blocks are executed; a ``text`` block behind one is what it printed.
- ``console`` blocks: lines that begin with ``$`` are run in a shell, the others are their output.
- A block headed with a language and a file name is written to that file.

The prompts ``sqlite3`` and ``psql`` are on PATH, and so are the programs of the environment. The
tutorial runs in a fresh clone, where its charts are drawn anew as well.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from sybil import Document, Region
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sybil import Example

_ROOT = Path(__file__).parents[2]
_TUTORIAL = _ROOT / "docs" / "tutorial.md"
_LONG = ("batch.md", "cli.md", "own-store.md", "upstream.md")  # they start programs
_PAGES = [_ROOT / "README.md", _ROOT / "CONTRIBUTING.md", *sorted(_ROOT.glob("docs/**/*.md"))]
# They make the environment that the tests run in, or run the tests.
_NOT_HERE = ("make ", "git clone", "cd ", "pip install")
_PRINTED = "printed by the last python block"

_run_python = PythonEvaluator()


def _evaluate_python(example: Example) -> str | None:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        failure = _run_python(example)
    example.namespace[_PRINTED] = printed.getvalue()
    return failure


def _compare_printed(example: Example) -> str | None:
    printed = example.namespace.pop(_PRINTED, None)
    if printed is None or printed == example.parsed:  # None: a drawing, no output
        return None
    return f"The python block printed:\n{printed}instead of:\n{example.parsed}"


def _run_console(example: Example) -> str | None:
    command, expected = "", ""
    for line in [*example.parsed.splitlines(), "$ "]:
        if not line.startswith("$ "):
            expected += f"{line}\n"
            continue
        if command and not command.startswith(_NOT_HERE):
            done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
            if done.returncode or (expected and done.stdout != expected):
                return f"{command!r} printed:\n{done.stdout}{done.stderr}instead of:\n{expected}"
        command, expected = line.removeprefix("$ "), ""
    return None


_find_files = RawFencedCodeBlockLexer(re.compile(r"\w+ (?P<name>[\w.-]+)$\n", re.MULTILINE))


def _parse_files(document: Document) -> Iterable[Region]:
    for region in _find_files(document):
        content = (region.lexemes["name"], str(region.lexemes["source"]))
        yield Region(region.start, region.end, content, _write_file)


def _write_file(example: Example) -> None:
    name, content = example.parsed
    Path(name).write_text(content, encoding="utf-8")


_PARSERS = [
    CodeBlockParser("python", _evaluate_python),
    CodeBlockParser("text", _compare_printed),
    CodeBlockParser("console", _run_console),
    _parse_files,
]


@pytest.fixture
def folder(tmp_path, monkeypatch, prompts):
    """The folder that a document works in; it may import what it writes there."""
    monkeypatch.chdir(tmp_path)
    programs = (prompts, Path(sys.executable).parent)
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, programs), os.environ["PATH"]]))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    importlib.invalidate_caches()
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def server(path, request, monkeypatch):
    """A new database, for a page that asks a server: its URL, and the variables of libpq."""
    text = path.read_text(encoding="utf-8")
    if "\n$ psql " in text or "DATABASE_URL" in text:
        url = request.getfixturevalue("new_database")(f"docs_{path.stem}")
        parts = urlsplit(url)
        monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.setenv("PGHOST", parse_qs(parts.query)["host"][0])
        monkeypatch.setenv("PGUSER", parts.username)
        monkeypatch.setenv("PGDATABASE", parts.path.strip("/"))


def _run(path):
    for example in Document.parse(str(path), *_PARSERS).examples():
        example.evaluate()


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.long] if path.name in _LONG else [])
        for path in _PAGES
        if path != _TUTORIAL
    ],
    ids=str,
)
@pytest.mark.usefixtures("folder", "server")
def test_every_block_of_a_document_runs_and_prints_what_the_document_shows(path):
    _run(path)


@pytest.mark.long
def test_the_tutorial_gives_its_output_and_pictures_in_a_fresh_clone(folder, monkeypatch):
    clone = folder / "algomancy-data"
    subprocess.run(["git", "clone", "--quiet", _ROOT, clone], check=True)
    (clone / ".venv").symlink_to(sys.prefix)  # `make demo` would make it
    monkeypatch.chdir(clone)
    monkeypatch.setenv("PYTHONPATH", str(clone / "src"))
    _run(_TUTORIAL)

    drawing = [sys.executable, _ROOT / "docs/pictures/charts.py", "flights.db", folder]
    subprocess.run(drawing, check=True)
    for name in ("delay-by-airline.svg", "delay-by-hour.svg"):
        assert (folder / name).read_bytes() == (_ROOT / "docs/pictures" / name).read_bytes()


@pytest.mark.parametrize("path", _PAGES, ids=str)
def test_every_local_link_of_a_document_leads_to_a_file(path):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []
