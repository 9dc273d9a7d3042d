import polars as pl
import pytest

from algomancy_data import (
    Column,
    CSVFile,
    DataClassification,
    DataSource,
    DataSourceLoader,
    DataType,
    FileExtension,
    Loader,
    Schema,
    SchemaType,
    SimpleETLFactory,
    SingleExtractor,
    StatelessDataManager,
    Transformer,
    ValidationError,
    ValidationMessage,
    ValidationSeverity,
    Validator,
)
from algomancy_data.errors import FrameError, UnreachableError
from algomancy_data.extractor import ExtractionSequence
from algomancy_data.file import FILE_TYPES
from algomancy_data.transformer import TransformationSequence
from algomancy_data.validator import ValidationSequence

CRITICAL, ERROR = ValidationSeverity.CRITICAL, ValidationSeverity.ERROR


class Items(Schema):
    _FILENAME = "items"
    _EXTENSION = FileExtension.CSV
    _SCHEMA_TYPE = SchemaType.SINGLE
    ID = Column("id", DataType.INTEGER, primary_key=True)
    NAME = Column("name", DataType.STRING, unique=True)


class Parts(Schema):
    _FILENAME = "parts"
    _EXTENSION = FileExtension.CSV
    _SCHEMA_TYPE = SchemaType.SINGLE
    ITEM = Column("item", DataType.INTEGER, foreign_key=("items", "id"))


SCHEMAS = {"items": Items, "parts": Parts}


@pytest.fixture
def run(tmp_path):
    """Run a pipeline over files given as text."""

    def run(factory=SimpleETLFactory, halt_on=None, **texts):
        files = {}
        for name, text in texts.items():
            path = tmp_path / f"{name}.csv"
            path.write_text(text, encoding="utf-8")
            files[name] = CSVFile(name, str(path))
        pipeline = factory.build_pipeline("dataset", files, SCHEMAS)
        if halt_on is not None:
            pipeline.validation_sequence.halt_on = halt_on
        return pipeline.run()

    return run


def codes(result):
    return [message.code for message in result.messages if message.severity.rank > 0]


GOOD = {"items": "id;name\n1;a\n2;b\n", "parts": "item\n1\n"}


def test_good_files_become_a_datasource_with_their_metrics(run):
    result = run(**GOOD)
    assert (result.status, result.is_success, result.is_failure) == ("success", True, False)
    assert result.datasource.list_tables() == ["items", "parts"]
    assert result.datasource.get_table("items").rows() == [(1, "a"), (2, "b")]
    assert codes(result) == []
    assert [(m.phase, m.rows) for m in result.metrics] == [
        ("extract", 3),
        ("validate", 3),
        ("transform", 3),
        ("load", 3),
    ]


