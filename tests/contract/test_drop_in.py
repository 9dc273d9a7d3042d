"""What clients that were written for the pandas package need, so that they run unchanged."""

import inspect
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
import sqlalchemy as sa
from pandas import DataFrame

from algomancy_data import (
    BaseDataSource,
    Column,
    ColumnGroup,
    DataClassification,
    DataSource,
    DataType,
    ETLPipeline,
    Schema,
    SchemaValidator,
    SimpleETLFactory,
    SingleExtractor,
    StatelessDataManager,
    ValidationSequence,
    ValidationSeverity,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.database.models import datasets_table, metadata
from algomancy_data.extractor import ExtractionSequence

MASTER = DataClassification.MASTER_DATA


class Strict(SimpleETLFactory):
    """As clients have it: one unexpected column fails the whole ETL."""

    @classmethod
    def create_validation_sequence(cls, schemas, logger=None):
        validator = SchemaValidator(list(schemas.values()), ValidationSeverity.CRITICAL)
        return ValidationSequence([validator], logger)


# --- factories and managers -------------------------------------------------------------------


def test_factories_are_classes_that_are_never_instantiated(etl, schema_of):
    calls = []

    class Noting(SimpleETLFactory):
        def __init__(self):
            raise AssertionError

        @classmethod
        def create_extraction_sequence(cls, files=None, schemas=None, logger=None):
            calls.append(("extraction", list(files), list(schemas)))
            return super().create_extraction_sequence(files, schemas, logger)

        @classmethod
        def create_validation_sequence(cls, schemas, logger=None):
            calls.append(("validation", list(schemas)))
            return super().create_validation_sequence(schemas, logger)

        @classmethod
        def create_transformation_sequence(cls, schemas=None, logger=None):
            calls.append(("transformation", list(schemas)))
            return super().create_transformation_sequence(schemas, logger)

        @classmethod
        def create_loader(cls, logger=None):
            calls.append(("loader",))
            return super().create_loader(logger)

        @classmethod
        def build_pipeline(cls, dataset_name, files, schemas, logger=None):
            pipeline = super().build_pipeline(dataset_name, files, schemas, logger)
            assert isinstance(pipeline, ETLPipeline)
            return pipeline

    assert etl(schema_of(Column("a", DataType.STRING)), "a\nx\n", factory=Noting).is_success
    stages = [("extraction", ["t"], ["t"]), ("validation", ["t"]), ("transformation", ["t"])]
    assert calls == [*stages, ("loader",)]


@pytest.mark.parametrize(
    ("manager", "own"),
    [
        (StatelessDataManager, {"save_type": "json"}),
        (
            DatabaseDataManager,
            {"engine": "sqlite://", "session_id": "s", "datasource_cache_size": 2},
        ),
    ],
)
def test_managers_take_the_keywords_of_the_pandas_package(manager, own):
    made = manager(
        etl_factory=SimpleETLFactory, schemas=[], data_object_type=DataSource, logger=None, **own
    )
    made.startup()
    assert made.data_object_type is DataSource
    made.add_data_source(DataSource(MASTER, name="a"))
    assert list(made._data) == ["a"]


def test_a_logger_may_be_that_of_the_framework():
    class Recording:
        def __init__(self):
            self.lines = []

        def log(self, message, *_, **__):
            self.lines.append(message)

        success = warning = error = log

        def log_traceback(self, e):
            self.lines.append(str(e))

    logger = Recording()
    manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource, logger)
    manager.log("hello")
    assert logger.lines == ["hello"]


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("y"), ZeroDivisionError()], ids=repr)
def test_mistakes_in_a_users_extractor_propagate(etl, schema_of, error):
    class Broken(SingleExtractor):
        def _extract_file(self):
            raise error

    class Factory(SimpleETLFactory):
        @classmethod
        def create_extraction_sequence(cls, files=None, schemas=None, logger=None):
            return ExtractionSequence([Broken(files["t"], schemas["t"], logger)], logger)

    with pytest.raises(type(error)):
        etl(schema_of(Column("a", DataType.STRING)), "a\nx\n", factory=Factory)


