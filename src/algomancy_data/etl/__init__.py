"""The ETL: stages, their order, their settings, and the result."""

from algomancy_data.errors import ETLConstructionError
from algomancy_data.etl.factory import ETLFactory, SimpleETLFactory, get_schema, run
from algomancy_data.etl.pipeline import ETLPipeline
from algomancy_data.etl.result import ETLResult
from algomancy_data.etl.settings import ManagerSettings, RunSettings

__all__ = [
    "ETLConstructionError",
    "ETLFactory",
    "ETLPipeline",
    "ETLResult",
    "ManagerSettings",
    "RunSettings",
    "SimpleETLFactory",
    "get_schema",
    "run",
]
