"""Code that was written in pandas runs: as it is, or with what the guide shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "migration.md"

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def snippets():
    """The two snippets of the guide: the data class, and the page."""
    text = GUIDE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```py(?:thon)?\n(.+?)^```", text, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "class InPandas" in block or "class DataPage" in block]


def test_what_the_tutorial_teaches_gives_what_it_gives_there(ours, reference, snippets):
    here = ours.start(("tutorial", {"base": snippets[0]}))
    there = reference.start(("tutorial", {"base": "InPandas = DataSource"}))
    found, expected = here()["tutorial"][""], there()["tutorial"][""]
    assert found == expected
    assert found["status"] == "success"
    assert len(found["costs"]) == 12


def test_the_page_of_the_framework_shows_the_tables(ours, snippets):
    steps = ours.run(("data_page", {"snippets": snippets}))["data_page"][""]
    assert steps == {
        "data_table_stations": [
            ["code", "height"],
            [{"height": -3.5, "code": "EHAM"}, {"height": 0.5, "code": "EHRD"}],
        ],
        "the rest is Polars": "polars",
    }
