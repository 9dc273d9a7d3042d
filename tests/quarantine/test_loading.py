import logging
import sys

import polars as pl
import pytest
import xlsxwriter

from algomancy_data import (
    BaseDataSource,
    Column,
    ColumnGroup,
    CSVDialect,
    CSVFile,
    CSVSingleExtractor,
    DataClassification,
    DataSource,
    DataType,
    JSONFile,
    Loader,
    OptionalColumnGuard,
    ParquetFile,
    Quarantine,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
    Transformer,
    ValidationSeverity,
    Validator,
    XLSXFile,
    XLSXSingleExtractor,
    rule,
)
from algomancy_data.datamanager.base import INHERIT
from algomancy_data.errors import QuarantineError
from algomancy_data.extractor import ConversionIssue, ExtractionSequence
from algomancy_data.transformer import TransformationSequence
from algomancy_data.validator import ValidationSequence

ERROR, WARNING = ValidationSeverity.ERROR, ValidationSeverity.WARNING
BAD = {
    "customers": "id;name\n1;a\n2;b\n1;c\n",
    "orders": "id;customer;day;note\n10;2;2024-01-01;n\n11;1;2024-01-02;n\n12;2;soon;n\n",
    "lines": "order;price;note\n10;1.5;n\n11;2;n\n12;free;n\n10;free;n\n",
}


class Checked(SimpleETLFactory):
    check_foreign_keys = True
    check_constraints = True


def reasons(result):
    return {
        name: dict(frame.select("_row", "_reasons").iter_rows())
        for name, frame in result.quarantine.items()
    }


def test_there_is_none_unless_it_is_asked_for(open_shop):
    shop = open_shop()
    result = shop.load(**BAD, quarantine=False)
    assert result.quarantine == {}
    assert result.datasource.list_tables() == ["customers", "orders", "lines"]
    assert result.datasource.get_table("lines").schema["price"] == pl.String
    assert result.datasource.provenance.extracted == {}


def test_bad_rows_are_beside_the_good_ones_with_their_reasons(shop):
    result = shop.load(**BAD, halt_on=ERROR)
    assert result.is_success
    assert reasons(result) == {
        "customers": {0: ["PK_DUPLICATE"], 2: ["PK_DUPLICATE"]},
        "orders": {1: ["QUARANTINE_ORPHAN"], 2: ["CONVERSION_FAILED"]},
        "lines": {
            1: ["QUARANTINE_ORPHAN"],
            2: ["CONVERSION_FAILED"],
            3: ["CONVERSION_FAILED"],
        },
    }
    source = result.datasource
    assert source.get_table("lines").rows() == [(10, 1.5, "n")]
    aside = source.get_table("lines_quarantine")
    assert aside.select("order", "price", "note").rows() == [
        (11, "2", "n"),
        (12, "free", "n"),
        (10, "free", "n"),
    ]
    assert aside.schema["_row"] == pl.UInt32
    assert aside["_messages"].to_list()[1] == ["price: Value is not a number with a decimal point"]


def test_a_row_with_several_reasons_is_there_once_with_all_of_them(open_shop):
    shop = open_shop(factory=Checked)
    result = shop.load(
        customers="id;name\n1;a\n",
        orders="id;customer;day;note\nx;7;soon;n\n1;7;;n\n",
    )
    assert reasons(result)["orders"] == {
        0: ["CONVERSION_FAILED", "CONVERSION_FAILED"],
        1: ["NULL_VALUE", "FK_VIOLATION"],
    }


