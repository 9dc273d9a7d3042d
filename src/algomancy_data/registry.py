"""Registry of extractors by format, to which users can add their own."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from algomancy_data.errors import ArgumentError

if TYPE_CHECKING:
    from algomancy_data.schema import SchemaType

__all__ = ["get_extractor_class", "register_extractor", "registered_keys"]

_SCHEMA_TYPES: Final = ("single", "multi")

# Those of the package by name: they are imported when a file of their format comes.
# Any: an extractor's constructor is its own affair.
_extractors: Final[dict[tuple[str, str], type[Any] | str]] = {
    ("csv", "single"): "CSVSingleExtractor",
    ("xlsx", "single"): "XLSXSingleExtractor",
    ("xlsx", "multi"): "XLSXMultiExtractor",
    ("parquet", "single"): "ParquetSingleExtractor",
    ("arrow", "single"): "ArrowSingleExtractor",
    ("json", "single"): "JSONSingleExtractor",
    ("json", "multi"): "JSONMultiExtractor",
    ("ndjson", "single"): "JSONSingleExtractor",
    ("ndjson", "multi"): "JSONMultiExtractor",
    ("jsonl", "single"): "JSONSingleExtractor",
    ("jsonl", "multi"): "JSONMultiExtractor",
}


def register_extractor(extension: str, schema_type: SchemaType | str, cls: type[Any]) -> None:
    """Use an extractor for every file of a format; a later call overrides an earlier one.

    Args:
        extension: The format: a ``FileExtension``, any other ``StrEnum`` member, or a text.
        schema_type: Whether it reads files with one table or with several.
        cls: The extractor, built as ``cls(file, schema, logger=logger)``.

    Raises:
        ArgumentError: One of them is something else.

    Example:
        >>> from algomancy_data import SchemaType
        >>> from algomancy_data.extractor import CSVSingleExtractor
        >>> register_extractor("txt", SchemaType.SINGLE, CSVSingleExtractor)
        >>> get_extractor_class("txt", "single") is CSVSingleExtractor
        True
        >>> del _extractors["txt", "single"]
    """
    is_extractor = isinstance(cast("object", cls), type) and hasattr(cls, "extract")
    given: tuple[tuple[str, object, bool, str], ...] = (
        ("extension", extension, isinstance(cast("object", extension), str), "a text"),
        ("schema_type", schema_type, schema_type in _SCHEMA_TYPES, "'single' or 'multi'"),
        ("cls", cls, is_extractor, "a subclass of Extractor"),
    )
    for name, value, is_right, possible in given:
        if not is_right:
            raise ArgumentError.from_given(name, value, possible)
    _extractors[extension, schema_type] = cls


def get_extractor_class(extension: str, schema_type: SchemaType | str) -> type[Any] | None:
    """Return the extractor of a format, or None if none is registered."""
    found = _extractors.get((extension, schema_type))
    if isinstance(found, str):
        return getattr(import_module("algomancy_data.extractor"), found)
    return found


def registered_keys() -> tuple[tuple[str, str], ...]:
    """Return the ``(extension, schema type)`` pairs that have an extractor."""
    return tuple(_extractors)
