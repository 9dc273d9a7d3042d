from __future__ import annotations

import warnings
from enum import StrEnum

import pytest

from algomancy_data.errors import (
    AlgomancyDataError,
    InvalidSchemaError,
    SchemaKindError,
    SchemaNotDeclaredError,
    UnknownSubschemaError,
)
from algomancy_data.schema import (
    Column,
    ColumnGroup,
    CSVDialect,
    DataType,
    FileExtension,
    Schema,
    SchemaType,
)


class Flights(Schema):
    _FILENAME = "flights"
    _EXTENSION = FileExtension.CSV
    _SCHEMA_TYPE = SchemaType.SINGLE
    NOTE = "not a column"
    YEAR = Column("year", DataType.INTEGER, primary_key=True)
    ID = Column("id", DataType.INTEGER, primary_key=True)
    GATE = Column("gate", DataType.STRING, optional=True, default="-")


class Orders(Schema):
    _FILENAME = "orders"
    _EXTENSION = FileExtension.JSON
    _SCHEMA_TYPE = SchemaType.MULTI
    HEAD = ColumnGroup("head", [Column("id", DataType.INTEGER, primary_key=True)])
    LINES = ColumnGroup(
        "lines",
        [
            Column("order", DataType.INTEGER, foreign_key=("head", "id")),
            Column("a b", DataType.STRING, unique=True, description="first"),
            Column("a.b", DataType.STRING),
            Column("A_B", DataType.STRING, optional=True),
        ],
        source_path=("lines",),
    )


class Legacy(Schema):
    _FILENAME = "legacy"
    _EXTENSION = "csv"
    _SCHEMA_TYPE = "single"
    _DATATYPES = {"id": DataType.INTEGER, "name": DataType.STRING}  # noqa: RUF012  as users wrote it


class LegacyMulti(Schema):
    _FILENAME = "legacy"
    _EXTENSION = "xlsx"
    _SCHEMA_TYPE = "multi"
    _DATATYPES = {"a": {"id": DataType.INTEGER}, "b": {"x": DataType.FLOAT}}  # noqa: RUF012  as users wrote it


class Undeclared(Schema):
    pass


class SingleWithoutColumns(Schema):
    _SCHEMA_TYPE = "single"


class MultiWithoutGroups(Schema):
    _SCHEMA_TYPE = "multi"


@pytest.mark.parametrize("schema", [Flights, Flights()])
def test_class_and_instance_answer_alike(schema):
    assert schema.file_name() == "flights"
    assert schema.extension() is FileExtension.CSV
    assert schema.schema_type() is SchemaType.SINGLE
    assert schema.file_name_with_extension() == "flights.csv"
    assert list(schema.columns()) == ["year", "id", "gate"]
    assert schema.required_columns() == ["year", "id"]
    assert schema.optional_columns() == ["gate"]
    assert schema.primary_key() == ("year", "id")
    assert schema.datatypes() == {
        "year": DataType.INTEGER,
        "id": DataType.INTEGER,
        "gate": DataType.STRING,
    }
    assert schema.is_single()
    assert not schema.is_multi()
    assert schema.get_data_members() == ["NOTE"]


@pytest.mark.parametrize("call", ["file_name", "extension", "schema_type", "is_multi"])
def test_a_missing_declaration_is_a_not_implemented_error_when_it_is_used(call):
    with pytest.raises(NotImplementedError, match="Undeclared") as caught:
        getattr(Undeclared, call)()
    assert isinstance(caught.value, SchemaNotDeclaredError)
    assert isinstance(caught.value, AlgomancyDataError)


def test_the_full_file_name_is_not_checked():
    assert Undeclared.file_name_with_extension()


def test_an_extension_is_a_member_a_foreign_member_or_text():
    class Parquet(StrEnum):
        FILE = "parquet"

    def extension(value):
        return type("S", (Schema,), {"_EXTENSION": value}).extension()

    assert extension("csv") is FileExtension.CSV
    assert extension(Parquet.FILE) is Parquet.FILE
    assert extension("CSV") == "CSV"
    assert not isinstance(extension("CSV"), FileExtension)


def test_the_schema_type_may_be_text_but_not_any_text():
    assert Legacy.schema_type() is SchemaType.SINGLE
    with pytest.raises(ValueError, match="sinle"):
        type("S", (Schema,), {"_SCHEMA_TYPE": "sinle"}).schema_type()


