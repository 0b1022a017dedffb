"""A site's own tables that point to rows of ours: what becomes of their rows, and of their files, when ours are deleted.

Ours stand in lists (`helpdesk.actions.erasing_rows`). Of all other tables each foreign key says it by its `on_delete`,
and that is done as Django does it, but set by set: nobody's text is read, no signal is sent, no `delete` is called.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models import FileField, ForeignKey, ForeignObjectRel, Model, QuerySet
from django.utils.translation import gettext_lazy as _

from .base import CONTENT, NONE, delete_alone
from .blobs import Blob

logger = logging.getLogger(__name__)

Table = type[Model]
#: Ids of rows by their table.
Ids = Mapping[Table, Collection[Any]]

OURS = "helpdesk"
#: Ids of one statement: SQLite takes only so many.
PORTION = 5000
#: Pairs of columns by which a table points to a row of any table.
_PAIRS = (
    ("content_type", "object_id"),
    ("base_content_type", "object_id"),
    ("to_content_type", "to_object_id"),
)


def _of_django(*names: str) -> frozenset[Any]:
    return frozenset(getattr(models, name) for name in names if hasattr(models, name))


#: What a foreign key may say. Later versions of Django also let the database do it.
_GOES = _of_django("CASCADE", "DB_CASCADE")
_NULL = _of_django("SET_NULL", "DB_SET_NULL")


@dataclass(frozen=True)
class Link:
    """A foreign key of a table outside the help desk."""

    model: Table
    field: Any

    @property
    def goes(self) -> bool:
        """Whether the row goes with that to which it points."""
        return self._on_delete in _GOES

    @property
    def is_cut(self) -> bool:
        """Whether the row stays and points elsewhere afterwards."""
        on_delete = self._on_delete
        return on_delete in _NULL or on_delete is models.SET_DEFAULT or self._set is not None

    @property
    def is_loose(self) -> bool:
        """Whether no database minds where it points, and the site wants it so."""
        is_bound = self.field.db_constraint and self.model._meta.managed
        return self._on_delete is models.DO_NOTHING and not is_bound

    @property
    def _on_delete(self) -> Any:
        return self.field.remote_field.on_delete

    @property
    def _set(self) -> tuple[Any, ...] | None:
        """Return what stands in `SET(…)`, as a tuple of one, or None."""
        name, values, _named = getattr(self._on_delete, "deconstruct", lambda: ("", (), {}))()
        return values if name.endswith(".SET") else None

    def rows(self, pks: Collection[Any]) -> QuerySet[Any]:
        """Return the rows that point to some."""
        # by the id, whatever the column holds: it may point by another one (`to_field`)
        which = {f"{self.field.name}__pk__in": pks}
        return self.model._base_manager.filter(**which).order_by()

    def cut(self, pks: Collection[Any]) -> None:
        """Let the rows that point to some point to what the key says instead."""
        value = None
        if self._on_delete is models.SET_DEFAULT:
            value = self.field.get_default()
        elif self._set is not None:
            (value,) = self._set
            value = value() if callable(value) else value
        self.rows(pks).update(**{self.field.name: value})


def links_to(model: Table) -> Iterator[Link]:
    """Yield the foreign keys outside the help desk that point to a table, those without a way back as well."""
    for relation in model._meta.get_fields(include_parents=False, include_hidden=True):
        if not isinstance(relation, ForeignObjectRel) or relation.many_to_many:
            continue
        table = relation.related_model
        if isinstance(relation.field, ForeignKey) and table._meta.app_label != OURS:
            yield Link(table, relation.field)


def by(ids: Sequence[Any], size: int = PORTION) -> Iterator[Sequence[Any]]:
    """Yield ids in portions: SQLite takes only so many in one statement."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


# --- what goes -----------------------------------------------------------------------------------


def delete_rows(rows: QuerySet[Any]) -> int:
    """Delete rows of ours, and what of a site's tables goes with them; return how many of ours there were.

    One statement where no site points to the table. What of our own tables points there is the caller's business.
    """
    model = rows.model
    if _has_files(model) or any(links_to(model)):
        pks = list(rows.order_by().values_list("pk", flat=True))
        let_go({model: pks})
        blobs = _note_files(model, pks)
        done = delete_alone(rows)
        Blob.release_all(blobs)
        return done
    return delete_alone(rows)


