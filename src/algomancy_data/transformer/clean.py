"""Tidies text and headers, each only on request."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.errors import ValidationError
from algomancy_data.frames.lazy import collected, kept_rows
from algomancy_data.frames.pandas_frames import in_polars
from algomancy_data.relations.keys import everywhere
from algomancy_data.transformer.base import Transformer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from algomancy_data.components import NameOrLogger


class CleanTransformer(Transformer):
    """Tidies all tables; does nothing that it is not asked for.

    What is asked for happens in the order of the arguments. Only String columns hold text here:
    categories are left alone.

    Args:
        logger: See :class:`Transformer`.
        rename_columns: New names: a mapping from old names (others stay), or a function of the
            old name, such as ``str.strip``.
        strip_whitespace: Remove whitespace around text.
        empty_to_null: Replace empty text by null.
        drop_empty_rows: Remove rows in which every column is null.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import CleanTransformer
        >>> tables = {"airports": pl.DataFrame({" FAA ": [" EWR", "  "]})}
        >>> CleanTransformer(
        ...     rename_columns=lambda name: name.strip().lower(),
        ...     strip_whitespace=True,
        ...     empty_to_null=True,
        ... ).transform(tables)
        >>> tables["airports"].to_dict(as_series=False)
        {'faa': ['EWR', None]}
    """

    _unnamed = "Standard Transformer"

    def __init__(
        self,
        logger: NameOrLogger = None,
        *,
        name: NameOrLogger = None,
        rename_columns: Mapping[str, str] | Callable[[str], str] | None = None,
        strip_whitespace: bool = False,
        empty_to_null: bool = False,
        drop_empty_rows: bool = False,
    ) -> None:
        super().__init__(logger, name)
        self._rename_columns = rename_columns
        self._strip_whitespace = strip_whitespace
        self._empty_to_null = empty_to_null
        self._drop_empty_rows = drop_empty_rows

    @in_polars
    def transform(self, data: dict[str, pl.DataFrame]) -> None:
        """Replace each table by its tidy version.

        Raises:
            ValidationError: Two columns of a table would have one name.
        """
        for table, frame in data.items():
            data[table] = self._rows(self._text(self._header(table, frame)))

    def _header(self, table: str, frame: pl.DataFrame) -> pl.DataFrame:
        rename = self._rename_columns
        if rename is None:
            return frame
        names = [
            rename(name) if callable(rename) else rename.get(name, name) for name in frame.columns
        ]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            olds = [old for old, new in zip(frame.columns, names, strict=True) if new == twice[0]]
            msg = f"{self.name}: columns {olds} of table {table!r} would all be {twice[0]!r}."
            raise ValidationError(msg, context=table)
        return frame.rename(dict(zip(frame.columns, names, strict=True)))

    def _text(self, frame: pl.DataFrame) -> pl.DataFrame:
        names = [name for name, dtype in frame.schema.items() if dtype == pl.String]
        if not names or not (self._strip_whitespace or self._empty_to_null):
            return frame
        text = pl.col(names)
        if self._strip_whitespace:
            text = text.str.strip_chars()
        if self._empty_to_null:
            # A condition that is null keeps the value, which is null then.
            text = pl.when(text == "").then(None).otherwise(text).name.keep()
        if frame[names].estimated_size() > self.in_memory_bytes:
            cleaned = collected(frame.lazy().select(text), self.in_memory_bytes)
            return frame.with_columns(cleaned.get_columns())
        return frame.with_columns(text)

    def _rows(self, frame: pl.DataFrame) -> pl.DataFrame:
        if not self._drop_empty_rows or not frame.width:
            return frame
        # A column with a value in each row decides it, without a look at the others.
        kept = everywhere(frame.height, value=False)
        for column in frame:
            if not column.null_count():
                return frame
            kept |= column.is_not_null()
        return frame if kept.all() else kept_rows(frame, kept, self.in_memory_bytes)
