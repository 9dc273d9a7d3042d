"""What the codecs have in common: handling of values that a column cannot have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from polars.exceptions import PanicException, PolarsError

from algomancy_data.errors import DamagedStoreError, SchemaDriftError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from algomancy_data.database.layout import ColumnLayout

_SHOWN: Final = 60  # characters of a value in a message


class ForeignValueError(SchemaDriftError, DamagedStoreError):
    """A column holds a value that was not written by this package.

    Args:
        column: The column.
        table: What to call its table.
        what: What is wrong with the value, to follow "Column 'x' of table 't' holds".
        row: Its row among those that were read, if that is known.
    """

    def __init__(self, column: ColumnLayout, table: str, what: str, row: int | None = None) -> None:
        self.column = column
        self.table = table
        self.what = what
        self.row = row
        place = "" if row is None else f", in row {row:,}"
        self.problem = f"column {column.name!r} holds {what}{place}"
        super().__init__(
            f"Column {column.physical!r} of table {table!r} holds {what}{place}. Undo the change, "
            f"or delete the dataset and load it again."
        )

    def at(self, row: int | None) -> ForeignValueError:
        """Return the same error for a row number of the whole table."""
        return ForeignValueError(self.column, self.table, self.what, row)


def decoded(
    stored: pl.DataFrame, columns: Sequence[ColumnLayout], values: Sequence[pl.Expr], table: str
) -> pl.DataFrame:
    """Return the values of all columns.

    Args:
        stored: What the expressions look at.
        columns: The columns.
        values: The values of each column.
        table: What to call the table in an error.

    Raises:
        ForeignValueError: A column cannot have a value that is stored there.
    """
    try:
        return stored.select(values)
    except (PolarsError, PanicException) as error:
        for number, (column, value) in enumerate(zip(columns, values, strict=True)):
            row = first_failure(stored, value)
            if row is not None:
                shown, dtype = _shown(repr(stored[str(number)][row])), _shown(str(column.dtype))
                what = f"{shown}, which is no {dtype} and was not written by this package"
                raise ForeignValueError(column, table, what, row) from error
        raise


def first_failure(stored: pl.DataFrame, value: pl.Expr) -> int | None:
    """Return the first row whose value cannot be evaluated; None if all can.

    Example:
        >>> import polars as pl
        >>> stored = pl.DataFrame({"x": ["1", None, "one"]})
        >>> first_failure(stored, pl.col("x").cast(pl.Int8))
        2
    """
    if not _fails(stored, value):
        return None
    first, end = 0, stored.height
    while end - first > 1:
        middle = (first + end) // 2
        if _fails(stored.slice(first, middle - first), value):
            end = middle
        else:
            first = middle
    return first


def _fails(stored: pl.DataFrame, value: pl.Expr) -> bool:
    try:
        stored.select(value)
    except (PolarsError, PanicException):
        return True
    return False


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
