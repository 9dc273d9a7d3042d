"""A job: files that are to become a dataset, or rows of one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from algomancy_data.datamanager.additions import check_mode, check_repeated
from algomancy_data.errors import BatchError
from algomancy_data.etl.settings import INHERIT
from algomancy_data.store import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from algomancy_data.datamanager.additions import LoadMode, Repeated
    from algomancy_data.etl.settings import QuarantineSetting
    from algomancy_data.messages import ValidationSeverity


@dataclass(frozen=True)
class Job:
    """Files that are to become a dataset, or rows of one; can be pickled.

    Args:
        dataset: Name of the dataset.
        files: Path or address of each file, by its logical name.
        mode: What becomes of the dataset that has the name: ``"replace"``, ``"append"`` or
            ``"upsert"``, as for ``etl_data``.
        repeated: What becomes of a file that the dataset has already, when rows are appended:
            ``"refuse"`` or ``"skip"``.
        halt_on: Severity from which a finding makes the data be refused, if not the manager's.
        quarantine: Which rows are put aside, if not those that the manager says.
        version: Any text; with another one the job is another job, and is done although the same
            files were loaded before.

    Raises:
        BatchError: There are no files, or they are not given by name.
        DatasetNameError: No dataset can have that name.
        ValueError: The mode is none, or nothing can be done with ``repeated``.

    Example:
        >>> Job("march", {"orders": "inbox/march/orders.csv"}, mode="append").mode
        'append'
    """

    dataset: str
    files: Mapping[str, str | os.PathLike[str]]
    mode: LoadMode = "replace"
    repeated: Repeated = "refuse"
    halt_on: ValidationSeverity | None = None
    quarantine: QuarantineSetting = INHERIT
    version: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        check_name(self.dataset)
        check_mode(self.mode)
        check_repeated(self.repeated)
        if not self.files:
            raise BatchError.from_no_files(self.dataset)
        paths = {name: os.fspath(path) for name, path in self.files.items()}
        object.__setattr__(self, "files", paths)

    @property
    def paths(self) -> list[tuple[str, str]]:
        """Logical name and path of each file."""
        return [(name, os.fspath(path)) for name, path in self.files.items()]
