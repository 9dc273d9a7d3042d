"""Binary: bytes, written in base64 or as hexadecimal digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import polars as pl

from algomancy_data.schema.types.base import ColumnType, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types.conventions import TextConventions

_WORDS: Final = {"base64": "base64", "hex": "hexadecimal digits"}


class BinaryType(ColumnType):
    """Bytes, written as the dialect says; an empty field is no bytes at all."""

    name = "Binary"
    dtype = pl.Binary()
    sql = "LargeBinary"
    samples = ("QUI=", "AP8=", "NULL", " ", "QUI", "zz!", "")

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take bytes."""
        return cls() if dtype == pl.Binary else None

    def from_text(self, slices: Sequence[pl.Series], conventions: TextConventions) -> Outcome:
        """Decode text; refuse what would not be written the same again."""
        given = pl.concat(slices)
        texts = given.str.strip_chars()
        encoding = conventions.binary
        values = texts.str.decode(encoding, strict=False)
        again = values.bin.encode(encoding)
        written = texts.str.to_lowercase() if encoding == "hex" else texts
        same = again.eq_missing(written)
        if same.all():
            return Outcome(values)
        return Outcome(values, ~same, f"not written in {_WORDS[encoding]}")
