"""The main job is measured at the prompt."""

from __future__ import annotations


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
