"""What objects show of themselves in a notebook and to ``print``: short, safe, nothing is read."""

from __future__ import annotations

import datetime as dt
import logging
import re
from html.parser import HTMLParser

import polars as pl
import pytest
import sqlalchemy as sa

from algomancy_data import (
    Column,
    CSVFile,
    DataSource,
    DataType,
    Metrics,
    PhaseMetrics,
    Schema,
    SimpleETLFactory,
    StatefulDataManager,
    StatelessDataManager,
    ValidationMessage,
    ValidationResult,
    ValidationSeverity,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.display.grid import Grid
from algomancy_data.display.objects import Display
from algomancy_data.errors import StoreError
from algomancy_data.etl import ETLResult
from algomancy_data.inference import infer_schemas
from algomancy_data.provenance import InputFile, Load, Provenance, TableSize

HOSTILE = [
    "<script>alert(1)</script>",
    "</td></table><style>*{display:none}</style>",
    "'\"><img src=x onerror=alert(1)>",
    "&lt;b&gt;",
    "a\nb\u202e\0",
    "x" * 1000,
]
TAGS = {"div", "style", "p", "b", "table", "thead", "tbody", "tr", "th", "td"}
ERROR, INFO = ValidationSeverity.ERROR, ValidationSeverity.INFO


class Seen(HTMLParser):
    """What is in a piece of HTML: tags, attributes, and texts beside the style."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.texts, self._open = [], [], [], []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend(attrs)
        self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open[-1] != "style":
            self.texts.append(data)


def source_of(tables, name="air", messages=()):
    source = DataSource("master_data", name, list(messages), "1", dt.datetime(2024, 2, 29, 12, 30))
    for table, frame in tables.items():
        source.add_table(table, frame)
    return source


def test_a_data_source_shows_tables_sizes_origin_and_findings():
    found = [ValidationMessage(ERROR, "null key", "t", "id", code="NULL", count=3)]
    source = source_of({"t": {"id": [1, 2], "name": ["a", None]}, "u": {"x": [0.5]}}, "air", found)
    source.provenance = Provenance(files=(InputFile("t", "csv"), InputFile("u", "csv")))
    title, *lines = str(source).splitlines()
    assert title == (
        "DataSource 'air' · master_data · created 2024-02-29 12:30 · 2 tables · 3 rows · 25 B"
        " · from 2 files · 3 errors"
    )
    assert lines == [
        "  table  rows  columns  memory  first columns",
        "  t         2        2  17 B    id Int64, name String",
        "  u         1        1  8 B     x Float64",
        "  severity  code  table  column  findings  first message",
        "  ERROR     NULL  t      id             3  null key",
    ]
    assert repr(source) == "<DataSource 'air' (master_data): t 2 × 2, u 1 × 1>"


def test_html_and_text_say_the_same():
    source = source_of({"t": {"id": [1, 2]}}, "air", [ValidationMessage(INFO, "fine", "t")])
    words = re.split(r"\s*[·\n]\s*|\s{2,}", str(source))
    seen = [word for text in Seen(source._repr_html_()).texts for word in text.split(" · ") if word]
    assert seen == [word for word in words if word]


def test_the_outcome_of_an_etl_shows_status_tables_findings_and_phases(tmp_path):
    class Stations(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "stations", "csv", "single"
        CODE = Column("code", DataType.STRING, primary_key=True)

    path = tmp_path / "stations.csv"
    path.write_text("code\nAMS\nAMS\n")
    manager = StatelessDataManager(SimpleETLFactory, [Stations], "json", DataSource)
    file = CSVFile("stations", path=str(path))
    result = manager.etl_data({"stations": file}, "air")
    title, *lines = str(result).splitlines()
    assert title.startswith("ETL: success · DataSource 'air' · 1 table · 2 rows · ")
    assert lines[1].split()[:3] == ["stations", "2", "1"]
    assert [line.split()[0] for line in lines[-5:]] == [
        *("extract", "validate", "transform", "load", "persist")
    ]
    assert "PK_DUPLICATE" in str(result)
    assert repr(result).startswith("<ETLResult success: <DataSource 'air' (master_data): stations")
    assert repr(result).endswith("; 2 ERROR, 1 INFO>")


def test_an_etl_that_failed_says_why_and_what_is_in_quarantine(tmp_path):
    missing = ETLResult("failed", raised=FileNotFoundError("no <file>"))
    assert str(missing) == "ETL: failed · no findings\n  FileNotFoundError: no <file>"
    assert repr(missing) == "<ETLResult failed: no data; no messages>"
    aside = ETLResult("failed", quarantine={"t": pl.DataFrame({"a": [1, 2]})})
    assert str(aside).splitlines()[-1].split() == ["t", "2"]
    timed = ETLResult("failed", metrics=(PhaseMetrics("extract", 2.0, 1000),))
    assert str(timed).splitlines()[-1].split() == ["extract", "1,000", "2.000", "500"]


def hostile_things(tmp_path):
    tables = {name: {column: [1] for column in HOSTILE} for name in HOSTILE}
    found = [ValidationMessage(ERROR, text, text, text, code=text, key=text) for text in HOSTILE]
    source = source_of(tables, HOSTILE[0], found)
    source.provenance = Provenance(derived_from=HOSTILE[2])
    error = ValueError(HOSTILE[1])
    quarantine = {name: pl.DataFrame({"a": [1]}) for name in HOSTILE}
    result = ETLResult(
        "failed", source, ValidationResult(is_valid=False, messages=found), error, (), quarantine
    )
    manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
    for name in HOSTILE:
        manager.add_data_source(source_of(tables, name.replace("\0", ""), found))
    return [source, result, manager, result.validation_result]


@pytest.mark.parametrize("number", range(4))
def test_hostile_names_are_text(tmp_path, number):
    thing = hostile_things(tmp_path)[number]
    seen = Seen(thing._repr_html_())
    assert set(seen.tags) <= TAGS
    assert seen.tags.count("style") == 1
    assert {value for _, value in seen.attributes} <= {"algomancy-display", "n", "0"}
    for text in [*seen.texts, *str(thing).splitlines()]:
        assert text.isprintable()
        assert len(text) < 1500
    assert any(HOSTILE[0] in text for text in seen.texts)
    assert len(thing._repr_html_()) < 40_000


def test_a_glance_shows_the_first_tables_and_rules_only():
    messages = [ValidationMessage(ERROR, "m", f"t{n}", count=2) for n in range(10_000)]
    source = source_of({f"t{n}": pl.DataFrame({"a": [n]}) for n in range(10_000)}, "d", messages)
    html = source._repr_html_()
    assert "10,000 tables · 10,000 rows" in html
    assert "20,000 errors" in html
    assert "… and 9,980 more tables." in html
    assert "… and 9,980 more rules." in html
    assert len(html) < 10_000
    assert len(repr(source)) < 1000
    assert repr(source).endswith("and 9,980 more tables>")


def test_what_is_worst_comes_first_and_empty_columns_are_left_out():
    messages = [ValidationMessage(INFO, "fine"), ValidationMessage(ERROR, "bad", "t")]
    lines = str(ValidationResult(is_valid=True, messages=messages)).splitlines()
    assert lines[1].split() == ["severity", "table", "findings", "first", "message"]
    assert [line.split()[0] for line in lines[2:]] == ["ERROR", "INFO"]


def test_nothing_is_a_title_alone():
    assert Display("Box", grids=[Grid.from_rows(("a",), [])]).to_text() == "Box"
    assert "<table" not in Display("Box", grids=[Grid.from_rows(("a",), [])]).to_html()
    assert str(source_of({}, "air")).endswith("no tables")


# --- managers -----------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "folder", "sqlite"])
def opened(request, tmp_path):
    """Opens managers on one place; they forget what they had in memory."""
    managers = {}

    def open_manager():
        if request.param == "memory":
            return managers.setdefault(
                "", StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
            )
        if request.param == "folder":
            with pytest.warns(DeprecationWarning, match="StatefulDataManager"):
                manager = StatefulDataManager(
                    SimpleETLFactory, [], tmp_path / "data", "json", DataSource
                )
        else:
            url = f"sqlite:///{tmp_path / 'data.db'}"
            manager = DatabaseDataManager(SimpleETLFactory, [], url, "s", DataSource)
            request.addfinalizer(manager.close)
        manager.startup()
        return manager

    return open_manager


def test_a_manager_shows_its_datasets_the_newest_first(opened):
    found = [ValidationMessage(ERROR, "bad", count=3), ValidationMessage(INFO, "fine")]
    manager = opened()
    manager.add_data_source(source_of({"t": {"a": [1, 2]}, "u": {"b": ["x"]}}, "old", found))
    manager.derive_data("old", "new")
    title, head, new, old = str(opened()).splitlines()
    assert title.startswith(f"{type(manager).__name__} · ")
    assert title.endswith(" · 2 datasets")
    assert head.split()[:5] == ["dataset", "type", "created", "tables", "rows"]
    assert new.split()[:6] == ["new", "derived_data", "2024-02-29", "12:30", "2", "3"]
    assert old.split()[:6] == ["old", "master_data", "2024-02-29", "12:30", "2", "3"]
    assert old.endswith("3 ERROR, 1 INFO")


def test_a_manager_shows_the_newest_of_many_datasets(opened):
    manager = opened()
    for number in range(25):
        manager.add_data_source(source_of({"t": {"a": [number]}}, f"d{number}"))
    html = opened()._repr_html_()
    assert "25 datasets" in html
    assert "… and 5 older ones." in html
    assert [n for n in range(25) if f">d{n}<" in html] == list(range(5, 25))
    assert len(html) < 10_000


def test_metadata_is_that_of_the_frames_in_order_of_creation(opened):
    manager = opened()
    for number in range(3):
        manager.add_data_source(source_of({"t": {"a": [0] * number}}, f"d{number}"))
    manager.add_data_source(source_of({}, "empty"))
    infos = opened().describe_all()
    assert [info.name for info in infos] == manager.get_data_keys()
    assert [(info.rows, len(info.tables)) for info in infos] == [*((0, 1), (1, 1), (2, 1), (0, 0))]
    assert opened().describe_all(2) == infos[2:]
    assert opened().describe_all(0) == []
    assert opened().describe_all(9) == infos
    assert infos[1].bytes >= 8


def test_a_manager_with_nothing_says_so(opened):
    assert str(opened()).endswith("0 datasets")


def test_the_repr_of_a_manager_says_where_and_asks_nobody(opened, tmp_path):
    assert repr(opened()) in {
        "<StatelessDataManager in memory>",
        f"<StatefulDataManager in {str(tmp_path / 'data')!r}>",
        f"<DatabaseDataManager sqlite:///{tmp_path / 'data.db'}, session 's'>",
    }


def test_a_store_that_is_down_is_shown_with_the_reason_and_without_the_password():
    url = "postgresql://user:hush@127.0.0.1:1/none"
    manager = DatabaseDataManager(SimpleETLFactory, [], url, "s", DataSource)
    with pytest.raises(StoreError):
        manager.startup()
    for shown in (str(manager), manager._repr_html_(), repr(manager)):
        assert "hush" not in shown
        assert "user:***@127.0.0.1:1/none" in shown
    assert "Check that the server is running" in str(manager)


def test_a_manager_that_was_not_started_says_what_to_do(tmp_path):
    url = f"sqlite:///{tmp_path / 'data.db'}"
    manager = DatabaseDataManager(SimpleETLFactory, [], url, "s", DataSource)
    assert "call startup() first" in manager._repr_html_()


def test_a_glance_at_ten_thousand_datasets_reads_no_table_and_few_rows(tmp_path):
    url = f"sqlite:///{tmp_path / 'data.db'}"
    manager = DatabaseDataManager(SimpleETLFactory, [], url, "s", DataSource)
    manager.startup()
    manager.add_data_source(source_of({"t": {"a": [1]}}, "first"))
    copies = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
        INSERT INTO algomancy_datasets
        SELECT session_id, 'd' || i, id, ds_type, creation_datetime, '2999-01-01 00:00:00.000000',
               version, format_version, sub_tables, payload, payload_layout, provenance, messages
        FROM algomancy_datasets, n
    """
    with manager.engine.begin() as connection:
        connection.exec_driver_sql(copies)
        connection.exec_driver_sql("DROP TABLE ds__s__first__t")
    statements = []
    listen = sa.event.listens_for(manager.engine, "before_cursor_execute")
    listen(lambda *seen: statements.append(seen[2]))
    html = manager._repr_html_()
    assert "10,000 datasets" in html
    assert "… and 9,980 older ones." in html
    assert len(html) < 10_000
    selects = [text for text in statements if text.startswith("SELECT")]
    assert len(selects) == 2
    assert all("ds__" not in text for text in selects)
    manager.close()


def test_a_manager_of_a_folder_opens_no_table_to_be_shown(tmp_path):
    with pytest.warns(DeprecationWarning, match="StatefulDataManager"):
        manager = StatefulDataManager(SimpleETLFactory, [], tmp_path, "json", DataSource)
    manager.add_data_source(source_of({"t": {"a": [1]}}, "d"))
    for table in (tmp_path / ".algomancy-data").rglob("*.arrow"):
        table.unlink()
    manager.refresh()
    assert "1 dataset" in manager._repr_html_()
    assert manager.describe_all()[0].rows == 1


def test_old_files_and_raw_directories_of_a_folder_have_metadata(tmp_path):
    (tmp_path / "old.json").write_text(source_of({"t": {"a": [1, 2]}}, "old").to_json())
    with pytest.warns(DeprecationWarning, match="StatefulDataManager"):
        manager = StatefulDataManager(SimpleETLFactory, [], tmp_path, "json", DataSource)
    manager.startup()
    (info,) = manager.describe_all()
    assert (info.name, info.rows, info.ds_type) == ("old", 2, "master_data")


def test_being_shown_tells_the_logger_nothing(opened, caplog):
    manager = opened()
    with caplog.at_level(logging.DEBUG, "algomancy_data"):
        caplog.clear()
        str(manager)
    assert caplog.records == []


def test_a_validation_that_passed_says_with_what():
    messages = [ValidationMessage(ERROR, "?", "t", count=6), ValidationMessage(INFO, "well")]
    passed = ValidationResult(True, messages)  # noqa: FBT003  as it is made everywhere
    title = str(passed).splitlines()[0]
    assert title == "Validation passed with 6 errors, 1 note · fails at CRITICAL or worse"
    assert str(ValidationResult(True, [])).startswith("Validation passed without findings")  # noqa: FBT003


def test_metrics_and_provenance_show_phases_files_and_tables():
    phases = Metrics([PhaseMetrics("extract", 0.5, 1000, dataset="air", peak_memory=2_000_000)])
    shown = str(phases)
    assert shown.startswith("Metrics · 1 phase · 0.500 s")
    assert "extract  air      1,000    0.500" in shown
    file = InputFile("t", "csv", "/in/t.csv", 12, "f" * 64)
    load = Load("append", added={"t": 5})
    made = Provenance(files=(file,), tables={"t": TableSize(7, 56)}, phases=phases, loads=(load,))
    texts = Seen(made._repr_html_()).texts
    assert {"ffffffffffff…", "/in/t.csv", "56 B", "append", "extract"} <= {*texts}
    assert repr(made).startswith("Provenance(library=")


def test_what_is_inferred_shows_tables_columns_and_what_they_are_declared_as(tmp_path):
    (tmp_path / "people.csv").write_text("id;name\n1;Ann\n2;\n")
    found = infer_schemas([tmp_path / "people.csv"])
    texts = Seen(found._repr_html_()).texts
    assert texts[:2] == ["1 table found in 1 file", " · 2 columns · to_module() declares them"]
    assert {"people", "people.csv", "INTEGER", "primary key", "STRING", "nullable"} <= {*texts}
    assert len(str(found).splitlines()) == 1
