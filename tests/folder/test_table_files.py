from __future__ import annotations

import zlib

import pytest

from algomancy_data.folder.manifest import StoredFile
from algomancy_data.folder.table_files import DamagedFileError, verify_file


@pytest.mark.parametrize(
    ("sums", "problem"),
    [
        ((), "it has 0 check sums for 1 piece"),
        ((1, 2), "it has 2 check sums for 1 piece"),
        ((1,), "the check sum of the bytes from 0 on is another one"),
    ],
)
def test_a_file_with_other_check_sums_is_damaged_and_says_how(tmp_path, sums, problem):
    (tmp_path / "text").write_bytes(b"abc")
    verify_file(tmp_path / "text", StoredFile("text", 3, (zlib.crc32(b"abc"),)))
    with pytest.raises(DamagedFileError) as error:
        verify_file(tmp_path / "text", StoredFile("text", 3, sums))
    assert str(error.value) == problem