# --- pandas frames in -------------------------------------------------------------------------

PANDAS = pd.DataFrame(
    {
        "i": [1, 2],
        "gaps": pd.array([1, None], dtype="Int64"),
        "f": [0.5, None],
        "s": ["x", None],
        "b": pd.array([True, None], dtype="boolean"),
        "at": pd.to_datetime(["2024-01-31 10:30:00", None]),
    },
    index=[7, 9],
)


ROWS = [
    tuple(None if pd.isna(value) else value for value in row)
    for row in PANDAS.itertuples(index=False)
]


@pytest.mark.parametrize("way", ["add_table", "tables", "from_sql_tables"])
def test_pandas_frames_come_in_and_go_through_every_store(new_database, way):
    data = DataSource(MASTER, name="d")
    match way:
        case "add_table":
            data.add_table("t", PANDAS)
        case "tables":
            data.tables = {"t": PANDAS}
        case "from_sql_tables":
            data.from_sql_tables({"t": PANDAS})
    frame = data.get_table("t")
    assert isinstance(data.tables, dict)
    assert frame.columns == list(PANDAS.columns)
    assert frame.rows() == ROWS
    new_database().add_data_source(data)
    assert new_database().get_data("d").get_table("t").equals(frame)
    assert DataSource.from_json(data.to_json()).get_table("t").equals(frame)


class _Frames(BaseDataSource):
    frames = None

    def to_json(self):
        return json.dumps(self.name)

    @classmethod
    def from_json(cls, json_string):
        return cls(DataClassification.MASTER_DATA, name=json.loads(json_string))

    def to_sql_tables(self):
        return self.frames


class ByName(_Frames):
    def from_sql_tables(self, tables: dict[str, DataFrame]) -> None:
        self.frames = tables


class ByText(_Frames):
    def from_sql_tables(self, tables: "dict[str, DataFrame]") -> None:
        self.frames = tables


class ByModule(_Frames):
    def from_sql_tables(self, tables: "dict[str, pd.DataFrame]") -> None:
        self.frames = tables


class Unannotated(_Frames):
    def from_sql_tables(self, tables):
        self.frames = tables


class Declared(Unannotated):
    sql_frames = "pandas"


@pytest.mark.parametrize("cls", [ByName, ByText, ByModule, Declared])
def test_a_foreign_class_gets_pandas_frames_back_if_it_says_so(new_database, cls):
    data = cls(MASTER, name="d")
    data.frames = {"t": PANDAS}
    new_database(cls=cls).add_data_source(data)
    read = new_database(cls=cls).get_data("d").frames["t"]
    assert isinstance(read, pd.DataFrame)
    assert pl.DataFrame(read).rows() == pl.DataFrame(PANDAS).rows()


def test_a_foreign_class_that_says_nothing_gets_polars_frames(new_database):
    data = Unannotated(MASTER, name="d")
    data.frames = {"t": PANDAS}
    new_database(cls=type(data)).add_data_source(data)
    assert isinstance(new_database(cls=type(data)).get_data("d").frames["t"], pl.DataFrame)


# --- exact columns ----------------------------------------------------------------------------

NAMES = ["id", "attributes.skills", "Total\nweight", "Branch", "all null", " padded "]


def test_columns_keep_their_exact_names_and_none_is_lost_or_invented(etl, schema_of, tmp_path):
    columns = [Column(name, DataType.STRING) for name in NAMES]
    values = ["1", "['a']", "2", "x", None, "y"]
    header = ";".join(f'"{name}"' for name in NAMES)
    csv = f"{header}\n" + ";".join(value or "" for value in values) + "\n"
    pl.DataFrame(dict(zip(NAMES, ([v] for v in values), strict=True))).write_parquet(
        tmp_path / "p.parquet"
    )
    record = '{"id": "1", "attributes": {"skills": "[\'a\']"}, "Total\\nweight": "2",'
    record += '"Branch": "x", "all null": null, " padded ": "y"}'
    for extension, content in (
        ("csv", csv),
        ("json", f"[{record}]"),
        ("ndjson", record),
        ("parquet", tmp_path / "p.parquet"),
    ):
        result = etl(schema_of(*columns, extension=extension), content, factory=Strict)
        assert result.is_success, result.messages
        table = result.datasource.get_table("t")
        assert (table.columns, table.rows()) == (NAMES, [tuple(values)])


