"""The framework's own page of tables, drawn without a browser."""

from __future__ import annotations

import json
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recording import Recording

TOOLKITS = ("dash", "dash_bootstrap_components", "dash_daq", "algomancy_gui", "plotly")


class Component:
    """An element of a page, which knows what it was made of."""

    def __init__(self, *children: Any, **properties: Any) -> None:
        self.children, self.properties = children, properties


class Toolkit(ModuleType):
    """A module of components, whatever they are called."""

    __path__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Toolkit(name) if name.islower() else Component


class Toolkits(MetaPathFinder, Loader):
    """Finds the toolkits, and whatever is imported from within them."""

    def find_spec(self, fullname, path=None, target=None):
        """Find what belongs to a toolkit."""
        is_toolkit = fullname.partition(".")[0] in TOOLKITS
        return ModuleSpec(fullname, self, is_package=True) if is_toolkit else None

    def create_module(self, spec):
        """Make a module of components."""
        return Toolkit(spec.name)

    def exec_module(self, module):
        """Leave it as it is."""


def drive(recording: Recording, snippets: list[str]):
    """Run the snippets of the guide, and draw a dataset with the page that they define."""
    sys.meta_path.insert(0, Toolkits())
    import pages  # noqa: PLC0415  of algomancy_content, whose folder is on the path

    sys.modules["algomancy_content"] = pages
    import algomancy_data as ad  # noqa: PLC0415

    names: dict[str, Any] = {"DataSource": ad.DataSource}
    for snippet in snippets:
        exec(snippet, names)  # noqa: S102  it is our own guide
    data = names["InPandas"](ad.DataClassification.MASTER_DATA, name="d")
    data.add_table("stations", {"height": [-3.5, 0.5], "code": ["EHAM", "EHRD"]})
    drawn = list(tables(names["DataPage"].create_content(data)))
    for table in drawn:
        columns = [column["id"] for column in table["columns"]]
        recording.keep(table["id"], [columns, json.loads(json.dumps(table["data"]))])
    recording.keep("the rest is Polars", type(data.tables["stations"]).__module__.split(".")[0])


def tables(component: Any):
    """Give what the tables of a page show."""
    if isinstance(component, list | tuple):
        for each in component:
            yield from tables(each)
    elif isinstance(component, Component):
        if "data" in component.properties:
            yield component.properties
        yield from tables(component.children)
