"""Schemas of a wide file: what grows with its columns is hardly what is asked of Polars."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from algomancy_data.inference import infer_schemas

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from harness import Count

COLUMNS = 1_000
ROWS = 3


@pytest.fixture
def wide_file(tmp_path: Path) -> Path:
    """Write columns of all shapes of text in turns."""
    makers = (
        lambda row, column: str(row + 7 * column),
        lambda row, column: f"{column / 7 + row:.3f}",
        lambda row, column: repr((column + 1) / 7 + row),
        lambda row, column: f"w{row * column % 5}",
        lambda row, column: f"2026-01-{1 + (row + column) % 28:02}",
        lambda row, column: f"{1 + column % 12}/{13 + row}/2026",
        lambda row, column: f"{row + column}.50",
        lambda row, column: f"{row + column}.0" if row else "",
        lambda row, column: f"{1 + row},{100 + column % 900}",
        lambda row, column: f"$1,{100 + row + column % 800}.50",
        lambda row, column: f"{row + column} Main St",
        lambda row, column: f"+1 555 {1_000 + row + column}",
        lambda row, column: f"P{row + column}D",
        lambda row, column: f"10:3{row}:00.{column % 1_000:03}",
        lambda row, column: f"2026-01-0{1 + row}T10:30:00.{column % 1_000:03}Z",
        lambda row, column: str(10**20 + row + column),
        lambda row, column: "NA" if row else str(column),
    )
    lines = [";".join(f"c{column}" for column in range(COLUMNS))]
    lines += [
        ";".join(makers[column % len(makers)](row, column) for column in range(COLUMNS))
        for row in range(ROWS)
    ]
    path = tmp_path / "wide.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_questions_to_polars(count: Count, wide_file: Path) -> None:
    """Count the queries, each of which costs about a tenth of a millisecond."""

    def queries() -> int:
        asked = 0

        def note(_frame: FrameType, event: str, function: Any) -> None:
            nonlocal asked
            asked += event == "c_call" and function.__name__ == "collect"

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            infer_schemas(wide_file)
        finally:
            sys.setprofile(before)
        return asked

    count("queries: infer", queries, {"columns": COLUMNS}, workload="a wide file", rows=ROWS)
