"""Batches: many jobs on several processes or machines, each done exactly once."""

from algomancy_data.batch.coordinator import run_batch
from algomancy_data.batch.inbox import read_jobs
from algomancy_data.batch.job import Job
from algomancy_data.batch.result import BatchListener, BatchResult, JobResult
from algomancy_data.store.history import Attempt, Outcome

__all__ = [
    "Attempt",
    "BatchListener",
    "BatchResult",
    "Job",
    "JobResult",
    "Outcome",
    "read_jobs",
    "run_batch",
]
