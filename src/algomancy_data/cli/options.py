"""The options that several commands have."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Store: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--store",
        "-s",
        metavar="STORE",
        help="A database, such as sqlite:///data.db or postgresql://host/name, or a folder. "
        "Else: $ALGOMANCY_STORE, or the configuration file.",
        show_default=False,
    ),
]
Session: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--session",
        metavar="NAME",
        help="Whose datasets, in a database. Else: $ALGOMANCY_SESSION, the configuration file, "
        "or 'default'.",
        show_default=False,
    ),
]
Schemas: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--schemas",
        metavar="MODULE",
        help="What the files hold: path/to/schemas.py or package.module. Else: "
        "$ALGOMANCY_SCHEMAS, or the configuration file.",
        show_default=False,
    ),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write one JSON document to standard output.")
]
Verbose: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show the log, and where an error comes from.")
]
Factory: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--factory",
        metavar="MODULE:CLASS",
        help="The ETL factory. Else: $ALGOMANCY_FACTORY, the configuration file, or one that "
        "checks whatever the schemas declare.",
        show_default=False,
    ),
]
ReadLimits: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--read-limits",
        metavar="LIMITS",
        help="How much a file may become in memory: 'off', or such as "
        "ratio=1000,cells=off. Else: $ALGOMANCY_READ_LIMITS, the configuration file, or what "
        "its schema says.",
        show_default=False,
    ),
]
FILES = (
    "Files, name=FILE for those not named like their table, name=PATTERN for tables in parts, or "
    "a directory of files."
)
