"""DataSources: the named frames of a dataset and what is known about them."""

from algomancy_data.datasource.base import BASEDATASOURCE, BaseDataSource, DataClassification
from algomancy_data.datasource.tables import DataSource, Tables

__all__ = [
    "BASEDATASOURCE",
    "BaseDataSource",
    "DataClassification",
    "DataSource",
    "Tables",
]