def test_the_groups_of_a_document_have_the_declared_columns_only(etl, schema_of):
    schema = schema_of(
        ColumnGroup("head", [Column("id", DataType.INTEGER), Column("a.b", DataType.FLOAT)]),
        ColumnGroup(
            "line",
            [
                Column("order", DataType.INTEGER, foreign_key=("head", "id")),
                Column("attributes.skills", DataType.STRING),
            ],
            ("lines",),
        ),
        extension="json",
        multi=True,
    )
    document = '[{"id": 1, "a": {"b": 2}, "lines": [{"attributes": {"skills": ["x"]}}]}]'
    result = etl(schema, document, factory=Strict)
    assert result.is_success, result.messages
    assert result.datasource.get_table("t.head").columns == ["id", "a.b"]
    assert result.datasource.get_table("t.line").rows() == [(1, '["x"]')]


# --- the database -----------------------------------------------------------------------------


def test_the_catalogue_is_made_of_sqlalchemy_objects():
    assert isinstance(metadata, sa.MetaData)
    assert isinstance(datasets_table, sa.Table)
    names = {"id", "name", "session_id", "ds_type", "creation_datetime", "payload", "sub_tables"}
    assert names <= set(datasets_table.c.keys())
    assert "algomancy_datasets" in str(datasets_table.delete())


@pytest.mark.parametrize(
    "pool", [{}, {"poolclass": sa.StaticPool, "connect_args": {"check_same_thread": False}}]
)
@pytest.mark.filterwarnings("ignore::algomancy_data.errors.PortablePathWarning")
def test_a_clients_engine_in_memory_is_the_only_way_to_its_database(pool):
    engine = sa.create_engine("sqlite://", **pool)
    metadata.create_all(engine)
    manager = DatabaseDataManager(SimpleETLFactory, [], engine, "s", DataSource)
    manager.startup()
    data = DataSource(MASTER, name="d")
    data.add_table("t", PANDAS)
    manager.add_data_source(data)
    manager.refresh()
    assert manager.get_data("d").get_table("t").equals(data.get_table("t"))
    with engine.begin() as connection:
        connection.execute(datasets_table.delete().where(datasets_table.c.session_id == "s"))
    assert manager.get_data_keys() == []
    engine.dispose()


def test_threads_read_and_write_at_once(new_database):
    """The worker thread and the thread pool of the API share one manager."""
    manager = new_database(datasource_cache_size=2)
    frames = {f"d{number}": pl.DataFrame({"x": [number]}) for number in range(6)}
    for name, frame in frames.items():
        data = DataSource(MASTER, name=name)
        data.add_table("t", frame)
        manager.add_data_source(data)

    def work(turn):
        name = f"d{turn % 6}"
        if turn % 5 == 0:
            manager.derive_data(name, f"{name} {turn}")
        return manager.get_data(name).get_table("t").equals(frames[name])

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(60)))
    assert len(manager.get_data_keys()) == 6 + 12


def test_no_data_is_loaded_at_startup(new_database):
    data = DataSource(MASTER, name="d")
    data.add_table("t", PANDAS)
    new_database().add_data_source(data)
    manager = new_database()
    assert list(manager._data) == []
    assert manager.get_data_keys() == ["d"]


def test_the_package_needs_neither_pandas_nor_sqlalchemy():
    program = "import algomancy_data, sys; print({'pandas', 'sqlalchemy'} & set(sys.modules))"
    run = [sys.executable, "-c", program]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "set()\n"


def test_schemas_need_not_be_right_to_be_declared():
    class Placeholder(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "p", "csv", "sngle"

    assert inspect.isclass(Placeholder)
    with pytest.raises(ValueError, match="sngle"):
        Placeholder.schema_type()
    assert Path(Placeholder.file_name_with_extension()).suffix == ".csv"
