"""The extractor of tables that are in memory already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data.errors import SchemaKindError
from algomancy_data.extractor.base import SingleExtractor
from algomancy_data.file import File
from algomancy_data.frames.tabular import to_frame

if TYPE_CHECKING:
    import polars as pl

    from algomancy_data.components import NameOrLogger
    from algomancy_data.frames.tabular import Tabular
    from algomancy_data.schema import Schema


class DataFrameExtractor(SingleExtractor):
    """Extracts a table from a frame, with the declared columns in their declared types.

    Args:
        name: Logical name of the table.
        df: A Polars, pyarrow or pandas frame, or anything else with an Arrow stream; never
            changed.
        schema: The columns of the table.
        logger: Where warnings go; the standard library's logger if None.

    Raises:
        SchemaKindError: The schema is MULTI (also a ``ValueError``).
        FrameError: ``df`` is no table.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import Column, DataType, Schema
        >>> class Delays(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "delays", "csv", "single"
        ...     DELAY = Column("delay", DataType.FLOAT)
        >>> DataFrameExtractor("delays", pl.DataFrame({"delay": ["1,5"]}), Delays).extract()
        {'delays': shape: (1, 1)
        ...
        │ 1.5   │
        └───────┘}
    """

    def __init__(
        self,
        name: str,
        df: Tabular,
        schema: type[Schema],
        logger: NameOrLogger = None,
    ) -> None:
        if schema.is_multi():
            msg = (
                f"DataFrameExtractor works with SINGLE schemas, but {schema.__name__!r} is a "
                f"MULTI schema. Use one extractor per table, each with get_subschema()."
            )
            raise SchemaKindError(msg)
        super().__init__(File(name, "frame"), schema, logger, name)
        self._frame = to_frame(df, name)

    def _extract_file(self) -> pl.DataFrame:
        return self._frame
