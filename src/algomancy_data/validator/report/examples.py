"""The first rows that a rule found bad, with their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from algomancy_data.frames.values import python_values
from algomancy_data.validator.report.cells import LONGEST_CELL, text_html, value_html
from algomancy_data.validator.report.grid import GridColumn

if TYPE_CHECKING:
    import polars as pl
    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.findings import RuleFindings
    from algomancy_data.validator.failures import RowFailures

_MOST_COLUMNS: Final = 12
_MOST_MESSAGES: Final = 10


def examples_of(
    rule: RuleFindings, failures: RowFailures | None, frame: pl.DataFrame | None
) -> list[GridColumn]:
    """Return the columns of a table of examples; none if the rule's one message says it all.

    Args:
        rule: The rule.
        failures: The rows that it found bad, if it found them by the column.
        frame: The validated table, if it is at hand.
    """
    if failures is not None:
        return _rows(failures, frame)
    if len(rule.messages) == 1 and rule.messages[0].row is None:
        return []
    return _messages(rule)


def _rows(failures: RowFailures, frame: pl.DataFrame | None) -> list[GridColumn]:
    shown = failures.rows.head(len(failures.sample))
    columns = [GridColumn("row", [f"{row:,}" for row in shown.to_list()], "right")]
    # The columns in question first: they must not be among those that are left out.
    names = list(failures.columns)
    for position, (name, dtype) in enumerate(failures.columns.items()):
        values = [row[position] for row in failures.sample]
        columns.append(_column(name, dtype, values, marked=True))
    if frame is not None:
        names += [name for name in frame.columns if name not in failures.columns]
        others = (frame[name][shown] for name in names[len(failures.columns) : _MOST_COLUMNS])
        columns += [_column(values.name, values.dtype, python_values(values)) for values in others]
    columns = columns[: _MOST_COLUMNS + 1]
    if (rest := len(names) - _MOST_COLUMNS) > 0:
        label = f"{rest:,} more column{'s' if rest > 1 else ''}"
        columns.append(GridColumn(label, ["…"] * len(shown)))
    return columns


def _column(
    name: str, dtype: PolarsDataType, values: list[Any], *, marked: bool = False
) -> GridColumn:
    align = "right" if dtype.is_numeric() or dtype.is_temporal() else "left"
    cells = [value_html(value) for value in values]
    return GridColumn(text_html(name, LONGEST_CELL), cells, align, marked=marked)


def _messages(rule: RuleFindings) -> list[GridColumn]:
    shown = rule.messages[:_MOST_MESSAGES]
    texts = GridColumn("message", [text_html(message.message) for message in shown])
    if all(message.row is None for message in shown):
        return [texts]
    rows = ["" if message.row is None else f"{message.row:,}" for message in shown]
    return [GridColumn("row", rows, "right"), texts]
