"""Drive the clients on one of the two packages, and write down what happens.

``python run.py '{"path": […], "work": "…", "databases": {…}, "parts": […], "out": "…"}'``
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from pathlib import Path

import loading


def main(order):
    loading.use(*order["path"])
    from recording import Recording  # noqa: PLC0415 - after the path is set

    warnings.simplefilter("ignore")
    results = {}
    for part, arguments in order["parts"]:
        recording = Recording()
        importlib.import_module(part).drive(recording, **arguments)
        results.setdefault(part, {})[arguments.get("name", "")] = recording.steps
    Path(order["out"]).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
