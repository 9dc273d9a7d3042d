"""The store of a manager: opened, closed, described, verified and cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from algomancy_data.display.grid import MOST_ROWS, Cell, Grid
from algomancy_data.display.objects import Display, Displayed
from algomancy_data.display.words import counted, size_text, time_text
from algomancy_data.errors import AlgomancyDataError, DatasetNotFoundError
from algomancy_data.findings import counts_text
from algomancy_data.forks import ProcessLock
from algomancy_data.logs import as_logger
from algomancy_data.metrics import measuring

if TYPE_CHECKING:
    import logging
    from contextlib import AbstractContextManager

    from algomancy_data.logs import Logger
    from algomancy_data.memory import MemoryBudget
    from algomancy_data.metrics import Phase, ProgressListener
    from algomancy_data.store import Damage, DatasetInfo, Leftover, Store


class ManagedStore(Displayed):
    """What a :class:`DataManager` does with its store, whatever the class of its DataSources.

    Args:
        store: Where the datasets are kept.
        progress: Told when what is done to the store begins and ends.
        memory: How much memory the process should take.
    """

    def __init__(
        self, store: Store, progress: ProgressListener | None, memory: MemoryBudget
    ) -> None:
        self._store = store
        self._store.memory = memory
        self._progress = progress
        self._lock = ProcessLock()

    @property
    def store(self) -> Store:
        """Where the datasets are kept."""
        return self._store

    @property
    def logger(self) -> Logger | logging.Logger | None:
        """The logger as it was given, and as the factory gets it; may be set at any time."""
        return self._store.logger

    @logger.setter
    def logger(self, logger: Logger | logging.Logger | None) -> None:
        self._store.logger = logger

    def startup(self) -> None:
        """Make the store ready. No data is read until a dataset is first asked for.

        Raises:
            StoreError: The store cannot be used; the message says what to do.
        """
        with self._measuring("startup") as phase, self._lock:
            self._store.open(phase=phase)

    def close(self) -> None:
        """Close files and connections; the manager opens new ones when it is used again."""
        self._store.close()

    def __enter__(self) -> Self:
        """Start the manager up; the end of the block closes it."""
        self.startup()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the manager."""
        self.close()

    def log(self, message: str) -> None:
        """Pass a message on to the logger."""
        self._logger.log(message)

    # --- what there is ----------------------------------------------------------------------

    def get_data_keys(self) -> list[str]:
        """Return the names of the datasets, in order of creation.

        Raises:
            StoreError: The store fails.
        """
        with self._lock:
            return self._store.names()

    def describe_all(self, newest: int | None = None) -> list[DatasetInfo]:
        """Return the metadata of the datasets, in order of creation; no values are read.

        Args:
            newest: Only the last so many; None for all.

        Raises:
            StoreError: The store fails.
        """
        with self._lock:
            return self._store.describe_all(newest)

    def describe(self, data_key: str) -> DatasetInfo:
        """Return a dataset's metadata; no values are read.

        Raises:
            DatasetNotFoundError: There is none of that name.
            StoreError: The metadata is damaged, or the store fails.
        """
        with self._lock:
            return self._store.describe(data_key)

    def _info(self, dataset_name: str) -> DatasetInfo | None:
        """Return what is known of a dataset, or None if there is none of that name."""
        with self._lock:
            try:
                return self._store.describe(dataset_name)
            except DatasetNotFoundError:
                return None

    def verify(self, data_key: str | None = None) -> list[Damage]:
        """Compare a dataset, or all datasets, with what was written.

        A folder reads all files and compares their check sums. A database counts the rows of the
        tables, compares their columns with the catalogue, and the check sums of values and
        payloads; a damaged value is named by table, column and row. SQLite also checks the file,
        if all datasets are meant. The log says which tables have no check sums because an earlier
        version wrote them.

        Returns:
            What is not as it was written; nothing is a good sign, and always so in memory.

        Raises:
            DatasetNotFoundError: There is none of that name.
            StoreError: The store fails, or cannot read the dataset that was named.
        """
        with self._lock:
            if data_key is None:
                return self._store.verify_all()
            self._require_name(data_key)
            return self._store.verify(data_key)

    def leftovers(self) -> list[Leftover]:
        """Return what is in the store and belongs to no dataset; in memory that is nothing.

        A comment on a database table, made when it was created, proves that it is the session's.
        In a folder, files that another process is just writing can be among the leftovers.

        Raises:
            StoreError: The store fails.
        """
        with self._lock:
            return self._store.leftovers()

    def clear_leftovers(self) -> list[Leftover]:
        """Remove what is proven to belong to no dataset; return it.

        Other sessions, and what others may have made, are left alone.

        Raises:
            StoreError: The store fails; nothing is removed.
        """
        with self._lock:
            removed = self._store.clear_leftovers()
        for one in removed:
            self.log(f"Removed {one.path!r}: {one.what}.")
        return removed

    # --- internals --------------------------------------------------------------------------

    @property
    def _logger(self) -> Logger:
        return as_logger(self.logger)

    def _measuring(self, phase: str, dataset: str | None = None) -> AbstractContextManager[Phase]:
        """Measure a block, if anybody listens."""
        return measuring(phase, self._progress, dataset)

    def _require_name(self, data_key: str) -> None:
        if self._store.version(data_key) is None:
            raise DatasetNotFoundError.from_available(data_key, self._store.names())

    def _display(self) -> Display:
        """Return where the data is kept and the newest datasets, without reading them."""
        title, location = type(self).__name__, self._store.location
        try:
            shown = self.describe_all(MOST_ROWS)
            count = len({*self.get_data_keys(), *(info.name for info in shown)})
        except AlgomancyDataError as error:  # the store is down
            return Display(title, (location,), note=f"{type(error).__name__}: {error}")
        return Display(title, (location, counted(count, "dataset")), (_grid(shown, count),))

    def __repr__(self) -> str:
        """Show where the data is kept, without going there."""
        return f"<{type(self).__name__} {self._store.location}>"


def _grid(shown: list[DatasetInfo], count: int) -> Grid:
    return Grid.from_first_rows(
        ("dataset", "type", "created", "tables", "rows", "size", "findings", "state"),
        (
            (
                info.name,
                info.ds_type,
                info.creation_datetime and time_text(info.creation_datetime),
                *_extent(info),
                counts_text(info.findings) if info.findings else None,
                "damaged" if info.problem else None,
            )
            for info in reversed(shown)
        ),
        count,
        "older one",
    )


def _extent(info: DatasetInfo) -> tuple[Cell, Cell, Cell]:
    """Return the number of tables and rows, and the size; nothing if they cannot be known."""
    if info.has_unknown_tables:
        return None, None, None
    size = None if info.bytes is None else size_text(info.bytes)
    return len(info.tables), info.rows, size
