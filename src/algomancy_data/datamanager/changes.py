"""Whether a dataset is still what its files would become."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data.datamanager.runs import InputDigests
from algomancy_data.schema.fingerprint import schema_fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from algomancy_data.file import File
    from algomancy_data.provenance import InputFile, Sample
    from algomancy_data.schema import Schema
    from algomancy_data.store import DatasetInfo


def is_made_of(
    info: DatasetInfo,
    files: Mapping[str, File],
    schemas: Mapping[str, type[Schema]],
    sample: Sample | None = None,
) -> bool:
    """Tell whether a dataset was made from these files and schemas, and not changed since.

    Files are compared by the hashes of their content, of which the provenance has those that were
    read. One whose hash is not known, such as one at an address, counts as changed.

    Args:
        info: What is known of the dataset.
        files: The files by logical name.
        schemas: What they hold, by the same names.
        sample: Which rows of them are wanted, if not all.
    """
    made = info.provenance
    if info.problem or made is None or made.loads or made.derived_from is not None:
        return False
    declared = {name: schema_fingerprint(schemas[name]) for name in files if name in schemas}
    if dict(made.schemas) != declared or made.sample != sample:
        return False
    before = [_content(file) for file in made.files]
    stored = [file.stored_bytes() for file in files.values()]
    if None not in stored and sum(filter(None, stored)) != sum(size or 0 for *_, size, _ in before):
        return False  # nothing needs to be read
    with InputDigests(files) as inputs:
        now = [_content(file) for file in inputs.result()]
    return all(digest is not None for *_, digest in now) and sorted(now, key=str) == sorted(
        before, key=str
    )


def _content(file: InputFile) -> tuple[str, str, int | None, str | None]:
    return file.name, file.extension, file.size, file.sha256
