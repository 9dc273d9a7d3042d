"""Attempts at jobs, as a manager sees them: runs whose dataset records that the job is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from algomancy_data.datasource import tables_of
from algomancy_data.errors import FileChangedError
from algomancy_data.findings import count_by_severity
from algomancy_data.store import Outcome

if TYPE_CHECKING:
    from algomancy_data.etl import ETLResult
    from algomancy_data.provenance import InputFile
    from algomancy_data.store import Attempt

LOAD_VERSION: Final = 1
"""Another one where this package makes another dataset of the same files than before."""


def done_by(attempt: Attempt, result: ETLResult) -> Attempt:
    """Return an attempt as it is once the result of its run is kept.

    Args:
        attempt: The attempt.
        result: The result, which has a DataSource.

    Raises:
        FileChangedError: A file was read that is not as the attempt says.
    """
    source = result.datasource
    read = source.provenance.files if source is not None and source.provenance else ()
    expected = {_content(file) for file in attempt.files}
    for file in read:
        if _content(file) not in expected:
            raise FileChangedError.from_name(file.name)
    return attempt.ended(
        Outcome.DONE,
        dataset_id="" if source is None else source.id,
        rows={name: frame.height for name, frame in tables_of(source).items()},
        findings=count_by_severity(result.messages),
        phases=tuple(result.metrics),
    )


def _content(file: InputFile) -> tuple[str, int | None, str | None]:
    return file.name, file.size, file.sha256
