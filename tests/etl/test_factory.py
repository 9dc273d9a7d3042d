from types import SimpleNamespace

import pytest

from algomancy_data import (
    Column,
    CSVFile,
    DataType,
    ETLConstructionError,
    File,
    FileExtension,
    JSONFile,
    RuleValidator,
    Schema,
    SchemaType,
    SimpleETLFactory,
    SingleExtractor,
    StatelessDataManager,
    ValidationSeverity,
    registry,
)
from algomancy_data.errors import UnknownFileError
from algomancy_data.etl import RunSettings, get_schema, run
from algomancy_data.file import FILE_TYPES


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


GOOD = {"items": "id;name\n1;a\n2;b\n", "parts": "item\n1\n"}


class Fixed(SingleExtractor):
    def _extract_file(self):
        lines = self.file.read_bytes().decode().splitlines()
        return {"id": [line[:2] for line in lines], "name": [line[2:] for line in lines]}


class FixedItems(Items):
    _EXTENSION = "fixed"


@pytest.fixture
def own_format(monkeypatch):
    monkeypatch.setitem(registry._extractors, ("fixed", "single"), Fixed)


@pytest.mark.usefixtures("own_format")
@pytest.mark.parametrize(
    "file", [CSVFile("items"), JSONFile("items"), File("items", "fixed"), File("items", "odd")]
)
def test_the_schema_says_which_extractor_reads_a_file(file):
    file.content = "1 bolt\n2 nut\n"
    result = SimpleETLFactory.build_pipeline("d", {"items": file}, {"items": FixedItems}).run()
    assert result.datasource.get_table("items").rows() == [(1, "bolt"), (2, "nut")]


@pytest.mark.usefixtures("own_format")
def test_a_file_need_not_be_of_a_class_of_ours():
    file = SimpleNamespace(name="items", path=None, content="1 bolt")
    sequence = SimpleETLFactory.create_extraction_sequence({"items": file}, {"items": FixedItems})
    assert isinstance(sequence._extractors[0], Fixed)


def test_a_file_of_no_format_of_ours_is_what_its_schema_says():
    file = File("items", "odd")
    file.content = GOOD["items"]
    result = SimpleETLFactory.build_pipeline("d", {"items": file}, {"items": Items}).run()
    assert result.datasource.get_table("items").rows() == [(1, "a"), (2, "b")]


@pytest.mark.parametrize("given", ["csv", "json", "xlsx", "parquet", "arrow"])
@pytest.mark.parametrize("declared", ["csv", "json", "xlsx", "parquet", "arrow"])
def test_a_file_of_another_format_than_declared_is_refused(given, declared):
    schema = type("Declared", (Items,), {"_EXTENSION": declared})
    file = FILE_TYPES[given]("items")
    if given == declared:
        SimpleETLFactory.build_pipeline("d", {"items": file}, {"items": schema})
        return
    message = rf"File 'items' is a \w+File \({given}\), but schema 'Declared' declares {declared}"
    with pytest.raises(ETLConstructionError, match=message):
        SimpleETLFactory.build_pipeline("d", {"items": file}, {"items": schema})


@pytest.mark.parametrize(("given", "declared"), [("json", "ndjson"), ("jsonl", "json")])
def test_lines_of_json_are_json(given, declared):
    schema = type("Declared", (Items,), {"_EXTENSION": declared})
    file = FILE_TYPES[given]("items")
    file.content = '{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n'
    result = SimpleETLFactory.build_pipeline("d", {"items": file}, {"items": schema}).run()
    assert result.datasource.get_table("items").rows() == [(1, "a"), (2, "b")]


def test_a_file_without_schema_cannot_be_built_in(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a\n")
    with pytest.raises(UnknownFileError, match="No Schema available for other"):
        SimpleETLFactory.build_pipeline("d", {"other": CSVFile("other", str(path))}, SCHEMAS)
    with pytest.raises(ETLConstructionError, match="Schemas exist for: 'items', 'parts'"):
        get_schema("other", SCHEMAS)


def test_a_format_without_extractor_cannot_be_built_in(tmp_path):
    class Several(Items):
        _SCHEMA_TYPE = SchemaType.MULTI

    path = tmp_path / "items.csv"
    path.write_text("a\n")
    with pytest.raises(ETLConstructionError, match="No extractor registered for csv/multi"):
        SimpleETLFactory.build_pipeline(
            "d", {"items": CSVFile("items", str(path))}, {"items": Several}
        )


def test_no_files_are_an_empty_extraction():
    sequence = SimpleETLFactory.create_extraction_sequence()
    assert sequence.run_extraction() == {}


def test_declared_rules_are_checked_without_a_switch_and_cost_nothing_where_there_are_none():
    class Ruled(Items):
        NAME = Column("name", DataType.STRING, max_length=2)

    [*others, last] = SimpleETLFactory.create_validation_sequence({"items": Ruled})._validators
    assert isinstance(last, RuleValidator)
    without = SimpleETLFactory.create_validation_sequence({"items": Items})._validators
    assert [type(one) for one in without] == [type(one) for one in others]
    files = {"items": CSVFile("items", content="data:text/csv;base64,aWQ7bmFtZQoxO2EKMjtiYmIK")}
    result = run(files, {"items": Ruled}, name="d")
    assert result.is_success
    [found] = [message for message in result.messages if message.code == "RULE_VIOLATED"]
    assert (found.table, found.column, found.row, found.key) == ("items", "name", 1, "max_length")
    strict = RunSettings(halt_on=ValidationSeverity.ERROR)
    assert not run(files, {"items": Ruled}, strict, name="d").is_success


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("chek_foreign_keys", True, "check_foreign_keys"),
        ("quarantaine", True, "quarantine"),
        ("create_transformations_sequence", classmethod(len), "create_transformation_sequence"),
    ],
)
def test_an_attribute_of_a_factory_that_would_be_ignored_is_refused(name, value, meant):
    factory = type("Mine", (SimpleETLFactory,), {name: value})
    with pytest.raises(ETLConstructionError, match=f"Mine.{name} .*Is '{meant}' meant"):
        StatelessDataManager(factory, [])


def test_a_factory_has_attributes_of_its_own():
    class Mine(SimpleETLFactory):
        check_foreign_keys = check_foreign_key = True
        _quarantaine = True

        @classmethod
        def create_extractors(cls): ...

    StatelessDataManager(Mine, [])
