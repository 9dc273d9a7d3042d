"""Pandas frames for users' components that ask for them."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import polars as pl

from algomancy_data.errors import FrameError
from algomancy_data.frames.tabular import to_frame, to_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Transform = TypeVar("_Transform", bound="Callable[..., None]")


def expects_pandas(method: Callable[..., Any], declared: str | None = None) -> bool:
    """Tell whether a method wants its tables as pandas frames.

    It does if its class says so, or else if one of its parameters is annotated with a pandas type
    (``dict[str, pd.DataFrame]``).

    Args:
        method: What gets the tables.
        declared: What its class says: ``"pandas"``, anything else for Polars, None for nothing.

    Example:
        >>> def transform(data: "dict[str, pd.DataFrame]") -> None: ...
        >>> expects_pandas(transform), expects_pandas(transform, "polars")
        (True, False)
    """
    if declared is not None:
        return declared == "pandas"
    try:
        # Measured: 120 µs for a signature, and a run asks for one per check and transformer.
        return _mentions_pandas(getattr(method, "__func__", method))
    except TypeError:  # it cannot be a key
        return _mentions_pandas.__wrapped__(method)


@functools.lru_cache(maxsize=256)
def _mentions_pandas(function: Callable[..., Any]) -> bool:
    """Tell whether a parameter is annotated with a pandas type."""
    try:
        signature = inspect.signature(function, eval_str=True)
    except (AttributeError, NameError, TypeError, SyntaxError):
        # Such as a name that only type checkers import.
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):  # no function
            return False
    annotations = [str(parameter.annotation) for parameter in signature.parameters.values()]
    return any("pandas." in text or "pd." in text for text in annotations)


def wants_pandas(component: object, method: str) -> bool:
    """Tell whether a component's method wants pandas frames.

    It is if the component's class says ``frames = "pandas"``, or else if a parameter of the method
    is annotated with a pandas type.
    """
    return expects_pandas(getattr(component, method), getattr(component, "frames", None))


def to_pandas(frame: pl.DataFrame, name: str) -> Any:
    """Return a frame as a ``pandas.DataFrame`` with the types that pandas code expects.

    These are NumPy's, but for columns in which they would change values: integers and booleans
    with nulls become ``Int64`` and ``boolean``; lists, structs, and floats with nulls beside NaN
    get Arrow's types.

    Args:
        frame: The frame.
        name: Its name in an error.

    Raises:
        FrameError: pandas cannot hold a column: integers of 128 bits, and objects.

    Example:
        >>> to_pandas(pl.DataFrame({"a": [2**60 + 1, None]}), "t")["a"].tolist()
        [1152921504606846977, <NA>]
    """
    check_pandas_holds(frame, name)
    exact = [column.name for column in frame if _loses(column)]
    table = frame.to_pandas()
    in_arrow = frame.select(exact).to_pandas(use_pyarrow_extension_array=True)
    for column in exact:
        values, nullable = in_arrow[column], _NULLABLE.get(frame.schema[column])
        table[column] = values if nullable is None else values.astype(nullable)
    return table


def check_pandas_holds(frame: pl.DataFrame, name: str) -> None:
    """Make sure that pandas can hold a frame.

    Args:
        frame: The frame.
        name: Its name in an error.

    Raises:
        FrameError: It cannot.
    """
    refused = [
        f"{column!r} ({dtype})" for column, dtype in frame.schema.items() if not _fits(dtype)
    ]
    if refused:
        msg = (
            f"Table {name!r} has columns that pandas cannot hold: {', '.join(refused)}. Cast them "
            f"to other dtypes first, or drop them."
        )
        raise FrameError(msg)


def _fits(dtype: pl.DataType) -> bool:
    """Tell whether pandas knows the Arrow type of a dtype, whatever the values."""
    import pyarrow as pa  # noqa: PLC0415  0.1 s that only those pay who ask for pandas

    if dtype.is_object():
        return False
    try:
        pa.table(pl.DataFrame(schema={"": dtype}))
    except pa.ArrowInvalid:
        return False
    return True


_NULLABLE: Final[dict[pl.DataType, str]] = {
    pl.Int8(): "Int8",
    pl.Int16(): "Int16",
    pl.Int32(): "Int32",
    pl.Int64(): "Int64",
    pl.UInt8(): "UInt8",
    pl.UInt16(): "UInt16",
    pl.UInt32(): "UInt32",
    pl.UInt64(): "UInt64",
    pl.Boolean(): "boolean",
}


def _loses(column: pl.Series) -> bool:
    """Tell whether NumPy's form of a column has other values."""
    if column.dtype.is_nested():
        return True
    return bool(column.null_count()) and (
        column.dtype in _NULLABLE or (column.dtype.is_float() and column.is_nan().any())
    )


def in_polars(transform: _Transform) -> _Transform:
    """Let a transformer's method take frames of any library, such as pandas.

    Tables that it leaves alone stay the objects that they were. What it makes is pandas again where
    the caller works in pandas, and Polars otherwise.
    """

    @functools.wraps(transform)
    def transform_any(self: object, data: dict[str, Any]) -> None:
        before = to_frames(data)
        if all(before[name] is table for name, table in data.items()):
            transform(self, data)
            return
        is_in_pandas = any(type(table).__module__.startswith("pandas") for table in data.values())
        after = dict(before)
        transform(self, after)
        for name in before.keys() - after.keys():
            del data[name]
        for name, frame in after.items():
            if frame is not before.get(name):
                data[name] = to_pandas(frame, name) if is_in_pandas else frame

    return cast("_Transform", transform_any)


class PandasTables:
    """Tables as pandas frames, to be changed, and back.

    Columns that come back with the values that they had are the Polars columns that they were,
    regardless of the dtype that pandas gives them.

    Args:
        tables: The frames by name.

    Attributes:
        tables: The pandas frames by name, in a dict that may be changed.

    Raises:
        FrameError: pandas cannot hold a table.

    Example:
        >>> held = PandasTables(
        ...     {"t": pl.DataFrame({"day": ["Mo"]}, schema={"day": pl.Enum(["Mo"])})}
        ... )
        >>> held.tables["t"]["n"] = 1
        >>> held.back()["t"].schema
        Schema([('day', Enum(categories=['Mo'])), ('n', Int64)])
    """

    def __init__(self, tables: Mapping[str, pl.DataFrame]) -> None:
        self._before = dict(tables)
        self.tables = {name: to_pandas(frame, name) for name, frame in tables.items()}

    def back(self) -> dict[str, pl.DataFrame]:
        """Return the present tables as Polars frames.

        Raises:
            FrameError: One cannot be turned into a frame.
        """
        return {name: self._back(name, table) for name, table in self.tables.items()}

    def _back(self, name: str, table: Any) -> pl.DataFrame:
        frame = to_frame(table, name)
        before = self._before.get(name)
        if before is None or before.height != frame.height:
            return frame
        untouched = to_frame(to_pandas(before, name), name)
        return frame.with_columns(
            before[column]
            for column in frame.columns
            if column in before.columns
            and frame[column].dtype == untouched[column].dtype
            and frame[column].equals(untouched[column])
        )
