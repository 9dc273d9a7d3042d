"""Several extractors run as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from algomancy_data.components import check_parts, is_own, note_component
from algomancy_data.extractor.base import Extractor
from algomancy_data.extractor.extracted import Extracted, ExtractedTable
from algomancy_data.frames.tabular import to_frames
from algomancy_data.logs import Logging
from algomancy_data.metrics import NO_PHASE

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable

    import polars as pl

    from algomancy_data.extractor.conversion import ConversionIssue
    from algomancy_data.logs import Logger
    from algomancy_data.messages import ValidationMessage
    from algomancy_data.metrics import Phase


_HOOKS: Final = ("_extract_file", "_extract_files")


class ExtractionSequence(Logging):
    """Runs extractors one after the other and gathers their tables.

    Args:
        extractors: The extractors, in order. The list object itself is kept.
        logger: Where warnings go; the standard library's logger if None.

    Attributes:
        logger: As it was given.

    Example:
        >>> ExtractionSequence().run_extraction()
        {}
    """

    def __init__(
        self,
        extractors: list[Extractor] | None = None,
        logger: Logger | logging.Logger | None = None,
    ) -> None:
        self._extractors: list[Extractor] = [] if extractors is None else extractors
        _check(self._extractors)
        self.logger = logger
        self._data: dict[str, pl.DataFrame] | None = None
        self._found = Extracted()
        self._phase = NO_PHASE

    def add_extractor(self, extractor: Extractor) -> None:
        """Append an extractor; the next access to :attr:`data` extracts everything again."""
        self.add_extractors([extractor])

    def add_extractors(self, extractors: Iterable[Extractor]) -> None:
        """Append several extractors; the next access to :attr:`data` extracts everything again."""
        given = list(extractors)
        _check(given)
        self._extractors += given
        self._data = None

    def run_extraction(self) -> dict[str, pl.DataFrame]:
        """Run all extractors and return their tables by logical name.

        If two extractors give a table of one name, the later one wins and a warning is logged.

        Raises:
            FileNotFoundError: A file is gone.
            FileContentError: A file is not what its format or schema says.
        """
        tables: dict[str, ExtractedTable] = {}
        issues: list[ConversionIssue] = []
        notes: list[ValidationMessage] = []
        phase = self._phase
        for extractor in self._extractors:
            before = phase.done_rows
            extracted = _extraction_of(extractor, phase)
            rows = sum(table.frame.height for table in extracted.tables.values())
            phase.advance(before + rows - phase.done_rows)  # it has told of parts, if there are any
            for name in tables.keys() & extracted.tables.keys():
                self._logger.warning(
                    f"Table {name!r} is extracted twice; the later one replaces the earlier."
                )
            tables |= extracted.tables
            issues += extracted.issues
            notes += extracted.notes
        self._found = Extracted(tables, issues, notes)
        self._data = self._found.frames
        return self._data

    def extraction(self, phase: Phase = NO_PHASE) -> Extracted:
        """Extract, and return the tables together with what was found in them.

        Args:
            phase: Told of the rows that are extracted; see :meth:`Extractor.extraction`.

        Raises:
            FileNotFoundError: A file is gone.
            FileContentError: A file is not what its format or schema says.
        """
        self._found = Extracted()
        self._phase = phase  # for `run_extraction`, which users override
        try:
            frames = self.run_extraction()
        finally:
            self._phase = NO_PHASE
        return self._found.having(frames)

    @property
    def data(self) -> dict[str, pl.DataFrame]:
        """The tables, extracted at the first access and then kept."""
        return self.run_extraction() if self._data is None else self._data

    def stored_bytes(self) -> int | None:
        """Return the stored size of the files; None if one is unknown."""
        sizes = [
            extractor.stored_bytes() if _is_whole(extractor) else extractor.file.stored_bytes()
            for extractor in self._extractors
        ]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    @property
    def completed(self) -> bool:
        """Whether the extraction has run."""
        return self._data is not None

    @property
    def conversion_issues(self) -> list[ConversionIssue]:
        """A new list of the issues of all extractors, in their order."""
        return [issue for extractor in self._extractors for issue in extractor.conversion_issues]


def _is_whole(extractor: Extractor) -> bool:
    """Tell whether an extractor has the whole interface; an ``extract`` method alone will do."""
    return hasattr(extractor, "extraction") and hasattr(extractor, "conversion_issues")


def _check(extractors: Iterable[Any]) -> None:
    if not all(isinstance(one, Extractor) for one in extractors):
        check_parts("extractor", "extract", extractors)


def _extraction_of(extractor: Extractor, phase: Phase) -> Extracted:
    """Return an extractor's result; an ``extract`` method alone will do."""
    try:
        if _is_whole(extractor):
            return extractor.extraction(phase)
        frames = to_frames(extractor.extract())
    except BaseException as error:
        note_component(error, "extractor", _written(extractor))
        raise
    return Extracted({name: ExtractedTable(frame) for name, frame in frames.items()})


def _written(extractor: Extractor) -> Callable[[], object]:
    """Return the method if it is a user's own."""
    methods = (getattr(extractor, name, None) for name in _HOOKS)
    return next((one for one in methods if one is not None and is_own(one)), extractor.extract)
