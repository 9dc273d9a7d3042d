"""The history of a session: the table of jobs, a row per attempt."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from algomancy_data.database.backend import backend_for
from algomancy_data.database.entry import decoded
from algomancy_data.database.models import jobs_table
from algomancy_data.documents import expect, parse
from algomancy_data.errors import DamagedStoreError, SerializationError
from algomancy_data.store.history import Attempt, History, Outcome, begun, refuse_repetition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from algomancy_data.database.backend import Backend
    from algomancy_data.database.transactions import Transactions

_COLUMNS: Final = jobs_table.c
_OF_SESSION: Final = _COLUMNS.session_id == sa.bindparam("wanted_session")
_OF_JOB: Final = _COLUMNS.job == sa.bindparam("wanted_job")
# Statements are made once: to put one together takes longer than to execute it.
_OF_ONE_BATCH: Final = _COLUMNS.batch == sa.bindparam("wanted_batch")
_INSERT: Final = sa.insert(jobs_table)
_ROW: Final = sa.select(*(sa.bindparam(one.name, type_=one.type) for one in _COLUMNS))
_INSERT_FIRST: Final = _INSERT.from_select(
    list(_COLUMNS), _ROW.where(~sa.exists().where(_OF_SESSION, _OF_JOB))
).execution_options(preserve_rowcount=True)
_END: Final = sa.update(jobs_table).where(
    _OF_SESSION,
    _OF_JOB,
    _COLUMNS.number == sa.bindparam("wanted_number"),
    _COLUMNS.outcome != str(Outcome.DONE),
)
_OTHERS: Final = jobs_table.alias().c
_DONE: Final = sa.select(sa.func.count()).where(
    _OTHERS.session_id == sa.bindparam("wanted_session"),
    _OTHERS.job == sa.bindparam("wanted_job"),
    _OTHERS.outcome == str(Outcome.DONE),
)
_FINISH: Final = _END.where(_DONE.scalar_subquery() <= sa.bindparam("done_before"))


@cache
def _query(backend: Backend, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Return the query of attempts; columns are read as text, since they may hold anything."""
    columns = (backend.as_text(column).label(column.name) for column in _COLUMNS)
    query = sa.select(*columns).where(_OF_SESSION, *conditions)
    return query.order_by(_COLUMNS.started_at, _COLUMNS.number)


class DatabaseHistory(History):
    """The attempts of a session.

    Args:
        session_id: The session.
        transactions: Begins transactions.
    """

    def __init__(self, session_id: str, transactions: Transactions) -> None:
        self._session_id = session_id
        self._transactions = transactions
        self._is_there = False
        self.is_shared = not transactions.share_connection

    def attempts(self, *, batch: str | None = None, job: str | None = None) -> list[Attempt]:
        """Return attempts in the order in which they began; none if there is no table of jobs."""
        with self._transactions.reading("reading the history of jobs") as connection:
            if not self._is_there:
                self._is_there = connection.dialect.has_table(connection, jobs_table.name)
            if not self._is_there:
                return []
            if job is not None:
                found = self._of_job(connection, job)
                return [one for one in found if batch in {None, one.batch}]
            if batch is None:
                return self._found(connection)
            return self._found(connection, _OF_ONE_BATCH, wanted_batch=batch)

    def begin(self, attempt: Attempt, *, first: bool = False) -> Attempt:
        """Add a row for an attempt; return it with its number."""
        with self._transactions.writing(
            "writing the history of jobs", attempt.dataset
        ) as connection:
            if first:
                now = begun(attempt, ())
                row = {**self._row(now), **self._wanted(now)}
                return now if connection.execute(_INSERT_FIRST, row).rowcount else attempt
            now = begun(attempt, self._of_job(connection, attempt.job))
            connection.execute(_INSERT, self._row(now))
        return now

    def _row(self, attempt: Attempt) -> dict[str, Any]:
        return {
            "session_id": self._session_id,
            "job": attempt.job,
            "number": attempt.number,
            "batch": attempt.batch,
            "dataset": attempt.dataset,
            "mode": attempt.mode,
            "started_at": attempt.started_at.astimezone(UTC).replace(tzinfo=None),
            **_end_of(attempt),
        }

    def end(self, attempt: Attempt) -> None:
        """Write how an attempt ended, unless it was done."""
        with self._transactions.writing(
            "writing the history of jobs", attempt.dataset
        ) as connection:
            connection.execute(_END, {**_end_of(attempt), **self._wanted(attempt)})

    def write_finished(self, connection: sa.Connection, dataset_id: str) -> None:
        """Write that the attempt at the transaction's dataset was done, if there is an attempt.

        Args:
            connection: A connection in the transaction.
            dataset_id: Identity of the dataset.

        Raises:
            JobDoneError: Another attempt was done since it began.
        """
        if self._finished is not None:
            ended = replace(self._finished, dataset_id=dataset_id)
            row = {**_end_of(ended), **self._wanted(ended), "done_before": ended.done_before}
            if not connection.execute(_FINISH, row).rowcount:
                refuse_repetition(ended, self._of_job(connection, ended.job))

    def _wanted(self, attempt: Attempt) -> dict[str, Any]:
        return {
            "wanted_session": self._session_id,
            "wanted_job": attempt.job,
            "wanted_number": attempt.number,
        }

    def _of_job(self, connection: sa.Connection, job: str) -> list[Attempt]:
        return self._found(connection, _OF_JOB, wanted_job=job)

    def _found(
        self, connection: sa.Connection, *conditions: sa.ColumnElement[bool], **wanted: str
    ) -> list[Attempt]:
        query = _query(backend_for(connection), *conditions)
        given = {"wanted_session": self._session_id, **wanted}
        return [_attempt(row) for row in connection.execute(query, given).mappings()]


def _end_of(attempt: Attempt) -> dict[str, Any]:
    finished = attempt.finished_at
    return {
        "outcome": str(attempt.outcome),
        "worker": attempt.worker,
        "finished_at": None if finished is None else finished.astimezone(UTC).replace(tzinfo=None),
        "dataset_id": attempt.dataset_id,
        "details": json.dumps(attempt.details),
    }


def _attempt(row: Mapping[Any, Any]) -> Attempt:
    try:
        columns: dict[str, Any] = {name: decoded(text) for name, text in row.items()}
        for name in ("started_at", "finished_at"):
            if columns[name] is not None:
                moment = datetime.fromisoformat(columns[name])
                columns[name] = moment.replace(tzinfo=UTC).isoformat()
        if (columns["number"] or "").isdecimal():
            columns["number"] = int(columns["number"])
        details = expect(dict, parse(columns["details"]), "details")
        return Attempt.from_dict({**details, **columns})
    except (SerializationError, ValueError) as error:
        msg = (
            f"A row of the table {jobs_table.name!r} is damaged: {error}. Restore it from a "
            f"backup, or delete the row: then it is not known that the job was done."
        )
        raise DamagedStoreError(msg) from error
