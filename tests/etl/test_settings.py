from dataclasses import replace

from algomancy_data import (
    Column,
    CSVFile,
    DataClassification,
    DataSource,
    DataSourceLoader,
    DataType,
    ETLPipeline,
    FileExtension,
    PrimaryKeyValidator,
    ReadLimits,
    Schema,
    SchemaType,
    SimpleETLFactory,
    StatelessDataManager,
    ValidationSeverity,
)
from algomancy_data.errors import ReadLimitError
from algomancy_data.etl import RunSettings
from algomancy_data.etl import run as run_etl
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


def test_settings_of_one_run_do_not_stay_in_what_a_factory_hands_out_again(tmp_path):
    class Special(DataSource):
        pass

    checks, loader = ValidationSequence(), DataSourceLoader()

    class Factory(SimpleETLFactory):
        @classmethod
        def create_validation_sequence(cls, schemas, logger=None):
            return checks

        @classmethod
        def create_loader(cls, logger=None):
            return loader

    (tmp_path / "items.csv").write_text("id;name\nx;a\n")
    files = {"items": CSVFile("items", str(tmp_path / "items.csv"))}
    special = StatelessDataManager(Factory, [Items], "json", Special, halt_on=ERROR)
    plain = StatelessDataManager(Factory, [Items], "json", DataSource)
    assert special.etl_data(files, "d", message_limit=1).is_failure
    assert type(special.etl_data(files, "d", halt_on=CRITICAL).datasource) is Special
    assert type(plain.etl_data(files, "d").datasource) is DataSource
    assert (checks.halt_on, checks.message_limit, loader.data_object_type) == (CRITICAL, ..., None)


def test_a_message_limit_of_one_run_does_not_stay_in_a_check(tmp_path):
    check = PrimaryKeyValidator([Items])

    class Factory(SimpleETLFactory):
        @classmethod
        def create_validation_sequence(cls, schemas, logger=None):
            return ValidationSequence([check])

    (tmp_path / "items.csv").write_text("id;name\n" + "1;a\n" * 9)
    files = {"items": CSVFile("items", str(tmp_path / "items.csv"))}
    manager = StatelessDataManager(Factory, [Items], "json", DataSource)
    found = [
        len(manager.etl_data(files, "d", **settings).messages)
        for settings in ({"message_limit": 1}, {}, {"message_limit": None}, {"message_limit": 0})
    ]
    assert found == [2, 9, 9, 1]
    assert check.message_limit == 100


def test_a_pipeline_with_other_settings_leaves_the_first_one_alone(tmp_path):
    (tmp_path / "items.csv").write_text("id;name\nx;a\n")
    files = {"items": CSVFile("items", str(tmp_path / "items.csv"))}
    pipeline = SimpleETLFactory.build_pipeline("d", files, SCHEMAS)
    told = RunSettings(ERROR, 1, quarantine=True, classification=DataClassification.DUMMY_DATA)
    result = pipeline.within(told).run()
    assert list(result.quarantine) == ["items"]
    assert result.datasource.ds_type is DataClassification.DUMMY_DATA
    assert result.validation_result.halt_on is ERROR
    result = pipeline.run()
    assert (result.quarantine, result.validation_result.halt_on) == ({}, CRITICAL)
    assert result.datasource.is_master_data()


def test_a_pipeline_of_a_users_own_runs_with_the_settings(tmp_path):
    class Own(ETLPipeline):
        def run(self):
            return replace(super().run(), status="success")

    class Factory(SimpleETLFactory):
        @classmethod
        def build_pipeline(cls, dataset_name, files, schemas, logger=None):
            stages = super().build_pipeline(dataset_name, files, schemas, logger)
            return Own(
                dataset_name,
                stages.extraction_sequence,
                stages.validation_sequence,
                stages.transformation_sequence,
                stages.loader,
                logger,
            )

    (tmp_path / "items.csv").write_text("id;name\nx;a\n")
    files = {"items": CSVFile("items", str(tmp_path / "items.csv"))}
    result = run_etl(files, SCHEMAS, RunSettings(halt_on=ERROR), name="d", factory=Factory)
    assert (result.is_success, result.datasource) == (True, None)


def test_limits_of_a_run_hold_for_its_files(tmp_path):
    (tmp_path / "items.csv").write_text("id;name\n1;a\n2;b\n")
    files = {"items": CSVFile("items", str(tmp_path / "items.csv"))}
    settings = RunSettings(read_limits=ReadLimits(columns=1))
    assert isinstance(run_etl(files, SCHEMAS, settings, name="d").raised, ReadLimitError)
    assert run_etl(files, SCHEMAS, name="d").is_success
    assert files["items"].read_limits is None
