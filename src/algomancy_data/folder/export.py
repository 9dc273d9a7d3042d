"""Exports: a dataset as Parquet, Arrow IPC or CSV files, in a directory or a zip."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from uuid import uuid4

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.engine_failures import failing_column, interrupted_once, reason_of
from algomancy_data.errors import StoreError, UnstorableError
from algomancy_data.folder.content import take_apart
from algomancy_data.folder.file_names import clash_key, hashed_stem, plain_stem
from algomancy_data.folder.files import put_in_place, sync, write_synced
from algomancy_data.frames.arrow import check_storable
from algomancy_data.frames.dtypes import schema_to_json
from algomancy_data.frames.identical import identical_frames
from algomancy_data.metrics import measuring
from algomancy_data.schema.types.string import text_from_any

if TYPE_CHECKING:
    import os

    from algomancy_data.datasource import BaseDataSource
    from algomancy_data.folder.content import Content
    from algomancy_data.metrics import Phase

    ExportFormat = Literal["parquet", "arrow", "csv"]

_FORMATS: Final = ("parquet", "arrow", "csv")
_DESCRIPTION: Final = "dataset.json"
_ZIP: Final = ".zip"


def export_dataset(
    data: BaseDataSource,
    target: str | os.PathLike[str],
    file_format: ExportFormat = "parquet",
    *,
    overwrite: bool = False,
) -> Path:
    """Write a dataset as files that other programs read, one per table.

    Beside them is ``dataset.json``: what the dataset is, which file each table is in, and its
    exact schema. The files appear under ``target`` in one step, when all are written.

    Args:
        data: The dataset, of any manager.
        target: The directory to make; if it ends in ``.zip``, the zip file to make.
        file_format: ``"parquet"`` and ``"arrow"`` (uncompressed Arrow IPC) hold the values
            exactly, ``"csv"`` holds them as text: lists, arrays and structs as JSON, lengths of
            time as ISO 8601, bytes in base64.
        overwrite: Take the place of what is at ``target``, once all is written.

    Returns:
        The path of the directory or file.

    Raises:
        UnstorableError: The format cannot hold a table, or the dataset is not made of tables.
        StoreError: There is something at ``target`` that is to stay, or it cannot be written.

    Example:
        >>> import tempfile
        >>> from algomancy_data import DataSource
        >>> source = DataSource("master_data", name="a")
        >>> source.add_table("t", pl.DataFrame({"x": [1, 2]}))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = export_dataset(source, Path(folder, "a"))
        ...     pl.read_parquet(path / "t.parquet").height, sorted(p.name for p in path.iterdir())
        (2, ['dataset.json', 't.parquet'])
    """
    if str(file_format) not in _FORMATS:
        msg = f"file_format must be one of {', '.join(_FORMATS)}, not {file_format!r}."
        raise ValueError(msg)
    content = take_apart(data.name, data)
    if content.kind == "text":
        msg = f"A {type(data).__name__} is not made of tables: use its to_json()."
        raise UnstorableError(msg)
    path = Path(target)
    with measuring("export", dataset=data.name) as phase:
        phase.handles(content.frames.values())
        phase.bytes_out = _export(path, data, content, file_format, phase, overwrite=overwrite)
    return path


def is_export(path: Path) -> bool:
    """Tell whether a path looks like an exported dataset."""
    return path.is_file() if path.suffix == _ZIP else (path / _DESCRIPTION).is_file()


def _export(
    path: Path,
    data: BaseDataSource,
    content: Content,
    file_format: ExportFormat,
    phase: Phase,
    *,
    overwrite: bool,
) -> int:
    """Write the files; return their size in bytes."""
    _check_target(path, overwrite=overwrite)
    home, old = (path.with_name(f".{uuid4().hex}~") for _ in range(2))
    try:
        home.mkdir()
        with interrupted_once():
            _write_files(home, data, dict(content.frames), file_format, phase)
        if path.suffix == _ZIP:
            _zip(home, path, file_format, overwrite=overwrite)
            size = path.stat().st_size
        else:
            size = sum(file.stat().st_size for file in home.iterdir())
            if path.exists():
                path.rename(old)
            home.rename(path)
        sync(path.parent)
    except OSError as error:
        why = error.strerror or error
        msg = f"Dataset {data.name!r} cannot be exported to {str(path)!r}: {why}."
        raise StoreError(msg) from error
    finally:
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return size


def _check_target(path: Path, *, overwrite: bool) -> None:
    """Make sure that the files may be written to the target.

    Raises:
        StoreError: There is no folder for them, or something is there that is to stay.
    """
    if not path.parent.is_dir():
        msg = f"There is no folder {str(path.parent)!r} to write {path.name!r} to. Make it first."
        raise StoreError(msg)
    if not path.exists():
        return
    if not overwrite:
        msg = f"{str(path)!r} is there already. Give another name, or overwrite=True."
        raise StoreError(msg)
    if not is_export(path):
        msg = f"{str(path)!r} is no dataset that was exported, so it stays. Give another name."
        raise StoreError(msg)


def _write_files(
    home: Path,
    data: BaseDataSource,
    frames: dict[str, pl.DataFrame],
    file_format: ExportFormat,
    phase: Phase,
) -> None:
    described: list[dict[str, object]] = []
    taken = {clash_key(Path(_DESCRIPTION).stem)}
    for name, frame in frames.items():
        plain = plain_stem(name)
        stem = hashed_stem(name) if plain is None or clash_key(plain) in taken else plain
        taken.add(clash_key(stem))
        file = home / f"{stem}.{file_format}"
        check_storable(frame, name)
        _write_table(file, name, frame, file_format)
        phase.advance(frame.height)
        schema = schema_to_json(frame.schema)
        described.append({"name": name, "file": file.name, "rows": frame.height, "schema": schema})
    document = {
        "id": data.id,
        "name": data.name,
        "type": str(data.ds_type),
        "creation_datetime": data.creation_datetime.isoformat(),
        "tables": described,
    }
    write_synced(home / _DESCRIPTION, json.dumps(document, indent=2).encode())
    sync(home)


def _write_table(path: Path, name: str, frame: pl.DataFrame, file_format: ExportFormat) -> None:
    """Write a table, and make sure that Polars reads it back the same."""
    if file_format == "csv":
        frame = _with_csv_texts(frame, name)
    try:
        is_exact = _written(path, frame, file_format)
    except (PolarsError, PanicException) as error:
        column = failing_column(frame.head(1), lambda one: _written(path, one, file_format))
        reason = (
            reason_of(error).rstrip(".")
            if column is None
            else f"it has no {column.dtype}, the dtype of column {column.name!r}"
        )
        raise _unwritable(name, file_format, reason) from error
    if not is_exact:
        msg = f"Table {name!r} would not come back from {file_format} as it is. Try another format."
        raise UnstorableError(msg)
    sync(path)


def _written(path: Path, frame: pl.DataFrame, file_format: ExportFormat) -> bool:
    """Write a table; return whether it is read back the same, which CSV leaves open."""
    # To an open file: after Ctrl-C Polars goes on for a while, and would make one anew at the path.
    with path.open("wb") as file:
        {"csv": frame.write_csv, "parquet": frame.write_parquet, "arrow": frame.write_ipc}[
            file_format
        ](file)
    match file_format:
        case "csv":
            return True
        case "parquet":
            return identical_frames(pl.read_parquet(path, glob=False), frame)
        case "arrow":
            return identical_frames(pl.read_ipc(path), frame)


def _with_csv_texts(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return a table with text in place of what CSV has no form for, as extractors read it.

    Raises:
        UnstorableError: A value has no such text, or there are rows without columns.
    """
    if frame.height and not frame.width:
        raise _unwritable(name, "csv", "it has rows, but no columns")
    texts: list[pl.Series] = []
    for column in frame.get_columns():
        if column.dtype == pl.Binary:
            texts.append(column.bin.encode("base64"))
        elif column.dtype.is_nested() or column.dtype == pl.Duration:
            outcome = text_from_any(column)
            if outcome.refused is not None:
                row = f" in row {outcome.refused.arg_true()[0]}" if outcome.by_value else ""
                reason = f"column {column.name!r} is{row} {outcome.reason}"
                raise _unwritable(name, "csv", reason)
            texts.append(outcome.values)
    return frame.with_columns(texts)


def _unwritable(name: str, file_format: ExportFormat, reason: str) -> UnstorableError:
    msg = f"Table {name!r} cannot be written as {file_format}: {reason}. Try another format."
    return UnstorableError(msg)


def _zip(home: Path, path: Path, file_format: ExportFormat, *, overwrite: bool) -> None:
    archive_path = home / f"{uuid4().hex}{_ZIP}"
    files = sorted(home.iterdir())
    # Parquet is compressed already.
    method = zipfile.ZIP_STORED if file_format == "parquet" else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(archive_path, "x", method) as archive:
        for file in files:
            archive.write(file, file.name)
    sync(archive_path)
    put_in_place(archive_path, path, overwrite=overwrite)
