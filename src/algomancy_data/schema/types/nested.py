"""Lists, arrays and structs, written as JSON."""

from __future__ import annotations

import json
from functools import cached_property, reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final, Self

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.schema.types.base import ColumnType, Outcome
from algomancy_data.schema.types.conventions import TextConventions
from algomancy_data.schema.types.string import json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from polars.datatypes import DataType as PolarsDataType

_PLAIN: Final = TextConventions(null_words=())
_TEXTS_IN_JSON: Final = r'"(?:[^"\\]|\\.)*"'
_MEMBER_NAMES: Final = r"t\s*:"
_VALUES: Final = r"t|-?[0-9][0-9.eE+-]*|true|false"
# Digits that a number of JSON has and a float has not.
_MANY_DIGITS: Final = r"[0-9](?:\.?[0-9]){15}"


class NestedType(ColumnType):
    """Lists, arrays and structs, from JSON text or from others whose values fit.

    Args:
        dtype: The Polars dtype.
        inner: The types of what is inside, by field; of a list, that of its items is "".
    """

    in_header = False
    as_written = False

    def __init__(self, dtype: PolarsDataType, inner: dict[str, ColumnType]) -> None:
        self.name, self.dtype, self._inner = str(dtype), dtype, inner

    @classmethod
    def declared_with(
        cls, dtype: PolarsDataType, type_of: Callable[[Any], ColumnType]
    ) -> Self | None:
        """Take lists, arrays and structs of types that can be declared themselves."""
        if isinstance(dtype, pl.List | pl.Array):
            return cls(dtype, {"": type_of(dtype.inner)})
        if isinstance(dtype, pl.Struct):
            return cls(dtype, {field.name: type_of(field.dtype) for field in dtype.fields})
        return None

    def from_text(self, slices: Sequence[pl.Series], conventions: TextConventions) -> Outcome:
        """Read JSON; refuse other text, and values that the dtype cannot hold."""
        texts = conventions.strip(pl.concat(slices))
        found, refused = self._decoded(texts)
        if refused.any():
            return Outcome(texts, refused, f"not {self.name} as JSON")
        outcome = self._from_decoded(found.set(texts.is_null(), None))
        if outcome.refused is not None:
            return outcome
        lost = self._loses(texts, found)
        if lost.any():
            reason = f"JSON with values or digits that {self.name} has no place for"
            return Outcome(texts, lost, reason, rank=1)
        return outcome

    def from_values(self, values: pl.Series) -> Outcome | None:
        """Take lists, arrays and structs whose values fit."""
        is_struct = isinstance(self.dtype, pl.Struct)
        fits = pl.Struct if is_struct else pl.List | pl.Array
        return self._from_decoded(values) if isinstance(values.dtype, fits) else None

    # --- from JSON ----------------------------------------------------------------------------

    def _decoded(self, texts: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Return JSON with everything inside as text, and which texts are not JSON."""
        opening = "{" if isinstance(self.dtype, pl.Struct) else "["
        is_json = texts.str.json_path_match("$").is_not_null() & texts.str.starts_with(opening)
        refused = texts.is_not_null() & ~is_json.fill_null(value=False)
        found = _decode(texts.set(refused, None), _as_texts(self.dtype))
        return found, refused | (found.is_null() & texts.is_not_null())

    def _loses(self, texts: pl.Series, found: pl.Series) -> pl.Series:
        """Tell which texts hold more than was decoded: other members, more digits."""
        lost = _values_in(texts) != _values_in(json_text(found))
        if self._holds(lambda kind: isinstance(kind.dtype, pl.Decimal)):
            outside = texts.str.replace_all(_TEXTS_IN_JSON, "t")
            lost |= outside.str.contains(_MANY_DIGITS)
        if self._holds(lambda kind: kind.as_written and not isinstance(kind.dtype, pl.Decimal)):
            lost |= _numbers_in(texts) != _numbers_in(texts.str.json_path_match("$"))
        return lost.fill_null(value=False)

    def _holds(self, is_wanted: Callable[[ColumnType], bool]) -> bool:
        return any(
            kind._holds(is_wanted) if isinstance(kind, NestedType) else is_wanted(kind)  # noqa: SLF001  its own
            for kind in self._inner.values()
        )

    # --- what is inside -----------------------------------------------------------------------

    def _from_decoded(self, values: pl.Series) -> Outcome:
        if isinstance(self.dtype, pl.Struct):
            return self._structs(values)
        return self._lists(values.arr.to_list() if isinstance(values.dtype, pl.Array) else values)

    def _lists(self, lists: pl.Series) -> Outcome:
        name, rows = lists.name, pl.int_range(len(lists), eager=True, dtype=pl.Int64)
        lengths = lists.list.len()
        if isinstance(self.dtype, pl.Array):
            odd = (lengths != self.dtype.size).fill_null(value=False)
            if odd.any():
                return Outcome(lists, odd, f"a list of another length than {self.dtype.size}")
        row_of = rows.repeat_by(lengths.fill_null(0)).explode(empty_as_null=False)
        items = lists.explode(empty_as_null=False, keep_nulls=False)
        found = _read(self._inner[""], items)
        concerned = found.guessed if found.refused is None else found.refused
        if concerned is not None:
            mask = rows.is_in(row_of.filter(concerned).unique().implode())
            return Outcome(lists, mask, f"a list with an item that is {found.reason}")
        grouped = (
            pl.DataFrame({"row": row_of, "items": found.values})
            .group_by("row", maintain_order=True)
            .agg("items")
        )
        whole = pl.DataFrame({"row": rows}).join(
            grouped, on="row", how="left", maintain_order="left"
        )["items"]
        nothing = pl.Series([[]], dtype=whole.dtype).new_from_index(0, len(whole))
        whole = whole.zip_with((lengths != 0).fill_null(value=True), nothing).alias(name)
        return Outcome(whole.cast(self.dtype))

    def _structs(self, structs: pl.Series) -> Outcome:
        members = {member.name: member for member in structs.struct.unnest().get_columns()}
        unknown = [members[name].is_not_null() for name in members.keys() - self._inner.keys()]
        if unknown and (lost := reduce(or_, unknown)).any():
            return Outcome(structs, lost, f"an object with a member that {self.name} does not have")
        columns: list[pl.Series] = []
        for name, kind in self._inner.items():
            given = members.get(name, pl.Series(name, [None] * len(structs), pl.Null))
            found = _read(kind, given)
            concerned = found.guessed if found.refused is None else found.refused
            if concerned is not None:
                return Outcome(structs, concerned, f"an object whose {name!r} is {found.reason}")
            columns.append(found.values.alias(name))
        made = pl.select(pl.struct(columns).alias(structs.name)).to_series()
        return Outcome(made.set(structs.is_null(), None) if structs.null_count() else made)

    @cached_property
    def samples(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]  made late
        """JSON with samples of what is inside, and text that is not JSON."""
        one, other = (
            {
                name: kind.samples[number]
                if isinstance(kind, NestedType)
                else json.dumps(kind.samples[number])
                for name, kind in self._inner.items()
            }
            for number in (0, 1)
        )
        if isinstance(self.dtype, pl.Struct):
            members = (
                ", ".join(f"{json.dumps(name)}: {text}" for name, text in found.items())
                for found in (one, other)
            )
            return (*(f"{{{found}}}" for found in members), "{}", "null", '{"?": 1}', "[]", "{", "")
        # Two items at each of sixty levels would be more than any memory holds.
        plain = 1 if isinstance(self._inner[""], NestedType) else 2
        size = self.dtype.size if isinstance(self.dtype, pl.Array) else plain
        lists = ([one[""]] * size, [other[""]] * size, [one[""]], ["null"] * size)
        written = (f"[{', '.join(items)}]" for items in lists)
        return (*written, "[]", "null", "{}", "5", "[", "")


def _read(kind: ColumnType, values: pl.Series) -> Outcome:
    return Outcome(values) if kind.accepts(values.dtype) else kind.convert(values, _PLAIN)


def _as_texts(dtype: Any) -> PolarsDataType:
    """Return a dtype with text in place of everything but lists and structs."""
    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(_as_texts(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _as_texts(field.dtype) for field in dtype.fields})
    return pl.String()


def _decode(texts: pl.Series, dtype: PolarsDataType) -> pl.Series:
    """Decode JSON; values of another structure than the dtype become null.

    Polars ends at the first such value: the halves of the column are tried, and their halves.
    """
    try:
        return texts.str.json_decode(dtype)
    except PolarsError:
        if len(texts) == 1:
            return pl.Series(texts.name, [None], dtype)
        half = len(texts) // 2
        return pl.concat([_decode(texts[:half], dtype), _decode(texts[half:], dtype)])


def _values_in(texts: pl.Series) -> pl.Series:
    """Count the values and the lists in JSON, apart from nulls and objects."""
    plain = texts.str.replace_all(_TEXTS_IN_JSON, "t").str.replace_all(_MEMBER_NAMES, "")
    counts = (plain.str.count_matches(_VALUES), plain.str.count_matches("[", literal=True))
    return pl.DataFrame([one.alias(str(at)) for at, one in enumerate(counts)]).to_struct()


def _numbers_in(texts: pl.Series) -> pl.Series:
    outside = texts.str.replace_all(_TEXTS_IN_JSON, "")
    return outside.str.extract_all("[0-9][0-9.eE+-]*").list.join(" ")
