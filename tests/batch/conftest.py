"""Deliveries, a store that workers find by the environment, and a batch of jobs on it."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from algomancy_data.batch import Job, run_batch


@pytest.fixture
def night(workers_import):
    """The module of what workers do."""
    return workers_import(Path(__file__).parent, "night")


@pytest.fixture
def deliver(tmp_path):
    """Write a file with amounts; return a job that loads it."""

    def deliver(dataset, *amounts, first=1, **options):
        path = tmp_path / f"{dataset}-{uuid.uuid4().hex[:8]}.csv"
        rows = "".join(f"{first + place};{amount}\n" for place, amount in enumerate(amounts))
        path.write_text(f"id;amount\n{rows}")
        return Job(dataset, {"sales": path}, **options)

    return deliver


@pytest.fixture(params=["sqlite"])
def store(request, tmp_path, monkeypatch, night):
    """Make managers of the store that the workers have; the last one is closed at the end."""
    match request.param:
        case "sqlite":
            address = f"sqlite:///{tmp_path / 'data.db'}"
        case "folder":
            address = str(tmp_path / "folder")
        case "memory":
            address = "memory"
        case _:
            address = request.getfixturevalue("postgresql")
    monkeypatch.setenv("NIGHT_STORE", address)
    monkeypatch.setenv("NIGHT_SESSION", f"s{uuid.uuid4().hex}")
    made = []

    def manager():
        made.append(night.make_manager())
        return made[-1]

    yield manager
    for one in made:
        one.close()


@pytest.fixture
def run(night, store):
    """Run a batch in this process, with threads."""

    def run(*jobs, **options):
        options.setdefault("workers", 2)
        if "executor" in options:
            return run_batch(jobs, night.make_manager, **options)
        with ThreadPoolExecutor(options["workers"]) as executor:
            return run_batch(jobs, night.make_manager, executor, **options)

    return run
