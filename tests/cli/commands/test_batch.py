"""Batches at the prompt: what is done, what is refused, and the history of it."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def inbox(files, tmp_path):
    """An inbox with a good delivery and a bad one, and the arguments that name it."""
    for name, orders in (("delft", "orders.csv"), ("leiden", "bad/orders.csv")):
        (tmp_path / "inbox" / name).mkdir(parents=True)
        for file in ("customers.csv", orders):
            text = (tmp_path / file).read_text()
            (tmp_path / "inbox" / name / file.rpartition("/")[2]).write_text(text)
    return ("inbox", *files[2:], "--workers", "1")


def test_an_inbox_is_loaded_and_what_was_loaded_is_skipped(run, inbox, sqlite, tmp_path):
    done = run("batch", *inbox, *sqlite.flags, "--report", "report.json")
    assert done.code == 1, done.err
    assert "'delft' done, 5 rows" in done.err
    assert "leiden   refused" in done.out
    assert "2 jobs: 1 done, 1 refused; 5 rows in" in done.out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["counts"] == {"done": 1, "refused": 1}
    again = run("batch", *inbox, *sqlite.flags, "--json", "--resume", "--report", "page.html")
    assert again.code == 1
    assert again.json["batch"] == report["batch"]
    assert [job["outcome"] for job in again.json["jobs"]] == ["done", "refused"]
    page = (tmp_path / "page.html").read_text()
    assert "Not all done" in page
    assert "leiden" in page

    listed = run("jobs", "ls", *sqlite.flags)
    assert listed.code == 0, listed.err
    assert "2 attempts." in listed.out
    attempts = run("jobs", "ls", *sqlite.flags, "--json").json["attempts"]
    [key] = [one["job"] for one in attempts if one["dataset"] == "delft"]
    shown = run("jobs", "show", key[:8], *sqlite.flags)
    assert f"key: {key}" in shown.out
    assert "rows: orders: 3" in shown.out
