"""The site is whole: every page is listed, every public name, error and code has its entry."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sphinx.util.inventory import InventoryFile

import algomancy_data
from algomancy_data import errors

ROOT = Path(__file__).parents[2]
DOCS, SOURCE = ROOT / "docs", ROOT / "src" / "algomancy_data"
# Only the package itself uses these, whatever they are called.
INTERNAL = {
    *("__main__", "cli", "column_names", "etl_glance", "findings", "folder", "glance"),
    *("locations", "messages", "workbook"),
}
CODE = re.compile(r"[A-Z]+(_[A-Z]+)+|QUARANTINED")
STAGES = ("extractor", "quarantine", "relations", "transformer", "validator")


def public_names():
    yield from ((algomancy_data.__name__, name) for name in algomancy_data.__all__)
    for found in pkgutil.iter_modules(algomancy_data.__path__, "algomancy_data."):
        if found.name.rpartition(".")[2] not in INTERNAL:
            module = importlib.import_module(found.name)
            yield from ((found.name, name) for name in exported(module))


def exported(module):
    defined = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    ]
    return getattr(module, "__all__", defined)


@pytest.mark.long
def test_the_site_builds_without_a_warning_and_has_every_public_name(tmp_path):
    site = tmp_path / "site"
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", DOCS, site]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    documented = {
        name.rpartition(".")[2]
        for kind, entries in inventory.data.items()
        for name in entries
        if kind.startswith("py:")
    }
    assert [name for name in public_names() if name[1] not in documented] == []


def test_the_index_lists_every_page():
    listed = re.findall(r"^- \[.+\]\((.+\.md)\): ", (DOCS / "index.md").read_text(), re.MULTILINE)
    pages = [path.relative_to(DOCS).as_posix() for path in DOCS.glob("**/*.md")]
    assert sorted([*listed, "index.md"]) == sorted(pages)


def test_every_error_and_warning_has_an_entry():
    classes = [
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    ]
    entries = re.findall(r"^##+ `(\w+)`$", (DOCS / "errors.md").read_text(), re.MULTILINE)
    assert set(classes) - set(entries) == set()
    assert set(entries) - set(classes) == {"DeprecationWarning"}


def test_every_code_of_a_message_is_on_the_page_of_the_validators():
    files = [path for stage in STAGES for path in (SOURCE / stage).rglob("*.py")]
    trees = [ast.parse(path.read_text("utf-8")) for path in [SOURCE / "etl.py", *files]]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    texts = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    exports = {node.id for node in nodes if isinstance(node, ast.Name)}
    codes = set(filter(CODE.fullmatch, texts - exports))
    page = (DOCS / "validators.md").read_text(encoding="utf-8")
    assert {"FK_VIOLATION", "QUARANTINED"} < codes
    assert sorted(code for code in codes if not re.search(rf"\b{code}\b", page)) == []
