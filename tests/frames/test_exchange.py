"""Files between processes: gone with whoever made the directory, however that ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from algomancy_data.errors import ScratchError
from algomancy_data.frames.exchange import exchange_directory

_PROGRAM = """
from algomancy_data.frames.exchange import exchange_directory
with exchange_directory() as directory:
    (directory / "part").write_bytes(b"rows")
    print(directory, flush=True)
    input()
"""


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    monkeypatch.setenv("ALGOMANCY_SCRATCH", str(tmp_path))
    return tmp_path


def test_a_directory_is_gone_after_its_block(scratch):
    with exchange_directory() as directory:
        (directory / "part").write_bytes(b"rows")
        assert directory.parent == scratch
        assert directory.stat().st_mode & 0o077 == 0
    assert list(scratch.iterdir()) == []


def test_what_a_killed_program_left_is_removed_and_what_one_uses_is_not(scratch):
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        theirs = Path(program.stdout.readline().strip())
        with exchange_directory():
            assert (theirs / "part").read_bytes() == b"rows"
        program.kill()
        program.wait()
    assert theirs.exists()
    with exchange_directory() as mine:
        assert list(scratch.iterdir()) == [mine]


def test_without_a_place_for_it_there_is_none(scratch, monkeypatch):
    monkeypatch.setenv("ALGOMANCY_SCRATCH", str(scratch / "missing"))
    with pytest.raises(ScratchError, match="missing"), exchange_directory():
        pass
