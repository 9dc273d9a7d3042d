"""The run with tables that are larger than memory, with few rows."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import large

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


def test_rows_go_in_and_out_of_each_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stores = ["--stores", "folder", f"sqlite:///{tmp_path / 'own.db'}"]
    large.main(["--rows", "2000", "--place", str(tmp_path), "--memory-limit", "256MiB", *stores])
    said, _, *lines = capsys.readouterr().out.splitlines()
    assert "kB of CSV" in said
    ways = [(line.split()[0], line.split()[1], line.split()[2]) for line in lines]
    assert ways == [
        (store, *way)
        for store in ("folder", "sqlite")
        for way in (("in", "2,200"), ("out", "2,000"))
    ]
    assert {path.stem for path in tmp_path.iterdir()} == {"own"}
