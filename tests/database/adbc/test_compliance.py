"""SQLAlchemy's compliance suite, in a process of its own: its plugin takes pytest over."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import sqlalchemy as sa

SUITE = Path(__file__).with_name("suite")
PAGE = Path(__file__).parents[3] / "docs" / "dialects.md"
DEVIATIONS = runpy.run_path(str(SUITE / "deviations.py"))
# A suite that runs hardly any tests would agree with everything.
FEWEST = {"postgresql": 1_850, "sqlite": 1_500}


@pytest.fixture(params=FEWEST)
def url(request):
    """An empty database, with the schemas that the suite asks for."""
    if request.param == "sqlite":
        return sa.make_url("sqlite+adbc:///suite.db")  # the suite makes other files beside it
    native = request.getfixturevalue("new_database")("compliance")
    url = sa.make_url(native).set(drivername="postgresql+adbc", password=None)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for schema in ("test_schema", "test_schema_2"):
            connection.execute(sa.schema.CreateSchema(schema))
    return url


def run(url, folder):
    """Run the suite; return how many tests passed, and the names of those that did not."""
    report = folder / "report.xml"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", str(SUITE / "compliance.py")),
            *("-c", str(SUITE / "setup.cfg"), "--rootdir", str(SUITE), "-p", "plugin"),
            *("--dburi", url.render_as_string(hide_password=False)),
            *("-q", "--tb=line", "-p", "no:cacheprovider", "--maxfail=1000"),
            *("--junitxml", str(report)),
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(SUITE), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr
    passed, failed = 0, set()
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - our own pytest wrote it
        outcomes = {child.tag for child in case}
        if outcomes & {"failure", "error"}:
            class_ = re.sub(r"_\w+\+.*", "", case.get("classname").rpartition(".")[2])
            failed.add(f"{class_}::{case.get('name')}")
        elif "skipped" not in outcomes:
            passed += 1
    return passed, failed


@pytest.mark.long
def test_the_compliance_suite(url, tmp_path):
    passed, failed = run(url, tmp_path)
    database = url.get_backend_name()
    known = {
        f"{class_}::{test}"
        for class_, tests in DEVIATIONS["FAILURES"][database].items()
        for test in tests
    }
    assert failed == known
    assert passed >= FEWEST[database]


def test_users_are_told_of_each_deviation():
    told = re.findall(r"^\| `(\w+)\+adbc` \| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    known = [
        (database, name)
        for kind in ("DRIVER_LACKS", "FAILURES")
        for database, names in DEVIATIONS[kind].items()
        for name in names
    ]
    assert sorted(told) == sorted(known)
