"""What a user's own component raises or returns wrongly is named: the class, and where it is."""

from __future__ import annotations

import inspect
import logging
import re
from pathlib import Path

import polars as pl
import pytest

import algomancy_data
from algomancy_data import (
    Column,
    ColumnGroup,
    CSVFile,
    DataSource,
    DataSourceLoader,
    DataType,
    DefaultValidator,
    Loader,
    PrimaryKeyValidator,
    Schema,
    SimpleETLFactory,
    SingleExtractor,
    StatelessDataManager,
    Transformer,
    ValidationSequence,
    Validator,
    rule,
)
from algomancy_data.components import Component, note_of
from algomancy_data.errors import ArgumentError, ComponentError, InvalidSchemaError
from algomancy_data.etl import run
from algomancy_data.extractor import ExtractionSequence
from algomancy_data.transformer import NoopTransformer, TransformationSequence

FILE = CSVFile("items", content="data:text/csv;base64,aWQKMQo=")
HERE = Path(__file__)


class Items(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "items", "csv", "single"
    ID = Column("id", DataType.INTEGER)


class Groups(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "items", "json", "multi"
    ROOT = ColumnGroup("root", [Column("id", DataType.INTEGER)])


class Own(SimpleETLFactory):
    """Has one part that is not of the package."""

    part = None

    @classmethod
    def create_extraction_sequence(cls, files=None, schemas=None, logger=None):
        if not isinstance(cls.part, type):
            return super().create_extraction_sequence(files, schemas, logger)
        return ExtractionSequence([cls.part(FILE, Items, logger)])

    @classmethod
    def create_validation_sequence(cls, schemas, logger=None):
        return ValidationSequence([cls.part] if isinstance(cls.part, Validator) else [])

    @classmethod
    def create_transformation_sequence(cls, schemas=None, logger=None):
        own = isinstance(cls.part, Transformer)
        return TransformationSequence([cls.part if own else NoopTransformer()])

    @classmethod
    def create_loader(cls, logger=None):
        return cls.part if isinstance(cls.part, Loader) else DataSourceLoader()


class BrokenError(Exception):
    """Of no kind that anybody knows."""


class BadTransformer(Transformer):
    def transform(self, data):
        raise BrokenError(data["nothing"])


class BadFrames(Transformer):
    def transform(self, data):
        data["items"] = 3


class BadSignature(Transformer):
    def transform(self):
        """Take nothing."""


class BadValidator(Validator):
    def validate(self, data):
        raise BrokenError


class BadExtractor(SingleExtractor):
    def _extract_file(self):
        raise BrokenError


class NoExtraction(SingleExtractor):
    def _extract_file(self):
        return None


class BadLoader(Loader):
    def load(self, name, data, validation_messages, ds_type):
        raise BrokenError


RAISED = {
    "transformer": (BadTransformer(), KeyError, "transform() of the transformer BadTransformer"),
    "what it puts in": (BadFrames(), TypeError, "transform() of the transformer BadFrames"),
    "its signature": (BadSignature(), TypeError, "transform() of the transformer BadSignature"),
    "validator": (BadValidator(), BrokenError, "validate() of the validator BadValidator"),
    "extractor": (BadExtractor, BrokenError, "_extract_file() of the extractor BadExtractor"),
    "no table": (NoExtraction, TypeError, "_extract_file() of the extractor NoExtraction"),
    "loader": (BadLoader(), BrokenError, "load() of the loader BadLoader"),
}


@pytest.mark.parametrize("case", RAISED)
def test_what_a_component_raises_propagates_with_a_note_that_names_its_class(case):
    part, kind, called = RAISED[case]
    factory = type("Factory", (Own,), {"part": part})
    with pytest.raises(kind) as caught:
        run({"items": FILE}, {"items": Items}, name="d", factory=factory)
    (note,) = caught.value.__notes__
    cls = part if isinstance(part, type) else type(part)
    line = HERE.read_text().splitlines().index(f"class {cls.__name__}({cls.__base__.__name__}):")
    assert note.startswith(f"Raised by {called} (")
    assert f"{HERE.name}:{line + 1})" in note
    assert note.endswith("which had 'items'.") == (part is not cls)


def test_a_data_source_class_and_a_factory_are_named_as_well():
    class Picky(DataSource):
        def __init__(self, ds_type):
            super().__init__(ds_type)

    class Late(DataSource):
        def _post_derive(self):
            raise BrokenError

    class Factory(SimpleETLFactory):
        @classmethod
        def create_loader(cls, logger=None):
            raise BrokenError

    def load_and_derive(factory, data_class):
        manager = StatelessDataManager(factory, [Items], "json", data_class)
        manager.etl_data({"items": FILE}, "d")
        manager.derive_data("d", "e")

    def raised(factory, data_class):
        with pytest.raises((TypeError, BrokenError)) as caught:
            load_and_derive(factory, data_class)
        return note_of(caught.value)

    assert "the DataSource Picky (" in raised(SimpleETLFactory, Picky)
    assert "_post_derive() of the DataSource Late (" in raised(SimpleETLFactory, Late)
    assert "create_loader() of the factory Factory (" in raised(Factory, DataSource)


def test_what_is_no_fault_of_a_users_code_names_none():
    class Keys(PrimaryKeyValidator):
        """Inherits everything."""

    with pytest.raises(AttributeError) as caught:
        ValidationSequence([Keys([Items])]).run_validation(None)
    assert note_of(caught.value) is None


def test_what_a_function_in_a_rule_raises_names_the_rule_and_its_table():
    class Items(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "items", "csv", "single"
        ID = Column("id", DataType.INTEGER, min=0)

        @rule()
        def fails(cls):
            return pl.col("id").map_elements(lambda _: 1 / 0, pl.Boolean)

    with pytest.raises(ZeroDivisionError) as caught:
        run({"items": FILE}, {"items": Items}, name="d")
    assert re.fullmatch(
        rf"Raised by rule 'fails' of the schema Items \(.*{HERE.name}:\d+\), on table 'items'\.",
        note_of(caught.value),
    )


def test_a_rule_that_cannot_be_made_says_where_it_is_written():
    class Items(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "items", "csv", "single"
        ID = Column("id", DataType.INTEGER)

        @rule()
        def fails(cls):
            return cls.NOTHING.col > 1

    with pytest.raises(InvalidSchemaError, match=rf"'fails' \(.*{HERE.name}:\d+\) cannot be made"):
        Items.rules()


class Returns(Validator):
    def __init__(self, returned):
        super().__init__()
        self.returned = returned

    def validate(self, data):
        return self.returned


@pytest.mark.parametrize(
    ("returned", "said"), [(None, "returned None"), (True, "of bool"), (["bad"], "of str in it")]
)
def test_a_validator_that_returns_no_messages_is_told_to(returned, said):
    with pytest.raises(ComponentError, match=said) as caught:
        ValidationSequence([Returns(returned)]).run_validation({})
    assert re.search(rf"Returns \(.*{HERE.name}:\d+\) returned", str(caught.value))
    assert str(caught.value).endswith("End it with `return self.messages`.")


@pytest.mark.parametrize("returned", [pl.DataFrame(), {"t": pl.DataFrame()}, "done"])
def test_a_transformer_that_returns_something_is_told_that_it_does_not_count(returned):
    class Gives(Transformer):
        def transform(self, data):
            return returned

    sequence = TransformationSequence([Gives("Gives")])
    assert sequence.run_transformation({}) == {}
    (message,) = sequence.collect_messages()
    assert message.code == "TRANSFORM_RESULT_IGNORED"


def test_a_loader_and_a_factory_that_return_something_else_are_told_what_to_return():
    class Gives(Loader):
        def load(self, name, data, validation_messages, ds_type):
            return data

    class Lists(SimpleETLFactory):
        @classmethod
        def create_validation_sequence(cls, schemas, logger=None):
            return []

    class Forgets(SimpleETLFactory):
        def create_loader(self, logger=None):
            return DataSourceLoader(logger)

    class Nothing(SimpleETLFactory):
        @classmethod
        def build_pipeline(cls, dataset_name, files, schemas, logger=None):
            """Put none together."""

    cases = {
        type("Factory", (Own,), {"part": Gives()}): "load() of the loader Gives",
        Lists: "must return a ValidationSequence",
        Forgets: "write @classmethod above it",
        Nothing: "returned None: it must return an ETLPipeline",
    }
    for factory, said in cases.items():
        with pytest.raises(ComponentError) as caught:
            run({"items": FILE}, {"items": Items}, name="d", factory=factory)
        assert said in str(caught.value)


LOG = logging.getLogger("mine")
ITEMS = {"file": FILE, "schema": Items}
_KEY = ("left_table", "left_col", "right_table", "right_col")
GIVEN = {
    "CSVSingleExtractor": ITEMS,
    "JSONSingleExtractor": ITEMS,
    "JSONMultiExtractor": {"file": FILE, "schema": Groups},
    "XLSXSingleExtractor": ITEMS,
    "XLSXMultiExtractor": {"file": FILE, "schema": Groups},
    "ParquetSingleExtractor": ITEMS,
    "ArrowSingleExtractor": ITEMS,
    "DataFrameExtractor": {"df": pl.DataFrame({"id": [1]}), "schema": Items},
    "JoinTransformer": {"left": "a", "right": "b", "on": "c", "output": "d"},
    "OptionalColumnGuard": {"schemas": [Items]},
    "SchemaValidator": {"schemas": [Items]},
    "RequiredColumnsValidator": {"schemas": [Items]},
    "PrimaryKeyValidator": {"schemas": [Items]},
    "ConstraintValidator": {"schemas": [Items]},
    "RuleValidator": {"schemas": [Items]},
    "UniqueValueValidator": {"table": "items", "columns": ["id"]},
    "MissingValueValidator": {"table": "items", "columns": ["id"]},
    "ForeignKeyValidator": dict.fromkeys(_KEY, "items"),
}
PARTS = [
    cls
    for cls in (getattr(algomancy_data, name) for name in algomancy_data.__all__)
    if isinstance(cls, type) and issubclass(cls, Component) and not inspect.isabstract(cls)
]


@pytest.mark.parametrize("cls", PARTS, ids=lambda cls: cls.__name__)
def test_every_component_takes_a_name_and_a_logger(cls):
    given = GIVEN.get(cls.__name__, {})
    part = cls(**given, name="mine", logger=LOG)
    assert (part.name, part.logger) == ("mine", LOG)
    if issubclass(cls, Transformer | Loader | SingleExtractor):
        positional = [*given.values()] if cls is not algomancy_data.DataFrameExtractor else None
        if positional is not None and cls is not algomancy_data.CascadeDropTransformer:
            optional = [None, None] if cls is algomancy_data.CascadeSnapshot else []
            assert cls(*positional, *optional, LOG).logger is LOG


@pytest.mark.parametrize("base", [Transformer, Validator, Loader])
def test_a_component_of_a_users_own_takes_them_in_either_order(base):
    own = type("Own", (base,), dict.fromkeys(("transform", "validate", "load")))
    for part in (own(LOG, "mine"), own("mine", LOG), own(name="mine", logger=LOG)):
        assert (part.name, part.logger) == ("mine", LOG)
    assert own(LOG).logger is own(logger=LOG).logger is LOG
    assert own("mine").name == "mine"
    for two in (("a", "b"), (LOG, LOG)):
        with pytest.raises(ArgumentError, match="a logger, beside one name"):
            own(*two)


def test_an_unnamed_transformer_is_called_by_its_class_in_the_log(caplog):
    class Own(Transformer):
        def transform(self, data):
            """Do nothing."""

    with caplog.at_level("INFO", "algomancy_data"):
        TransformationSequence([Own(LOG)]).run_transformation({})
    assert "Transformed by 'Own'" in caplog.text


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: TransformationSequence([NoopTransformer]), "A transformer .*the class Noop"),
        (lambda: TransformationSequence().add_transformer(len), r"transformer .* transform\(\)"),
        (lambda: ValidationSequence([5]), r"A validator .* validate\(\), not 5"),
        (lambda: ValidationSequence().add_validator(DefaultValidator), "not the class Default"),
        (lambda: ExtractionSequence(["a.csv"]), r"An? extractor .* extract\(\), not 'a.csv'"),
    ],
)
def test_a_stage_is_made_of_components_only(make, said):
    with pytest.raises(ArgumentError, match=said):
        make()
