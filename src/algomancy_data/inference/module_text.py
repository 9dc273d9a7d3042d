"""The text of a module of schemas, as a person would write it and the formatter leave it."""

from __future__ import annotations

import ast
import keyword
import re
import textwrap
import unicodedata
from typing import TYPE_CHECKING, Final

from algomancy_data.display.words import counted
from algomancy_data.inference.inferred import shown_label
from algomancy_data.inference.similar_names import words
from algomancy_data.schema import CSVDialect, SchemaType

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
    lines += ["", "", *_bracketed("SCHEMAS: list[type[Schema]] = [", names, "]", "")]
    return "\n".join(lines) + "\n"


def _imports(inferred_files: Sequence[InferredFile]) -> list[str]:
    names = ["Column", "DataType", "FileExtension", "Schema", "SchemaType"]
    if any(inferred.schema_type is SchemaType.MULTI for inferred in inferred_files):
        names.append("ColumnGroup")
    if any(inferred.dialect != CSVDialect() for inferred in inferred_files):
        names.append("CSVDialect")
    # The order of the linter: classes by their letters, whatever their case.
    names.sort(key=lambda name: (not name.isupper(), name.lower()))
    return _bracketed("from algomancy_data import ", names, "", "", open_with="(", close_with=")")


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
        lines += _bracketed("_CSV = CSVDialect(", _dialect(inferred.dialect), ")", _INDENT)
    if inferred.sheet is not None:
        lines += _assignment("_SHEET", _text(inferred.sheet), _INDENT)
    lines.append("")
    if inferred.schema_type is SchemaType.SINGLE:
        for column in inferred.tables[0].columns:
            lines += _comments(column.notes, _INDENT)
            lines += _bracketed(f"{column.attribute} = Column(", _arguments(column), ")", _INDENT)
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
        lines += _bracketed("Column(", _arguments(column), "),", innermost)
    lines.append(f"{inner}],")
    if table.source_path:
        path = ", ".join(map(_text, table.source_path))
        comma = "," if len(table.source_path) == 1 else ""
        lines.append(f"{inner}source_path=({path}{comma}),")
    lines.append(f"{_INDENT})")
    return lines


def _arguments(column: InferredColumn) -> list[str]:
    arguments = [_text(column.name), f"DataType.{column.dtype.name}"]
    arguments += [
        f"{flag}=True" for flag in ("primary_key", "nullable", "unique") if getattr(column, flag)
    ]
    if column.foreign_key is not None:
        table, key = column.foreign_key
        arguments.append(f"foreign_key=({_text(table)}, {_text(key)})")
    return arguments


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
    """Return an upper-case identifier for each name, no two of them the same.

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
    """Return a class name for each name, no two of them the same.

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


def _bracketed(
    before: str,
    items: Sequence[str],
    after: str,
    indent: str,
    *,
    open_with: str = "",
    close_with: str = "",
) -> list[str]:
    """Return items on one line; else on one of their own, else on a line each."""
    line = f"{indent}{before}{', '.join(items)}{after}"
    if len(line) <= _WIDTH:
        return [line]
    first, last = f"{indent}{before}{open_with}", f"{indent}{close_with}{after}"
    inner = f"{indent}{_INDENT}{', '.join(items)}"
    if len(inner) <= _WIDTH and not open_with and not before.endswith("["):
        return [first, inner, last]
    lines = [line for item in items for line in _item(item, f"{indent}{_INDENT}")]
    return [first, *lines, last]


def _item(item: str, indent: str) -> list[str]:
    """Return an item on a line of its own; a long text on several."""
    if len(indent) + len(item) < _WIDTH or item[0] not in "\"'":
        return [f"{indent}{item},"]
    value = str(ast.literal_eval(item))
    pieces = [value[start : start + _PIECE] for start in range(0, len(value), _PIECE)]
    return [*(f"{indent}{_text(piece)}" for piece in pieces[:-1]), f"{indent}{_text(pieces[-1])},"]


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
    """Return text that ends no docstring and no line."""
    return repr(text)[1:-1].replace("\\'", "'").replace('"', "'")


def _text(value: str) -> str:
    """Return a text in the quotes that the formatter writes: double ones, unless it has more."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    # With both quotes in it, "repr" escapes the single ones alone.
    inner = repr(f"{value}'\"")[1:-4].replace("\\'", "'")
    return f"{quote}{inner.replace(quote, chr(92) + quote)}{quote}"
