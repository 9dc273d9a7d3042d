"""From what a file holds to the declared types: exact, or reported and left alone."""

from algomancy_data.extractor.conversion.conventions import NULL_WORDS, TextConventions
from algomancy_data.extractor.conversion.converter import DataTypeConverter
from algomancy_data.extractor.conversion.issue import ConversionIssue
from algomancy_data.extractor.conversion.numbers import has_large_floats

__all__ = [
    "NULL_WORDS",
    "ConversionIssue",
    "DataTypeConverter",
    "TextConventions",
    "has_large_floats",
]
