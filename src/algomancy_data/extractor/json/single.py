"""The extractor of JSON documents with one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import polars as pl

from algomancy_data.extractor.base import SingleExtractor
from algomancy_data.extractor.json.document import read_document
from algomancy_data.extractor.json.groups import integer_columns, text_columns
from algomancy_data.extractor.json.plan import JSONPlan
from algomancy_data.extractor.json.tables import flat_frame
from algomancy_data.logs import as_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from algomancy_data.extractor.json.layout import Envelope


class JSONSingleExtractor(SingleExtractor):
    """Extracts the table of a JSON document, or of a file with one record per line.

    The document is a list of records, or an object with exactly one list of records; any other
    object is one row. Members of objects inside a record become columns named after their path,
    such as ``about.age``; lists stay lists, or become JSON text in a column that is declared as
    text. Undeclared columns have the type that their values have. See the docs page "JSON files".

    Args:
        file: Where the content comes from.
        schema: The columns of the table.
        logger: Where warnings go; the standard library's logger if None.

    Example:
        >>> from algomancy_data import Column, DataType, JSONFile, Schema
        >>> class People(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "people", "json", "single"
        ...     NAME = Column("name", DataType.STRING)
        ...     AGE = Column("about.age", DataType.INTEGER)
        >>> content = "data:;base64,W3sibmFtZSI6IkEiLCJhYm91dCI6eyJhZ2UiOjF9fV0="
        >>> file = JSONFile("people", content=content)
        >>> file.content
        '[{"name":"A","about":{"age":1}}]'
        >>> JSONSingleExtractor(file, People).extract()["people"].to_dict(as_series=False)
        {'name': ['A'], 'about.age': [1]}
    """

    may_lack_columns = True  # as a record may lack a member

    def _extract_file(self) -> pl.DataFrame:
        types = self.schema.datatypes()
        texts, integers = {(): text_columns(types)}, {(): integer_columns(types)}
        plan = JSONPlan(self.file.name, texts, frozenset(), integers)
        found = read_document(self.file, plan, lambda envelope: _is_row(envelope, set(types)))
        logger = as_logger(self.logger)
        if found.ignored:
            logger.warning(
                f"File {self.file.name!r}: the members {', '.join(map(repr, found.ignored))} "
                f"around the list of records are not part of the table."
            )
        if found.has_no_objects:
            logger.warning(f"File {self.file.name!r}: no item of the list is a record.")
        if not found.pieces:
            return pl.DataFrame()
        return pl.concat([flat_frame(piece, plan.root) for piece in found.pieces])


def _is_row(envelope: Envelope, declared: set[str]) -> bool:
    """Tell whether an object with a list is a row itself: the declared columns decide."""
    around = declared.intersection(_names(envelope.members, ""))
    if envelope.is_empty:
        return bool(around)
    if not isinstance(envelope.first, dict):
        return True
    return len(around) > len(declared.intersection(_names(envelope.first, "")))


def _names(members: Any, prefix: str) -> Iterator[str]:
    """Give the column names of an object's members."""
    for key, value in cast("dict[str, Any]", members).items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _names(value, f"{name}.")
        else:
            yield name
