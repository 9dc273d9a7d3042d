"""Joins two tables into a third."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from algomancy_data.errors import ColumnNotFoundError, TableNotFoundError, ValidationError
from algomancy_data.frames.mapped import mapped_frame
from algomancy_data.frames.pandas_frames import in_polars
from algomancy_data.relations.keys import match_keys
from algomancy_data.transformer.base import Transformer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from algomancy_data.components import NameOrLogger


_ROWS_AT_ONCE: Final = 250_000


class JoinTransformer(Transformer):
    """Joins two tables on columns that both have, and keeps the rows that match.

    The output has the columns of the left table, then those of the right one without the key.
    Other columns that both have get the endings ``_x`` (left) and ``_y`` (right). Nulls match
    each other. Rows stand in the order of the left table, matches of one row in the order of the
    right table. Keys of different dtypes match where they hold equal values; the output has
    those of the left table.

    Args:
        left: Logical name of the left table.
        right: Logical name of the right table.
        on: Name of the key column, or names of all of them.
        output: Logical name of the joined table; one of that name is replaced.
        logger: See :class:`Transformer`.

    Raises:
        ValueError: ``on`` names no column, or one twice.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import JoinTransformer
        >>> tables = {
        ...     "flights": pl.DataFrame({"carrier": ["UA", "AA"], "name": ["1545", "1141"]}),
        ...     "airlines": pl.DataFrame({"carrier": ["AA"], "name": ["American"]}),
        ... }
        >>> JoinTransformer("flights", "airlines", "carrier", "named").transform(tables)
        >>> tables["named"].to_dicts()
        [{'carrier': 'AA', 'name_x': '1141', 'name_y': 'American'}]
    """

    _unnamed = "Join transformer"

    def __init__(
        self,
        left: str,
        right: str,
        on: str | Sequence[str],
        output: str,
        logger: NameOrLogger = None,
        name: NameOrLogger = None,
    ) -> None:
        super().__init__(logger, name)
        self.left = left
        self.right = right
        self.on = on if isinstance(on, str) else list(on)
        self.output = output
        key = self._key
        if not key or len(set(key)) < len(key):
            msg = f"on must name at least one column, and each once, not {key!r}."
            raise ValueError(msg)

    @property
    def _key(self) -> list[str]:
        return [self.on] if isinstance(self.on, str) else self.on

    @in_polars
    def transform(self, data: dict[str, pl.DataFrame]) -> None:
        """Put the joined table into the mapping.

        Raises:
            TableNotFoundError: One of the tables is absent (also a ``KeyError``).
            ColumnNotFoundError: A key column is absent (also a ``KeyError``).
            ValidationError: The keys cannot be compared, or two columns of the output would
                have one name.
        """
        left, right = self._table(data, self.left), self._table(data, self.right)
        left_keys, right_keys = left.select(self._key), right.select(self._key)
        matched = match_keys(left_keys, right_keys)
        if matched is None:
            msg = (
                f"Join of {self.left!r} with {self.right!r}: the key {self._key} has "
                f"{left_keys.dtypes} on the left and {right_keys.dtypes} on the right, which have "
                f"no value in common."
            )
            raise ValidationError(msg, context=self._key)
        pairs = _matching_rows(_numbered(left_keys, matched[0]), _numbered(right_keys, matched[1]))
        size = sum(
            frame.estimated_size() * pairs.height // max(frame.height, 1) for frame in (left, right)
        )
        if size <= self.in_memory_bytes:
            data[self.output] = self._joined(left[pairs["left"]], right[pairs["right"]])
        else:
            parts = self._parts(left, right, pairs)
            data[self.output] = mapped_frame(parts, self.in_memory_bytes)

    def _parts(
        self, left: pl.DataFrame, right: pl.DataFrame, pairs: pl.DataFrame
    ) -> Iterator[pl.DataFrame]:
        """Yield the joined rows in batches."""
        right = right.rechunk()  # once, or Polars does it for each part
        for part in pairs.iter_slices(_ROWS_AT_ONCE):
            rows = part["left"]  # ascending
            near = left.slice(rows[0], rows[-1] - rows[0] + 1)
            yield self._joined(near[rows - rows[0]], right[part["right"]])

    def _table(self, data: dict[str, pl.DataFrame], name: str) -> pl.DataFrame:
        if name not in data:
            raise TableNotFoundError.from_available(name, data)
        missing = [column for column in self._key if column not in data[name].columns]
        if missing:
            raise ColumnNotFoundError.from_available(name, missing[0], data[name].columns)
        return data[name]

    def _joined(self, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
        """Return the rows side by side, with the key and each name once."""
        others = right.drop(self._key)
        overlap = set(left.columns) & set(others.columns)
        left_names = [f"{name}_x" if name in overlap else name for name in left.columns]
        other_names = [f"{name}_y" if name in overlap else name for name in others.columns]
        twice = [name for name, count in Counter(left_names + other_names).items() if count > 1]
        if twice:
            msg = (
                f"Join of {self.left!r} with {self.right!r}: the output would have two columns "
                f"{twice[0]!r}. Rename one of them before the join."
            )
            raise ValidationError(msg, context=self.output)
        left.columns = left_names
        others.columns = other_names
        return left.hstack(others.get_columns())


def _numbered(keys: pl.DataFrame, comparable: pl.DataFrame) -> pl.LazyFrame:
    """Return the comparable keys with their row numbers, without those that match nothing."""
    rows = comparable.lazy().with_row_index("row")
    for key, column in zip(keys, comparable, strict=True):
        if column.null_count() > key.null_count():
            # Made null because the other side cannot hold the value: it must not match a null.
            rows = rows.filter(column.is_not_null() | key.is_null())
    return rows


def _matching_rows(left: pl.LazyFrame, right: pl.LazyFrame) -> pl.DataFrame:
    """Return the row numbers ("left", "right") of the pairs with equal keys."""
    key = left.drop("row").collect_schema().names()
    pairs = left.join(
        right, on=key, how="inner", nulls_equal=True, maintain_order="left_right", suffix="_right"
    )
    return pairs.select(left="row", right="row_right").collect()
