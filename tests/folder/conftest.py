"""Managers and datasets for the tests of the folder store."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager
from algomancy_data.folder.reader import LOCK, PRIVATE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def open_manager(folder):
    """Open a started manager, which knows only what is in the folder."""

    def open_manager(cls=DataSource, schemas=(), path=folder, **options):
        manager = StatefulDataManager(SimpleETLFactory, schemas, path, "json", cls, **options)
        manager.startup()
        return manager

    return open_manager


@pytest.fixture
def leftovers(folder):
    """Return what is in the private directory beside what the metadata files speak of."""

    def leftovers():
        documents = [json.loads(path.read_bytes()) for path in folder.glob("*.json")]
        referenced = {document["directory"] for document in documents if "key" in document}
        # Before anything was written there is no such directory.
        return {path.name for path in (folder / PRIVATE).glob("*")} - referenced - {LOCK}

    return leftovers


@pytest.fixture
def start():
    """Start Python processes that say "ready" and then wait for a line of input."""
    processes = []

    def run(code, *arguments, **options):
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **options,
        )
        processes.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()
