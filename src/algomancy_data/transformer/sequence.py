"""Runs transformers one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from algomancy_data.components import check_parts, note_component
from algomancy_data.display.words import counted
from algomancy_data.engine_failures import raise_engine_failure
from algomancy_data.errors import ComponentError, EngineError
from algomancy_data.frames.pandas_frames import PandasTables, wants_pandas
from algomancy_data.frames.tabular import to_frames
from algomancy_data.logs import Logging
from algomancy_data.memory import IN_MEMORY_BYTES
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.transformer.base import NoopTransformer, Transformer
from algomancy_data.transformer.cascade import CascadeDropTransformer

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Mapping

    import polars as pl

    from algomancy_data.frames.tabular import Tabular
    from algomancy_data.logs import Logger
    from algomancy_data.relations.stored import StoredKeys

# Of transformers without a name.
_UNNAMED: Final = "Abstract Transformer"


class TransformationSequence(Logging):
    """Runs transformers in order over the same tables.

    A transformer changes the mapping it gets; what it returns does not count. One that returns
    something else probably meant it to: that gives a WARNING (TRANSFORM_RESULT_IGNORED).

    Those that ask for pandas frames (see :class:`Transformer`) and stand next to each other share
    the same ones; only before and after them are the tables converted.

    Args:
        transformers: The transformers, in order. Anything with a ``transform`` will do.
        logger: The framework's logger, one of the standard library, or None for the standard
            library's ``algomancy_data``.

    Attributes:
        logger: As it was given.
        in_memory_bytes: Up to which size a table is made in memory; None leaves it to the
            transformers. May be set between runs.
        stored: The keys of the dataset that the rows of a run are added to; None if they are not.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import JoinTransformer
        >>> from algomancy_data.transformer import TransformationSequence
        >>> tables = {"a": pl.DataFrame({"id": [1, 2]}), "b": pl.DataFrame({"id": [2]})}
        >>> sequence = TransformationSequence([JoinTransformer("a", "b", "id", "c")])
        >>> list(sequence.run_transformation(tables)), list(tables)
        (['a', 'b', 'c'], ['a', 'b'])
    """

    def __init__(
        self,
        transformers: Iterable[Transformer] | None = None,
        logger: Logger | logging.Logger | None = None,
    ) -> None:
        self._transformers: list[Transformer] = []
        self.add_transformers(transformers or [])
        self.logger = logger
        self.in_memory_bytes: int | None = None
        self.stored: StoredKeys | None = None
        self._messages: list[ValidationMessage] = []

    def add_transformer(self, transformer: Transformer) -> None:
        """Append a transformer."""
        self.add_transformers([transformer])

    def add_transformers(self, transformers: Iterable[Transformer]) -> None:
        """Append transformers."""
        given: list[Any] = list(transformers)  # whatever a user takes for one
        if not all(isinstance(one, Transformer) for one in given):
            check_parts("transformer", "transform", given)
        self._transformers += given

    @property
    def changes_nothing(self) -> bool:
        """Whether it has no transformers, or only ones that do nothing."""
        return all(type(transformer) is NoopTransformer for transformer in self._transformers)

    def run_transformation(self, data: Mapping[str, Tabular]) -> dict[str, pl.DataFrame]:
        """Return the tables after all transformers.

        Args:
            data: Anything tabular by logical table name; neither the mapping nor a frame in it is
                changed, and columns that no transformer touches are shared, not copied.

        Returns:
            A new mapping; tables that a transformer put into it become Polars frames.

        Raises:
            FrameError: A table cannot be turned into a frame.
        """
        self._messages = []
        most = IN_MEMORY_BYTES if self.in_memory_bytes is None else self.in_memory_bytes
        # A clone shares the columns, but not what the in-place methods of a frame change.
        tables = {name: frame.clone() for name, frame in to_frames(data, most).items()}
        in_pandas: PandasTables | None = None
        for transformer in self._transformers:
            if wants_pandas(transformer, "transform"):
                in_pandas = in_pandas or PandasTables(tables)
                self._transform(transformer, in_pandas.tables)
                continue
            if in_pandas is not None:
                tables, in_pandas = in_pandas.back(), None
            given = [*tables]
            self._transform(transformer, tables)
            try:
                tables.update(to_frames(tables, most))
            except BaseException as error:
                note_component(error, "transformer", transformer.transform, given)
                raise
        return tables if in_pandas is None else in_pandas.back()

    def _transform(self, transformer: Transformer, tables: dict[str, Any]) -> None:
        is_ours = isinstance(transformer, Transformer)  # pyright: ignore[reportUnnecessaryIsInstance]  see Args
        before = transformer.in_memory_bytes if is_ours else None
        given = [*tables]
        if is_ours:
            transformer.messages = []
            if self.in_memory_bytes is not None:
                transformer.in_memory_bytes = self.in_memory_bytes
        if isinstance(transformer, CascadeDropTransformer):
            transformer.stored = self.stored
        try:
            returned = transformer.transform(tables)
        except BaseException as failure:
            raise_engine_failure(failure, EngineError, f"The transformer {_name_of(transformer)}")
            note_component(failure, "transformer", transformer.transform, given)
            raise
        finally:
            if before is not None and self.in_memory_bytes is not None:
                transformer.in_memory_bytes = before
            if isinstance(transformer, CascadeDropTransformer):
                transformer.stored = None
        if returned is not None and returned is not tables:
            self._warn_ignored(transformer, returned)
        self._logger.log(
            f"Transformed by {_name_of(transformer)}: {counted(len(tables), 'table')}."
        )

    def collect_messages(self) -> list[ValidationMessage]:
        """Return what the transformers, and the sequence itself, reported in the last run.

        Raises:
            ComponentError: One has something else among its messages.
        """
        reported: list[ValidationMessage] = []
        for transformer in self._transformers:
            for message in getattr(transformer, "messages", None) or ():
                if not isinstance(message, ValidationMessage):
                    msg = (
                        f"The transformer {_name_of(transformer)} has an object of "
                        f"{type(message).__name__} among its messages: append ValidationMessages."
                    )
                    raise ComponentError(msg)
                reported.append(message)
        return self._messages + reported

    def _warn_ignored(self, transformer: Transformer, returned: object) -> None:
        what = (
            "another mapping than the one it got"
            if isinstance(returned, dict)
            else f"an object of {type(returned).__name__}"
        )
        text = (
            f"Transformer {_name_of(transformer)} returned {what}, which does not count: change "
            f"the mapping in place (data[name] = ..., data.update(...) or data.clear())."
        )
        self._logger.warning(text)
        self._messages.append(
            ValidationMessage(ValidationSeverity.WARNING, text, code="TRANSFORM_RESULT_IGNORED")
        )


def _name_of(transformer: Transformer) -> str:
    name = getattr(transformer, "name", "")
    return repr(type(transformer).__name__ if name in {"", _UNNAMED} else name)
