"""What every transformer is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from algomancy_data.components import Component, NameOrLogger
from algomancy_data.memory import IN_MEMORY_BYTES

if TYPE_CHECKING:
    import polars as pl

    from algomancy_data.messages import ValidationMessage


class Transformer(Component, ABC):
    """Changes the tables of a dataset.

    Subclass it with a :meth:`transform` that changes the mapping it gets: it replaces, adds or
    removes tables there. What it returns does not count. The mapping is the run's own, and so are
    the frames in it; replace a frame by another one rather than changing it in place. Anything
    tabular may be put in; the query of a ``polars.LazyFrame`` runs after the transformer, and its
    rows go to a scratch file if they are more than memory should hold.

    A class with ``frames = "pandas"``, or whose :meth:`transform` annotates its parameter with a
    pandas type (``dict[str, pd.DataFrame]``), gets pandas frames, which become Polars frames again
    after it.

    Args:
        name: Name for the log.
        logger: The framework's logger, one of the standard library, or None for the standard
            library's ``algomancy_data``. The two may change places: a text is the name.

    Attributes:
        name: Name for the log.
        logger: As it was given.
        in_memory_bytes: Up to which size the package's own transformers make a table in memory;
            a larger one goes to a scratch file.
        messages: Findings of the last run, which the pipeline adds to those of the validators.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import Transformer
        >>> class MilesToKilometres(Transformer):
        ...     def transform(self, data):
        ...         km = (pl.col("distance") * 1.609344).alias("km")
        ...         data["flights"] = data["flights"].with_columns(km)
        >>> tables = {"flights": pl.DataFrame({"distance": [100]})}
        >>> MilesToKilometres("miles to km").transform(tables)
        >>> tables["flights"]["km"].to_list()
        [160.9344]
    """

    in_memory_bytes: int = IN_MEMORY_BYTES

    _unnamed = "Abstract Transformer"

    def __init__(
        self, name: NameOrLogger = "Abstract Transformer", logger: NameOrLogger = None
    ) -> None:
        super().__init__(None if name == Transformer._unnamed else name, logger)
        self.messages: list[ValidationMessage] = []

    @abstractmethod
    def transform(self, data: dict[str, pl.DataFrame]) -> Any:
        """Change the mapping in place.

        Args:
            data: The frames by logical table name.

        Returns:
            Nothing that counts.
        """


class NoopTransformer(Transformer):
    """Changes nothing.

    Args:
        logger: See :class:`Transformer`.
        name: Likewise.

    Example:
        >>> from algomancy_data import NoopTransformer
        >>> tables = {}
        >>> NoopTransformer().transform(tables) is tables
        True
    """

    _unnamed = "No Operation Transformer"

    def __init__(self, logger: NameOrLogger = None, name: NameOrLogger = None) -> None:
        super().__init__(logger, name)

    def transform(self, data: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
        """Return the mapping itself, unchanged."""
        return data
