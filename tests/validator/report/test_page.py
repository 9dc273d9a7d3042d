"""What a report says: exact counts, the right rows, bounded; looked at without a browser."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise

import polars as pl
import pytest

from algomancy_data import (
    Column,
    DataType,
    ForeignKeyValidator,
    MissingValueValidator,
    PrimaryKeyValidator,
    RuleValidator,
    Schema,
    SimpleETLFactory,
    ValidationMessage,
    ValidationResult,
    ValidationSequence,
    ValidationSeverity,
    rule,
)
from algomancy_data.errors import FrameError
from algomancy_data.file import CSVFile

INFO, WARNING, ERROR, CRITICAL = ValidationSeverity
VOID = {"meta", "link"}


class Page(HTMLParser):
    """The tables and texts of a page; complains if its tags do not match."""

    def __init__(self, html):
        super().__init__()
        self.html = html
        self.open = []
        self.rows = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text += data
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data

    def row(self, start):
        [row] = [row for row in self.rows if row and row[0].startswith(start)]
        return row


def page(result, tables=None, **options):
    return Page(result.to_html(tables, **options))


def found_by(*checks, tables, **options):
    return ValidationSequence(checks, **options).run_validation(tables)


NULLS = {"t": pl.DataFrame({"id": range(20_000), "a": [None, 1] * 10_000})}


@pytest.mark.parametrize("limit", [0, 1, 100, None])
def test_counts_are_exact_whatever_the_limit_on_messages(limit):
    result = found_by(MissingValueValidator("t", "a"), tables=NULLS, message_limit=limit)
    report = page(result, NULLS)
    assert report.row("t") == ["t", "20,000", "10,000"]
    assert report.row("ERROR NULL_VALUE a")[1] == "10,00050.0% of rows"
    assert "5 of 10,000" in report.text


def test_examples_are_the_first_rows_with_the_columns_in_question_in_front():
    result = found_by(MissingValueValidator("t", "a"), tables=NULLS)
    rows = page(result, NULLS).rows
    start = rows.index(["row", "a", "id"])
    assert rows[start + 1 : start + 6] == [[f"{n}", "null", f"{n}"] for n in (0, 2, 4, 6, 8)]


def test_without_the_tables_examples_are_the_columns_in_question():
    result = found_by(MissingValueValidator("t", "a"), tables=NULLS)
    report = page(result)
    assert ["row", "a"] in report.rows
    assert report.row("t") == ["t", "10,000"]
    assert "% of rows" not in report.text


@pytest.mark.parametrize(
    "other",
    [
        pl.DataFrame({"id": [1], "a": [None]}),
        pl.DataFrame({"id": range(20_000), "a": [1, None] * 10_000}),
        pl.DataFrame({"id": range(20_000)}),
    ],
    ids=["shorter", "other values", "without the column"],
)
def test_a_table_that_is_not_the_validated_one_is_not_taken_for_it(other):
    result = found_by(MissingValueValidator("t", "a"), tables=NULLS)
    report = page(result, {"t": other})
    assert "other values in these rows" in report.text
    assert ["row", "a"] in report.rows
    assert "% of rows" not in report.text


@pytest.mark.parametrize(
    ("bad", "of", "share"),
    [(1, 3, "33.3%"), (3, 3, "100%"), (1, 5000, "< 0.1%"), (4999, 5000, "> 99.9%")],
)
def test_a_share_of_the_rows_is_never_rounded_to_none_or_all(bad, of, share):
    tables = {"t": pl.DataFrame({"a": [None] * bad + [1] * (of - bad)})}
    report = page(found_by(MissingValueValidator("t", "a"), tables=tables), tables)
    assert report.row("ERROR NULL_VALUE")[1] == f"{bad:,}{share} of rows"


def test_a_rule_across_tables_names_its_key():
    tables = {"c": pl.DataFrame({"x": [1, 2]}), "p": pl.DataFrame({"y": [1]})}
    result = found_by(ForeignKeyValidator("c", "x", "p", "y"), tables=tables)
    assert page(result, tables).row("ERROR FK_VIOLATION x c.x->p.y")[1] == "150.0% of rows"


def test_rules_of_a_schema_are_shown_by_name_with_examples_of_their_rows():
    class Houses(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "houses", "csv", "single"
        ZIP = Column("zip", DataType.STRING, regex="^[0-9]+$", max_length=3)

        @rule(group_by=["zip"])
        def neighbours(cls):
            return pl.len() > 1

    tables = {"houses": pl.DataFrame({"zip": ["<b>", "0111", "12", "12"]})}
    result = found_by(RuleValidator([Houses]), tables=tables)
    report = page(result, tables)
    for name in ("regex", "max_length", "neighbours"):
        assert name in report.text
    assert "RULE_VIOLATED, zip: all 2" in report.text
    assert ["1", "0111"] in report.rows
    glance = Page(result._repr_html_())
    assert [row[4] for row in glance.rows[1:]] == ["regex", "max_length", "neighbours"]


def test_two_keys_to_one_parent_are_two_rules():
    tables = {"c": pl.DataFrame({"x": [1, 2], "z": [3, 3]}), "p": pl.DataFrame({"y": [1]})}
    checks = [ForeignKeyValidator("c", column, "p", "y") for column in ("x", "z")]
    report = page(found_by(*checks, tables=tables))
    assert report.row("ERROR FK_VIOLATION x")[1] == "1"
    assert report.row("ERROR FK_VIOLATION z")[1] == "2"


def test_tables_and_rules_come_worst_first_and_those_without_findings_last():
    messages = [
        ValidationMessage(WARNING, "w", "mild", code="W", count=1000),
        ValidationMessage(ERROR, "e", "bad", code="E"),
        ValidationMessage(WARNING, "w", "worse", code="W"),
        ValidationMessage(ERROR, "e", "worse", code="E", count=2),
        ValidationMessage(INFO, "all is well"),
    ]
    tables = {"clean": pl.DataFrame({"a": [1]})}
    report = page(ValidationResult(is_valid=True, messages=messages), tables)
    assert [row[0] for row in report.rows[1:5]] == ["worse", "bad", "mild", "clean"]
    assert report.rows[0] == ["Table", "Rows", "Error", "Warning"]
    assert report.rows[1:5] == [
        ["worse", "", "2", "1"],
        ["bad", "", "1", "–"],
        ["mild", "", "–", "1,000"],
        ["clean", "1", "–", "–"],
    ]
    headings = [report.text.index(f"\n{name}\n") for name in ("worse", "bad", "mild")]
    assert all(before < after for before, after in pairwise(headings))
    assert "The dataset as a whole" in report.text
    assert "all is well" in report.text


def test_what_is_said_of_many_columns_is_said_once():
    messages = [
        ValidationMessage(ERROR, f"no {n}", "t", f"c{n}", code="MISSING") for n in range(30)
    ]
    report = page(ValidationResult(is_valid=True, messages=messages))
    row = report.row("ERROR MISSING c0 c1")
    assert row[1] == "30"
    assert "and 22 more columns" in row[0]
    assert row[0].endswith("no 0 and 29 more")
    assert "10 of 30" in report.text


def test_messages_of_rows_without_a_check_by_column_are_shown_themselves():
    messages = [ValidationMessage(ERROR, f"odd {n}", "t", "c", n, "ODD") for n in (4, 7)]
    report = page(ValidationResult(is_valid=True, messages=messages))
    assert ["4", "odd 4"] in report.rows
    assert ["7", "odd 7"] in report.rows


@pytest.mark.parametrize("is_valid", [True, False])
def test_the_verdict_says_what_it_depends_on(is_valid):
    report = page(ValidationResult(is_valid, [], ERROR), title="Flights & <planes>")
    wanted = "Passed nothing as bad as ERROR" if is_valid else "Failed halts on ERROR"
    assert wanted in report.text
    assert report.text.count("Flights & <planes>") == 2
    assert "Nothing was found." in report.text


def test_a_page_stays_small_however_much_was_found():
    wide = pl.DataFrame({f"c{n}": ["x" * 5000, None, None] for n in range(200)})
    tables = {"t0": wide, **{f"t{n}": wide[:, : 40 if n < 10 else 2] for n in range(1, 60)}}
    checks = [MissingValueValidator(name, wide.columns) for name in tables]
    result = found_by(*checks, tables=tables)
    result.messages.extend(
        ValidationMessage(ERROR, "y" * 5000, "t0", "z" * 5000, row, "ROWS") for row in range(20_000)
    )
    report = page(result, tables)
    assert len(report.html) < 3_000_000
    assert report.row("t0")[:3] == ["t0", "3", "20,400"]
    assert "and 10 more tables" in report.text
    assert "and 171 more rules" in report.text
    assert "188 more columns" in report.text


def test_the_same_result_gives_the_same_page():
    result = found_by(MissingValueValidator("t", "a"), tables=NULLS)
    assert result.to_html(NULLS) == result.to_html(NULLS)


def test_awkward_tables_can_be_shown():
    objects = pl.Series("o", [object(), None], dtype=pl.Object)
    columns = {"b": [b"\x00", None], "l": [[1], None], "s": [{"k": "v"}, None], "": ["", None]}
    tables = {"t": pl.DataFrame({**columns, "n": [None, None], "o": objects}), "e": pl.DataFrame()}
    result = found_by(MissingValueValidator("t", ["n", "o", ""]), tables=tables)
    report = page(result, tables)
    assert ["row", "n", "b", "l", "s", "", "o"] in report.rows
    assert report.row("e") == ["e", "0", "–"]
    with pytest.raises(FrameError, match="'odd'"):
        result.to_html({"odd": 5})


def test_nothing_on_the_page_comes_from_elsewhere():
    html = found_by(MissingValueValidator("t", "a"), tables=NULLS).to_html(NULLS)
    assert (
        re.findall(r"""(?:src|href)=["']?(?!#|data:)[^"'> ]+|url\(|@import|https?://""", html) == []
    )
    assert "<script" not in html


