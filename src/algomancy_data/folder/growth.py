"""Adding and deleting rows of a folder's tables; the files of all other rows stay.

The caller holds the writer's lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data.errors import TableNotFoundError
from algomancy_data.store.addition import aligned, replaced_rows
from algomancy_data.store.deletion import columns_of, deletion, taken_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl

    from algomancy_data.folder.reader import Found
    from algomancy_data.folder.writer import FolderWriter
    from algomancy_data.messages import ValidationMessage
    from algomancy_data.metrics import Phase
    from algomancy_data.provenance import Load
    from algomancy_data.store import Addition


def add_rows(
    files: FolderWriter,
    before: Found,
    frames: Mapping[str, pl.DataFrame],
    addition: Addition,
    messages: Iterable[ValidationMessage],
    phase: Phase,
) -> tuple[Found, Load]:
    """Write rows as a part of each table; return the dataset, and what was added.

    Args:
        files: The folder.
        before: The dataset.
        frames: The rows by table; of new names, they are new tables.
        addition: How they are added.
        messages: What was found in them.
        phase: Told of what is written.

    Raises:
        AdditionError: The rows do not fit, or have a key that is stored.
    """
    manifest = before.manifest
    files.check_schemas(manifest)
    added: dict[str, pl.DataFrame] = {}
    removed: dict[str, pl.Series] = {}
    for table, frame in frames.items():
        if table not in manifest.info.tables:
            addition.key_of_upsert(table, frame)
            added[table] = frame
            continue
        # Check sums are compared of what is written again, and when it is next loaded.
        stored = files.load_table(manifest, table, verify=False)
        added[table] = aligned(frame, stored.schema, table)
        removed[table] = replaced_rows(stored, added[table], table, addition)
    replaced = {table: rows for table, gone in removed.items() if (rows := int(gone.sum()))}
    load = addition.load({table: frame.height for table, frame in frames.items()}, replaced)
    info = manifest.info.grown(frames, load, messages)
    written = files.grow(before, info, added, removed, phase)
    phase.bytes_out = written.manifest.bytes - manifest.bytes + len(written.stamp)
    return written, load


def delete_rows(
    files: FolderWriter,
    before: Found,
    table: str,
    predicate: pl.Expr,
    phase: Phase,
    *,
    verify: bool,
) -> tuple[Found, int]:
    """Rewrite the parts of a table that lose rows, if any.

    Args:
        files: The folder.
        before: The dataset.
        table: Name of the table.
        predicate: True for the rows to delete.
        phase: Told of what is written.
        verify: Whether to compare the check sums of what decides which rows go.

    Returns:
        The dataset, and how many rows were deleted.

    Raises:
        TableNotFoundError: It has no such table.
        ColumnNotFoundError: The table has no column of a name in the predicate.
    """
    manifest = before.manifest
    if table not in manifest.info.tables:
        raise TableNotFoundError.from_available(table, manifest.info.tables)
    files.check_schemas(manifest)
    stored = files.load_table(manifest, table, verify=verify)
    columns_of(predicate, stored.schema, table)
    gone = taken_rows(stored, predicate)
    count = int(gone.sum())
    if not count:
        return before, 0
    info = manifest.info.grown({}, deletion(table, count), ())
    return files.grow(before, info, {}, {table: gone}, phase), count