@pytest.mark.parametrize("call", ["columns", "required_columns", "optional_columns", "primary_key"])
def test_single_calls_on_a_multi_schema_are_type_errors(call):
    with pytest.raises(TypeError, match="MULTI schema") as caught:
        getattr(Orders, call)()
    assert isinstance(caught.value, SchemaKindError)


def test_datatypes_of_a_multi_schema_is_a_value_error():
    with pytest.raises(ValueError, match="SINGLE"):
        Orders.datatypes()


@pytest.mark.parametrize("call", ["column_groups", "datatype_groups", "sub_names"])
def test_multi_calls_on_a_single_schema_are_value_errors(call):
    with pytest.raises(ValueError, match="MULTI"):
        getattr(Flights, call)()


def test_inherited_columns_come_first():
    class Base(Schema):
        ID = Column("id", DataType.INTEGER)
        B = Column("b", DataType.STRING)

    class Derived(Base):
        _SCHEMA_TYPE = "single"
        C = Column("c", DataType.STRING)
        B = Column("b", DataType.FLOAT)

    class Without(Derived):
        C = None

    assert list(Derived.columns()) == ["id", "b", "c"]
    assert Derived.columns()["b"].dtype is DataType.FLOAT
    assert list(Without.columns()) == ["id", "b"]


@pytest.mark.parametrize("call", ["columns", "required_columns", "optional_columns", "primary_key"])
def test_a_legacy_single_schema_warns_once_and_names_the_class(call):
    with pytest.warns(DeprecationWarning, match="Legacy") as caught:
        getattr(Legacy, call)()
    assert len(caught) == 1


def test_a_legacy_single_schema_has_bare_columns():
    with pytest.warns(DeprecationWarning, match="Legacy"):
        columns = Legacy.columns()
    assert columns == {
        "id": Column("id", DataType.INTEGER),
        "name": Column("name", DataType.STRING),
    }
    with pytest.warns(DeprecationWarning, match="Legacy"):
        assert Legacy.get_legacy_columns_with_warning() == columns


@pytest.mark.parametrize("dtype", ["int", None, 64])
def test_a_legacy_type_that_is_none_is_named(dtype):
    schema = type("Odd", (Legacy,), {"_DATATYPES": {"id": dtype}})
    with pytest.raises(InvalidSchemaError, match=r"Odd.*_DATATYPES\['id'\]"):
        schema.datatypes()


def test_the_tables_of_a_schema_are_resolved_once():
    assert Orders.get_subschema("head") is Orders.get_subschema("head")
    Orders.column_groups()["head"].clear()
    Orders.datatype_groups()["head"].clear()
    assert list(Orders.column_groups()["head"]) == list(Orders.datatype_groups()["head"]) != []


def test_a_derived_schema_is_resolved_for_itself():
    class More(Flights):
        MORE = Column("more", DataType.STRING)

    assert "more" not in Flights.columns()
    assert list(More.columns()) == [*Flights.columns(), "more"]


def test_datatypes_never_warn():
    assert Legacy.datatypes() == Legacy._DATATYPES
    assert LegacyMulti.datatype_groups() == LegacyMulti._DATATYPES
    assert LegacyMulti.sub_names() == ["a", "b"]
    assert Orders.datatype_groups()["head"] == {"id": DataType.INTEGER}


def test_a_legacy_multi_schema_warns_once_and_has_bare_columns():
    with pytest.warns(DeprecationWarning, match="LegacyMulti") as caught:
        groups = LegacyMulti.column_groups()
    assert len(caught) == 1
    assert groups["b"] == {"x": Column("x", DataType.FLOAT)}


@pytest.mark.parametrize(
    "datatypes", [["id"], {"a": ["id"]}, {"a": {"id": "int"}}, {"a": DataType.STRING}]
)
def test_a_legacy_multi_declaration_of_another_shape_is_named(datatypes):
    schema = type("Odd", (LegacyMulti,), {"_DATATYPES": datatypes})
    with pytest.raises(InvalidSchemaError, match="Odd"):
        schema.datatype_groups()


def test_nothing_declared_is_a_not_implemented_error():
    with pytest.raises(NotImplementedError, match="column"):
        SingleWithoutColumns.columns()
    with pytest.raises(NotImplementedError, match="column"):
        SingleWithoutColumns.datatypes()
    with pytest.raises(NotImplementedError, match="column"):
        MultiWithoutGroups.column_groups()


