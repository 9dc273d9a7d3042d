"""The history of a folder, in its journal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from algomancy_data.store.history import Attempt, History, begun

if TYPE_CHECKING:
    from collections.abc import Generator

    from algomancy_data.folder.writer import FolderWriter

_DOING: Final = "writing the history of jobs"


class FolderHistory(History):
    """The attempts of a folder.

    Args:
        files: The files of the folder.
    """

    def __init__(self, files: FolderWriter) -> None:
        self._files = files

    @contextmanager
    def finishing(self, attempt: Attempt) -> Generator[None]:
        """Link the dataset that the block writes to an attempt."""
        self._files.journal.finished = attempt
        try:
            yield
        finally:
            self._files.journal.finished = None

    def attempts(self, *, batch: str | None = None, job: str | None = None) -> list[Attempt]:
        """Return attempts, in the order in which they began."""
        if self._files.journal.is_unsettled:
            with self._files.writing(_DOING):
                pass  # whoever has the lock settles it
        return [
            one
            for one in self._files.journal.attempts()
            if batch in {None, one.batch} and job in {None, one.job}
        ]

    def begin(self, attempt: Attempt, *, first: bool = False) -> Attempt:
        """Note that an attempt begins; return it with its number."""
        with self._files.writing(_DOING):
            journal = self._files.journal
            earlier = [one for one in journal.attempts() if one.job == attempt.job]
            if first and earlier:
                return attempt
            now = begun(attempt, earlier)
            journal.add(now)
        return now

    def end(self, attempt: Attempt) -> None:
        """Note how an attempt ended, unless it was done."""
        with self._files.writing(_DOING):
            self._files.journal.add(attempt)
