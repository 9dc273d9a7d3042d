"""Scratch files: exact bytes, no names, nothing left behind."""

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from algomancy_data.errors import ScratchError
from algomancy_data.frames.scratch import FilePages, ScratchFile, scratch_directory


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.setenv("ALGOMANCY_SCRATCH", str(tmp_path))
    return tmp_path


def test_what_was_written_is_mapped_even_after_the_file_is_closed(directory) -> None:
    with ScratchFile() as file:
        assert file.write(b"abc") == 3
        assert file.write(pa.array([1, 2], pa.int64()).buffers()[1]) == 16
        assert file.tell() == file.size == 19
        content = file.mapped()
        assert os.fstat(file.fileno()).st_size == 19
    assert file.closed
    assert bytes(content) == b"abc" + (1).to_bytes(8, "little") + (2).to_bytes(8, "little")


def test_an_empty_file_maps_to_nothing(directory) -> None:
    with ScratchFile() as file:
        assert len(file.mapped()) == 0


def test_pyarrow_writes_batches_there_and_the_frame_is_the_file(directory) -> None:
    rows = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})
    with ScratchFile() as file:
        with pa.ipc.new_file(file, rows.schema) as writer:
            writer.write_table(rows, max_chunksize=2)
        before = pa.total_allocated_bytes()
        mapped = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(file.mapped()))).read_all()
        assert pa.total_allocated_bytes() - before < 1024
    frame = pl.DataFrame(pl.from_arrow(mapped, rechunk=False))
    assert frame.rows() == [(1, "x"), (2, None), (3, "z")]
    assert frame.n_chunks() == 2


def test_a_scratch_file_has_no_name(directory) -> None:
    with ScratchFile() as file:
        file.write(b"x" * 1000)
        assert list(directory.iterdir()) == []
        assert str(directory) in Path(f"/proc/self/fd/{file.fileno()}").readlink().as_posix()


def test_nothing_is_left_of_a_process_that_was_killed(directory) -> None:
    program = (
        "from algomancy_data.frames.scratch import ScratchFile; import time;"
        "f = ScratchFile(); f.write(b'x' * 1_000_000); m = f.mapped();"
        "print('written', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "written\n"
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()
    assert list(directory.iterdir()) == []


def test_a_full_disk_is_said_with_the_directory_and_the_way_out(directory) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        with ScratchFile() as file, pytest.raises(ScratchError, match="no room left") as caught:
            file.write(b"x" * 200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, heard)
    assert str(directory) in str(caught.value)
    assert "ALGOMANCY_SCRATCH" in str(caught.value)
    assert caught.value.__cause__.errno == errno.EFBIG


def test_a_full_disk_is_said_through_pyarrow_as_well(directory) -> None:
    rows = pa.table({"a": list(range(100_000))})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        with ScratchFile() as file, pytest.raises(ScratchError, match="no room left"):
            pa.ipc.new_file(file, rows.schema).write_table(rows)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, heard)


def test_a_directory_that_is_not_there_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ALGOMANCY_SCRATCH", str(tmp_path / "none"))
    with pytest.raises(ScratchError, match="No such file or directory"):
        ScratchFile()


def test_the_directory_is_that_for_temporary_files_unless_it_is_set(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("ALGOMANCY_SCRATCH", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert scratch_directory() == str(tmp_path)


def test_what_is_mapped_is_known_by_its_address(directory) -> None:
    with ScratchFile() as file:
        file.write(b"x" * 10_000)
        content = file.mapped()
    address = pa.py_buffer(content).address
    pages = FilePages()
    assert address in pages
    assert address + 9_999 in pages
    assert pa.py_buffer(bytes(10_000)).address not in pages
    assert 0 not in pages
