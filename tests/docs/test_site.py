"""The site is whole: every page is listed, every error and code has its entry.

That every public name is in the reference is checked when the site is built.
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

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
    trees = [ast.parse(path.read_text("utf-8")) for path in files]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    texts = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    exports = {node.id for node in nodes if isinstance(node, ast.Name)}
    codes = set(filter(CODE.fullmatch, texts - exports))
    page = (DOCS / "validators.md").read_text(encoding="utf-8")
    assert {"FK_VIOLATION", "QUARANTINED"} < codes
    assert sorted(code for code in codes if not re.search(rf"\b{code}\b", page)) == []
