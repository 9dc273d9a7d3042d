"""Turn the JSON of a run into docs/performance.md and its plots.

``python bench/report.py .benchmarks/full.json`` makes a summary of the run (what is committed), the
plots, and the parts of the page between markers. Without a file, page and plots are made from
the summary that is there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reporting import page, plots, summary

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "performance"
PAGE = DOCS / "performance.md"
SUMMARY = FOLDER / "results.json"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for argument in sys.argv[1:]:
        SUMMARY.write_text(summary.from_run(Path(argument)).to_json())
    results = summary.read(SUMMARY)
    for path in FOLDER.glob("*.svg"):
        path.unlink()
    (FOLDER / plots.FIRST).write_text(plots.first(results))
    for name, measurements in plots.shown(results).items():
        (FOLDER / name).write_text(plots.picture(name, measurements))
    PAGE.write_text(page.renewed(PAGE.read_text(), results))


if __name__ == "__main__":
    main()
