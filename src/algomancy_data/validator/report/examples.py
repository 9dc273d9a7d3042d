"""The first rows that break a rule, with values that look alike made distinguishable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from algomancy_data.display.grid import GridColumn, Markup, text_html
from algomancy_data.display.words import counted
from algomancy_data.frames.values import python_values
from algomancy_data.validator.failures import show_value

if TYPE_CHECKING:
    import polars as pl
    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.findings import RuleFindings
    from algomancy_data.validator.failures import RowFailures

LONGEST_CELL: Final = 80

_MOST_COLUMNS: Final = 12
_MOST_MESSAGES: Final = 10


def examples_of(
    rule: RuleFindings, failures: RowFailures | None, frame: pl.DataFrame | None
) -> list[GridColumn]:
    """Return the columns of a table of examples; none if the rule's only message says it all.

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


def value_html(value: Any) -> Markup:
    r"""Return a value of a frame as HTML.

    Texts stand as they are where nothing is hidden in them, else as Python writes them: an empty
    one, one with spaces at an end, or with a line break.

    Example:
        >>> value_html("EWR"), value_html("EWR "), value_html(None)
        ('EWR', '<i>&#x27;EWR &#x27;</i>', '<i>null</i>')
    """
    if value is None:
        return Markup("<i>null</i>")
    if not isinstance(value, str):
        return text_html(show_value(value), LONGEST_CELL * 2)
    if value and value.isprintable() and value == value.strip() and value != "null":
        return text_html(value, LONGEST_CELL)
    quoted = repr(value) if len(value) <= LONGEST_CELL else f"{value[:LONGEST_CELL]!r}…"
    return Markup(f"<i>{text_html(quoted, LONGEST_CELL * 4)}</i>")


def _rows(failures: RowFailures, frame: pl.DataFrame | None) -> list[GridColumn]:
    shown = failures.rows.head(len(failures.sample))
    columns = [GridColumn("row", [f"{row:,}" for row in shown.to_list()], to_right=True)]
    # The columns in question first: they must not be among those that are left out.
    names = list(failures.columns)
    for position, (name, dtype) in enumerate(failures.columns.items()):
        values = [row[position] for row in failures.sample]
        columns.append(_column(name, dtype, values, is_marked=True))
    if frame is not None:
        names += [name for name in frame.columns if name not in failures.columns]
        others = (frame[name][shown] for name in names[len(failures.columns) : _MOST_COLUMNS])
        columns += [_column(values.name, values.dtype, python_values(values)) for values in others]
    columns = columns[: _MOST_COLUMNS + 1]
    if (rest := len(names) - _MOST_COLUMNS) > 0:
        columns.append(GridColumn(counted(rest, "more column"), ["…"] * len(shown)))
    return columns


def _column(
    name: str, dtype: PolarsDataType, values: list[Any], *, is_marked: bool = False
) -> GridColumn:
    return GridColumn(
        text_html(name, LONGEST_CELL),
        [value_html(value) for value in values],
        to_right=dtype.is_numeric() or dtype.is_temporal(),
        is_marked=is_marked,
    )


def _messages(rule: RuleFindings) -> list[GridColumn]:
    shown = rule.messages[:_MOST_MESSAGES]
    texts = GridColumn("message", [text_html(message.message) for message in shown])
    if all(message.row is None for message in shown):
        return [texts]
    rows = ["" if message.row is None else f"{message.row:,}" for message in shown]
    return [GridColumn("row", rows, to_right=True), texts]
