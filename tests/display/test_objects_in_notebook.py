"""What a notebook shows, in a real browser: quiet, readable in light and dark, wide and narrow."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from algomancy_data import (
    Column,
    CSVFile,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.inference import infer_schemas

pytestmark = pytest.mark.long  # Chromium starts, and may have to be installed

WIDE, NARROW = 1200, 360
HOSTILE = "</td></table><style>*{color:red}</style><script>console.error('ran')</script>"
# As notebooks have it: the page knows light and dark, and the output takes its colours from it.
PAGE = """<!doctype html><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Notebook</title><style>
body {{ margin: 1em; background: #fff; color: #111; font: 14px sans-serif }}
@media (prefers-color-scheme: dark) {{ body {{ background: #111; color: #eee }} }}
table {{ margin: 0 auto; border: 2px solid red }} td, th {{ background: #888 }}
.output table {{ table-layout: fixed; margin-left: auto }}
.output tr, .output th, .output td {{ text-align: right; max-width: none; word-break: break-all }}
</style><div class="output">{cells}</div>"""


class Airlines(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "airlines", "csv", "single"
    CARRIER = Column("carrier", DataType.STRING, primary_key=True)
    NAME = Column("name", DataType.STRING)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page with a manager, an outcome, a DataSource and a validation result."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "airlines.csv").write_text(
        "carrier;name;rest\nAA;American;1\nAA;United;2\n;Delta;3\n"
    )
    manager = StatelessDataManager(SimpleETLFactory, [Airlines], "json", DataSource)
    file = CSVFile("airlines", path=str(folder / "airlines.csv"))
    result = manager.etl_data({"airlines": file}, "airlines", quarantine=True)
    source = DataSource("dummy_data", name=HOSTILE)
    source.add_table(HOSTILE, pl.DataFrame({HOSTILE: [1], "unbroken" * 30: [2]}))
    source.add_table("flights", pl.DataFrame({f"c{n}": range(336_776) for n in range(19)}))
    manager.add_data_source(source)
    manager.derive_data("airlines", "what if")
    for number in range(30):
        manager.derive_data("airlines", f"scenario {number}")
    found = infer_schemas([folder / "airlines.csv"])
    made = result.datasource.provenance
    shown = [manager, result, source, result.validation_result, result.metrics, made, found]
    path = folder / "notebook.html"
    path.write_text(PAGE.format(cells="<hr>".join(thing._repr_html_() for thing in shown)))
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_notebook_shows_tables_in_its_own_colours(browser, page, width, scheme):
    tab = browser.open(page, width, scheme=scheme)
    if "REPORT_PICTURES" in os.environ:
        tab.picture(Path(os.environ["REPORT_PICTURES"]) / f"notebook-{width}-{scheme}.png")
    assert tab.complaints == []
    assert tab.requests == []
    assert tab.overflow == 0
    all_of_it = "document.querySelectorAll('.algomancy-display *:not(style)')"
    inside = f"[...{all_of_it}].map(element => getComputedStyle(element))"
    body = "getComputedStyle(document.body)"
    assert tab.run(f"{inside}.every(style => style.color === {body}.color)")
    assert tab.run(f"{inside}.every(style => style.backgroundColor === 'rgba(0, 0, 0, 0)')")
    assert tab.run("document.querySelectorAll('.algomancy-display script').length") == 0
    assert HOSTILE in tab.run("document.body.textContent")
    assert tab.run("document.querySelectorAll('table').length") == 13
    texts = "[...document.querySelectorAll('.algomancy-display td:not(.n)')]"
    assert tab.run(f"{texts}.every(cell => getComputedStyle(cell).textAlign === 'left')")
    # No column is narrower than its heading, which has no place to break.
    heads = "[...document.querySelectorAll('.algomancy-display th')]"
    assert tab.run(f"{heads}.every(head => head.scrollWidth <= head.clientWidth)")
    boxes = "[...document.querySelectorAll('.algomancy-display > div')]"
    reach = "box => box.scrollWidth >= box.firstChild.offsetWidth"
    assert tab.run(f"{boxes}.every({reach})")
