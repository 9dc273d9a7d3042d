"""The parts of a table, the next ones read while one is looked at.

What it takes to open a file, and to divide its columns among cores, keeps these waiting: ten small
files that are read one after the other take twice the time of two at once.

Row numbers begin anew in each part, as long as the number of rows before it is unknown. One of
which something is noticed is read once more then, and those behind it when their turn comes.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Self, TypeAlias

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from algomancy_data.extractor.extracted import Reading
    from algomancy_data.extractor.shared_parts import ReadPart
    from algomancy_data.file import FilePart

    _Read: TypeAlias = tuple[pl.DataFrame, Reading]

_MOST_THREADS: Final = 16


class PartsAhead:
    """Reads the files of a table; as a context, it reads nothing after the block.

    Args:
        read: Reads one of them, in whatever thread.
    """

    def __init__(self, read: ReadPart) -> None:
        self._read = read
        # While some look at a file, or wait for what Polars reads, others keep the cores busy.
        self._threads = min(2 * pl.thread_pool_size(), _MOST_THREADS)

    def __enter__(self) -> Self:
        """Let there be threads as soon as there is something to read."""
        self._pool = ThreadPoolExecutor(self._threads, "algomancy-data part")
        return self

    def __exit__(self, *error: object) -> None:
        """Wait for what is being read."""
        self._pool.shutdown(cancel_futures=True)

    def __call__(self, files: Sequence[FilePart], as_text: frozenset[str]) -> Iterator[_Read]:
        """Yield what each file holds, not yet converted, and what was noticed.

        Args:
            files: The parts in order.
            as_text: Columns to return as text, if the content is text.
        """
        ahead: deque[Future[_Read]] = deque()
        submitted = first_row = 0
        is_clean = True
        for number, part in enumerate(files):
            most = number + 2 * self._threads if is_clean else submitted
            for other in files[submitted:most]:
                ahead.append(self._pool.submit(self._read, other.file, 0, as_text))
                submitted += 1
            found = ahead.popleft().result() if ahead else None
            if found is None or (first_row and found[1].issues):
                found = self._read(part.file, first_row, as_text)
            frame, reading = found
            is_clean = is_clean and not reading.issues
            first_row += frame.height
            yield frame, reading
