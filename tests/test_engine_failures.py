"""What Polars, Arrow and Python raise when they cannot go on never leaves a public call."""

import json
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from unittest.mock import Mock, patch

import polars as pl
import pyarrow as pa
import pytest
from polars.exceptions import PanicException

from algomancy_data import (
    Column,
    CSVFile,
    CSVSingleExtractor,
    DataSource,
    DataType,
    PrimaryKeyValidator,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
    Transformer,
    ValidationSequence,
    Validator,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.datasource import serialization_records
from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import (
    AlgomancyDataError,
    EngineError,
    FileContentError,
    FrameError,
    SerializationError,
    StoreError,
)
from algomancy_data.inference import infer_schemas
from algomancy_data.transformer import JoinTransformer, TransformationSequence


def panic():
    """Return a panic as Rust raises it, through Polars."""
    try:
        pl.DataFrame({"a\0b": [1]}).to_arrow(compat_level=pl.CompatLevel.oldest())
    except PanicException as error:
        return error.with_traceback(None)
    except BaseException as error:  # noqa: BLE001  another release has another exception
        return PanicException(str(error))
    return PanicException("called `Option::unwrap()` on a `None` value")


FAILURES = {
    "a panic": panic,
    "Arrow's memory": lambda: pa.ArrowMemoryError("malloc of size 99 failed"),
    "memory": MemoryError,
    "threads": lambda: RuntimeError("can't start new thread"),
    "recursion": lambda: RecursionError("maximum recursion depth exceeded"),
    "overflow": lambda: OverflowError("int too big to convert"),
}


@pytest.fixture(params=FAILURES.values(), ids=FAILURES)
def failure(request):
    return request.param()


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    DAY = Column("day", DataType.DATETIME)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("id;day\n1;2024-01-01\n")
    return path


def breaks(target, name, failure):
    # A mock's frames are those of the standard library: it fails where a library would.
    return patch.object(target, name, Mock(side_effect=failure))


def says(error, *words):
    text = str(error)
    assert all(word in text for word in words), text
    assert "unwrap" not in text
    assert "can't start" not in text
    assert "malloc" not in text


def test_a_file_that_cannot_be_read_is_named_by_every_way_to_read_it(failure, path):
    manager = StatelessDataManager(SimpleETLFactory, [Orders], "json", DataSource)
    with breaks(pl, "read_csv", failure):
        result = manager.etl_data({"orders": CSVFile("orders", path)}, "d")
        with pytest.raises(FileContentError) as extracted:
            CSVSingleExtractor(CSVFile("orders", path), Orders).extract()
        with pytest.raises(FileContentError) as inferred:
            infer_schemas(path)
    for error in (result.raised, extracted.value, inferred.value):
        assert isinstance(error, FileContentError)
        says(error, "'orders'")


def test_a_column_that_cannot_be_converted_is_named_with_its_table(failure, path):
    reading = breaks(type(DataType.DATETIME.column_type), "from_text", failure)
    with reading, pytest.raises(FileContentError) as caught:
        CSVSingleExtractor(CSVFile("orders", path), Orders).extract()
    says(caught.value, "column 'day' of table 'orders' to DATETIME")


def test_a_check_or_a_transformer_of_the_package_says_which_it_is(failure):
    frames = {"orders": pl.DataFrame({"id": [1, 1], "name": ["a", "b"]})}
    sequence = ValidationSequence([PrimaryKeyValidator([Orders])])
    joining = TransformationSequence([JoinTransformer("orders", "orders", "id", "pairs")])
    with (
        breaks(pl.Series, "scatter", failure),
        pytest.raises(EngineError) as checked,
    ):
        sequence.run_validation(frames)
    says(checked.value, "PrimaryKeyValidator", "'orders'")
    with (
        breaks(pl.DataFrame, "join", failure),
        breaks(pl.LazyFrame, "join", failure),
        pytest.raises(EngineError) as transformed,
    ):
        joining.run_transformation(frames)
    says(transformed.value, "transformer")


def test_tables_and_documents_say_what_they_are(failure):
    source = DataSource("master_data", name="d")
    stream = Mock(spec=["__arrow_c_stream__"])
    with breaks(pa, "table", failure), pytest.raises(FrameError) as added:
        source.add_table("orders", stream)
    says(added.value, "'orders'")
    source.add_table("orders", pl.DataFrame({"id": [1]}))
    broken = breaks(serialization_records, "write", failure)
    with broken, pytest.raises(SerializationError) as written:
        source.to_json()
    says(written.value, "'orders'" if type(failure).__name__ == "PanicException" else "'d'")
    text = source.to_json()
    with breaks(json, "loads", failure), pytest.raises(SerializationError):
        DataSource.from_json(text)


def test_a_store_says_what_it_was_doing(failure, tmp_path):
    url = f"sqlite:///{tmp_path / 'data.db'}"
    manager = DatabaseDataManager(SimpleETLFactory, [], url, "s", DataSource)
    manager.startup()
    source = DataSource("master_data", name="d")
    source.add_table("orders", pl.DataFrame({"id": [1], "at": [datetime(2024, 1, 1)]}))
    with breaks(pl.DataFrame, "to_arrow", failure), pytest.raises(StoreError) as kept:
        manager.add_data_source(source)
    says(kept.value, "'d'")
    assert manager.get_data_keys() == []
    manager.add_data_source(source)
    manager.refresh()
    with breaks(pl, "from_arrow", failure), pytest.raises(StoreError) as read:
        manager.get_data("d")
    # Values that cannot be decoded are those of a table.
    named = {
        "PanicException": "Column 'at' of table 'orders' holds '2024-01-01 00:00:00.000000'",
        "OverflowError": "Table 'ds__s__d__orders' holds other types than the catalogue says",
    }
    says(
        read.value,
        named.get(type(failure).__name__, "reading table 'orders' of dataset 'd' failed"),
    )
    assert manager.get_data("d").get_table("orders").equals(source.get_table("orders"))
    manager.close()


class Failing(Transformer):
    def __init__(self, failure):
        super().__init__("failing")
        self.failure = failure

    def transform(self, data):
        raise self.failure


class Checking(Validator):
    def __init__(self, failure):
        super().__init__()
        self.failure = failure

    def validate(self, data):
        raise self.failure


def test_what_code_of_a_user_raises_propagates_unchanged(failure):
    frames = {"orders": pl.DataFrame({"id": [1]})}
    with pytest.raises(type(failure)) as transformed:
        TransformationSequence([Failing(failure)]).run_transformation(frames)
    assert transformed.value is failure
    with pytest.raises(type(failure)) as checked:
        ValidationSequence([Checking(failure)]).run_validation(frames)
    assert checked.value is failure


def test_a_library_that_code_of_a_user_calls_fails_for_the_user():
    class Parsing(Transformer):
        def transform(self, data):
            json.loads("[" * 100_000)

    with pytest.raises(RecursionError):
        TransformationSequence([Parsing("parsing")]).run_transformation({})


def test_an_interrupt_stays_one():
    with pytest.raises(KeyboardInterrupt), engine_failures(EngineError, "It"):
        raise KeyboardInterrupt
    with pytest.raises(SystemExit), engine_failures(EngineError, "It"):
        raise SystemExit


DEEP = "[" * 100_000 + "]" * 100_000
REAL = {
    "deep.json": f'[{{"a": {DEEP}}}]',
    "deeper.json": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "open.json": DEEP[:100_000],
    "huge.json": '[{"a": ' + "9" * 100_000 + "}]",
    "exponent.json": '[{"a": 1e999999999999}, {"a": -1E+99999999999999999999}]',
    "mixed.json": '[{"a": 1e999}, {"a": "x"}, {"a": [' + "9" * 5000 + "]}]",
    "nul.csv": "id;a\0b\n1;2\n",
    "huge.csv": "id;day\n" + "9" * 100_000 + ";99999999999-01-01\n",
    "spans.csv": "id;took\n1;999999999999999999 days\n2;-99999999999999 years\n",
    "dates.csv": "id;day\n1;0000-00-00\n2;99999-12-31T25:61:61\n3;-0001-01-01\n",
}


@pytest.mark.parametrize("name", REAL)
def test_files_beyond_all_measure_are_read_or_refused_by_an_error_of_the_package(name, tmp_path):
    path = tmp_path / name
    path.write_text(REAL[name])
    try:
        found = infer_schemas(path)
    except AlgomancyDataError as error:
        says(error, repr(path.stem))
    else:
        manager = StatelessDataManager(SimpleETLFactory, found.schemas, "json", DataSource)
        files = manager.prepare_files(file_items_with_path=[(path.stem, str(path))])
        result = manager.etl_data(files, "d")
        assert result.raised is None or isinstance(result.raised, AlgomancyDataError)
        if result.is_success:
            kept = DatabaseDataManager(SimpleETLFactory, [], "sqlite://", "s", DataSource)
            kept.startup()
            try:
                kept.add_data_source(result.datasource)
                text = result.datasource.to_json()
                DataSource.from_json(text)
                kept.get_data("d")
                kept.verify()
            except AlgomancyDataError as error:
                says(error)


def test_values_beyond_all_measure_are_refused_or_kept():
    source = DataSource("master_data", name="d")
    for given in (
        {"a": [10**400]},
        {"a": [2**200, 1]},
        {"a": [Decimal("1e999")]},
        {"a": [1, "x", [2]]},
    ):
        try:
            source.add_table("t", given)
            source.to_json()
        except AlgomancyDataError as error:
            says(error)


# By a process of its own each, as it may end it.
DEEP_TABLES = (
    "{'a': [deep]}",
    "[{'a': 1}, {'a': deep}]",
    "[[deep], [1]]",
    "deep",
    "{'a': [(1, (deep,))]}",
    "{'a': [dicts]}",
    "({'a': deep} for _ in range(2))",
    "{'a': [numpy.array([deep, None], object)]}",
    "pandas.DataFrame({'a': [deep]})",
    "{'a': [endless]}",
)
# Forked from one that imports everything, and says how each ended.
TAKING = """
import os, sys
import numpy, pandas
from algomancy_data import DataSource
from algomancy_data.errors import FrameError
deep, dicts = [1], {"a": 1}
for _ in range(100_000):
    deep, dicts = [deep], {"a": dicts}
endless = [1]
endless += [endless, endless]
for table in sys.argv[1:]:
    child = os.fork()
    if not child:
        try:
            DataSource("master_data", name="d").add_table("t", eval(table))
        except FrameError as error:
            print(error, flush=True)
        os._exit(0)
    print("ended with", os.waitpid(child, 0)[1], flush=True)
os._exit(0)  # it takes Python long to forget such a list
"""


def test_tables_that_are_nested_without_measure_are_refused():
    done = subprocess.run(
        [sys.executable, "-c", TAKING, *DEEP_TABLES],
        capture_output=True,
        text=True,
        check=False,
    )
    refusal = "Taking table 't' failed: it is nested too deeply. Take out some of the levels."
    assert done.stdout.splitlines() == [refusal, "ended with 0"] * len(DEEP_TABLES), done.stderr


def test_as_many_levels_as_arrow_allows_are_taken():
    source = DataSource("master_data", name="d")
    deep = 1
    for _ in range(60):
        deep = [deep]
    source.add_table("t", {"a": [deep, None]})
    assert source.get_table("t")["a"][0].to_list() == deep
    with pytest.raises(FrameError):
        source.add_table("t", {"a": [[[[[[[deep]]]]]]]})
