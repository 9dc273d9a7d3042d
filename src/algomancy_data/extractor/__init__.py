"""Extractors: from a file to frames with the declared types."""

from algomancy_data.errors import DateFormatError
from algomancy_data.extractor.base import Extractor, SingleExtractor
from algomancy_data.extractor.columnar.extractors import (
    ArrowSingleExtractor,
    ParquetSingleExtractor,
)
from algomancy_data.extractor.conversion import ConversionIssue, DataTypeConverter
from algomancy_data.extractor.csv.extractors import CSVSingleExtractor
from algomancy_data.extractor.frame import DataFrameExtractor
from algomancy_data.extractor.json.extractors import JSONMultiExtractor, JSONSingleExtractor
from algomancy_data.extractor.multi import MultiExtractor
from algomancy_data.extractor.sequence import ExtractionSequence
from algomancy_data.extractor.xlsx.extractors import XLSXMultiExtractor, XLSXSingleExtractor
from algomancy_data.schema.types import TextConventions

__all__ = [
    "ArrowSingleExtractor",
    "CSVSingleExtractor",
    "ConversionIssue",
    "DataFrameExtractor",
    "DataTypeConverter",
    "DateFormatError",
    "ExtractionSequence",
    "Extractor",
    "JSONMultiExtractor",
    "JSONSingleExtractor",
    "MultiExtractor",
    "ParquetSingleExtractor",
    "SingleExtractor",
    "TextConventions",
    "XLSXMultiExtractor",
    "XLSXSingleExtractor",
]
