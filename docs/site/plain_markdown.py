"""Sphinx extension: pages of plain Markdown as pages of the site.

- A fence headed with a language and a file name shows the name as its caption.
- The lists of links in ``index.md``, and in the ``README.md`` of a folder, are the navigation, one
  part per heading.
- Links to files outside of this folder, which a site does not have, are their text.
- The page of the changelog ends with the changelog, what the next version brings on top.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pygments.lexers.special import TextLexer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

_FILE_FENCE = re.compile(r"^```(\w+) ([\w.-]+)$", re.MULTILINE)
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_ENTRY = re.compile(r"^- \[([^\]]+)\]\(([\w/-]+)\.md\)", re.MULTILINE)
_LINK_OUT = re.compile(r"\[([^\]]+)\]\(\.\./[^)]+\)")
_TOCTREE = """
```{{toctree}}
:hidden:
:caption: {caption}

{pages}
```
"""
_KINDS = {
    "feature": "Features",
    "bugfix": "Bug fixes",
    "removal": "Deprecations and removals",
    "doc": "Documentation",
    "misc": "Other",
}


def navigation(index: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each heading of the index with the titles and names of the pages in its list."""
    _, *parts = _SECTION.split(index)
    for heading, body in zip(parts[::2], parts[1::2], strict=True):
        if pages := _ENTRY.findall(body):
            yield heading, pages


def _adapt(app: Sphinx, docname: str, source: list[str]) -> None:
    text = _FILE_FENCE.sub(r"```{code-block} \1\n:caption: \2\n", source[0])
    if "/" not in docname:
        text = _LINK_OUT.sub(r"\1", text)
    if docname == "index" or docname.endswith("/README"):
        text = text.replace(".md): ", ".md) ")  # a list has colons, a card does not
        text += "".join(
            _TOCTREE.format(
                caption=heading, pages="\n".join(f"{title} <{name}>" for title, name in pages)
            )
            for heading, pages in navigation(text)
        )
    if docname == "changelog":
        text += _changelog(Path(app.srcdir).parent)
    source[0] = text


def _changelog(root: Path) -> str:
    changes: dict[str, list[str]] = {}
    for fragment in sorted((root / "changelog.d").glob("[!R]*.md")):
        kind = fragment.name.split(".")[1]
        text = " ".join(fragment.read_text(encoding="utf-8").split())
        changes.setdefault(kind, []).append(f"- {text}")
    lists = (
        f"\n### {title}\n\n" + "\n".join(changes[kind]) + "\n"
        for kind, title in _KINDS.items()
        if kind in changes
    )
    _, released = (root / "CHANGELOG.md").read_text(encoding="utf-8").split("-->\n")
    released = released.replace("](docs/", "](")
    return "".join(["\n## In the next version\n" if changes else "", *lists, released])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_lexer("csv", TextLexer)
    app.connect("source-read", _adapt)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
