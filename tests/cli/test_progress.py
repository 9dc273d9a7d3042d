"""Lines that tell how far a command is."""

from __future__ import annotations

import pytest

from algomancy_data.batch import Job
from algomancy_data.batch.result import JobResult
from algomancy_data.cli.output import Output
from algomancy_data.cli.progress import JobLines, Lines
from algomancy_data.metrics import PhaseMetrics


@pytest.mark.parametrize(("rows", "said"), [(1, "1 row"), (2, "2 rows"), (1_000, "1,000 rows")])
def test_the_rows_of_a_phase_and_of_a_job_are_counted(capsys, rows, said):
    Lines(Output("load")).phase_finished(PhaseMetrics("persist", 0.0, rows, dataset="shop"))
    done = JobResult(Job("shop", {"orders": "orders.csv"}), "done", rows=rows)
    JobLines(Output("batch")).job_finished(done, 1, 2)
    assert capsys.readouterr().err.splitlines() == [
        f"persist 'shop': {said}, 0.000 s",
        f"[1/2] 'shop' done, {said}, 0.000 s",
    ]