def let_go(ids: Ids) -> Counter[str]:
    """Delete or cut the rows of a site's tables that point to these, which go; count those deleted as "rows".

    With them goes, in turn, what points to them; their files follow once that is committed.
    """
    gone = _with_them(ids)
    for model, pks in [*ids.items(), *gone.items()]:
        for link in links_to(model):
            if link.is_cut:
                for some in by(list(pks)):
                    link.cut(some)
    blobs: set[int] = set()
    done: Counter[str] = Counter()
    for model, pks in reversed(gone.items()):  # what points to others first
        blobs |= _note_files(model, pks)
        for some in by(list(pks)):
            done["rows"] += delete_alone(model._base_manager.filter(pk__in=some).order_by())
    if blobs:
        Blob.release_all(blobs)
    return +done


def _with_them(ids: Ids) -> dict[Table, set[Any]]:
    """Return what goes with some rows, over any number of tables; as many statements as there are ways."""
    found: dict[Table, set[Any]] = {}
    fresh = {model: set(pks) for model, pks in ids.items() if pks}
    while fresh:
        more: dict[Table, set[Any]] = {}
        for model, pks in fresh.items():
            for table, new in _pointing(model, list(pks)):
                more.setdefault(table, set()).update(new - found.get(table, set()))
        for table, new in more.items():
            found.setdefault(table, set()).update(new)
        fresh = {table: new for table, new in more.items() if new}
    return {table: pks for table, pks in found.items() if pks}


def _pointing(model: Table, pks: Sequence[Any]) -> Iterator[tuple[Table, set[Any]]]:
    """Yield the rows that go with some rows of one table."""
    for link in links_to(model):
        if link.goes:
            for some in by(pks):
                yield link.model, set(link.rows(some).values_list("pk", flat=True))
    # of rows of ours `forget_generic` finds these
    if model._meta.app_label != OURS and not model._meta.auto_created:
        for table, type_, key in _generic():
            fitting = _fitting(table._meta.get_field(key), pks) if table is not model else []
            for some in by(fitting):
                rows = _pointing_by_pair(table, type_, key, model, some)
                yield table, set(rows.values_list("pk", flat=True))


# --- what points to rows of any table ------------------------------------------------------------


def forget_generic(ids: Mapping[Table, Sequence[Any]]) -> None:
    """Delete the rows of other apps that point to these: Wagtail's logs, its index of references, and their like."""
    types = {model: ContentType.objects.get_for_model(model).pk for model in ids if ids[model]}
    for table, type_, key in _generic():
        rows = table._default_manager.filter(**{f"{type_}__in": list(types.values())}).order_by()
        present = set(rows.values_list(type_, flat=True)[:1]) and set(types)
        for model in present:
            delete_rows(_pointing_by_pair(table, type_, key, model, ids[model]))


def _pointing_by_pair(
    table: Any, type_: str, key: str, model: Table, pks: Iterable[Any]
) -> QuerySet[Any]:
    which = {
        type_: ContentType.objects.get_for_model(model).pk,
        f"{key}__in": [str(pk) for pk in pks],
    }
    found: QuerySet[Any] = table._default_manager.filter(**which).order_by()
    return found


def _fitting(column: Any, pks: Iterable[Any]) -> list[str]:
    """Return those ids, as text, that a column can hold: one of numbers points to no row known by a UUID."""
    try:
        return [text for text in map(str, pks) if column.get_prep_value(text) is not None]
    except (TypeError, ValueError):
        return []


def _generic() -> Iterator[tuple[Any, str, str]]:
    for model in apps.get_models():
        names = {field.name for field in model._meta.concrete_fields}
        yield from ((model, type_, key) for type_, key in _PAIRS if {type_, key} <= names)


# --- files ---------------------------------------------------------------------------------------


