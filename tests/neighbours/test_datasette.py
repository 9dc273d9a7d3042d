"""datasette on a file that another process keeps writing to: always one whole dataset."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.long  # three processes and a browser for some seconds

PIPELINE = Path(__file__).parent / "readers" / "pipeline.py"
PATIENCE = 60.0
VERSIONS = 5
BOTH = """
SELECT (SELECT count(*) FROM ds__s__live__left) AS left_rows,
       (SELECT count(*) FROM ds__s__live__right) AS right_rows,
       (SELECT min(run) FROM ds__s__live__left) AS least,
       (SELECT max(run) FROM ds__s__live__right) AS most
"""


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A file that a process keeps loading into."""
    folder = tmp_path_factory.mktemp("pipeline")
    path = folder / "data.db"
    process = subprocess.Popen(
        [sys.executable, str(PIPELINE), str(path), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    yield path
    process.communicate("\n", timeout=PATIENCE)
    assert process.returncode == 0


@pytest.fixture(scope="module")
def datasette(pipeline):
    """The address of a datasette that serves the file on a port of loopback."""
    process = subprocess.Popen(
        [sys.executable, "-m", "datasette", "serve", str(pipeline), "--port", "0"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    address = None
    while address is None:
        line = process.stderr.readline()
        assert line, "datasette ended"
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
    # It prints a traceback per error: a pipe that nobody reads would stop it.
    drain = threading.Thread(target=process.stderr.read)
    drain.start()
    yield address.group()
    process.terminate()
    assert process.wait(PATIENCE) is not None
    drain.join()
    process.stderr.close()


@pytest.fixture
def open_page(datasette, browser):
    """Open a page of datasette, again while it trips over the dataset that comes and goes.

    It lists the tables, and then asks for each. One that is gone by then makes it answer 500 and
    the table's name. Nothing else is forgiven.
    """

    def open_page(path):
        deadline = time.monotonic() + PATIENCE
        while True:
            tab = browser.open(f"{datasette}{path}", 1000)
            status = tab.run("performance.getEntriesByType('navigation')[0].responseStatus")
            text = tab.run("document.body.innerText")
            if status == 200:
                return tab
            assert (status, "ds__s__copy__" in text) == (500, True), text
            assert time.monotonic() < deadline, text
            tab.send("Page.close")

    return open_page


def ask(datasette, query):
    """Return the only row of an answer; anything but success raises."""
    parameters = urlencode({"sql": query, "_shape": "array"})
    with urlopen(f"{datasette}/data.json?{parameters}", timeout=PATIENCE) as answer:  # noqa: S310  http
        (row,) = json.load(answer)
    return row


def test_every_answer_and_every_page_is_one_whole_dataset(datasette, open_page):
    answers, pages, deadline = set(), set(), time.monotonic() + PATIENCE
    while min(len(answers), len(pages)) < VERSIONS:
        assert time.monotonic() < deadline, "datasette shows no new versions"
        row = ask(datasette, BOTH)
        run = row["least"]
        expected = 50 + run % 7
        assert row == {"left_rows": expected, "right_rows": expected, "least": run, "most": run}
        answers.add(run)
        tab = open_page("/data/ds__s__live__left?_size=max")
        cells = tab.run("[...document.querySelectorAll('td.col-run')].map(td => td.innerText)")
        assert len(set(cells)) == 1, tab.run("document.body.innerText")
        assert len(cells) == 50 + int(cells[0]) % 7
        assert tab.complaints == []
        pages.add(int(cells[0]))
        tab.send("Page.close")


def test_the_front_page_shows_the_tables_and_the_catalogue(datasette, open_page):
    tab = open_page("/data")
    text = tab.run("document.body.innerText")
    for table in ("algomancy_datasets", "ds__s__live__left", "ds__s__live__right"):
        assert table in text
    catalogue = ask(datasette, "SELECT ds_type FROM algomancy_datasets WHERE name = 'live'")
    assert catalogue == {"ds_type": "master_data"}
