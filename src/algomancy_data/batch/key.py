"""The key of a job: a hash of its files, and of everything that decides its result."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from algomancy_data.datamanager.runs import InputDigests
from algomancy_data.errors import AlgomancyDataError
from algomancy_data.provenance import InputFile

if TYPE_CHECKING:
    from algomancy_data.batch.job import Job
    from algomancy_data.datamanager import DataManager


def input_files(job: Job, manager: DataManager[Any]) -> tuple[InputFile, ...]:
    """Return the files of a job, with the hashes of those that can be read."""
    try:
        files = manager.prepare_files(file_items_with_path=job.paths)
    except AlgomancyDataError:  # the run says what is wrong with them
        return tuple(InputFile(name, "", path) for name, path in job.paths)
    with InputDigests(files) as digests:
        return digests.result()


def job_key(job: Job, files: tuple[InputFile, ...], manager: DataManager[Any], batch: str) -> str:
    """Return a SHA-256 that identifies a job.

    Where files lie does not count, but for those of which nobody knows what they hold without
    reading them over a network, or that are not there: a job of such is one of its batch only.

    Args:
        job: The job.
        files: Its files.
        manager: Who is to load them.
        batch: The batch.
    """
    is_known = all(file.sha256 is not None for file in files)
    contents = sorted(
        (file.name, file.extension, file.size, file.sha256 or file.location) for file in files
    )
    settings = (job.mode, job.repeated, job.halt_on, job.quarantine, job.version)
    declared = manager.fingerprint(name for name, _ in job.paths)
    text = repr((job.dataset, settings, contents, declared, "" if is_known else batch))
    return hashlib.sha256(text.encode()).hexdigest()