def test_a_subschema_is_a_single_schema_with_the_flags_of_its_columns():
    lines = Orders.get_subschema("lines")
    assert "lines" in lines.__name__
    assert lines.is_single()
    assert lines.file_name() == "orders"
    assert lines.extension() is FileExtension.JSON
    assert lines.columns()["order"].foreign_key == ("head", "id")
    assert lines.columns()["a b"].unique
    assert lines.optional_columns() == ["A_B"]


def test_column_names_that_differ_in_punctuation_or_case_stay_apart():
    assert list(Orders.get_subschema("lines").columns()) == ["order", "a b", "a.b", "A_B"]


def test_a_legacy_subschema_does_not_warn():
    assert LegacyMulti.get_subschema("a").columns() == {"id": Column("id", DataType.INTEGER)}


def test_an_unknown_group_is_a_value_error_that_names_it():
    with pytest.raises(ValueError, match="'nope'") as caught:
        Orders.get_subschema("nope")
    assert isinstance(caught.value, UnknownSubschemaError)
    with pytest.raises(SchemaKindError):
        Flights.get_subschema("x")


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"A": Column("x", DataType.STRING), "B": Column("x", DataType.STRING)}, "named 'x'"),
        ({"A": Column("x", "text")}, "dtype 'text'"),
        ({"A": Column(5, DataType.STRING)}, "not 5"),
        ({"A": Column("x", DataType.STRING, foreign_key="p.y")}, "pair"),
        ({"A": Column("x", DataType.STRING, foreign_key=("p",))}, "pair"),
    ],
)
def test_a_wrong_column_is_named_when_the_columns_are_used(members, problem):
    schema = type("Wrong", (Schema,), {"_SCHEMA_TYPE": "single", **members})
    with pytest.raises(InvalidSchemaError, match=problem):
        schema.columns()


def test_groups_and_their_columns_need_names_of_their_own():
    same = {"A": ColumnGroup("g", []), "B": ColumnGroup("g", [])}
    with pytest.raises(InvalidSchemaError, match="two groups"):
        type("Wrong", (Schema,), {"_SCHEMA_TYPE": "multi", **same}).column_groups()
    twice = ColumnGroup("g", [Column("x", DataType.STRING), Column("x", DataType.FLOAT)])
    with pytest.raises(InvalidSchemaError, match="group 'g'"):
        type("Wrong", (Schema,), {"_SCHEMA_TYPE": "multi", "A": twice}).column_groups()


def test_validate_accepts_attribute_names_that_differ_from_column_names():
    Flights.validate()
    Orders.validate()
    with pytest.raises(SchemaNotDeclaredError):
        Undeclared.validate()


def test_a_csv_dialect_is_inherited_and_checked():
    class Comma(Flights):
        _CSV = CSVDialect(separator=",")

    assert Flights.csv_dialect().separator is None
    assert type("Sub", (Comma,), {}).csv_dialect().separator == ","
    assert type("Multi", (Orders,), {"_CSV": CSVDialect("|")}).get_subschema(
        "head"
    ).csv_dialect() == CSVDialect("|")
    with pytest.raises(InvalidSchemaError, match="CSVDialect"):
        type("Wrong", (Flights,), {"_CSV": ","}).csv_dialect()
    with pytest.raises(InvalidSchemaError, match="separator"):
        type("Wrong", (Flights,), {"_CSV": CSVDialect(";;")}).csv_dialect()


def test_new_style_schemas_never_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Flights.columns()
        Orders.column_groups()
        Orders.get_subschema("lines").columns()


def test_a_subschema_leaves_the_warning_filters_alone(monkeypatch):
    # They belong to the whole process: two threads that set and restore them lose settings.
    monkeypatch.setattr(warnings, "catch_warnings", None)
    assert LegacyMulti.get_subschema("a").datatypes() == {"id": DataType.INTEGER}


@pytest.mark.parametrize("group", ["a\0b", "\ud800"])
def test_a_group_may_have_a_name_that_no_class_can_have(group):
    class Odd(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "odd", "json", "multi"
        HEAD = ColumnGroup(group, [Column("id", DataType.INTEGER)])

    assert list(Odd.get_subschema(group).columns()) == ["id"]
    assert "\0" not in Odd.get_subschema(group).__name__
