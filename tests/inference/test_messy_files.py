"""Each of the files in tests/data/messy gives schemas that load it, or an error that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from algomancy_data.errors import ETLConstructionError, FileContentError

FOLDER = Path(__file__).parents[1] / "data" / "messy"
REFUSED = {
    "comment-above.csv": "Remove what stands above the header",
    "empty.csv": "is empty",
    "long-row.csv": "line 3: 4 fields",
    "only-blank-lines.csv": "it is empty",
    "only-bom.csv": "it is empty",
    "really-a-workbook.csv": "an XLSX workbook",
    "really-html.csv": "is no CSV table",
    "trailing-separators-below-header.csv": "Remove the ';' at the end",
    "utf16-le-bom.txt": "unknown extension 'txt'",
}
READ = sorted(path.name for path in FOLDER.iterdir() if path.name not in {*REFUSED, "README.md"})


@pytest.mark.parametrize("name", READ)
def test_a_messy_file_gives_a_module_that_loads_it(name, load):
    loaded = load(FOLDER / name)
    assert list(loaded.tables) == [name.removesuffix(".csv")]


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_table_is_refused_with_the_reason(name, load):
    with pytest.raises((FileContentError, ETLConstructionError), match=REFUSED[name]):
        load(FOLDER / name)
