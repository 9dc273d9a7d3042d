"""The site is whole: every page is listed, every error and code has its entry.

That every public name is in the reference is checked when the site is built.
"""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import algomancy_data
from algomancy_data import errors

ROOT = Path(__file__).parents[2]
DOCS, SOURCE = ROOT / "docs", ROOT / "src" / "algomancy_data"
CODE = re.compile(r"[A-Z]+(_[A-Z]+)+|QUARANTINED")
STAGES = ("etl", "extractor", "quarantine", "relations", "transformer", "validator")


def test_the_index_or_the_readme_of_its_folder_lists_every_page():
    listed = ["index.md"]
    for lister in (DOCS / "index.md", *DOCS.glob("*/README.md")):
        found = re.findall(r"^- \[.+\]\((.+\.md)\): ", lister.read_text(), re.MULTILINE)
        listed += ((lister.parent / name).relative_to(DOCS).as_posix() for name in found)
    pages = [path.relative_to(DOCS).as_posix() for path in DOCS.glob("**/*.md")]
    assert sorted(listed) == sorted(pages)


def test_the_reference_lists_what_all_says_is_public_and_nothing_else():
    """A page lists the ``__all__`` of a module, and by name what needs words of its own."""
    pages = "\n".join(path.read_text(encoding="utf-8") for path in DOCS.glob("reference/*.md"))
    listed = re.findall(r"^\.\. auto(\w+):: ([\w.]+)$", pages, re.MULTILINE)
    modules = [import_module(name) for kind, name in listed if kind == "module"]
    assert [module.__name__ for module in modules if not hasattr(module, "__all__")] == []
    public = {name for module in modules for name in module.__all__}
    by_name = {name.rpartition(".")[2] for kind, name in listed if kind != "module"}
    assert by_name - public == set()
    assert {*algomancy_data.__all__} - public == set()


def test_every_error_and_warning_has_an_entry():
    classes = [
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    ]
    assert sorted(classes) == sorted(errors.__all__)
    entries = re.findall(r"^##+ `(\w+)`$", (DOCS / "errors.md").read_text(), re.MULTILINE)
    assert set(classes) - set(entries) == set()
    assert set(entries) - set(classes) == {"DeprecationWarning"}


def test_every_code_of_a_message_is_on_the_page_of_the_validators():
    files = [path for stage in STAGES for path in (SOURCE / stage).rglob("*.py")]
    trees = [ast.parse(path.read_text("utf-8")) for path in files]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    texts = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    exports = {node.id for node in nodes if isinstance(node, ast.Name)}
    codes = set(filter(CODE.fullmatch, texts - exports))
    page = (DOCS / "validators.md").read_text(encoding="utf-8")
    assert {"FK_VIOLATION", "QUARANTINED"} < codes
    assert sorted(code for code in codes if not re.search(rf"\b{code}\b", page)) == []