def test_rows_that_break_a_rule_go_with_its_words_and_those_that_refer_to_them(open_shop):
    customers, orders, lines = open_shop.SCHEMAS

    class Ruled(orders):
        NOTE = Column("note", DataType.STRING, is_in=["n"])

        @rule(group_by=["customer"])
        def few(cls):
            """Customer has more than two orders."""
            return pl.len() <= 2

    shop = open_shop(schemas=[customers, Ruled, lines])
    result = shop.load(
        customers="id;name\n1;a\n2;b\n",
        orders="id;customer;day;note\nx;1;soon;n\n1;1;2024-01-01;m\n"
        + "".join(f"{number};2;2024-01-01;n\n" for number in (2, 3, 4)),
        lines="order;price;note\n4;1;n\n",
        halt_on=ERROR,
    )
    assert result.is_success, result.messages
    broken = ["RULE_VIOLATED"]
    assert reasons(result)["orders"] == {
        0: ["CONVERSION_FAILED"] * 2,
        **dict.fromkeys(range(1, 5), broken),
    }
    assert reasons(result)["lines"] == {0: ["QUARANTINE_ORPHAN"]}
    aside = result.quarantine["orders"]["_messages"].to_list()
    assert aside[1:3] == [
        ["note: Value is none of 'n'"],
        ["customer: Customer has more than two orders"],
    ]
    found = [(one.row, one.key) for one in result.messages if one.code == "RULE_VIOLATED"]
    assert found == [(1, "is_in"), (2, "few"), (3, "few"), (4, "few")]


def test_messages_and_failing_rows_count_the_rows_of_the_file(shop):
    result = shop.load(customers="id;name\nx;a\n1;b\n1;c\n")
    found = result.validation_result
    assert [m.row for m in found if m.code == "PK_DUPLICATE"] == [1, 2]
    assert found.failing_rows()["row"].to_list() == [1, 2]
    [failed] = [m for m in found if m.code == "CONVERSION_FAILED"]
    assert "'x' (row 0)" in failed.message


def test_what_is_found_after_bad_rows_are_out_counts_the_rows_of_the_file(shop):
    """The first pass only sees values of another form; the second one, days that do not exist."""
    days = ["soon", "01/02/2024", "31/02/2024", "13/02/2024", "later", "14/02/2024"]
    text = "\n".join(f"{n};1;{day};n" for n, day in enumerate(days))
    result = shop.load(customers="id;name\n1;a\n", orders=f"id;customer;day;note\n{text}\n")
    assert sorted(reasons(result)["orders"]) == [0, 2, 4]
    assert any("'31/02/2024' (row 2)" in m.message for m in result.messages)
    assert result.datasource.get_table("orders")["day"].dt.day().to_list() == [1, 13, 14]


def test_one_odd_value_at_the_start_does_not_put_the_whole_column_aside(shop):
    text = "1;1;02/13/2024;n\n2;1;2024-02-13;n\n3;1;2024-02-14;n\n4;1;2024-02-15;n\n"
    result = shop.load(customers="id;name\n1;a\n", orders=f"id;customer;day;note\n{text}")
    assert reasons(result) == {"orders": {0: ["CONVERSION_FAILED"]}}


def test_the_sum_of_what_is_over_the_limit_is_settled_as_well(shop):
    text = "id;name\n" + "1;a\n" * 200 + "2;b\n"
    result = shop.load(customers=text, halt_on=ERROR)
    assert result.is_success
    assert any(m.row is None and m.code == "PK_DUPLICATE" for m in result.messages)
    assert result.datasource.get_table("customers").rows() == [(2, "b")]


def test_a_table_of_bad_rows_only_is_empty_in_its_declared_types(shop):
    result = shop.load(customers="id;name\nx;a\ny;b\n", halt_on=ERROR)
    assert result.is_success
    assert result.datasource.get_table("customers").schema == {"id": pl.Int64, "name": pl.String}
    assert result.datasource.get_table("customers_quarantine").height == 2


# --- settings -------------------------------------------------------------------------------


def test_of_duplicates_the_first_may_stay(shop):
    result = shop.load(**BAD, quarantine=Quarantine(keep_first=True), halt_on=ERROR)
    assert result.is_success
    assert result.datasource.get_table("customers").rows() == [(1, "a"), (2, "b")]
    assert reasons(result)["customers"] == {2: ["PK_DUPLICATE"]}
    assert 1 not in reasons(result)["orders"]


