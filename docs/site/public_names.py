"""Sphinx extension: the reference speaks of public names, wherever they are defined.

- A short name in a docstring or a signature leads to the one class or function of that name.
- The bases of a class are its public ones.
- A public name that the reference lacks is a warning, which ends the build.
- Members of enumerations are shown, though their names say all there is to say.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import pkgutil
import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

import algomancy_data

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

# What only explains itself in the code: internals, type variables, and other libraries, whose
# pages a build without a network cannot know.
_FOREIGN = (
    r"(abc|collections\.abc|datetime|enum|hypothesis|logging|os|pathlib|pl|polars|sa|sqlalchemy)\..*",
    r"(dict|list|tuple|Mapping)\[.*",
    r"(AbstractContextManager|EllipsisType|Path|PolarsDataType|SearchStrategy|StrEnum|datetime)",
    r"(.*\.)?(BASEDATASOURCE|ChildCounts|CascadeOutcome|Damage|ExportFormat|InferredFile)",
    r"(.*\.)?(FrameSizes|JSONValue|MessageLimit|Paths|QuarantineSetting|RowFailures)",
    r"(.*\.)?(BinaryEncoding|ColumnType|DeclaredKeys|DeclaredType|Extracted|Key|KeyForm)",
    r"(.*\.)?(Checks|LoadMode|TableKey|DeclaredRule|Dtypes|Mode|ReadPart|Reading|Repeated|RuleMethod|Seen)",
    r"(.*\.)?(DatabaseHistory|FolderHistory|Schemas|ScratchFile|StoredKeys|StoredRows|Tabular)",
    r"(.*\.)?(Workers|KnownAs|NameOrLogger|RowSink)",
    r"algomancy_data\.file\.workbook\..*",
)
# Modules that only the package itself uses, whatever they are called.
_UNDOCUMENTED = {
    *("__main__", "cli", "column_names", "components", "findings", "folder", "display"),
    *("arrow_layout", "documents", "engine_failures", "flatbuffers", "forks", "identity"),
    *("locations", "masking", "messages", "nesting", "pandas_frames", "sql_names"),
    *("value_ranges", "values", "workbook"),
}
# Classes that only serve as bases.
_INTERNAL = re.compile(r"_.*|.*Check|AdditionContract|ModelContract|Component|Displayed.*|Logging")


def _resolve(
    app: Sphinx, env: BuildEnvironment, node: nodes.Element, contents: nodes.Element
) -> nodes.Element | None:
    if node.get("refdomain") != "py":
        return None
    module, _, name = node["reftarget"].rpartition(".")
    if not f"{module}.".startswith(("algomancy_data.", ".")):
        return None
    found = {
        full: entry
        for full, entry in env.domains.python_domain.objects.items()
        if full.rpartition(".")[2] == name and not entry.aliased
    }
    if len(found) != 1:
        return None
    [(full, entry)] = found.items()
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, contents, full)


def _show_public_bases(
    _app: Sphinx, _name: str, _class: type, _options: dict[str, Any], bases: list[Any]
) -> None:
    public = [base for given in bases if (base := _public(given)) is not None]
    bases[:] = dict.fromkeys(public) or [object]


def _public(base: Any) -> Any | None:
    base = getattr(base, "__origin__", base)
    if not isinstance(base, type):
        return None  # TypedDict is a function
    for ancestor in inspect.getmro(base):
        if ancestor.__module__ in {"abc", "builtins", "enum", "typing"}:
            return ancestor if issubclass(ancestor, Exception | enum.Enum) else None
        if not _INTERNAL.fullmatch(ancestor.__name__):
            return ancestor
    return None


def _hide_no_bases(_app: Sphinx, document: nodes.document) -> None:
    for paragraph in list(document.findall(nodes.paragraph)):
        if paragraph.astext() == "Bases: object":
            paragraph.parent.remove(paragraph)


def _show_members(
    _app: Sphinx, what: str, _name: str, member: Any, _skip: object, _options: object
) -> bool | None:
    return False if what == "class" and isinstance(member, enum.Enum) else None


def _check_reference(_app: Sphinx, env: BuildEnvironment) -> None:
    documented = {full.rpartition(".")[2] for full in env.domains.python_domain.objects}
    for module, name in _public_names():
        if name not in documented:
            logging.getLogger(__name__).warning("%s.%s is not in the reference", module, name)


def _public_names() -> Iterator[tuple[str, str]]:
    yield from (("algomancy_data", name) for name in algomancy_data.__all__)
    for found in pkgutil.iter_modules(algomancy_data.__path__):
        if found.name not in _UNDOCUMENTED:
            module = importlib.import_module(f"algomancy_data.{found.name}")
            yield from ((module.__name__, name) for name in _exported(module))


def _exported(module: ModuleType) -> list[str]:
    return getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.setup_extension("sphinx.ext.autodoc")
    app.config.nitpick_ignore_regex += [("py:(class|obj)", pattern) for pattern in _FOREIGN]
    app.connect("missing-reference", _resolve)
    app.connect("autodoc-process-bases", _show_public_bases)
    app.connect("env-check-consistency", _check_reference)
    app.connect("doctree-read", _hide_no_bases)
    app.connect("autodoc-skip-member", _show_members)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
