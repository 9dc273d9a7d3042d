"""Runs of a pipeline whose DataSource says where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from algomancy_data.datamanager.digests import InputDigests
from algomancy_data.datasource import BaseDataSource, DataSource
from algomancy_data.etl import RunSettings
from algomancy_data.provenance import Provenance, TableSize
from algomancy_data.quarantine import Quarantine
from algomancy_data.quarantine.replay import replay_sequence
from algomancy_data.schema.fingerprint import schema_fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from algomancy_data.etl import ETLPipeline, ETLResult
    from algomancy_data.file import File
    from algomancy_data.frames.tabular import Tabular
    from algomancy_data.logs import Logger
    from algomancy_data.schema import Schema


def ingest(
    pipeline: ETLPipeline, files: Mapping[str, File], schemas: Mapping[str, type[Schema]]
) -> ETLResult:
    """Run a pipeline that extracts files; nothing of them is read after this returns."""
    with InputDigests(files) as inputs:
        result = pipeline.run()
        if result.datasource is not None:
            result.datasource.provenance = Provenance(
                files=inputs.result(),
                schemas={
                    name: schema_fingerprint(schemas[name]) for name in files if name in schemas
                },
                phases=tuple(result.metrics),
                tables=_table_sizes(result.datasource),
                extracted=result.extracted,
            )
    return result


def replay(
    pipeline: ETLPipeline,
    source: BaseDataSource,
    mended: Mapping[str, Tabular | Any],
    schemas: Mapping[str, type[Schema]],
    logger: Logger,
) -> ETLResult:
    """Run a pipeline on the good rows of a DataSource and those in its quarantine.

    Raises:
        QuarantineError: It has no quarantine, its tables were changed by transformers, or the
            mended rows do not fit.
    """
    quarantine = pipeline.quarantine or Quarantine()
    sequence = replay_sequence(source, mended, quarantine, schemas.values(), logger)
    settings = RunSettings(quarantine=quarantine, classification=source.ds_type)
    result = pipeline.within(settings).extracting(sequence).run()
    if result.datasource is not None:
        before = source.provenance or Provenance()
        result.datasource.provenance = Provenance(
            files=before.files,
            schemas=before.schemas,
            phases=tuple(result.metrics),
            tables=_table_sizes(result.datasource),
            derived_from=before.derived_from,
            extracted=result.extracted,
        )
    return result


def _table_sizes(source: BaseDataSource) -> dict[str, TableSize]:
    tables = source.tables if isinstance(source, DataSource) else {}
    return {name: TableSize.of(frame) for name, frame in tables.items()}
