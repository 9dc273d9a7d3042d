"""Frames whose memory is a file: written once, byte for byte what they need."""

import polars as pl
import pytest

from algomancy_data.frames import mapped
from algomancy_data.frames.mapped import MappedFrames
from algomancy_data.frames.scratch import ScratchFile

TEXTS = pl.select(a=pl.format("a text of some length {}", pl.int_range(20_000)))
COLUMNS = [
    TEXTS,
    TEXTS.cast(pl.Binary),
    TEXTS.select(pl.concat_list("a", "a")),
    TEXTS.select(pl.struct("a", pl.col("a").alias("b"))),
    TEXTS.select(pl.concat_list("a", "a").list.to_array(2)),
]


@pytest.mark.parametrize("frame", COLUMNS, ids=lambda frame: str(frame.dtypes[0]))
def test_slices_of_one_column_write_their_own_texts_and_not_all_of_them(frame, monkeypatch) -> None:
    files = []

    class Counted(ScratchFile):
        def __init__(self) -> None:
            super().__init__()
            files.append(self)

    monkeypatch.setattr(mapped, "ScratchFile", Counted)
    with MappedFrames() as frames:
        for part in frame.iter_slices(500):
            frames.write(part)
        assert frames.mapped().equals(frame)
    assert files[0].size < 4_000_000  # with all texts in each slice they are 20 times as many
