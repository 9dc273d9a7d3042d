"""What happened, written down so that two runs can be compared: no ids, no times."""

from __future__ import annotations

import json
import math
import re

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NOW = re.compile(r"20(?:2[5-9]|[3-9]\d)-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?")


class Recording:
    """Named steps and what came of each."""

    def __init__(self):
        self.steps = {}

    def keep(self, step, value):
        """Write a value down."""
        assert step not in self.steps, step
        text = json.dumps(value, default=_plain)
        self.steps[step] = json.loads(_NOW.sub("<now>", _ID.sub("<id>", text)))

    def call(self, step, function, *arguments, **keywords):
        """Write down what a call returns, or what it raises, by the names of its base classes."""
        try:
            value = function(*arguments, **keywords)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is compared
            bases = [each.__name__ for each in type(error).__mro__[:-1]]
            value = {"raises": bases[0], "is a": sorted(bases)}
            self.keep(step, value | {"text": str(error)})
            return None
        self.keep(step, value)
        return value

    def ask(self, step, response):
        """Write down an HTTP response."""
        body = response.json() if response.content else None
        if isinstance(body, dict) and isinstance(body.get("keys"), list):
            body["keys"].sort()  # the pandas package has them in any order
        self.keep(step, {"status": response.status_code, "body": body})
        return body


def _plain(value):
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return f"<{type(value).__name__}>"


def rows(frame):
    """Return the columns and rows of a Polars or pandas frame, missing values as None."""
    if hasattr(frame, "rows"):
        return {"columns": frame.columns, "rows": [[_cell(v) for v in row] for row in frame.rows()]}
    values = [[_cell(v) for v in row] for row in frame.itertuples(index=False)]
    return {"columns": list(frame.columns), "rows": values}


def _cell(value):
    """One notation for a value: missing is None, whole numbers are numbers, times are ISO."""
    import pandas as pd  # noqa: PLC0415 - after the path is set

    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    if hasattr(value, "isoformat"):
        return pd.Timestamp(value).isoformat()
    return value
