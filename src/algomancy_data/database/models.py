"""The catalogue: one row per dataset, beside the tables that hold the data."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

FORMAT_VERSION: Final = 1
"""Version of the catalogue's content; a reader refuses rows of a later one."""

metadata: Final = sa.MetaData()

datasets_table: Final = sa.Table(
    "algomancy_datasets",
    metadata,
    sa.Column("session_id", sa.Text(), primary_key=True, comment="who may see the dataset"),
    sa.Column("name", sa.Text(), primary_key=True, comment="name of the dataset in its session"),
    sa.Column("id", sa.Text(), nullable=False, comment="identity of the DataSource"),
    sa.Column("ds_type", sa.Text(), nullable=False, comment="a DataClassification"),
    sa.Column("creation_datetime", sa.DateTime(), nullable=False, comment="of the data, local"),
    sa.Column("added_at", sa.DateTime(), nullable=False, comment="first written, UTC"),
    sa.Column("version", sa.Text(), nullable=False, comment="another one with every write"),
    sa.Column("format_version", sa.Integer(), nullable=False, comment="of this row's content"),
    sa.Column("sub_tables", sa.Text(), comment="JSON: the tables, their columns and dtypes"),
    sa.Column("payload", sa.Text(), comment="JSON of a DataSource that is not tables"),
    sa.Column("payload_layout", sa.Text(), comment="JSON: what of the payload lies in chunks"),
    sa.Column("provenance", sa.Text(), nullable=False, comment="JSON: how the data came about"),
    sa.Column("messages", sa.Text(), nullable=False, comment="JSON: what was found in the data"),
)

payload_chunks_table: Final = sa.Table(
    "algomancy_payload_chunks",
    metadata,
    sa.Column("session_id", sa.Text(), primary_key=True, comment="as in the catalogue"),
    sa.Column("name", sa.Text(), primary_key=True, comment="as in the catalogue"),
    sa.Column("version", sa.Text(), primary_key=True, comment="as in the catalogue"),
    sa.Column("part", sa.Text(), primary_key=True, comment="text, table-0, table-1 and so on"),
    sa.Column("ordinal", sa.Integer(), primary_key=True, comment="place in the part, from 0"),
    # The last one: SQLite walks through a large value to reach what lies behind it.
    sa.Column("chunk", sa.LargeBinary(), nullable=False, comment="bytes of the part"),
)
"""What does not fit into a catalogue row; the primary key is the order of the bytes."""
