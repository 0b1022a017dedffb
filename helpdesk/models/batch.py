"""Several changes that are written as one: while a batch is open, new and changed rows wait for it.

`insert` and `update` write at once outside a batch. Inside one the rows wait and go to the database a table at a
time, at the end or before the first statement that names their table: so nobody reads past what waits. What
was read ahead (`learn`, `hold`) is forgotten as soon as anybody else changes its table.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from django.db import connection
from django.db.models import Field, Model

M = TypeVar("M", bound=Model)


class WentBack(Exception):
    """Inside the batch somebody went back to a savepoint: what is known of the rows may be wrong."""


class Batch:
    """The rows that wait, and what was read ahead. Belongs to one transaction."""

    def __init__(self, size: int) -> None:
        self._went_back = False
        self._size = size  # so many ids are drawn at a time
        self._ids: dict[type[Model], list[int]] = {}
        self._new: dict[type[Model], list[Any]] = {}
        self._changed: dict[type[Model], dict[int, set[str]]] = {}
        self._made: dict[type[Model], list[Any]] = {}
        self._held: dict[type[Model], dict[int, Any]] = {}
        self._known: dict[type[Model], dict[Hashable, Any]] = {}
        self._is_own = False  # whether a statement is the batch's

    # --- what is known ---------------------------------------------------------------------------

    def learn(self, model: type[Model], facts: Mapping[Any, Any]) -> None:
        """Keep what was read, or is certain, of a table, by any key."""
        self._known.setdefault(model, {}).update(facts)

    def known(self, model: type[Model]) -> Mapping[Any, Any]:
        """Return what was learned of a table and still holds."""
        return self._known.get(model, {})

    def made(self, model: type[M]) -> list[M]:
        """Return the rows of a table that were inserted in this batch, in order."""
        return self._made.get(model, [])

    def hold(self, rows: Iterable[Model]) -> None:
        """Take over rows that were read whole and locked: until the end nobody else changes them."""
        for row in rows:
            self._held.setdefault(type(row), {})[row.pk] = row

    def held(self, model: type[M]) -> Mapping[int, M]:
        """Return the rows that this batch locked or made, as they are now. Copy one before you change it."""
        return self._held.get(model, {})

    # --- what waits ------------------------------------------------------------------------------

    def insert(self, row: Model, *, with_id: bool) -> None:
        model = type(row)
        if with_id and connection.vendor == "postgresql":
            row.pk = self._draw(model)
        elif with_id:  # only an insert gives an id here
            with self._own():
                row.save(force_insert=True)
        if row._state.adding:
            self._new.setdefault(model, []).append(row)
        self._made.setdefault(model, []).append(row)
        if with_id:
            self.hold([row])

    def _draw(self, model: type[Model]) -> int:
        """Return an id that nobody has and nobody will get."""
        ids = self._ids.setdefault(model, [])
        if not ids:
            table = connection.ops.quote_name(model._meta.db_table)
            with self._own(), connection.cursor() as cursor:
                cursor.execute(
                    "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                    [table, model._meta.pk.column, self._size],
                )
                ids += [number for (number,) in reversed(cursor.fetchall())]
        return ids.pop()

    def update(self, row: Model, fields: Collection[str]) -> None:
        model = type(row)
        kept = self.held(model).get(row.pk)
        if kept is None:
            row.save(update_fields=fields)
            return
        for name in fields:
            field = cast("Field[Any, Any]", model._meta.get_field(name))
            is_there = not field.is_relation or name in row._state.fields_cache
            attribute = name if is_there else field.attname
            setattr(kept, attribute, getattr(row, attribute))
        if not kept._state.adding:
            self._changed.setdefault(model, {}).setdefault(row.pk, set()).update(fields)

    def write_all(self) -> None:
        """Write everything that waits."""
        for model in [*self._new, *self._changed]:
            self._write(model)

    def _write(self, model: type[Model]) -> None:
        new, changed = self._new.pop(model, []), self._changed.pop(model, {})
        rows = model._base_manager
        with self._own():
            if new:
                # a model that has more to do at an insert says so
                getattr(model, "insert_all", rows.bulk_create)(new)
            if changed:
                # rows that are there, and locked by us: so many are changed with one statement.
                # Copies, for a column that is set at the insert is set in the row as well
                rows.bulk_create(
                    [copy.copy(self._held[model][pk]) for pk in changed],
                    update_conflicts=True,
                    unique_fields=[model._meta.pk.name],
                    update_fields=sorted(set().union(*changed.values())),
                )

    def check(self) -> None:
        """Raise `WentBack` if somebody went back to a savepoint."""
        if self._went_back:
            raise WentBack

    # --- what others do --------------------------------------------------------------------------

    @contextmanager
    def _own(self) -> Iterator[None]:
        before, self._is_own = self._is_own, True
        try:
            yield
        finally:
            self._is_own = before

    def watch(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        """Write what a statement of somebody else may ask for, and forget what it may change."""
        if not self._is_own:
            self._before(str(sql))
        return execute(sql, params, many, context)

    def _before(self, sql: str) -> None:
        if sql.startswith("ROLLBACK"):
            self._went_back = True
        elif sql.startswith(("SAVEPOINT", "RELEASE")):
            self.write_all()
        for model in {*self._new, *self._changed, *self._known, *self._held}:
            if model._meta.db_table in sql:
                self._write(model)
                if not sql.startswith("SELECT"):
                    self._known.pop(model, None)
                    self._held.pop(model, None)


_open: ContextVar[Batch | None] = ContextVar("helpdesk_batch", default=None)


def current_batch() -> Batch | None:
    """Return the batch that is open, if there is one."""
    return _open.get()


@contextmanager
def open_batch(size: int) -> Iterator[Batch]:
    """Open a batch for about `size` things; at the end of the block everything is written.

    Call inside a transaction that fails whole. Raises `WentBack` if a savepoint was gone back to inside: then,
    as after any error, give the transaction up.
    """
    opened = Batch(size)
    token = _open.set(opened)
    try:
        with connection.execute_wrapper(opened.watch):
            yield opened
            opened.check()
            opened.write_all()
    finally:
        _open.reset(token)


def insert(row: Model, *, with_id: bool = True) -> None:
    """Insert a new row, in a batch with the others; `with_id`: its id is needed before they are written."""
    opened = current_batch()
    if opened is None:
        row.save(force_insert=True)
    else:
        opened.insert(row, with_id=with_id)


def update(row: Model, *fields: str) -> None:
    """Save some fields of a locked row, in a batch with the others."""
    opened = current_batch()
    if opened is None:
        row.save(update_fields=fields)
    else:
        opened.update(row, fields)


def held(model: type[M], **which: object) -> M | None:
    """Return a row with these values that the open batch locked or made, as it is now; None if there is none."""
    opened = current_batch()
    rows = opened.held(model).values() if opened is not None else ()
    found = (row for row in rows if all(getattr(row, name) == which[name] for name in which))
    return copy.copy(next(found, None))


def hold(row: Model) -> None:
    """Tell the open batch, if there is one, of a row that its transaction has locked: it is whole and as it is now."""
    opened = current_batch()
    if opened is not None:
        opened.hold([row])


def learn(model: type[Model], facts: Mapping[Any, Any]) -> None:
    """Keep something that is certain of a table while the batch is open, if one is."""
    opened = current_batch()
    if opened is not None:
        opened.learn(model, facts)


def known(model: type[Model]) -> Mapping[Any, Any]:
    """Return what the open batch has learned of a table."""
    opened = current_batch()
    return opened.known(model) if opened is not None else {}
