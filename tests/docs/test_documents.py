"""README.md and docs/ do what they say: their blocks run in order, in a folder of their own.

- ``python`` blocks are executed; a ``text`` block behind one is what it printed.
- ``console`` blocks: lines that begin with ``$`` are run in a shell, the others are their output.
- A block headed with a language and a file name is written to that file.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sybil import Document, Region
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sybil import Example

_ROOT = Path(__file__).parents[2]
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


@pytest.mark.parametrize("path", [_ROOT / "README.md", *sorted(_ROOT.glob("docs/*.md"))], ids=str)
def test_every_block_of_a_document_runs_and_prints_what_the_document_shows(
    path, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    # The commands of the environment that the tests run in.
    scripts = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", scripts, prepend=os.pathsep)
    for example in Document.parse(str(path), *_PARSERS).examples():
        example.evaluate()


@pytest.mark.parametrize("path", [_ROOT / "README.md", *sorted(_ROOT.glob("docs/*.md"))], ids=str)
def test_every_local_link_of_a_document_leads_to_a_file(path):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []
