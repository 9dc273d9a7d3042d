"""The text of a module of schemas, as a person would write it, and formatted."""

from __future__ import annotations

import ast
import keyword
import re
import textwrap
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import polars as pl

from algomancy_data.display.words import counted
from algomancy_data.inference.inferred import shown_label
from algomancy_data.inference.similar_names import words
from algomancy_data.schema import CSVDialect, DataType, SchemaType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from algomancy_data.inference.inferred import InferredColumn, InferredFile, InferredTable

_WIDTH: Final = 100
_PIECE: Final = 70
_INDENT: Final = "    "
_LONGEST_NAME: Final = 60
# What a module of schemas has names for already.
_TAKEN: Final = frozenset(
    {"Column", "ColumnGroup", "CSVDialect", "DataType", "FileExtension", "Schema", "SchemaType"}
)
_DIALECT_FIELDS: Final = (
    "separator",
    "quote",
    "decimal_mark",
    "null_words",
    "encoding",
    "has_header",
    "day_first",
)


def module_text(inferred_files: Sequence[InferredFile]) -> str:
    """Return the module.

    Args:
        inferred_files: What was found, by file.
    """
    labels = ", ".join(shown_label(inferred.label) for inferred in inferred_files)
    lines = [
        f'"""Schemas of {counted(len(inferred_files), "file")}, inferred from all their rows.',
        "",
        "What is declared holds on every row; what nearly holds is in the comments.",
        "",
        *_wrapped(f"From {labels}.", ""),
        '"""',
        "",
        *_imports(inferred_files),
    ]
    for inferred in inferred_files:
        lines += ["", "", *_class(inferred)]
    names = [inferred.class_name for inferred in inferred_files]
    lines += ["", "", *_lines(_Bracketed("SCHEMAS: list[type[Schema]] = [", names, "]"), "")]
    return "\n".join(lines) + "\n"


def _imports(inferred_files: Sequence[InferredFile]) -> list[str]:
    names = ["Column", "FileExtension", "Schema", "SchemaType"]
    dtypes = [
        column.dtype
        for inferred in inferred_files
        for table in inferred.tables
        for column in table.columns
    ]
    if any(isinstance(dtype, DataType) for dtype in dtypes):
        names.append("DataType")
    if any(inferred.schema_type is SchemaType.MULTI for inferred in inferred_files):
        names.append("ColumnGroup")
    if any(inferred.dialect != CSVDialect() for inferred in inferred_files):
        names.append("CSVDialect")
    # The order of the linter: classes by their letters, whatever their case.
    names.sort(key=lambda name: (not name.isupper(), name.lower()))
    line = f"from algomancy_data import {', '.join(names)}"
    lines = [line]
    if len(line) > _WIDTH:
        lines = _lines(_Bracketed("from algomancy_data import (", names, ")"), "")
    is_plain = all(isinstance(dtype, DataType) for dtype in dtypes)
    return lines if is_plain else ["import polars as pl", *lines]


def _class(inferred: InferredFile) -> list[str]:
    lines = [f"class {inferred.class_name}(Schema):"]
    lines += _wrapped(f'"""{inferred.docstring()}"""', _INDENT)
    lines.append("")
    notes = list(inferred.notes)
    if inferred.schema_type is SchemaType.SINGLE:
        notes += inferred.tables[0].notes
    lines += _comments(notes, _INDENT)
    lines += _assignment("_FILENAME", _text(inferred.name), _INDENT)
    lines += [
        f"{_INDENT}_EXTENSION = FileExtension.{inferred.extension.name}",
        f"{_INDENT}_SCHEMA_TYPE = SchemaType.{inferred.schema_type.name}",
    ]
    if inferred.dialect != CSVDialect():
        lines += _lines(_Bracketed("_CSV = CSVDialect(", _dialect(inferred.dialect), ")"), _INDENT)
    if inferred.sheet is not None:
        lines += _assignment("_SHEET", _text(inferred.sheet), _INDENT)
    lines.append("")
    if inferred.schema_type is SchemaType.SINGLE:
        for column in inferred.tables[0].columns:
            lines += _comments(column.notes, _INDENT)
            declared = _Bracketed(f"{column.attribute} = Column(", _arguments(column), ")")
            lines += _lines(declared, _INDENT)
        return lines
    for table in inferred.tables:
        lines += _group(table)
    return lines


def _group(table: InferredTable) -> list[str]:
    inner, innermost = _INDENT * 2, _INDENT * 3
    lines = _comments([f"{counted(table.rows, 'row')}.", *table.notes], _INDENT)
    lines += [
        f"{_INDENT}{table.attribute} = ColumnGroup(",
        f"{inner}{_text(table.group or '')},",
        f"{inner}[",
    ]
    for column in table.columns:
        lines += _comments(column.notes, innermost)
        lines += _lines(_Bracketed("Column(", _arguments(column), ")"), innermost, ",")
    lines.append(f"{inner}],")
    if table.source_path:
        path = ", ".join(map(_text, table.source_path))
        comma = "," if len(table.source_path) == 1 else ""
        lines.append(f"{inner}source_path=({path}{comma}),")
    lines.append(f"{_INDENT})")
    return lines


def _arguments(column: InferredColumn) -> list[_Code]:
    arguments: list[_Code] = [_text(column.name), _dtype(column.dtype)]
    arguments += [
        f"{flag}=True" for flag in ("primary_key", "nullable", "unique") if getattr(column, flag)
    ]
    if column.foreign_key is not None:
        table, key = column.foreign_key
        arguments.append(f"foreign_key=({_text(table)}, {_text(key)})")
    return arguments


def _dtype(dtype: Any) -> _Code:
    """Return the code that declares a dtype."""
    if isinstance(dtype, DataType):
        return f"DataType.{dtype.name}"
    name = f"pl.{type(dtype).__name__}"
    items: list[_Code] = []
    match dtype:
        case pl.Decimal():
            items = [str(dtype.precision), str(dtype.scale)]
        case pl.Datetime():
            items = [_text(word) for word in (dtype.time_unit, dtype.time_zone) if word is not None]
        case pl.Duration():
            items = [_text(dtype.time_unit)]
        case pl.Enum():
            items = [_Bracketed("[", [_text(word) for word in dtype.categories], "]")]
        case pl.List():
            items = [_dtype(dtype.inner)]
        case pl.Array():
            items = [_dtype(dtype.inner), str(dtype.size)]
        case pl.Struct():
            fields = [_field(one.name, _dtype(one.dtype)) for one in dtype.fields]
            items = [_Bracketed("{", fields, "}")]
        case _:
            return name
    return _Bracketed(f"{name}(", items, ")")


def _field(name: str, dtype: _Code) -> _Code:
    """Return an entry of a dict."""
    if isinstance(dtype, str):
        return f"{_text(name)}: {dtype}"
    return _Bracketed(f"{_text(name)}: {dtype.opening}", dtype.items, dtype.closing)


def _dialect(dialect: CSVDialect) -> list[str]:
    default = CSVDialect()
    arguments: list[str] = []
    for name in _DIALECT_FIELDS:
        value = getattr(dialect, name)
        if value == getattr(default, name) and name != "separator":
            continue
        if isinstance(value, tuple):
            texts = [_text(str(word)) for word in value]
            arguments.append(f"{name}=({', '.join(texts)}{',' if len(texts) == 1 else ''})")
        else:
            arguments.append(f"{name}={_text(value) if isinstance(value, str) else value}")
    return arguments


# --- names ----------------------------------------------------------------------------------


def attribute_names(names: Sequence[str], stem: str) -> list[str]:
    """Return a unique upper-case identifier for each name.

    No method of a schema is in upper case, and no private attribute of it begins with a letter,
    so none of them is hidden.

    Args:
        names: The names, in order.
        stem: What a name without any usable letter becomes, with its position.

    Example:
        >>> attribute_names(["order id", "Order ID", "2013", "価格", "class"], "COLUMN")
        ['ORDER_ID', 'ORDER_ID_2', 'COLUMN_2013', 'COLUMN_4', 'CLASS']
    """
    wanted = [
        _cut("_".join(_word_by_word(name))).upper() or f"{stem}_{position}"
        for position, name in enumerate(names, 1)
    ]
    return _distinct([f"{stem}_{name}" if name[0].isdigit() else name for name in wanted], "_")


def class_names(names: Sequence[str]) -> list[str]:
    """Return a unique class name for each name.

    Example:
        >>> class_names(["order-lines", "2024 sales", "schema", "none"])
        ['OrderLines', 'Table2024Sales', 'SchemaTable', 'NoneTable']
    """
    found: list[str] = []
    for position, name in enumerate(names, 1):
        wanted = _cut("".join(word.capitalize() for word in words(name))) or f"Table{position}"
        if wanted[0].isdigit():
            wanted = f"Table{wanted}"
        if keyword.iskeyword(wanted) or wanted in _TAKEN:
            wanted = f"{wanted}Table"
        found.append(wanted)
    return _distinct(found, "")


def _word_by_word(name: str) -> list[str]:
    """Return the words of a name; digits stay with the letters before them."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore")
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain.decode())
    return re.findall(r"[A-Za-z0-9]+", spaced)


def _cut(name: str) -> str:
    return name[:_LONGEST_NAME].rstrip("_")


def _distinct(names: Iterable[str], between: str) -> list[str]:
    given = list(names)
    taken: dict[str, None] = {}
    for name in given:
        new, number = name, 1
        while new in taken or (number > 1 and new in given):
            number += 1
            new = f"{name}{between}{number}"
        taken[new] = None
    return list(taken)


# --- lines ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Bracketed:
    """Code in brackets, as the formatter breaks it into lines.

    Args:
        opening: What stands before the items, with the bracket.
        items: What stands between commas.
        closing: The bracket that ends it.
    """

    opening: str
    items: Sequence[_Code]
    closing: str

    def __str__(self) -> str:
        """Return it on one line."""
        return f"{self.opening}{', '.join(map(str, self.items))}{self.closing}"


_Code: TypeAlias = "str | _Bracketed"


def _lines(code: _Code, indent: str, tail: str = "") -> list[str]:
    """Return code on one line if it fits, else its items on one line, or on a line each."""
    line = f"{indent}{code}{tail}"
    if isinstance(code, str):
        return _text_lines(code, indent, tail)
    if len(line) <= _WIDTH or not code.items:
        return [line]
    first, last, deeper = (
        f"{indent}{code.opening}",
        f"{indent}{code.closing}{tail}",
        f"{indent}{_INDENT}",
    )
    inner = f"{deeper}{', '.join(map(str, code.items))}"
    is_call = code.opening.endswith("(") and not code.opening.startswith("from ")
    if is_call and len(inner) <= _WIDTH:
        return [first, inner, last]
    # The formatter puts no comma behind the only argument, if that has brackets itself.
    is_only = is_call and len(code.items) == 1 and isinstance(code.items[0], _Bracketed)
    comma = "" if is_only else ","
    in_list = code.opening.endswith("[")
    items = (_lines(item, deeper, comma) for item in code.items)
    # A text on several lines would look like several items there.
    bracketed = (
        [f"{deeper}(", *_lines(item, deeper + _INDENT), f"{deeper}){comma}"]
        if in_list and isinstance(item, str) and len(lines) > 1
        else lines
        for item, lines in zip(code.items, items, strict=True)
    )
    return [first, *(line for lines in bracketed for line in lines), last]


def _text_lines(code: str, indent: str, tail: str) -> list[str]:
    """Return code without brackets on a line; a long text on several."""
    if len(indent) + len(code) + len(tail) <= _WIDTH or code[-1] not in "\"'":
        return [f"{indent}{code}{tail}"]
    room = max(min(_PIECE, _WIDTH - len(indent) - len(tail) - len('""')), 1)
    pieces = [""]
    for letter in str(ast.literal_eval(code)):
        if len(_text(pieces[-1] + letter)) - len('""') > room and pieces[-1]:
            pieces.append("")
        pieces[-1] += letter
    return [
        *(f"{indent}{_text(piece)}" for piece in pieces[:-1]),
        f"{indent}{_text(pieces[-1])}{tail}",
    ]


def _assignment(name: str, value: str, indent: str) -> list[str]:
    return [f"{indent}{name} = {value}"]


def _comments(notes: Iterable[str], indent: str) -> list[str]:
    lines: list[str] = []
    for note in notes:
        lines += textwrap.wrap(
            _escaped(note),
            _WIDTH,
            initial_indent=f"{indent}# ",
            subsequent_indent=f"{indent}# ",
            break_on_hyphens=False,
        )
    return lines


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _escaped(text: str) -> str:
    """Return text that cannot end a docstring or a line."""
    return repr(text)[1:-1].replace("\\'", "'").replace('"', "'")


def _text(value: str) -> str:
    """Return a text in the quotes that the formatter prefers."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    # With both quotes in it, "repr" escapes the single ones alone.
    inner = repr(f"{value}'\"")[1:-4].replace("\\'", "'")
    return f"{quote}{inner.replace(quote, chr(92) + quote)}{quote}"
