"""What a report is in a real browser: whole, quiet, and readable wide and narrow."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from algomancy_data import (
    Column,
    ConstraintValidator,
    DataType,
    ForeignKeyValidator,
    PrimaryKeyValidator,
    RequiredColumnsValidator,
    Schema,
    SchemaValidator,
    ValidationResult,
    ValidationSequence,
)

pytestmark = pytest.mark.long  # Chromium starts, and may have to be installed

WIDE, NARROW = 1280, 400
HOSTILE = [
    "<script>console.error('ran')</script>",
    "<img src=https://example.org/x.png onerror=console.error(1)>",
    "</td></table><style>body{width:5000px}</style>",
    "'\"><a href=javascript:alert(1)>x</a>",
    "&lt;b&gt; ${title} $title",
    "unbroken" * 200,
]


class Airlines(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "airlines", "csv", "single"
    CARRIER = Column("carrier", DataType.STRING, primary_key=True)
    NAME = Column("name", DataType.STRING)


class Flights(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "flights", "csv", "single"
    CARRIER = Column("carrier", DataType.STRING, foreign_key=("airlines", "carrier"))
    TAIL = Column("tailnum", DataType.STRING)
    DISTANCE = Column("distance", DataType.FLOAT)
    GATE = Column("gate", DataType.STRING)


def flights(count):
    return pl.DataFrame(
        {
            "carrier": [(["AA", "ZZ", "UA"])[n % 3] for n in range(count)],
            "tailnum": [None if n % 10 == 0 else f"N{n}" for n in range(count)],
            "distance": [n * 1.5 for n in range(count)],
            **{f"remark {n}": ["a remark that goes on for a while"] * count for n in range(20)},
        }
    )


def written(result, path, tables=None):
    path.write_text(result.to_html(tables), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Reports on ordinary, hostile, clean and no data."""
    folder = tmp_path_factory.mktemp("pages")
    schemas = [Airlines, Flights]
    sequence = ValidationSequence(
        [
            RequiredColumnsValidator(schemas),
            SchemaValidator(schemas),
            PrimaryKeyValidator(schemas),
            ConstraintValidator(schemas),
            *ForeignKeyValidator.from_schemas(schemas),
        ]
    )
    carriers = ["AA", "UA", "AA", None]
    names = ["American", "United", None, "?"]
    airlines = pl.DataFrame({"carrier": carriers, "name": names})
    ordinary = {"airlines": airlines, "flights": flights(3000)}
    odd = pl.DataFrame({"carrier": HOSTILE * 2, "name": [*HOSTILE, *[None] * len(HOSTILE)]})
    hostile = {"airlines": odd, **{f"{text}.t": odd for text in HOSTILE}}
    hostile["flights"] = pl.DataFrame(dict.fromkeys(HOSTILE, HOSTILE) | {"carrier": HOSTILE})
    result = sequence.run_validation(ordinary)
    return {
        "ordinary": written(result, folder / "ordinary.html", ordinary),
        "without tables": written(result, folder / "without.html"),
        "hostile": written(sequence.run_validation(hostile), folder / "hostile.html", hostile),
        "clean": written(ValidationResult(is_valid=True), folder / "clean.html", ordinary),
        "nothing": written(ValidationResult(is_valid=True), folder / "nothing.html"),
    }


@pytest.fixture
def opened(browser, pages):
    """Opens a page; keeps its picture where REPORT_PICTURES says."""

    def open_page(name, width, scheme="light"):
        tab = browser.open(pages[name], width, scheme=scheme)
        tab.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        if "REPORT_PICTURES" in os.environ:
            tab.picture(Path(os.environ["REPORT_PICTURES"]) / f"{name}-{width}-{scheme}.png")
        return tab

    return open_page


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", ["ordinary", "without tables", "hostile", "clean", "nothing"])
def test_a_report_is_quiet_asks_for_nothing_and_fits_the_window(opened, name, width):
    tab = opened(name, width)
    assert tab.complaints == []
    assert tab.requests == []
    assert tab.overflow == 0
    assert tab.run("innerWidth") == width


def test_a_page_that_is_none_of_this_is_found_out(browser, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<script>console.error('no')</script><img src='elsewhere.png'>"
        "<div style='width: 3000px; height: 10px; background: red'></div>",
        encoding="utf-8",
    )
    tab = browser.open(bad, WIDE)
    assert tab.complaints
    assert [url.rpartition("/")[2] for url in tab.requests] == ["elsewhere.png"]
    assert tab.overflow > 1000


def test_values_are_text_whatever_they_contain(opened):
    tab = opened("hostile", WIDE)
    assert tab.run("document.querySelectorAll('script, img, iframe, td style').length") == 0
    links = tab.run("[...document.links].map(a => a.getAttribute('href'))")
    assert all(link.startswith("#table-") for link in links)
    text = tab.run("document.body.textContent")
    for value in HOSTILE[:-1]:
        assert value in text
    assert HOSTILE[-1] not in text
    assert HOSTILE[-1][:80] in text


def test_every_link_leads_to_a_section(opened):
    tab = opened("ordinary", WIDE)
    missing = "[...document.links].filter(a => !document.querySelector(a.getAttribute('href')))"
    assert tab.run(f"{missing}.length") == 0
    assert tab.run("document.links.length") == 2
    ids = tab.run("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_background(opened, scheme):
    tab = opened("ordinary", WIDE, scheme)
    faint = tab.run(
        """(() => {
          const rgb = text => text.match(/[\\d.]+/g).map(Number);
          const light = ([r, g, b]) => [r, g, b]
            .map(c => c / 255)
            .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
          const behind = e => {
            for (; e; e = e.parentElement) {
              const color = rgb(getComputedStyle(e).backgroundColor);
              if (color.length === 3 || color[3] > 0) return color;
            }
            return [255, 255, 255];
          };
          const contrast = e => {
            const pair = [rgb(getComputedStyle(e).color), behind(e)].map(light);
            return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
          };
          return [...document.querySelectorAll('body *')]
            .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
            .filter(e => contrast(e) < 4.5)
            .map(e => `${e.className} ${e.textContent.slice(0, 40)}`);
        })()"""
    )
    assert faint == []
    shade = tab.run("getComputedStyle(document.body).backgroundColor")
    assert (shade == "rgb(246, 247, 249)") is (scheme == "light")