def test_the_first_that_nothing_else_is_wrong_with_stays(open_shop):
    shop = open_shop(factory=Checked)
    settings = Quarantine(keep_first=True)
    result = shop.load(customers="id;name\n1;\n1;a\n1;b\n", quarantine=settings)
    assert result.datasource.get_table("customers").rows() == [(1, "a")]
    assert reasons(result)["customers"] == {0: ["NULL_VALUE", "PK_DUPLICATE"], 2: ["PK_DUPLICATE"]}


def test_only_some_codes_put_rows_aside_and_the_others_count(shop):
    settings = Quarantine(codes={"CONVERSION_FAILED"})
    result = shop.load(**BAD, quarantine=settings, halt_on=ERROR)
    assert result.is_failure
    assert reasons(result) == {
        "orders": {2: ["CONVERSION_FAILED"]},
        "lines": {2: ["CONVERSION_FAILED"], 3: ["CONVERSION_FAILED"]},
    }
    settings = Quarantine(codes={"PK_DUPLICATE"})
    result = shop.load(**BAD, quarantine=settings)
    assert list(result.quarantine) == ["customers"]
    assert result.datasource.get_table("lines").schema["price"] == pl.String


def test_orphans_may_stay(shop):
    result = shop.load(**BAD, quarantine=Quarantine(orphans=False), halt_on=ERROR)
    assert reasons(result)["orders"] == {2: ["CONVERSION_FAILED"]}


def test_a_warning_puts_rows_aside_if_that_is_asked_for(shop):
    text = "id;name\n1;a\n2\n"
    assert shop.load(customers=text).quarantine == {}
    result = shop.load(customers=text, quarantine=Quarantine(minimum=WARNING))
    assert reasons(result) == {"customers": {1: ["CONVERSION_AMBIGUOUS"]}}
    assert result.quarantine["customers"]["_messages"].to_list() == [
        ["name: Row has fewer than 2 fields"]
    ]


def test_too_many_bad_rows_fail_the_etl(shop):
    text = "id;name\n" + "".join(f"{n};a\n" for n in range(9)) + "x;a\n"
    assert shop.load(customers=text, quarantine=Quarantine(max_share=0.1)).is_success
    result = shop.load(customers=text + "y;a\n", quarantine=Quarantine(max_share=0.1))
    assert result.is_failure
    assert result.quarantine["customers"].height == 2
    assert result.messages[-1].code == "QUARANTINE_TOO_LARGE"
    assert shop.manager.get_data("shop").get_table("customers").height == 9


def test_the_innermost_setting_counts(open_shop):
    class Factory(SimpleETLFactory):
        quarantine = Quarantine(suffix="_bad")

    manager = StatelessDataManager(Factory, open_shop.SCHEMAS, "json", DataSource)
    shop = open_shop(manager)

    def tables(**settings):
        return shop.load(customers="id;name\nx;a\n", **settings).datasource.list_tables()

    assert tables(quarantine=INHERIT) == ["customers", "customers_bad"]
    assert tables(quarantine=True) == ["customers", "customers_quarantine"]
    manager.quarantine = False
    assert tables(quarantine=INHERIT) == ["customers"]
    assert tables(quarantine=Quarantine(suffix="!")) == ["customers", "customers!"]


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_settings_that_cannot_be_meant_are_refused(share):
    with pytest.raises(QuarantineError, match="max_share"):
        Quarantine(max_share=share)
    with pytest.raises(QuarantineError, match="suffix"):
        Quarantine(suffix="")


# --- what is no matter of rows --------------------------------------------------------------


def test_a_missing_column_counts_as_before(shop):
    result = shop.load(customers="id\n1\n1\n", halt_on=ERROR)
    assert result.is_failure
    assert reasons(result) == {"customers": {0: ["PK_DUPLICATE"], 1: ["PK_DUPLICATE"]}}
    assert shop.manager.get_data("shop") is None


