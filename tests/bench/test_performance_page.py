"""docs/performance.md, its plots and its summary say the same."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

import report
from harness.limits import Limit, Limits, Promise
from reporting import page, plots, summary
from reporting.figures import figures


@pytest.fixture(scope="module")
def results() -> summary.Results:
    return summary.read(report.SUMMARY)


def test_the_page_is_what_the_summary_makes_of_it(results):
    written = report.PAGE.read_text()
    assert page.renewed(written, results) == written, "run `.venv/bin/python bench/report.py`"


def test_every_plot_shows_the_figures_of_the_summary(results):
    shown = plots.shown(results)
    shown |= {plots.FIRST: [one.ours for one in figures(results)]}
    assert set(shown) == {path.name for path in report.FOLDER.glob("*.svg")}
    for name, measurements in shown.items():
        (said,) = re.findall(r"<dc:description>(.+)<", (report.FOLDER / name).read_text())
        assert said == plots.digest(measurements), f"{name} is of another run"


def test_a_plot_is_the_same_bytes_each_time(results):
    name, measurements = min(plots.shown(results).items(), key=lambda one: len(one[1]))
    first = plots.picture(name, measurements)
    assert plots.picture(name, measurements) == first
    assert plots.digest(measurements) in first


def test_a_target_that_nobody_measured_is_named(results):
    promised = [["a workload", "an operation", "a peer"]]
    targets = page.targets(replace(results, unmeasured=promised))
    assert "| an operation | a peer |  | not measured |" in targets


@pytest.mark.parametrize(
    ("entry", "ratio", "words", "met", "fails"),
    [
        ({"faster": 15, "gate": 5}, 1 / 16, "≥ 15 × faster", True, False),
        ({"faster": 15, "gate": 5}, 1 / 14, "≥ 15 × faster", False, False),
        ({"faster": 15, "gate": 5}, 1 / 4, "≥ 15 × faster", False, True),
        ({"at_most": 1.15, "gate": 1.4}, 1.15, "≤ 1.15 ×", True, False),
        ({"at_most": 1.15, "gate": 1.4}, 1.2, "≤ 1.15 ×", False, False),
        ({"at_most": 1.15, "gate": 1.4}, 1.5, "≤ 1.15 ×", False, True),
    ],
)
def test_a_promise_is_judged_and_a_gate_fails(entry, ratio, words, met, fails):
    promise = Promise.from_entry(entry)
    assert promise.judged(ratio) == {"target": words, "met": met}
    assert (promise.violation(ratio) is not None) == fails


def test_a_limit_without_a_gate_is_refused():
    with pytest.raises(ValueError, match="gate"):
        Promise.from_entry({"faster": 15})


def test_every_gate_is_at_least_as_wide_as_its_target():
    for names in Limits().names():
        promise = Limits().of(*names)
        assert isinstance(promise.target, Limit)
        assert isinstance(promise.gate, Limit)
        assert promise.target.largest <= promise.gate.largest, names
