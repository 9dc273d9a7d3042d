"""A sheet as a frame: by fastexcel, except where it would change a value or lose its kind."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl

from algomancy_data.column_names import unique_names
from algomancy_data.schema import DataType
from algomancy_data.workbook.cells import Kind, decode
from algomancy_data.workbook.workbook import refused_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from algomancy_data.workbook.workbook import Workbook

_TEXT_TYPES: Final = (DataType.STRING, DataType.CATEGORICAL)
# From here on, not every integer is a float.
_EXACT: Final = 2**53
# Day 0 of the calendar from 1900, on which fastexcel puts times of day.
_CLOCK_DAY: Final = date(1899, 12, 31)
_MARCH_1900: Final = datetime(1900, 3, 1)  # noqa: DTZ001  workbooks know no time zones
_AFTER_DAY_0_OF_1904: Final = datetime(1904, 1, 2)  # noqa: DTZ001
_AFTER_9999: Final = 253_402_300_800_000
_SHOWN_ERROR: Final = re.compile(r"'Error\((\w+)\)")
_ERRORS: Final = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "GettingData": "#DATA!",
}
_WITHOUT_ERRORS: Final = pl.when(pl.col("kind") != Kind.ERROR)
_EMPTY_TEXT: Final = 'String("")'


@dataclass
class SheetTable:
    """A table as a sheet holds it.

    Attributes:
        frame: Its columns in order, each cell of a uniform column in the type it has there. A
            column in ``cells`` holds the texts that stand for the cells.
        cells: The columns in which kinds are mixed, cell by cell: frames of the same height with
            the columns ``kind``, ``text`` and ``milliseconds``; see :func:`decode`.
        errors: Cells that show an error, such as ``#N/A``: text by row, by column. They are null.
    """

    frame: pl.DataFrame
    cells: dict[str, pl.DataFrame] = field(default_factory=dict)
    errors: dict[str, dict[int, str]] = field(default_factory=dict)


def read_sheet(workbook: Workbook, sheet: str, types: Mapping[str, DataType]) -> SheetTable:
    """Read a sheet: the first row that has a value is the header.

    Rows without any value are left out, and so are columns with neither a name nor a value.

    Args:
        workbook: The workbook.
        sheet: Name of a sheet that it has.
        types: Declared type by column name: says of which columns single cells matter.

    Raises:
        FileContentError: The sheet is damaged.
        MissingExtraError: The package that reads workbooks is not installed.
    """
    loaded = _load(workbook, sheet)
    header = _header(workbook, sheet)
    names = unique_names([header.texts.get(column, "") for column in loaded.columns])
    targets = [types.get(name) for name in names]
    columns = loaded.frame.get_columns()
    doubtful = {
        position
        for position, (values, target) in enumerate(zip(columns, targets, strict=True))
        if loaded.lost_values(position, target)
        or _is_doubtful(values, target, workbook, mixed=loaded.mixed)
    }
    wanted = {loaded.columns[position]: position for position in doubtful}
    cells = _cells(workbook, sheet, wanted, header.row + 1, loaded.frame.height) if wanted else {}
    errors = loaded.errors | {position: _errors(found) for position, found in cells.items()}
    mixed: dict[str, pl.DataFrame] = {}
    for position, values in enumerate(columns):
        target = targets[position]
        if position not in cells:
            columns[position] = _natural(values, target)
            continue
        uniform = _uniform(cells[position], target)
        if uniform is None:
            mixed[names[position]] = cells[position]
            uniform = cells[position].select(_WITHOUT_ERRORS.then("text")).to_series()
        columns[position] = uniform
    table = SheetTable(
        pl.DataFrame([c.alias(name) for c, name in zip(columns, names, strict=True)]),
        mixed,
        {names[position]: found for position, found in errors.items() if found},
    )
    unnamed = [n for n, c in zip(names, loaded.columns, strict=True) if not header.texts.get(c)]
    return _without_blanks(table, unnamed)


# --- the fast way ---------------------------------------------------------------------------


@dataclass
class _Loaded:
    """What fastexcel makes of a sheet.

    Attributes:
        columns: Column of the sheet by position in the frame.
        frame: The rows below the header.
        mixed: Some column holds cells of several kinds.
        all_texts: They do not go together, so every column was read as text.
        errors: Cells that show an error: text by row, by position.
        empty_texts: Positions of columns in which an empty text became null.
        lost: Positions of columns in which another cell did.
    """

    columns: list[int]
    frame: pl.DataFrame
    mixed: bool
    all_texts: bool
    errors: dict[int, dict[int, str]]
    empty_texts: set[int]
    lost: set[int]

    def lost_values(self, position: int, target: DataType | None) -> bool:
        """Tell whether a column lacks a value that its declared type could hold."""
        if position in self.empty_texts and target in _TEXT_TYPES:
            return True
        return self.all_texts or position in self.lost


def _load(workbook: Workbook, sheet: str) -> _Loaded:
    reader, refused = workbook.reader, refused_columns()
    settings: dict[str, Any] = {"schema_sample_rows": None}
    with workbook.damage_reported():
        mixed = all_texts = False
        try:
            loaded = reader.load_sheet(sheet, dtype_coercion="strict", **settings)
        except refused:
            mixed = True
            try:
                loaded = reader.load_sheet(sheet, **settings)
            except refused:
                all_texts = True
                loaded = reader.load_sheet(sheet, dtypes="string", **settings)
        batch, lost = loaded.to_arrow_with_errors()
        frame = cast("pl.DataFrame", pl.from_arrow(batch))
        infos = loaded.selected_columns
    errors: dict[int, dict[int, str]] = {}
    empty_texts: set[int] = set()
    gone: set[int] = set()
    for cell in () if lost is None else lost.errors:
        row, position = cell.offset_position
        if shown := _SHOWN_ERROR.search(cell.detail):
            errors.setdefault(position, {})[row] = _ERRORS.get(shown[1], shown[1])
        elif _EMPTY_TEXT in cell.detail:
            empty_texts.add(position)
        else:
            gone.add(position)
    columns = [info.absolute_index for info in infos]
    return _Loaded(columns, frame, mixed, all_texts, errors, empty_texts, gone)


def _is_doubtful(
    values: pl.Series, target: DataType | None, workbook: Workbook, *, mixed: bool
) -> bool:
    """Tell whether fastexcel may have changed a value of a column, or lost its kind."""
    dtype = values.dtype
    if dtype == pl.String:
        return mixed
    if dtype == pl.Float64:
        if mixed and (target is None or target in _TEXT_TYPES):
            return True  # TRUE among numbers has become 1
        limit = math.inf if target is DataType.FLOAT else _EXACT
        return bool((values.abs() >= limit).any())
    if isinstance(dtype, pl.Datetime):
        start = _AFTER_DAY_0_OF_1904 if workbook.from_1904 else _MARCH_1900
        outside = (values < start) | (values.dt.epoch("ms") >= _AFTER_9999)
        return bool(outside.any()) and (workbook.from_1904 or not _are_clocks(values))
    return False


def _are_clocks(values: pl.Series) -> bool:
    """Tell whether all values are times of day without a date."""
    return bool((values.dt.date() == _CLOCK_DAY).all())


def _natural(values: pl.Series, target: DataType | None) -> pl.Series:
    """Return a uniform column in the dtype that says what it holds."""
    dtype = values.dtype
    if isinstance(dtype, pl.Datetime):
        if _are_clocks(values):
            return values.dt.time()
        return values.cast(pl.Datetime("us"))
    if isinstance(dtype, pl.Duration):
        return values.cast(pl.Duration("us"))
    if dtype == pl.Float64 and target in _TEXT_TYPES:
        # 7 and not 7.0: a code that was typed in as a number has no decimal point.
        return values.cast(pl.String).str.strip_suffix(".0")
    return values


# --- cell by cell ---------------------------------------------------------------------------


@dataclass
class _Header:
    """The first row that has a value."""

    row: int
    texts: dict[int, str]


def _header(workbook: Workbook, sheet: str) -> _Header:
    raw = workbook.cells(sheet, first_row_only=True)
    with workbook.damage_reported():
        cells = decode(workbook, raw)
    row = 0 if raw.is_empty() else int(raw["row"][0])
    return _Header(row, dict(cells.select("column", "text").iter_rows()))


def _cells(
    workbook: Workbook, sheet: str, wanted: dict[int, int], first_row: int, height: int
) -> dict[int, pl.DataFrame]:
    """Return the cells of some columns by position, a row for each row of the frame."""
    raw = workbook.cells(sheet, wanted)
    with workbook.damage_reported():
        cells = decode(workbook, raw).with_columns(pl.col("row") - first_row)
    rows = pl.DataFrame({"row": pl.int_range(height, eager=True, dtype=pl.Int64)})
    return {
        position: rows.join(
            cells.filter(pl.col("column") == column), on="row", how="left", maintain_order="left"
        ).select("kind", "text", "milliseconds")
        for column, position in wanted.items()
    }


def _errors(cells: pl.DataFrame) -> dict[int, str]:
    is_error = (cells["kind"] == Kind.ERROR).fill_null(value=False)
    rows = is_error.arg_true()
    return dict(zip(rows.to_list(), cells["text"].gather(rows).to_list(), strict=True))


def _uniform(cells: pl.DataFrame, target: DataType | None) -> pl.Series | None:
    """Return the column if all its cells are of one kind, else None."""
    if target in _TEXT_TYPES:
        return cells.select(_WITHOUT_ERRORS.then("text")).to_series()
    kinds = cells["kind"].drop_nulls().unique().to_list()
    kinds = [kind for kind in kinds if kind != Kind.ERROR]
    if len(kinds) > 1:
        return None
    return typed(cells, Kind(kinds[0]) if kinds else Kind.TEXT)


def typed(cells: pl.DataFrame, kind: Kind) -> pl.Series:
    """Return the cells of one kind in the dtype of their kind, null where there are others."""
    of_kind = pl.when(pl.col("kind") == kind)
    texts = cells.select(of_kind.then("text")).to_series()
    milliseconds = cells.select(of_kind.then("milliseconds")).to_series()
    match kind:
        case Kind.NUMBER:
            numbers = texts.cast(pl.Float64)
            if not (numbers.abs() >= _EXACT).any():
                return numbers
            whole = texts.cast(pl.Int64, strict=False)
            if whole.null_count() == texts.null_count():
                return whole
            return texts if numbers.is_infinite().any() else numbers
        case Kind.BOOLEAN:
            return texts == "true"
        case Kind.DATE:
            return milliseconds.cast(pl.Datetime("ms")).cast(pl.Datetime("us"))
        case Kind.TIME:
            return (milliseconds * 1_000_000).cast(pl.Time)
        case Kind.DURATION:
            return milliseconds.cast(pl.Duration("ms")).cast(pl.Duration("us"))
        case Kind.TEXT | Kind.ERROR:
            return texts


# --- blank rows and columns -----------------------------------------------------------------


def _without_blanks(table: SheetTable, unnamed: Iterable[str]) -> SheetTable:
    frame = table.frame.drop(
        name
        for name in unnamed
        if table.frame[name].null_count() == table.frame.height and name not in table.errors
    )
    if frame.width == 0 or any(frame[name].null_count() == 0 for name in frame.columns):
        return replace(table, frame=frame)
    kept = frame.select(~pl.all_horizontal(pl.all().is_null())).to_series()
    error_rows = {row for rows in table.errors.values() for row in rows}
    if error_rows:
        kept = kept.scatter(sorted(error_rows), values=True)
    if kept.all():
        return replace(table, frame=frame)
    number = (kept.cum_sum() - 1).to_list() if error_rows else []
    return SheetTable(
        frame.filter(kept),
        {name: cells.filter(kept) for name, cells in table.cells.items()},
        {
            name: {number[row]: text for row, text in rows.items()}
            for name, rows in table.errors.items()
        },
    )
