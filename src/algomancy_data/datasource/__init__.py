"""DataSources: the named frames of a dataset and what is known about them."""

from algomancy_data.datasource.base import BASEDATASOURCE, BaseDataSource, DataClassification
from algomancy_data.datasource.layouts import ArrowPayloadLayout, SqlTableLayout
from algomancy_data.datasource.source import DataSource, Tables, is_plain, tables_of

__all__ = [
    "BASEDATASOURCE",
    "ArrowPayloadLayout",
    "BaseDataSource",
    "DataClassification",
    "DataSource",
    "SqlTableLayout",
    "Tables",
    "is_plain",
    "tables_of",
]
