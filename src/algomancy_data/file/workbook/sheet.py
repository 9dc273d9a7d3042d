"""A sheet as a frame, read by fastexcel except where it would change a value or its kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Final, cast

import polars as pl

from algomancy_data.file.workbook.cells import CellKind, decode
from algomancy_data.file.workbook.dense import read_pieces
from algomancy_data.frames.tabular import unique_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from algomancy_data.file.workbook.dense import Piece
    from algomancy_data.file.workbook.workbook import Workbook
    from algomancy_data.schema.types import ColumnType

# From here on, not every integer is a float.
_EXACT: Final = 2**53
# Day 0 of the calendar from 1900, on which fastexcel puts times of day.
_CLOCK_DAY: Final = date(1899, 12, 31)
_MARCH_1900: Final = datetime(1900, 3, 1)  # noqa: DTZ001  workbooks know no time zones
_AFTER_DAY_0_OF_1904: Final = datetime(1904, 1, 2)  # noqa: DTZ001
_AFTER_9999: Final = 253_402_300_800_000
_WITHOUT_ERRORS: Final = pl.when(pl.col("kind") != CellKind.ERROR)
# Cells scattered over so many times their number are no table; a few may be.
_SCATTERED: Final = 100
_FEW: Final = 10_000_000


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


def read_sheet(workbook: Workbook, sheet: str, types: Mapping[str, ColumnType]) -> SheetTable:
    """Read a sheet: the first row that has a value is the header.

    Rows without any value are left out, and so are columns with neither a name nor a value. An
    empty text, as formulas show it that have nothing to show, is a value only beside another one.

    Args:
        workbook: The workbook.
        sheet: Name of a sheet that it has.
        types: Declared type by column name: says of which columns single cells matter.

    Raises:
        ReadLimitError: The sheet is larger than the limits of the file allow.
        FileContentError: The sheet is damaged.
        MissingExtraError: The package that reads workbooks is not installed.
    """
    header = _header(workbook, sheet)
    if header is None:
        return SheetTable(pl.DataFrame())
    pieces = read_pieces(workbook, sheet, header.row, max(header.texts) + 1)
    if pieces is None:
        rows, names, cells = _sparse(workbook, sheet, header)
        grid = _Grid(rows, {}, cells, {})
    else:
        names = header.names(_filled(pieces))
        height = sum(piece.frame.height for piece in pieces)
        workbook.limits.check_shape(workbook.name, height, len(names), workbook.stored)
        grid = _dense(workbook, sheet, header, pieces, {c: types.get(names[c]) for c in names})
    grid = _without_blank_rows(grid)
    table = SheetTable(pl.DataFrame())
    frame: list[pl.Series] = []
    for column, name in names.items():
        target = types.get(name)
        values, errors = grid.values.get(column), grid.errors.get(column, {})
        if values is not None:
            values = _natural(values, target)
        else:
            found = grid.column(column)
            errors = _errors(found)
            values = _uniform(found, target)
            if values is None:
                table.cells[name] = found
                values = found.select(_WITHOUT_ERRORS.then("text")).to_series()
        if errors:
            table.errors[name] = errors
        frame.append(values.alias(name))
    table.frame = pl.DataFrame(frame)
    return table


# --- the header -----------------------------------------------------------------------------


@dataclass
class _Header:
    """The first row with a value.

    Attributes:
        row: Which row of the sheet it is.
        texts: What is written, by column.
    """

    row: int
    texts: dict[int, str]

    def names(self, filled: Iterable[int]) -> dict[int, str]:
        """Return the names of all columns that have a name or a value, by column.

        Those without a name are named by their position.
        """
        used = sorted({*self.texts, *filled})
        columns = range(used[0], used[-1] + 1)
        names = unique_names([self.texts.get(column, "") for column in columns])
        return {column: names[column - used[0]] for column in used}


def _header(workbook: Workbook, sheet: str) -> _Header | None:
    first = workbook.first_texts(sheet)
    if first is not None:
        return _Header(*first)
    rows = 1
    while True:
        raw = workbook.cells(sheet, rows=rows)
        with workbook.damage_reported():
            cells = decode(workbook, raw).filter(pl.col("text") != "")
        if not cells.is_empty():
            row = cast("int", cells["row"][0])
            found = cells.filter(pl.col("row") == row).select("column", "text")
            return _Header(row, dict(found.iter_rows()))
        if raw["row"].n_unique() < rows:
            return None
        rows *= 2  # nothing but empty texts so far


# --- the rows below it ----------------------------------------------------------------------


@dataclass
class _Grid:
    """The rows below the header.

    Attributes:
        rows: Row of the sheet by row of the table.
        values: Columns as fastexcel read them, by column of the sheet.
        cells: The cells of the other columns.
        errors: Cells of those in ``values`` that show an error: text by row, by column.
    """

    rows: pl.Series
    values: dict[int, pl.Series]
    cells: dict[int, pl.DataFrame]
    errors: dict[int, dict[int, str]]

    def column(self, column: int) -> pl.DataFrame:
        """Return the cells of a column, a row for each row of the table."""
        rows = pl.DataFrame({"row": self.rows})
        cells = self.cells.get(column)
        if cells is None:
            cells = pl.DataFrame(schema=_DECODED)
        joined = rows.join(cells, on="row", how="left", maintain_order="left")
        return joined.select("kind", "text", "milliseconds")


_DECODED: Final = {
    "row": pl.Int64,
    "kind": pl.String,
    "text": pl.String,
    "milliseconds": pl.Int64,
}


def _filled(pieces: Sequence[Piece]) -> set[int]:
    """Return the columns with at least one value."""
    return {
        column
        for piece in pieces
        for column, values in enumerate(piece.frame.iter_columns())
        if column in piece.errors or column in piece.lost or not _is_blank(values)
    }


def _is_blank(values: pl.Series) -> bool:
    if values.null_count() == len(values):
        return True
    return values.dtype == pl.String and bool((values == "").all())


def _dense(
    workbook: Workbook,
    sheet: str,
    header: _Header,
    pieces: Sequence[Piece],
    targets: Mapping[int, ColumnType | None],
) -> _Grid:
    """Join pieces, with single cells of the columns in which fastexcel is unreliable."""
    values: dict[int, pl.Series] = {}
    for column, target in targets.items():
        joined = _joined(workbook, pieces, column, target)
        if joined is not None:
            values[column] = joined
    doubtful = set(targets).difference(values)
    cells = _cells(workbook, sheet, header, doubtful) if doubtful else {}
    errors: dict[int, dict[int, str]] = {}
    rows = [pl.Series([], dtype=pl.Int64)]
    before = 0
    for piece in pieces:
        for column in piece.errors.keys() & values:
            shown = {before + row: text for row, text in piece.errors[column].items()}
            errors.setdefault(column, {}).update(shown)
        before += piece.frame.height
        end = piece.first + piece.frame.height
        rows.append(pl.int_range(piece.first, end, dtype=pl.Int64, eager=True))
    return _Grid(pl.concat(rows), values, cells, errors)


def _joined(
    workbook: Workbook, pieces: Sequence[Piece], column: int, target: ColumnType | None
) -> pl.Series | None:
    """Return a column of all pieces, or None if its single cells have to be read."""
    parts: list[pl.Series] = []
    for piece in pieces:
        is_lost = piece.all_texts or column in piece.lost
        if is_lost or (column in piece.empty_texts and _as_written(target)):
            return None
        if column >= piece.frame.width:
            parts.append(pl.repeat(None, piece.frame.height, dtype=pl.Null, eager=True))
            continue
        values = piece.frame.to_series(column)
        if _is_doubtful(values, target, workbook, mixed=piece.mixed):
            return None
        parts.append(values)
    # A column without a value in a piece is of any dtype.
    dtypes = {part.dtype for part in parts if part.null_count() < len(part)}
    if len(dtypes) > 1:
        return None
    dtype = dtypes.pop() if dtypes else pl.String() if any(map(len, parts)) else pl.Null()
    parts = [
        part if part.dtype == dtype else pl.repeat(None, len(part), dtype=dtype, eager=True)
        for part in parts
    ]
    return pl.concat(parts) if parts else pl.Series([], dtype=dtype)


def _cells(
    workbook: Workbook, sheet: str, header: _Header, columns: Collection[int] | None
) -> dict[int, pl.DataFrame]:
    """Return the cells below the header by column."""
    raw = workbook.cells(sheet, columns)
    with workbook.damage_reported():
        cells = decode(workbook, raw.filter(pl.col("row") > header.row))
    return {
        cast("int", column): found.select(list(_DECODED))
        for (column,), found in cells.partition_by("column", as_dict=True).items()
    }


def _sparse(
    workbook: Workbook, sheet: str, header: _Header
) -> tuple[pl.Series, dict[int, str], dict[int, pl.DataFrame]]:
    """Return the rows, the columns by name and the cells of a sheet, all read cell by cell."""
    cells = _cells(workbook, sheet, header, None)
    filled = {column: found.filter(pl.col("text") != "")["row"] for column, found in cells.items()}
    names = header.names(column for column, rows in filled.items() if len(rows))
    rows = pl.concat([pl.Series("row", [], dtype=pl.Int64), *filled.values()]).unique().sort()
    size, count = len(rows) * len(names), sum(len(found) for found in cells.values())
    if size > max(_FEW, _SCATTERED * count):
        raise workbook.refusal(
            f"has {count:,} cells in the sheet {sheet!r} that are scattered over {len(rows):,} "
            f"rows and {len(names):,} columns, which is no table. Remove those far away"
        )
    workbook.limits.check_shape(workbook.name, len(rows), len(names), workbook.stored)
    return rows, names, cells


def _without_blank_rows(grid: _Grid) -> _Grid:
    """Leave out rows with nothing but empty texts."""
    values = grid.values.values()
    if any(v.null_count() == 0 and v.dtype != pl.String for v in values):
        return grid
    filled = [
        v.is_not_null() & (v != "") if v.dtype == pl.String else v.is_not_null() for v in values
    ]
    rows = [cells.filter(pl.col("text") != "")["row"] for cells in grid.cells.values()]
    if rows:
        filled.append(grid.rows.is_in(pl.concat(rows).unique().implode()))
    kept = pl.zeros(len(grid.rows), dtype=pl.Boolean, eager=True)
    for mask in filled:
        kept |= mask.fill_null(value=False)
    error_rows = {row for rows in grid.errors.values() for row in rows}
    if error_rows:
        kept = kept.scatter(sorted(error_rows), values=True)
    if kept.all():
        return grid
    number = (kept.cum_sum() - 1).to_list() if error_rows else []
    return _Grid(
        grid.rows.filter(kept),
        {column: v.filter(kept) for column, v in grid.values.items()},
        grid.cells,
        {
            column: {number[row]: text for row, text in rows.items()}
            for column, rows in grid.errors.items()
        },
    )


def _is_doubtful(
    values: pl.Series, target: ColumnType | None, workbook: Workbook, *, mixed: bool
) -> bool:
    """Tell whether fastexcel may have changed a value of a column, or lost its kind."""
    dtype = values.dtype
    if dtype == pl.String:
        return mixed
    if dtype == pl.Float64:
        if mixed and (target is None or target.as_written):
            return True  # TRUE among numbers has become 1
        return bool((values.abs() >= _EXACT).any())
    if isinstance(dtype, pl.Datetime):
        start = _AFTER_DAY_0_OF_1904 if workbook.from_1904 else _MARCH_1900
        outside = (values < start) | (values.dt.epoch("ms") >= _AFTER_9999)
        return bool(outside.any()) and (workbook.from_1904 or not _are_clocks(values))
    if isinstance(dtype, pl.Duration):
        return bool((values.dt.total_milliseconds().abs() >= _AFTER_9999).any())
    return False


def _as_written(target: ColumnType | None) -> bool:
    return target is not None and target.as_written


def _are_clocks(values: pl.Series) -> bool:
    """Tell whether all values are times of day without a date."""
    return bool((values.dt.date() == _CLOCK_DAY).all())


def _natural(values: pl.Series, target: ColumnType | None) -> pl.Series:
    """Return a uniform column in its natural dtype."""
    dtype = values.dtype
    if isinstance(dtype, pl.Datetime):
        if _are_clocks(values):
            return values.dt.time()
        return values.cast(pl.Datetime("us"))
    if isinstance(dtype, pl.Duration):
        return values.cast(pl.Duration("us"))
    if dtype == pl.Float64 and _as_written(target):
        # 7 and not 7.0: a code that was typed in as a number has no decimal point.
        return values.cast(pl.String).str.strip_suffix(".0")
    return values


def _errors(cells: pl.DataFrame) -> dict[int, str]:
    is_error = (cells["kind"] == CellKind.ERROR).fill_null(value=False)
    rows = is_error.arg_true()
    return dict(zip(rows.to_list(), cells["text"].gather(rows).to_list(), strict=True))


def _uniform(cells: pl.DataFrame, target: ColumnType | None) -> pl.Series | None:
    """Return the column if all its cells are of one kind, else None."""
    if cells.is_empty():
        return pl.Series([], dtype=pl.Null)
    if _as_written(target):
        return cells.select(_WITHOUT_ERRORS.then("text")).to_series()
    # An empty text is no kind of its own among numbers: formulas show nothing that way.
    kinds = cells.filter(pl.col("text") != "")["kind"].unique().to_list()
    kinds = [kind for kind in kinds if kind != CellKind.ERROR]
    if len(kinds) > 1:
        return None
    return typed(cells, CellKind(kinds[0]) if kinds else CellKind.TEXT)


def typed(cells: pl.DataFrame, kind: CellKind) -> pl.Series:
    """Return the cells of one kind in its dtype, with nulls for all others."""
    of_kind = pl.when(pl.col("kind") == kind)
    texts = cells.select(of_kind.then("text")).to_series()
    milliseconds = cells.select(of_kind.then("milliseconds")).to_series()
    match kind:
        case CellKind.NUMBER:
            numbers = texts.cast(pl.Float64)
            if not (numbers.abs() >= _EXACT).any():
                return numbers
            whole = texts.cast(pl.Int64, strict=False)
            if whole.null_count() == texts.null_count():
                return whole
            return texts if numbers.is_infinite().any() else numbers
        case CellKind.BOOLEAN:
            return texts == "true"
        case CellKind.DATE:
            return milliseconds.cast(pl.Datetime("ms")).cast(pl.Datetime("us"))
        case CellKind.TIME:
            return (milliseconds * 1_000_000).cast(pl.Time)
        case CellKind.DURATION:
            return milliseconds.cast(pl.Duration("ms")).cast(pl.Duration("us"))
        case CellKind.TEXT | CellKind.ERROR:
            return texts