def test_the_report_of_an_etl_run_has_exact_counts(tmp_path):
    class Flights(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "flights", "csv", "single"
        ID = Column("id", DataType.INTEGER, primary_key=True)
        DAY = Column("day", DataType.INTEGER)

    class Checked(SimpleETLFactory):
        check_constraints = True

    path = tmp_path / "flights.csv"
    path.write_text("id;day\n" + "1;\n" * 500 + "2;1\n", encoding="utf-8")
    files = {"flights": CSVFile("flights", path=str(path))}
    result = Checked.build_pipeline("d", files, {"flights": Flights}).run()
    assert result.is_success, result.messages
    report = page(result.validation_result, result.datasource.tables)
    assert report.row("flights") == ["flights", "501", "1,000"]
    assert report.row("ERROR PK_DUPLICATE id")[1] == "50099.8% of rows"
    assert result.validation_result.failing_rows().height == 1000


def test_values_that_did_not_convert_are_counted_one_by_one(tmp_path):
    class Flights(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "flights", "csv", "single"
        DAY = Column("day", DataType.INTEGER)

    path = tmp_path / "flights.csv"
    path.write_text("day\n" + "x\n" * 300 + "1\n", encoding="utf-8")
    files = {"flights": CSVFile("flights", path=str(path))}
    result = SimpleETLFactory.build_pipeline("d", files, {"flights": Flights}).run()
    counts = dict(result.validation_result.summary().select("code", "count").iter_rows())
    assert counts["CONVERSION_FAILED"] == 300


def _run_python(code):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_great_tables_is_imported_only_for_a_report():
    code = """
import sys, algomancy_data as data
data.ValidationResult(True)._repr_html_()
print("great_tables" in sys.modules)
data.ValidationResult(True).to_html()
print("great_tables" in sys.modules)
"""
    assert _run_python(code).split() == ["False", "True"]


def test_without_the_extra_the_error_names_it():
    code = """
import sys
sys.modules["great_tables"] = None
import algomancy_data as data
try:
    data.ValidationResult(True).to_html()
except data.errors.MissingExtraError as error:
    print(error)
"""
    assert "pip install 'algomancy-data[report]'" in _run_python(code)


def test_a_notebook_shows_the_verdict_and_the_rules_without_the_extra():
    tables = {"<t>": pl.DataFrame({"a": [None] * 5000})}
    result = found_by(MissingValueValidator("<t>", "a"), tables=tables, halt_on=ERROR)
    glance = Page(result._repr_html_())
    assert "Validation failed with 5,000 errors · fails at ERROR or worse" in glance.text
    shown = "Value is missing: a=None"
    assert glance.rows[1] == ["ERROR", "NULL_VALUE", "<t>", "a", "5,000", shown]
    assert Page(ValidationResult(is_valid=True)._repr_html_()).rows == []


def test_a_notebook_shows_the_first_rules_only():
    messages = [ValidationMessage(ERROR, "m", "t", f"{n}" + "c" * 500) for n in range(1000)]
    html = ValidationResult(is_valid=True, messages=messages)._repr_html_()
    assert "and 980 more rules" in html
    assert len(html) < 10_000


def test_the_primary_key_check_shows_every_member_of_a_group():
    class Airlines(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "airlines", "csv", "single"
        CARRIER = Column("carrier", DataType.STRING, primary_key=True)

    tables = {"airlines": pl.DataFrame({"carrier": ["AA", "UA", "AA"]})}
    report = page(found_by(PrimaryKeyValidator([Airlines]), tables=tables), tables)
    assert ["0", "AA"] in report.rows
    assert ["2", "AA"] in report.rows
    assert "all 2" in report.text