class FileRemoval(models.Model):
    """A file of a site's own storage that is to go: written with the deletion of its row, and gone when it is.

    So nothing stays in the storage if the process dies in between; the nightly run does what was left.
    """

    # "app.Model" and column to which it belonged: they say in which storage it lies
    table = models.CharField(max_length=200)
    column = models.CharField(max_length=200)
    name = models.TextField()
    asked_at = models.DateTimeField(auto_now_add=True)

    privacy = {"table": NONE, "column": NONE, "name": CONTENT}

    class Meta:
        verbose_name = _("file of another app to be deleted")
        verbose_name_plural = _("files of other apps to be deleted")

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


def _has_files(model: Table) -> bool:
    return model._meta.app_label != OURS and any(_file_columns(model))


def _file_columns(model: Table) -> Iterator[Any]:
    for one in model._meta.local_concrete_fields:
        if isinstance(one, FileField) or (one.is_relation and one.related_model is Blob):
            yield one


def _note_files(model: Table, pks: Collection[Any]) -> set[int]:
    """Write down the files of rows that are about to go; return the ids of what they need of our own storage."""
    blobs: set[int] = set()
    if not _has_files(model):
        return blobs
    removals: list[FileRemoval] = []
    for field in _file_columns(model):
        for some in by(list(pks)):
            rows = model._base_manager.filter(pk__in=some, **{f"{field.name}__isnull": False})
            values = set(rows.order_by().values_list(field.attname, flat=True)) - {""}
            if isinstance(field, FileField):
                facts = {"table": model._meta.label, "column": field.name}
                removals += [FileRemoval(name=name, **facts) for name in sorted(values)]
            else:
                blobs |= values
    made = FileRemoval.objects.bulk_create(removals, batch_size=500)
    if made:
        transaction.on_commit(partial(_remove, [row.pk for row in made]), robust=True)
    return blobs


def remove_left_files(limit: int) -> int:
    """Delete files whose rows are gone but which are still there, at most `limit`; return how many were dealt with."""
    pks = list(FileRemoval.objects.order_by("pk").values_list("pk", flat=True)[:limit])
    return _remove(pks)


def _remove(pks: Sequence[int]) -> int:
    """Delete some files, unless another row of their table names them, too. One that cannot be is tried the next night."""
    rows = FileRemoval.objects.filter(pk__in=pks).order_by("pk")
    places: dict[tuple[str, str], dict[int, str]] = {}
    for pk, table, column, name in rows.values_list("pk", "table", "column", "name"):
        places.setdefault((table, column), {})[pk] = name
    done: list[int] = []
    for (table, column), names in places.items():
        try:
            model = apps.get_model(table)
            field: Any = model._meta.get_field(column)
            done += _remove_of(model, field, names)
        except Exception as fault:  # noqa: BLE001  whatever the site's storage may say
            # by type: the message may name the file
            logger.error("files of %s.%s: %s", table, column, type(fault).__name__)
    delete_alone(FileRemoval.objects.filter(pk__in=done))
    return len(done)


def _remove_of(model: Table, field: Any, names: Mapping[int, str]) -> list[int]:
    shared = model._base_manager.filter(**{f"{field.name}__in": set(names.values())}).order_by()
    needed = set(shared.values_list(field.name, flat=True))
    for name in set(names.values()) - needed:
        field.storage.delete(name)
    return list(names)


# --- what a site must not say --------------------------------------------------------------------


def refusals(roots: Iterable[Table]) -> Iterator[tuple[Link, str]]:
    """Yield the foreign keys of sites that would keep rows of these tables, or what goes with them, from going: why.

    `refuses`: by its `on_delete` (`PROTECT`, `RESTRICT`, `DO_NOTHING` and what is no part of Django); `parents`: its
    row is only the lower part of a row of another table, as a Wagtail page's is.
    """
    waiting, seen = list(roots), set(roots)
    while waiting:
        for link in links_to(waiting.pop()):
            if not (link.goes or link.is_cut or link.is_loose):
                yield link, "refuses"
            if not link.goes:
                continue
            if link.model._meta.parents and not link.field.remote_field.parent_link:
                yield link, "parents"
            if link.model not in seen:
                seen.add(link.model)
                waiting.append(link.model)
