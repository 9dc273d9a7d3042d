"""A table that is larger than memory should hold: read slice by slice, and kept in a mapped file.

Each slice is converted as soon as it is read, and written to a scratch file of Arrow IPC, which is
then mapped: what comes out is a frame like any other, whose memory the system takes back when it
needs it. But all values of a column decide how it is written. So a column of which a slice does
not convert at once, or in another form than those before it, is read a second time: its slices go
to a scratch file as they are, their facts add up, and the form that they decide is applied to each.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import FileContentError
from algomancy_data.extractor.conversion import conversion_issue
from algomancy_data.frames.mapped import MappedFrames
from algomancy_data.frames.sinks import current_sink
from algomancy_data.schema.types import Outcome, ReadType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.extractor.conversion import ConversionIssue
    from algomancy_data.metrics import Phase
    from algomancy_data.schema.types import ColumnType, TextConventions


class Slices(Protocol):
    """A table in slices, which can be read more than once."""

    def read(self, columns: AbstractSet[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the slices in order, each with the same columns, not yet converted.

        Args:
            columns: The columns wanted, as they are written; None for all, in their declared types
                where the reader understands them.
        """
        ...


class UnlikeSlicesError(Exception):
    """Slices do not go together unless all of them are looked at: read the table as a whole."""


def read_slices(
    slices: Slices,
    table: str,
    types: Mapping[str, ColumnType],
    conventions: TextConventions,
    phase: Phase,
    check: Callable[[pl.DataFrame], object],
) -> tuple[pl.DataFrame, list[ConversionIssue]]:
    """Return a table whose memory is a file, and what did not convert or only with a guess.

    A column with a value that cannot be converted stays as it is, whole.

    Args:
        slices: The table.
        table: Its logical name.
        types: Declared type by column.
        conventions: How text is written.
        phase: Told of the rows while they are read.
        check: Raises if a slice is beyond the limits of the file.

    Raises:
        FileContentError: A slice cannot be read.
        UnlikeSlicesError: A column that is not declared has another dtype in another slice.
        ScratchError: There is no room for the scratch files.
    """
    columns: dict[str, _Column] = {}
    sink = current_sink()
    with MappedFrames() as frames:
        for frame in _ahead(slices.read()):
            check(frame)
            if not columns:
                columns = {name: _Column(types.get(name), conventions) for name in frame.columns}
            doing = f"Converting table {table!r}"
            with engine_failures(FileContentError, doing):
                batch = [columns[values.name].take(values) for values in frame.get_columns()]
            converted = pl.DataFrame(batch)
            frames.write(converted)
            if sink is not None:
                if all(column.is_settled for column in columns.values()):
                    sink.take(table, converted)
                else:
                    sink.drop(table)
            phase.advance(frame.height)
        whole = frames.mapped()
    again = {name for name, column in columns.items() if not column.is_settled}
    if sink is not None and not again:
        sink.end(table, whole)
    issues: list[ConversionIssue] = []
    if again:
        with MappedFrames() as frames:
            dtypes = None
            for frame in slices.read(again):
                dtypes = dtypes or frame.schema
                if frame.schema != dtypes:
                    raise UnlikeSlicesError
                frames.write(frame)
            raw = frames.mapped()
        for given in raw.select(name for name in columns if name in again).get_columns():
            target = types[given.name]
            doing = f"Converting column {given.name!r} of table {table!r} to {target.name}"
            with engine_failures(FileContentError, doing):
                values, outcome = _converted(given, target, conventions)
            issue = conversion_issue(given, target, outcome, table)
            issues += [] if issue is None else [issue]
            whole = whole.with_columns(values)
    return whole, issues


