"""The journal of a folder: a line of JSON for each event of an attempt at a job.

A dataset appears when its metadata file is replaced, and the journal is another file. So one line
announces the version before it appears, and another confirms it afterwards. After a crash in
between, the next writer checks which version is there before it can be replaced.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from algomancy_data.documents import parse
from algomancy_data.errors import DamagedStoreError, SerializationError
from algomancy_data.folder.files import sync
from algomancy_data.store.history import Attempt, Outcome, refuse_repetition

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

JOURNAL: Final = "algomancy_jobs.jsonl"
"""Name of the file."""

_VERSION: Final = "about_to_appear"


class Journal:
    """The events of attempts; adding to it takes the lock of the folder.

    Args:
        root: The folder.

    Attributes:
        finished: The attempt that the next dataset is of, which is to be written with it.
    """

    def __init__(self, root: Path) -> None:
        self.finished: Attempt | None = None
        self._root = root
        self._path = root / JOURNAL
        self._lock = threading.Lock()
        self._forget()

    def attempts(self) -> list[Attempt]:
        """Return the known attempts, in the order in which they began.

        Raises:
            DamagedStoreError: A line is not what was written.
        """
        with self._lock:
            self._read()
            return list(self._attempts.values())

    @property
    def is_unsettled(self) -> bool:
        """Whether a dataset's second line is missing, after a crash or during a write."""
        with self._lock:
            self._read()
            return self._unsettled is not None

    def add(self, attempt: Attempt) -> None:
        """Add a line about an attempt; it is on disk when this returns."""
        self._add(attempt.to_dict())

    @contextmanager
    def committing(self, version: str, dataset_id: str) -> Generator[None]:
        """Surround the step that makes a version of a dataset appear.

        Args:
            version: The version.
            dataset_id: Identity of the dataset.

        Raises:
            JobDoneError: It is that of an attempt, and another one was done since that began.
        """
        if self.finished is None:
            yield
            return
        attempt = replace(self.finished, dataset_id=dataset_id)
        refuse_repetition(attempt, (one for one in self.attempts() if one.job == attempt.job))
        self._add({**attempt.to_dict(), _VERSION: version})
        yield
        self.add(attempt)

    def settle(self, version_of: Callable[[str], str | None]) -> None:
        """Find out whether a dataset appeared before a crash.

        Args:
            version_of: Returns the present version of a dataset.
        """
        if not self._path.exists():
            return
        with self._lock:
            self._read()
            unsettled = self._unsettled
        if unsettled is not None:
            attempt, version = unsettled
            appeared = version_of(attempt.dataset) == version
            sync(self._root)  # what appeared may be seen, and not be on the disk
            self.add(attempt if appeared else attempt.ended(Outcome.LOST))

    def _add(self, document: dict[str, Any]) -> None:
        line = json.dumps(document).encode() + b"\n"
        with self._lock:
            self._read()
            flags = os.O_WRONLY | os.O_CREAT
            descriptor = os.open(self._path, flags, 0o666)
            try:
                if self._end == 0:
                    sync(self._root)  # a file with lines has a name that lasts
                if self._end != self._synced:
                    os.fsync(descriptor)  # whoever wrote these lines may have been killed
                os.ftruncate(descriptor, self._end)  # without what a crash left of a line
                os.pwrite(descriptor, line, self._end)
                os.fsync(descriptor)
                self._synced = self._end + len(line)
            finally:
                os.close(descriptor)

    def _forget(self) -> None:
        self._attempts: dict[tuple[str, int], Attempt] = {}
        self._unsettled: tuple[Attempt, str] | None = None
        self._end = self._synced = 0
        self._inode = 0

    def _read(self) -> None:
        """Read new lines; an incomplete last line is left for later.

        Where the power failed, a part of the last line may be zeros, and its end be there.
        """
        try:
            stream = self._path.open("rb")
        except FileNotFoundError:
            self._forget()
            return
        with stream:
            stat = os.fstat(stream.fileno())
            if stat.st_ino != self._inode or stat.st_size < self._end:
                self._forget()
                self._inode = stat.st_ino
            stream.seek(self._end)
            for line in stream:
                is_last = self._end + len(line) == stat.st_size
                if not line.endswith(b"\n") or (is_last and b"\0" in line):
                    break
                self._note(line)
                self._end += len(line)

    def _note(self, line: bytes) -> None:
        try:
            document = parse(line.decode())
            attempt = Attempt.from_dict(document)
        except (SerializationError, UnicodeDecodeError) as error:
            msg = (
                f"The file {str(self._path)!r} is damaged: {error}. Restore it from a backup, or "
                f"delete it: then it is not known which jobs were done."
            )
            raise DamagedStoreError(msg) from error
        version = document.get(_VERSION)
        if version is not None:
            self._unsettled = attempt, version
            return
        self._unsettled = None
        place = (attempt.job, attempt.number)
        if place not in self._attempts or self._attempts[place].outcome != Outcome.DONE:
            self._attempts[place] = attempt
