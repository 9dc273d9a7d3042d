"""The main job is measured at the prompt."""

from __future__ import annotations

import json

import pytest


def test_the_machine_is_measured_and_the_store_is_left_as_it_was(run, store):
    done = run("bench", "--rows", "2000", "--store", store.url, "--json")
    assert done.code == 0, done.err
    measured = done.json["stores"]
    assert list(measured) == ["memory", "folder", "sqlite", "store"]
    phases = [one["phase"] for one in measured["store"]["phases"]]
    assert phases == [
        *("extract", "validate", "transform", "load", "persist", "read", "derive", "delete")
    ]
    assert {one["rows"] for one in measured["store"]["phases"][:7]} == {2200}
    sessions = run("ls", "--all-sessions", "--store", store.url, "--json").json["datasets"]
    assert [one for one in sessions if one["session"].startswith("bench")] == []


def test_figures_are_compared_with_earlier_ones(run, tmp_path):
    measured = run("bench", "--rows", "500", "--repeat", "2", "--json").json
    assert len(measured["repeated"]) == 2
    slow, fast = tmp_path / "slow.json", tmp_path / "fast.json"
    for path, seconds in ((slow, 1e6), (fast, 0.001)):
        for stores in measured["repeated"]:
            for metrics in stores.values():
                for phase in metrics["phases"]:
                    phase["seconds"] = seconds
        path.write_text(json.dumps(measured))
    asked = ("bench", "--repeat", "1", "--fail-above", "1", "--json", "--compare")
    done = run(*asked, slow)
    assert (done.code, done.json["rows"], done.json["slower"]) == (0, 500, [])
    assert all(
        0 < one["lowest"] <= one["ratio"] <= one["highest"] < 1 for one in done.json["compared"]
    )
    done = run(*asked[:-2], "--compare", fast)
    assert done.code == 1
    assert "Took more than 1 times as long as before: " in done.out
    assert "extract in memory" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fail-above", "2"), "--fail-above goes with --compare"),
        (("--compare", "none.json"), "'none.json' is not what `bench --json` writes"),
        (("--compare", "other.json"), "'other.json' is not what `bench --json` writes"),
        (("--compare", "small.json", "--rows", "7"), "figures of 5 rows, which say nothing"),
    ],
)
def test_what_cannot_be_compared_is_said_before_anything_is_measured(
    run, tmp_path, arguments, said
):
    (tmp_path / "other.json").write_text("[]")
    (tmp_path / "small.json").write_text('{"rows": 5, "stores": {}}')
    done = run("bench", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
