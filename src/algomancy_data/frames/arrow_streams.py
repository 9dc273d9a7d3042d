"""Tables of other libraries as Arrow streams, with each column validated."""

from __future__ import annotations

import json
import warnings
from typing import Any, Final, Protocol, runtime_checkable

import polars as pl

from algomancy_data.errors import FrameError
from algomancy_data.frames.arrow import ForeignColumnError, known_frame
from algomancy_data.frames.nesting import check_depth, check_type_depth
from algomancy_data.frames.read_back import check_exact

# Arrow refuses anything else among them.
_OF_ONE_KIND: Final = (pl.String(), pl.Binary(), pl.Boolean())
_FRAME_ADVICE: Final = (
    "Give a Polars, pyarrow or pandas frame, or anything else that exports an Arrow stream."
)
_PANDAS_ADVICE: Final = (
    'Give each column a name of its own and values of one type, such as df["a"].astype("string").'
)
_INVALID: Final = (
    "has values that its type does not allow, such as text that is no UTF-8, a time of day "
    "outside 00:00 to 24:00, or a decimal of too many digits. Mend them, or leave the column out."
)


@runtime_checkable
class ArrowStream(Protocol):
    """Anything that exports an Arrow C stream: pyarrow, pandas, DuckDB, Polars and others."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table (the Arrow PyCapsule interface)."""
        ...


def no_table(table: object, name: str, why: str = "") -> FrameError:
    """Return the error for what cannot become a frame: why, and what to do."""
    kind = f"{type(table).__module__}.{type(table).__qualname__}"
    msg = f"Table {name!r} is a {kind}, which cannot be turned into a polars.DataFrame"
    return FrameError(f"{msg}: {why}" if why else f"{msg}. {_FRAME_ADVICE}")


def frame_of_stream(stream: ArrowStream, name: str) -> pl.DataFrame:
    """Return the frame of anything that exports an Arrow stream.

    The index of a pandas frame is dropped. Each column is validated, as nothing can be trusted to
    have checked it; a map becomes the list of its keys and values, since a key may be there twice.

    Args:
        stream: The table.
        name: What to call it in an error.

    Raises:
        FrameError: A column has a type of which there is no column, or values that are none.
        RecursionError: It is nested too deeply.
    """
    import pyarrow as pa  # noqa: PLC0415  0.1 s that only foreign frames have to pay

    objects = _objects_of_pandas(stream)
    check_depth([*objects.values()])
    try:
        table = _arrow_table(stream)
    except (RecursionError, MemoryError):
        raise
    except Exception as error:  # of whatever library it is from
        raise _refused_stream(stream, name) from error
    table = table.drop_columns(_pandas_index_columns(table.schema.metadata))
    refused = f"Table {name!r}: column"
    for column in table.schema:
        check_type_depth(column.type)
    try:
        table.validate(full=True)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise FrameError(f"{refused} {_invalid_column(table)!r} {_INVALID}") from error
    if len(set(table.column_names)) < table.num_columns:
        raise _named_twice(name, table.column_names)
    try:
        frame = known_frame(table)
    except ForeignColumnError as error:
        msg = (
            f"{refused} {error.column!r} uses {error.what}, which cannot be held. Build the table "
            f"with {error.instead}."
        )
        raise FrameError(msg) from error
    for column, given in objects.items():
        if frame.schema[column] not in _OF_ONE_KIND:
            check_exact(frame[column], given, name)
    return frame


def _invalid_column(table: Any) -> str:
    import pyarrow as pa  # noqa: PLC0415  as above

    for column, values in zip(table.column_names, table.columns, strict=True):
        try:
            values.validate(full=True)
        except (pa.ArrowException, UnicodeDecodeError):
            return column
    return ""  # pragma: no cover  one of them is invalid


def _named_twice(table: str, names: list[str]) -> FrameError:
    twice = next(name for name in names if names.count(name) > 1)
    return FrameError(
        f"Table {table!r} has more than one column {twice!r}. Give each a name of its own."
    )


def _arrow_table(stream: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415  as above

    # What is pyarrow's does not go through Arrow's C interface, which ends a name at a NUL
    # (upstream.md).
    match stream:
        case pa.Table():
            return stream
        case pa.RecordBatch():
            return pa.Table.from_batches([stream])
        case pa.RecordBatchReader():
            return stream.read_all()
        case _:
            pass
    with warnings.catch_warnings():
        # pandas' integer column labels become their digits, which is what we want.
        warnings.filterwarnings("ignore", "The DataFrame has column names of mixed type")
        return pa.table(stream)


def _is_pandas_frame(table: object) -> bool:
    kind = type(table)
    return kind.__module__.partition(".")[0] == "pandas" and kind.__name__ == "DataFrame"


def _refused_stream(stream: Any, name: str) -> FrameError:
    """Return the error for a stream that cannot be read, and say which column it is."""
    import pyarrow as pa  # noqa: PLC0415  as above

    if not _is_pandas_frame(stream):
        return no_table(stream, name)
    labels = [*map(str, stream.columns)]
    if len(set(labels)) < len(labels):
        return _named_twice(name, labels)
    for number, label in enumerate(labels):
        values = stream.iloc[:, number]
        try:
            pa.array(values)
        except Exception:  # noqa: BLE001  whatever it is, the caller has the first one
            why = f"column {label!r} with type {values.dtype} has no Arrow type. {_PANDAS_ADVICE}"
            return no_table(stream, name, why)
    return no_table(stream, name, f"it has no Arrow type. {_PANDAS_ADVICE}")


def _objects_of_pandas(table: Any) -> dict[str, list[Any]]:
    """Return the object columns of a pandas frame; none for other tables."""
    if type(table).__module__.partition(".")[0] != "pandas":
        return {}
    if hasattr(table, "dtype"):  # a series, whose column has its name
        columns = [("" if table.name is None else table.name, table)]
    else:
        columns = [(name, table.iloc[:, number]) for number, name in enumerate(table.columns)]
    return {str(name): column.tolist() for name, column in columns if column.dtype == object}


def _pandas_index_columns(metadata: dict[bytes, bytes] | None) -> list[str]:
    """Return the columns that pandas added for its index, from the metadata it leaves."""
    if metadata is None or b"pandas" not in metadata:
        return []
    index_columns: list[Any] = json.loads(metadata[b"pandas"])["index_columns"]
    # A RangeIndex is described by a dict and adds no column.
    return [column for column in index_columns if isinstance(column, str)]