def test_a_missing_file_is_known_when_the_file_is_made(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        CSVFile("items", str(tmp_path / "nowhere.csv"))


def test_a_file_that_vanished_is_a_failed_extraction(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("id;name\n")
    files = {"items": CSVFile("items", str(path))}
    path.unlink()
    result = SimpleETLFactory.build_pipeline("dataset", files, SCHEMAS).run()
    assert (result.status, result.datasource) == ("failed", None)
    assert isinstance(result.raised, FileNotFoundError)
    assert [(m.severity, m.code) for m in result.messages] == [(CRITICAL, "EXTRACTION_FAILED")]


@pytest.mark.parametrize("text", ["", "id;name\n1;a;x\n", 'id;name\n1;"a\n'])
def test_wrong_content_is_a_failed_extraction_that_names_the_file(run, text):
    result = run(items=text)
    assert result.is_failure
    assert isinstance(result.raised, ValueError)
    assert codes(result) == ["EXTRACTION_FAILED"]
    assert "items" in result.messages[0].message


@pytest.mark.parametrize("extension", ["csv", "json", "xlsx", "parquet", "arrow"])
def test_a_file_that_cannot_be_read_is_a_failed_extraction(tmp_path, extension):
    path = tmp_path / "items"
    path.touch()
    file = FILE_TYPES[extension]("items", path)
    path.unlink()
    path.symlink_to(path)  # a loop, which not even root can open
    schema = type("Loop", (Items,), {"_EXTENSION": extension})
    result = SimpleETLFactory.build_pipeline("dataset", {"items": file}, {"items": schema}).run()
    assert [(m.severity, m.code) for m in result.messages] == [(CRITICAL, "EXTRACTION_FAILED")]
    assert "File 'items' cannot be read: Too many levels of symbolic links" in str(result.raised)
    assert isinstance(result.raised, UnreachableError)


@pytest.mark.parametrize("extension", ["csv", "json", "xlsx", "parquet", "arrow"])
def test_a_disk_that_fails_is_a_failed_extraction(extension):
    file = FILE_TYPES[extension]("items", "/proc/self/mem")
    schema = type("Unreadable", (Items,), {"_EXTENSION": extension})
    result = SimpleETLFactory.build_pipeline("dataset", {"items": file}, {"items": schema}).run()
    assert "File 'items' cannot be read: Input/output error" in str(result.raised)


def failing(stage, error):
    """Make a factory, and files, of which one component of a user's own meets an error."""

    def fail(*arguments, **named):
        raise error

    class OwnExtractor(SingleExtractor):
        _extract_file = fail

    class OwnFile(CSVFile):
        source = fail

    class OwnValidator(Validator):
        validate = fail

    class OwnTransformer(Transformer):
        transform = fail

    class OwnLoader(Loader):
        load = fail

    class Factory(SimpleETLFactory):
        @classmethod
        def create_extraction_sequence(cls, files=None, schemas=None, logger=None):
            if stage != "extractor":
                return super().create_extraction_sequence(files, schemas, logger)
            return ExtractionSequence([OwnExtractor(files["items"], schemas["items"], logger)])

        @classmethod
        def create_validation_sequence(cls, schemas, logger=None):
            return ValidationSequence([OwnValidator()] if stage == "validator" else [])

        @classmethod
        def create_transformation_sequence(cls, schemas=None, logger=None):
            return TransformationSequence([OwnTransformer()] if stage == "transformer" else [])

        @classmethod
        def create_loader(cls, logger=None):
            return OwnLoader() if stage == "loader" else DataSourceLoader()

    file = OwnFile("items") if stage == "file" else CSVFile("items")
    file.content = GOOD["items"]
    return Factory, {"items": file}


@pytest.mark.parametrize("stage", ["extractor", "file", "validator", "transformer", "loader"])
@pytest.mark.parametrize(
    "error",
    [
        PermissionError(13, "not yours"),
        ConnectionError("the service is down"),
        TimeoutError("too slow"),
        OSError(5, "a disk of somebody else"),
        KeyError("a key"),
        ZeroDivisionError("no"),
        FrameError("no table"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_a_users_own_component_propagates_unchanged(stage, error):
    factory, files = failing(stage, error)
    manager = StatelessDataManager(factory, [Items, Parts], "json", DataSource)
    with pytest.raises(type(error)) as caught:
        manager.etl_data(files, "dataset")
    assert caught.value is error
    assert manager.get_data_keys() == []


@pytest.mark.parametrize("stage", ["extractor", "validator", "transformer", "loader"])
@pytest.mark.parametrize(
    "error",
    [
        pl.exceptions.ColumnNotFoundError("a column"),
        pl.exceptions.ComputeError("a cast"),
        RecursionError("deep"),
        OverflowError("wide"),
        MemoryError("much"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_brings_down_a_users_own_component_propagates_as_well(stage, error):
    factory, files = failing(stage, error)
    manager = StatelessDataManager(factory, [Items, Parts], "json", DataSource)
    with pytest.raises(type(error)) as caught:
        manager.etl_data(files, "dataset")
    assert caught.value is error


@pytest.mark.parametrize("stage", ["extractor", "file"])
def test_a_file_that_a_component_misses_is_a_failed_extraction(stage):
    error = FileNotFoundError("gone")
    factory, files = failing(stage, error)
    result = factory.build_pipeline("dataset", files, SCHEMAS).run()
    assert (result.status, result.raised) == ("failed", error)
    assert codes(result) == ["EXTRACTION_FAILED"]


def test_bad_data_does_not_stop_a_default_pipeline(run):
    result = run(items="id;name\n1;a\n1;a\nx;b\n", parts="item\n7\n")
    assert result.is_success
    assert "CONVERSION_FAILED" in codes(result)
    assert result.datasource.validation_messages == result.messages


@pytest.mark.parametrize(("halt_on", "status"), [(ERROR, "failed"), (CRITICAL, "success")])
def test_the_threshold_decides_what_stops_a_run(run, halt_on, status):
    result = run(items="id;name\n1;a\n1;b\n", halt_on=halt_on)
    assert result.status == status
    assert (result.datasource is None) == (status == "failed")
    assert result.raised is None
    assert codes(result).count("PK_DUPLICATE") == 2


def test_a_factory_can_be_told_to_check_constraints_and_foreign_keys(run):
    class Checked(SimpleETLFactory):
        check_constraints = True
        check_foreign_keys = True

    files = {"items": "id;name\n1;a\n2;a\n", "parts": "item\n7\n"}
    assert codes(run(**files)) == []
    assert sorted(set(codes(run(Checked, **files)))) == ["DUPLICATE_VALUE", "FK_VIOLATION"]


class Refuse(Transformer):
    def transform(self, data):
        self.messages.append(ValidationMessage(CRITICAL, "no", code="REFUSED"))


def test_a_halting_message_of_a_transformer_fails_the_run(run):
    class Factory(SimpleETLFactory):
        @classmethod
        def create_transformation_sequence(cls, schemas=None, logger=None):
            return TransformationSequence([Refuse("refuse", logger)], logger)

    result = run(Factory, **GOOD)
    assert (result.status, result.datasource, codes(result)) == ("failed", None, ["REFUSED"])


def test_a_mistake_in_a_users_component_propagates(run):
    class Broken(Validator):
        def validate(self, data):
            raise ZeroDivisionError

    class Factory(SimpleETLFactory):
        @classmethod
        def create_validation_sequence(cls, schemas, logger=None):
            return ValidationSequence([Broken()], logger)

    with pytest.raises(ZeroDivisionError):
        run(Factory, **GOOD)


def test_an_extractor_that_refuses_its_data_is_a_failed_extraction(run):
    error = ValidationError("two headers", context="items")

    class Refusing(SingleExtractor):
        def _extract_file(self):
            raise error

    class Factory(SimpleETLFactory):
        @classmethod
        def create_extraction_sequence(cls, files=None, schemas=None, logger=None):
            return ExtractionSequence([Refusing(files["items"], schemas["items"], logger)])

    result = run(Factory, items=GOOD["items"])
    assert (result.status, result.raised, result.datasource) == ("failed", error, None)
    assert [(m.severity, m.code) for m in result.messages] == [(CRITICAL, "EXTRACTION_FAILED")]
    assert "two headers" in result.messages[0].message


def test_messages_come_in_the_order_of_the_stages(run):
    class Remark(Transformer):
        def transform(self, data):
            self.messages.append(ValidationMessage(ERROR, "changed", code="CHANGED"))

    class Factory(SimpleETLFactory):
        @classmethod
        def create_transformation_sequence(cls, schemas=None, logger=None):
            return TransformationSequence([Remark()], logger)

    result = run(Factory, items="id;name\n1;a\nx;b\n")
    found = ["TABLE_NOT_FOUND", "DTYPE_MISMATCH", "CONVERSION_FAILED", "CHANGED"]
    assert codes(result) == found
    assert result.datasource.validation_messages == result.messages


def test_the_loader_is_told_the_name_and_that_this_is_master_data(run):
    told = []

    class Noting(DataSourceLoader):
        def load(self, name, data, validation_messages, ds_type=DataClassification.DUMMY_DATA):
            told.append((name, list(data), ds_type))
            return super().load(name, data, validation_messages, ds_type)

    class Factory(SimpleETLFactory):
        @classmethod
        def create_loader(cls, logger=None):
            return Noting(logger)

    assert run(Factory, **GOOD).datasource.is_master_data()
    assert told == [("dataset", ["items", "parts"], DataClassification.MASTER_DATA)]