class _Column:
    """A column whose slices are converted as they come, as long as all are written alike."""

    def __init__(self, target: ColumnType | None, conventions: TextConventions) -> None:
        self._target = target
        self._conventions = conventions
        self._dtype: PolarsDataType | None = None
        self._form: Any = None
        self.is_settled = True

    def take(self, values: pl.Series) -> pl.Series:
        """Return a slice converted; nothing but nulls once the column is not settled."""
        if self.is_settled:
            found = self._in_form(values)
            if found is not None:
                return found.alias(values.name)
            self.is_settled = False
        return self._nulls(values)

    def _nulls(self, values: pl.Series) -> pl.Series:
        if self._dtype is None:
            self._dtype = pl.Null() if self._target is None else self._target.dtype
        return _nothing(len(values), self._dtype).alias(values.name)

    def _in_form(self, values: pl.Series) -> pl.Series | None:
        target = self._target
        if target is None:
            if self._as_before(values, None) is None:
                raise UnlikeSlicesError
            return values
        if target.accepts(values.dtype):
            reads = isinstance(target, ReadType)
            return self._as_before(
                values, target.form_as_polars(self._conventions) if reads else None
            )
        if values.null_count() == len(values):
            return self._nulls(values)
        form: object = None
        if isinstance(target, ReadType) and values.dtype == pl.String:
            quick = target.quick(target.slice_of(values, self._conventions))
            if quick is None:
                return None
            outcome, form = quick
        else:
            outcome = target.convert(values, self._conventions)
        if outcome.refused is not None or outcome.guessed is not None:
            return None
        return self._as_before(outcome.values, form)

    def _as_before(self, values: pl.Series, form: object) -> pl.Series | None:
        """Return the values if they are of the dtype and the form of those before."""
        if self._dtype is None:
            self._dtype = values.dtype
        if self._form is None:
            self._form = form
        return values if (self._dtype, self._form) == (values.dtype, form) else None


def _converted(
    given: pl.Series, target: ColumnType, conventions: TextConventions
) -> tuple[pl.Series, Outcome]:
    """Return a mapped column converted slice by slice, or as it is, and how it went."""
    slices = given.get_chunks()
    convert = _reader(slices, target, conventions)
    outcomes: list[Outcome] = []
    with MappedFrames() as frames:
        dtype: PolarsDataType | None = None
        empty: list[int] = []  # lengths of slices of nothing but nulls, whose dtype others decide
        for part in slices:
            is_empty = part.null_count() == len(part)
            outcome = Outcome(part) if is_empty else convert(part)
            # What was found is kept, and the values go to the file.
            outcomes.append(replace(outcome, values=_nothing(len(part), pl.Null())))
            if is_empty:
                empty.append(len(part))
            elif outcome.refused is None:
                dtype = dtype or outcome.values.dtype
                if outcome.values.dtype != dtype:
                    raise UnlikeSlicesError
                for length in empty:
                    frames.write(_nothing(length, dtype).alias(given.name).to_frame())
                empty.clear()
                frames.write(outcome.values.alias(given.name).to_frame())
        for length in empty:
            nulls = _nothing(length, dtype or target.dtype)
            frames.write(nulls.alias(given.name).to_frame())
        whole = Outcome.together(outcomes)
        if whole.refused is not None and not whole.by_value:
            whole = replace(whole, refused=given.is_not_null())
        return given if whole.refused is not None else frames.mapped().to_series(), whole


def _reader(
    slices: Sequence[pl.Series], target: ColumnType, conventions: TextConventions
) -> Callable[[pl.Series], Outcome]:
    if slices[0].dtype == pl.String and isinstance(target, ReadType):
        return target.reader(slices, conventions)
    return lambda values: target.convert(values, conventions)


def _ahead(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield frames, of which the next one is read while the caller works on one."""
    with ThreadPoolExecutor(1, "algomancy-data read") as thread:
        following = thread.submit(next, frames, None)
        while (frame := following.result()) is not None:
            following = thread.submit(next, frames, None)
            yield frame


def _nothing(length: int, dtype: PolarsDataType) -> pl.Series:
    return pl.Series([None], dtype=dtype).new_from_index(0, length)
