"""Documents go from each package to the other."""

from __future__ import annotations

import pytest


@pytest.mark.long
@pytest.mark.parametrize("writer", ["ours", "reference"])
def test_what_one_package_writes_the_other_reads(ours, reference, writer, tmp_path):
    write, read = (ours, reference) if writer == "ours" else (reference, ours)
    path = str(tmp_path / "d.json")
    written = write.run(("wire", {"name": "write", "path": path}))["wire"]["write"]
    seen = read.run(("wire", {"name": "read", "path": path}))["wire"]["read"]
    assert seen == written
    assert seen["items"]["rows"][0][4] == "2024-01-31T10:30:00.123456"
