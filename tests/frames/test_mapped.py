"""Frames whose memory is a file: written once, byte for byte what they need."""

import polars as pl
import pytest

from algomancy_data.frames.mapped import MappedFrames, frame_at

TEXTS = pl.select(a=pl.format("a text of some length {}", pl.int_range(20_000)))
COLUMNS = [
    TEXTS,
    TEXTS.cast(pl.Binary),
    TEXTS.select(pl.concat_list("a", "a")),
    TEXTS.select(pl.struct("a", pl.col("a").alias("b"))),
    TEXTS.select(pl.concat_list("a", "a").list.to_array(2)),
]


@pytest.mark.parametrize("frame", COLUMNS, ids=lambda frame: str(frame.dtypes[0]))
def test_slices_of_one_column_write_their_own_texts_and_not_all_of_them(frame, tmp_path) -> None:
    place = tmp_path / "frames"
    with MappedFrames(place) as frames:
        for part in frame.iter_slices(500):
            frames.write(part)
        assert frame_at(place, frames.written()).equals(frame)
        assert frames.mapped().equals(frame)
    # With all texts in each slice they are 20 times as many.
    assert place.stat().st_size < 4_000_000
