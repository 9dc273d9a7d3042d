"""A table that is larger than memory should hold: read slice by slice, and kept in a mapped file.

Each slice is converted as soon as it is read, and written to a scratch file of Arrow IPC, which is
then mapped: what comes out is a frame like any other, whose memory the system takes back when it
needs it. But all values of a column decide how it is written. So a column of which a slice does
not convert at once, or in another form than those before it, is read a second time: its slices go
to a scratch file as they are, their facts add up, and the form that they decide is applied to each.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

import polars as pl

from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import FileContentError
from algomancy_data.extractor.conversion import conversion_issue
from algomancy_data.frames.mapped import MappedFrames
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


class SlicesChangedError(Exception):
    """Slices have another type than those before: read the table again, from the beginning."""


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
        phase: Told of the rows while they are read; says who takes them.
        check: Raises if a slice is beyond the limits of the file.

    Raises:
        FileContentError: A slice cannot be read.
        UnlikeSlicesError: A column that is not declared has another dtype in another slice.
        ScratchError: There is no room for the scratch files.
    """
    sink = phase.sink
    while True:
        conversion = Conversion(table, types, conventions)
        try:
            whole = _written(slices, conversion, table, phase, check)
            break
        except SlicesChangedError:
            if sink is not None:
                sink.drop(table)
    again = conversion.unsettled
    if not again:
        if sink is not None:
            sink.end(table, whole)
        return whole, []
    with MappedFrames() as frames:
        write_unconverted(slices, again, frames)
        unconverted = frames.mapped()
    return conversion.with_unsettled(whole, unconverted)


def _written(
    slices: Slices,
    conversion: Conversion,
    table: str,
    phase: Phase,
    check: Callable[[pl.DataFrame], object],
) -> pl.DataFrame:
    """Return the table in a mapped file, as far as its columns are converted at once."""
    sink, rows = phase.sink, 0
    try:
        with MappedFrames() as frames:
            for frame in _ahead(slices.read()):
                check(frame)
                converted = conversion.take(frame)
                frames.write(converted)
                if sink is not None:
                    if conversion.unsettled:
                        sink.drop(table)
                    else:
                        sink.take(table, converted)
                phase.advance(frame.height)
                rows += frame.height
            return frames.mapped()
    except SlicesChangedError:
        phase.advance(-rows)
        raise


def write_unconverted(slices: Slices, columns: AbstractSet[str], frames: MappedFrames) -> None:
    """Write columns of a table as they are.

    Args:
        slices: The table.
        columns: Their names.
        frames: Where to.

    Raises:
        UnlikeSlicesError: A column has another dtype in another slice.
    """
    dtypes = None
    for frame in slices.read(columns):
        dtypes = dtypes or frame.schema
        if frame.schema != dtypes:
            raise UnlikeSlicesError
        frames.write(frame)


class Conversion:
    """The conversion of a table, slice after slice.

    Args:
        table: Its logical name.
        types: Declared type by column.
        conventions: How text is written.
    """

    def __init__(
        self, table: str, types: Mapping[str, ColumnType], conventions: TextConventions
    ) -> None:
        self._table = table
        self._types = types
        self._conventions = conventions
        self._columns: dict[str, _Column] = {}

    def take(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the next slice; a column that is not settled has nothing but nulls.

        Raises:
            UnlikeSlicesError: A column that is not declared has another dtype than before.
        """
        if not self._columns:
            self._columns = {name: self._column(name) for name in frame.columns}
        with engine_failures(FileContentError, f"Converting table {self._table!r}"):
            batch = [self._columns[values.name].take(values) for values in frame.get_columns()]
        return pl.DataFrame(batch) if batch else pl.DataFrame(height=frame.height)

    def _column(self, name: str) -> _Column:
        return _Column(self._types.get(name), self._conventions)

    @property
    def unsettled(self) -> set[str]:
        """The columns that are not converted, or not all in the same form."""
        return {name for name, column in self._columns.items() if not column.form.is_settled}

    @property
    def forms(self) -> dict[str, ColumnForm]:
        """How each column was written up to now."""
        return {name: column.form for name, column in self._columns.items()}

    def join(self, forms: Mapping[str, ColumnForm]) -> None:
        """Take the next slices as they were converted elsewhere.

        Args:
            forms: How their columns are written.

        Raises:
            UnlikeSlicesError: A column that is not declared has another dtype than before.
        """
        for name, form in forms.items():
            column = self._columns.setdefault(name, self._column(name))
            column.form = column.form.joined(form)
            if not column.form.is_settled and name not in self._types:
                raise UnlikeSlicesError

    def with_unsettled(
        self, whole: pl.DataFrame, unconverted: pl.DataFrame
    ) -> tuple[pl.DataFrame, list[ConversionIssue]]:
        """Convert the columns that are not settled, by all their values.

        Args:
            whole: The table.
            unconverted: These columns as they are in the file.

        Returns:
            The table, and what did not convert or only with a guess.

        Raises:
            UnlikeSlicesError: Slices do not go together.
        """
        issues: list[ConversionIssue] = []
        again = self.unsettled
        for name in (name for name in self._types if name in again):
            given, target = unconverted[name], self._types[name]
            doing = f"Converting column {name!r} of table {self._table!r} to {target.name}"
            with engine_failures(FileContentError, doing):
                values, outcome = _converted(given, target, self._conventions)
            issue = conversion_issue(given, target, outcome, self._table)
            issues += [] if issue is None else [issue]
            whole = whole.with_columns(values)
        return whole, issues


@dataclass(frozen=True, slots=True)
class ColumnForm:
    """How some slices of a column are written.

    Args:
        dtype: What they are converted to; None before the first one.
        form: The form that all values share, where the type has forms.
        has_values: Not all of them are null, as far as their dtype says nothing.
        is_settled: They are converted, all in the same form.
    """

    dtype: PolarsDataType | None = None
    form: Any = None
    has_values: bool = False
    is_settled: bool = True

    def joined(self, other: Self) -> Self:
        """Return how the slices are written together with others behind them."""
        if not (self.is_settled and other.is_settled):
            return replace(self, is_settled=False)
        if not other.has_values:
            return self if self.dtype is not None else other
        if not self.has_values:
            return other
        form = other.form if self.form is None else self.form
        is_alike = (self.dtype, form) == (other.dtype, other.form)
        return replace(self, form=form, is_settled=is_alike)


class _Column:
    """A column whose slices are converted as they come, as long as all are written alike."""

    def __init__(self, target: ColumnType | None, conventions: TextConventions) -> None:
        self._target = target
        self._conventions = conventions
        self.form = ColumnForm()

    def take(self, values: pl.Series) -> pl.Series:
        """Return a slice converted; nothing but nulls once the column is not settled."""
        if self.form.is_settled:
            found = self._in_form(values)
            if found is not None:
                return found.alias(values.name)
            self.form = replace(self.form, is_settled=False)
        return self._nulls(values)

    def _nulls(self, values: pl.Series) -> pl.Series:
        dtype = self.form.dtype
        if dtype is None:
            dtype = pl.Null() if self._target is None else self._target.dtype
            self.form = replace(self.form, dtype=dtype)
        return _nothing(len(values), dtype).alias(values.name)

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
        found = ColumnForm(values.dtype, form, has_values=values.dtype != pl.Null())
        if self.form.dtype is not None and self.form.dtype != values.dtype:
            return None  # also of nulls, which are written already
        joined = self.form.joined(found)
        if joined.is_settled:
            self.form = joined
            return values
        return None


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