class Prices(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "prices", "parquet", "single"
    ITEM = Column("item", DataType.STRING, primary_key=True)
    PRICE = Column("price", DataType.FLOAT)


def load(schema, file, **settings):
    manager = StatelessDataManager(SimpleETLFactory, [schema], "json", DataSource)
    return manager.etl_data({file.name: file}, "d", **({"quarantine": True} | settings))


def test_a_column_of_a_wrong_type_counts_as_before(tmp_path):
    path = tmp_path / "prices.parquet"
    pl.DataFrame({"item": ["a", "b"], "price": [[1.0], [2.0]]}).write_parquet(path)
    result = load(Prices, ParquetFile("prices", path), halt_on=ERROR)
    assert (result.status, result.quarantine) == ("failed", {})
    assert "CONVERSION_FAILED" in [m.code for m in result.messages]


def test_keys_of_different_types_do_not_put_the_whole_table_aside(open_shop):
    class Parents(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "customers", "csv", "single"
        ID = Column("id", DataType.STRING)
        NAME = Column("name", DataType.STRING)

    schemas = [Parents, *open_shop.SCHEMAS[1:]]
    shop = open_shop(factory=Checked, schemas=schemas)
    orders = "id;customer;day;note\n1;1;2024-01-01;n\n"
    result = shop.load(customers="id;name\n1;a\n", orders=orders)
    assert result.quarantine == {}
    assert {"FK_DTYPE_MISMATCH", "FK_VIOLATION"} <= {m.code for m in result.messages}


def test_names_that_the_quarantine_needs_are_refused(tmp_path):
    class Same(Prices):
        FREE = Column("_row", DataType.INTEGER)

    path = tmp_path / "prices.parquet"
    pl.DataFrame({"item": ["a"], "price": [1.0], "_row": [1]}).write_parquet(path)
    with pytest.raises(QuarantineError, match=r"'_row'.*prefix"):
        load(Same, ParquetFile("prices", path))
    assert load(Same, ParquetFile("prices", path), quarantine=Quarantine(prefix="q_")).is_success


class AddTable(Transformer):
    def transform(self, data):
        data["customers_quarantine"] = data["customers"]


def test_a_table_of_a_transformer_with_the_name_of_a_quarantine_is_refused(open_shop):
    class Factory(SimpleETLFactory):
        @classmethod
        def create_transformation_sequence(cls, schemas=None, logger=None):
            return TransformationSequence([AddTable()], logger)

    with pytest.raises(QuarantineError, match=r"'customers_quarantine'.*suffix"):
        open_shop(factory=Factory).load(customers="id;name\nx;a\n")


# --- components of the user's own -----------------------------------------------------------


class NoB(Validator):
    def validate(self, data):
        for row, name in enumerate(data["customers"]["name"]):
            if name == "b":
                self.add_message(ERROR, "b is not allowed", "customers", "name", row, "NO_B")
        self.add_message(ERROR, "nonsense", "customers", row=99, code="NONSENSE")
        return self.messages


def test_rows_that_are_only_named_in_messages_go_aside_too(open_shop):
    class Factory(SimpleETLFactory):
        @classmethod
        def create_validation_sequence(cls, schemas, logger=None):
            return ValidationSequence([NoB()], logger)

    result = open_shop(factory=Factory).load(customers="id;name\nx;b\n2;b\n3;c\n")
    assert reasons(result)["customers"] == {0: ["CONVERSION_FAILED"], 1: ["NO_B"]}
    assert [m.row for m in result.messages if m.code == "NO_B"] == [1]
    assert result.datasource.get_table("customers").rows() == [(3, "c")]


class OneNumber(BaseDataSource):
    def to_json(self):
        return ""

    @classmethod
    def from_json(cls, json_string):
        return cls(DataClassification.MASTER_DATA)


class OneNumberLoader(Loader):
    def load(self, name, data, validation_messages, ds_type):
        return OneNumber(ds_type, name, validation_messages)


def test_a_datasource_without_tables_has_its_quarantine_in_the_result(open_shop, caplog):
    class Factory(SimpleETLFactory):
        @classmethod
        def create_loader(cls, logger=None):
            return OneNumberLoader(logger)

    manager = StatelessDataManager(Factory, open_shop.SCHEMAS, "json", OneNumber)
    with caplog.at_level(logging.WARNING):
        result = open_shop(manager).load(customers="id;name\nx;a\n1;b\n")
    assert list(result.quarantine) == ["customers"]
    assert "in the ETLResult only" in caplog.text
    with pytest.raises(QuarantineError, match="no rows in quarantine"):
        manager.replay_data("shop")


# --- formats --------------------------------------------------------------------------------


class Sheet(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "xlsx", "single"
    _CSV = CSVDialect(decimal_mark=",")
    ID = Column("id", DataType.INTEGER)
    PRICE = Column("price", DataType.FLOAT)


def test_cells_of_a_workbook_are_read_by_their_kind_once_bad_ones_are_out(tmp_path):
    """A number is not read as text: with a decimal comma, 1.234 would become 1234."""
    path = tmp_path / "t.xlsx"
    workbook = xlsxwriter.Workbook(path)
    sheet = workbook.add_worksheet()
    for row, cells in enumerate([["id", "price"], [1, 1.234], [2, "2,5"], [3, "free"], [4, 4]]):
        sheet.write_row(row, 0, cells)
    sheet.write_formula(5, 1, "=NA()", value="#N/A")
    sheet.write_number(5, 0, 5)
    workbook.close()
    result = load(Sheet, XLSXFile("t", path))
    assert reasons(result) == {"t": {2: ["CONVERSION_FAILED"], 4: ["CONVERSION_FAILED"]}}
    assert result.datasource.get_table("t").rows() == [(1, 1.234), (2, 2.5), (4, 4.0)]
    assert "error of the workbook" in result.quarantine["t"]["_messages"].to_list()[1][0]


class Nested(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "shop", "json", "multi"
    ORDER = ColumnGroup("order", [Column("id", DataType.INTEGER, primary_key=True)])
    LINE = ColumnGroup(
        "line",
        [
            Column("order", DataType.INTEGER, foreign_key=("order", "id")),
            Column("n", DataType.INTEGER),
        ],
        source_path=("lines",),
    )


def test_tables_of_one_document_are_sorted_together(tmp_path):
    path = tmp_path / "shop.json"
    path.write_text(
        '[{"id":1,"lines":[{"n":1},{"n":"x"}]},{"id":"y","lines":[{"n":3}]},{"id":1,"lines":[]}]'
    )
    manager = StatelessDataManager(SimpleETLFactory, [Nested], "json", DataSource, quarantine=True)
    result = manager.etl_data({"shop": JSONFile("shop", path)}, "d")
    assert reasons(result) == {
        "shop.order": {
            0: ["PK_DUPLICATE"],
            1: ["CONVERSION_FAILED"],
            2: ["PK_DUPLICATE"],
        },
        "shop.line": {
            0: ["QUARANTINE_ORPHAN"],
            1: ["CONVERSION_FAILED"],
            2: ["CONVERSION_FAILED"],
        },
    }
    mended = {
        "shop.order": pl.DataFrame({"_row": [1, 2], "id": [2, 3]}),
        "shop.line": pl.DataFrame({"_row": [1, 2], "n": [2, 3], "order": [1, 2]}),
    }
    replayed = manager.replay_data("d", mended)
    assert replayed.quarantine == {}
    assert replayed.datasource.get_table("shop.line").rows() == [(1, 1), (1, 2), (2, 3)]


class Parts(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
    ID = Column("id", DataType.INTEGER)
    NAME = Column("name", DataType.STRING)


def test_rows_of_parts_are_counted_over_all_of_them(tmp_path):
    for name, text in (("a", "id;name\n1;a\nx;b\n"), ("b", "id;name\n3;c\ny;d\n5\n")):
        (tmp_path / f"{name}.csv").write_text(text)
    file = CSVFile("t", str(tmp_path / "*.csv"))
    result = load(Parts, file, quarantine=Quarantine(minimum=WARNING))
    assert sorted(reasons(result)["t"]) == [1, 3, 4]
    assert result.datasource.get_table("t").rows() == [(1, "a"), (3, "c")]


def test_parts_of_different_types_are_not_read_from_their_texts(tmp_path):
    """The texts of numbers are not what was in the files: the column stays as it was before."""
    pl.DataFrame({"item": ["a"], "price": [1.5]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"item": ["b"], "price": ["free"]}).write_parquet(tmp_path / "b.parquet")
    result = load(Prices, ParquetFile("prices", str(tmp_path / "*.parquet")))
    assert result.quarantine == {}
    assert result.datasource.get_table("prices")["price"].to_list() == ["1.5", "free"]
    assert "CONVERSION_FAILED" in [m.code for m in result.messages]


def test_columns_that_transformers_add_do_not_matter(open_shop):
    class Wide(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "customers", "csv", "single"
        ID = Column("id", DataType.INTEGER, primary_key=True)
        NAME = Column("name", DataType.STRING)
        RANK = Column("rank", DataType.INTEGER, optional=True, default=7)

    class Factory(SimpleETLFactory):
        @classmethod
        def create_transformation_sequence(cls, schemas=None, logger=None):
            return TransformationSequence([OptionalColumnGuard(schemas, logger)], logger)

    shop = open_shop(factory=Factory, schemas=[Wide])
    result = shop.load(customers="id;name\nx;a\n2;b\n")
    assert result.quarantine["customers"].columns == ["id", "name", "_row", "_reasons", "_messages"]
    result = shop.manager.replay_data("shop", {"customers": pl.DataFrame({"_row": [0], "id": [1]})})
    assert result.datasource.get_table("customers").rows() == [(1, "a", 7), (2, "b", 7)]


def test_results_with_a_quarantine_are_values_that_can_be_compared_and_shown(shop):
    result = shop.load(**BAD)
    assert result == result  # noqa: PLR0124  comparing frames would raise
    assert "shape" not in repr(result)
    again = DataSource.from_json(result.datasource.to_json())
    for name, frame in result.datasource.tables.items():
        assert again.get_table(name).to_dicts() == frame.to_dicts()


def test_a_finding_that_is_named_beside_its_rule_puts_its_row_aside(open_shop):
    """A check may report some rows by the column and one more by itself."""

    class Both(Validator):
        def validate(self, data):
            names = data["customers"].select("name")
            rows = pl.Series([0], dtype=pl.UInt32)
            self.report_rows(ERROR, "Bad", rows, names, table="customers", code="BAD")
            self.add_message(ERROR, "Bad, too", "customers", "name", 2, "BAD")
            return self.messages

    class Factory(SimpleETLFactory):
        @classmethod
        def create_validation_sequence(cls, schemas, logger=None):
            return ValidationSequence([Both()], logger)

    shop = open_shop(factory=Factory)
    result = shop.load(customers="id;name\n1;a\n2;b\n3;c\n", halt_on=ERROR)
    assert result.is_success
    assert reasons(result) == {"customers": {0: ["BAD"], 2: ["BAD"]}}


def test_a_finding_about_a_whole_table_counts_beside_those_about_rows(open_shop):
    class Both(Validator):
        def validate(self, data):
            names = data["customers"].select("name")
            rows = pl.Series([0], dtype=pl.UInt32)
            self.report_rows(ERROR, "Bad", rows, names, table="customers", code="BAD")
            self.add_message(ERROR, "All of it is bad", "customers", None, None, "BAD_TABLE")
            return self.messages

    class Factory(SimpleETLFactory):
        @classmethod
        def create_validation_sequence(cls, schemas, logger=None):
            return ValidationSequence([Both()], logger)

    shop = open_shop(factory=Factory)
    result = shop.load(customers="id;name\n1;a\n2;b\n", halt_on=ERROR)
    assert result.is_failure
    assert reasons(result) == {"customers": {0: ["BAD"]}}


def test_without_one_nothing_of_it_is_called(open_shop):
    called = set()

    def note(frame, event, argument):
        if event == "call":
            called.add(frame.f_globals.get("__name__", ""))

    shop = open_shop()
    shop.load(**BAD, quarantine=False)
    sys.setprofile(note)
    try:
        shop.load(**BAD, quarantine=False)
    finally:
        sys.setprofile(None)
    assert "algomancy_data.validator.sequence" in called
    assert [name for name in called if name.startswith("algomancy_data.quarantine")] == []


# --- code of users ---------------------------------------------------------------------------


def test_what_an_extractor_of_a_users_own_finds_elsewhere_is_told_as_well(open_shop):
    class Own(CSVSingleExtractor):
        def extract(self):
            tables = super().extract()
            note = ConversionIssue("delivery", "all", DataType.STRING, "It is late.")
            self.conversion_issues.append(note)
            return tables

    class Factory(SimpleETLFactory):
        @classmethod
        def create_extraction_sequence(cls, files=None, schemas=None, logger=None):
            return ExtractionSequence([Own(files["customers"], schemas["customers"], logger)])

    manager = StatelessDataManager(Factory, open_shop.SCHEMAS, "json", DataSource)
    found = open_shop(manager).load(customers="id;name\nx;a\n1;b\n")
    assert found.datasource.get_table("customers").rows() == [(1, "b")]
    late = [message for message in found.messages if message.table == "delivery"]
    assert [(message.code, message.message) for message in late] == [
        ("CONVERSION_FAILED", "It is late.")
    ]


def test_an_extraction_of_a_users_own_may_add_and_change_tables(open_shop):
    class Sequence(ExtractionSequence):
        def run_extraction(self):
            tables = super().run_extraction()
            doubled = tables["customers"].with_columns(name=pl.col("name") + pl.col("name"))
            return tables | {"customers": doubled, "days": pl.DataFrame({"day": [1]})}

    class Factory(SimpleETLFactory):
        @classmethod
        def create_extraction_sequence(cls, files=None, schemas=None, logger=None):
            return Sequence([CSVSingleExtractor(files["customers"], schemas["customers"])])

    manager = StatelessDataManager(Factory, open_shop.SCHEMAS, "json", DataSource)
    found = open_shop(manager).load(customers="id;name\nx;a\n1;b\n")
    assert found.datasource.get_table("customers").rows() == [(1, "bb")]
    assert found.quarantine["customers"].select("id", "name", "_row").rows() == [("x", "aa", 0)]
    assert found.datasource.get_table("days").rows() == [(1,)]


def test_cells_of_several_kinds_are_read_again_for_an_extractor_of_a_users_own(tmp_path):
    class Own(XLSXSingleExtractor):
        def extract(self):
            return {name: table.head(3) for name, table in super().extract().items()}

    class Factory(SimpleETLFactory):
        @classmethod
        def create_extraction_sequence(cls, files=None, schemas=None, logger=None):
            return ExtractionSequence([Own(files["t"], schemas["t"], logger=logger)])

    class Prices(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "xlsx", "single"
        PRICE = Column("price", DataType.FLOAT)

    workbook = xlsxwriter.Workbook(tmp_path / "t.xlsx")
    workbook.add_worksheet().write_column(0, 0, ["price", 1.5, "free", 2])
    workbook.close()
    manager = StatelessDataManager(Factory, [Prices], "json", DataSource)
    files = {"t": XLSXFile("t", tmp_path / "t.xlsx")}
    found = manager.etl_data(files, "d", quarantine=True)
    assert found.datasource.get_table("t").rows() == [(1.5,), (2.0,)]
    assert reasons(found) == {"t": {1: ["CONVERSION_FAILED"]}}


def test_of_a_table_that_is_extracted_twice_the_later_one_is_sorted(open_shop):
    class Factory(SimpleETLFactory):
        @classmethod
        def create_extraction_sequence(cls, files=None, schemas=None, logger=None):
            old = CSVFile("customers", content="data:text/csv;base64,aWQ7bmFtZQp4O2EKeTtiCg==")
            both = [CSVSingleExtractor(f, schemas["customers"]) for f in (old, files["customers"])]
            return ExtractionSequence(both)

    manager = StatelessDataManager(Factory, open_shop.SCHEMAS, "json", DataSource)
    found = open_shop(manager).load(customers="id;name\n1;a\n2;b\nz;c\n")
    assert reasons(found) == {"customers": {2: ["CONVERSION_FAILED"]}}
    assert found.datasource.get_table("customers").rows() == [(1, "a"), (2, "b")]
