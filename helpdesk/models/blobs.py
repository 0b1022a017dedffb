"""Bytes stored once: attachments and raw mail."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Self
from uuid import uuid4

from django.core.files.base import File
from django.db import IntegrityError, OperationalError, connection, models, transaction
from django.db.models import ForeignObjectRel, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from helpdesk import scanner, storage

from .base import NONE, delete_alone

#: So many files are deleted in one transaction.
AT_ONCE = 100


class Scan(models.TextChoices):
    """What the virus scanner said of a file."""

    WAITING = "", _("not checked")
    CLEAN = "clean", _("checked")
    INFECTED = "infected", _("in quarantine")
    SKIPPED = "skipped", _("too large to be checked")


class Blob(models.Model):
    """A file in the content-addressed storage.

    Its references are counted in the tables that point here (`references`); whoever deletes such a
    row calls `release` afterwards.
    """

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.PositiveBigIntegerField(_("size"))
    stored_at = models.DateTimeField(auto_now_add=True)
    scan = models.CharField(_("virus scan"), max_length=10, choices=Scan.choices, blank=True)
    scanned_at = models.DateTimeField(null=True, blank=True)
    # the name of what was found
    finding = models.CharField(_("finding"), max_length=200, blank=True)

    privacy = {"sha256": NONE, "scan": NONE, "finding": NONE}

    class Meta:
        verbose_name = _("stored file")
        verbose_name_plural = _("stored files")
        indexes = [
            models.Index(
                fields=["stored_at"], name="helpdesk_blob_unchecked", condition=Q(scan="")
            ),
            models.Index(
                fields=["scanned_at"],
                name="helpdesk_blob_infected",
                condition=Q(scan="infected"),
            ),
        ]

    def __str__(self) -> str:
        return self.sha256[:12]

    @classmethod
    def keep(cls, content: bytes) -> Blob:
        """Store `content` (once) and return its row; the bytes lie in the storage before the row."""
        sha256 = storage.put(content)
        facts = {"size": len(content), **_scan_of(sha256)}
        blob, created = cls.objects.get_or_create(sha256=sha256, defaults=facts)
        if created:
            storage.put(content)  # between the two lines above `_discard` may have taken the bytes
        return blob

    @classmethod
    def keep_file(cls, content: File) -> Blob:
        """Store the bytes of an open file of ours, of any size, and return its row. No virus scanner is asked."""
        sha256 = storage.put_file(content)
        facts = {"size": content.size, "scan": Scan.SKIPPED, "scanned_at": timezone.now()}
        blob, created = cls.objects.get_or_create(sha256=sha256, defaults=facts)
        if created:
            content.seek(0)
            storage.put_file(content)  # as in `keep`
        return blob

    @classmethod
    def keep_all(cls, contents: Iterable[bytes]) -> list[Self]:
        """Store several contents (each once) and return their rows in order, with two statements.

        Raises `IntegrityError` where `release` took a row in this very moment: do it again.
        """
        kept = list(contents)
        digests = storage.put_all(kept)
        sizes = dict(zip(digests, map(len, kept), strict=True))
        rows = [cls(sha256=one, size=size, **_scan_of(one)) for one, size in sorted(sizes.items())]
        cls.objects.bulk_create(rows, ignore_conflicts=True)
        storage.put_all(kept)  # before the rows were there `_discard` may have taken the bytes
        found = {row.sha256: row for row in cls.objects.filter(sha256__in=sizes)}
        if len(found) < len(sizes):
            raise IntegrityError("a stored file was released meanwhile")
        return [found[sha256] for sha256 in digests]

    @property
    def is_quarantined(self) -> bool:
        """Tell whether the virus scanner found something: nobody is given the bytes any more."""
        return self.scan == Scan.INFECTED

    @property
    def scan_words(self) -> str:
        """Return what people should know of the scan; '' where all is well, or nobody scans."""
        if self.is_quarantined:
            return gettext("in quarantine: %(finding)s") % {"finding": self.finding}
        if self.scan == Scan.CLEAN or not scanner.is_on():
            return ""
        return str(Scan(self.scan).label)

    def read(self) -> bytes:
        """Return the bytes, also those in quarantine: who gives them to people asks `is_quarantined` first.

        Raises `FileNotFoundError` if the storage lost them.
        """
        return storage.read(self.sha256)

    def references(self) -> int:
        """Count the rows that need these bytes."""
        return sum(
            table._base_manager.filter(**{name: self}).count() for table, name in self._needing()
        )

    def release(self) -> bool:
        """Delete the row if nothing needs it any more, and the bytes once that is committed.

        Tells whether that was so.
        """
        return Blob.release_all([self.pk]) == 1

    @classmethod
    def release_all(cls, ids: Iterable[int]) -> int:
        """Do so for many rows with a handful of statements; return how many went.

        That their bytes are to go is written down in the same transaction (`BlobRemoval`), so that nothing stays
        in the storage if the process dies before they are gone.
        """
        with transaction.atomic():
            # a row that begins to point here holds the key: its transaction is waited for
            rows = cls.objects.select_for_update().filter(pk__in=set(ids)).order_by("pk")
            found = dict(rows.values_list("pk", "sha256"))
            needed = cls._needed(found)
            free = {pk: sha256 for pk, sha256 in found.items() if pk not in needed}
            if not free:
                return 0
            digests = sorted(free.values())
            BlobRemoval.objects.bulk_create(
                [BlobRemoval(sha256=one) for one in digests], ignore_conflicts=True
            )
            delete_alone(cls.objects.filter(pk__in=free))
            # the rows are committed by then: a storage that fails now loses nothing but time
            transaction.on_commit(partial(_discard, digests), robust=True)
        return len(free)

    @classmethod
    def needless(cls, ids: Collection[int]) -> set[int]:
        """Return those of some rows that nothing points to at this moment; nothing is locked."""
        return set(ids) - cls._needed(ids)

    @classmethod
    def _needed(cls, ids: Collection[int]) -> set[int]:
        needed: set[int] = set()
        for table, name in cls._needing():
            rows = table._base_manager.filter(**{f"{name}__in": ids}).order_by()
            needed.update(rows.values_list(name, flat=True))
        return needed

    @classmethod
    def _needing(cls) -> Iterator[tuple[Any, str]]:
        """Yield the tables that need stored bytes, and the column; also those without a way back, of any app."""
        for relation in cls._meta.get_fields(include_hidden=True):
            if isinstance(relation, ForeignObjectRel) and not relation.many_to_many:
                yield relation.related_model, relation.field.name


class BlobRemoval(models.Model):
    """Bytes that are to go: written with the deletion of their row, and gone when they are.

    So nothing stays in the storage if the process dies in between; the nightly run does what was left.
    """

    sha256 = models.CharField(max_length=64, unique=True)
    asked_at = models.DateTimeField(auto_now_add=True)

    privacy = {"sha256": NONE}

    class Meta:
        verbose_name = _("file to be deleted")
        verbose_name_plural = _("files to be deleted")

    def __str__(self) -> str:
        return self.sha256[:12]


def _scan_of(sha256: str) -> dict[str, Any]:
    """Return what is known of new bytes: this process may have just had them scanned, at their form."""
    if not scanner.was_clean(sha256):
        return {}
    return {"scan": Scan.CLEAN, "scanned_at": timezone.now()}


def remove_left(limit: int = 1000) -> int:
    """Delete bytes whose rows are gone but which are still there; return how many (at most `limit`) were dealt with."""
    rows = BlobRemoval.objects.order_by("pk").values_list("sha256", flat=True)
    digests = sorted(rows[:limit])
    _discard(digests)
    return len(digests)


def _discard(digests: Sequence[str]) -> None:
    """Delete the bytes of rows that are gone, unless somebody kept equal bytes meanwhile.

    Rows of our own hold the digests while the bytes go: whoever wants to keep them waits for us at
    their unique constraint, and looks again afterwards whether they are there.
    """
    for several in _by(digests, AT_ONCE):
        try:
            _discard_guarded(several, patient=False)
        except OperationalError:
            # somebody keeps one of them at this moment: one by one we hold nothing while we wait
            for one in several:
                _discard_guarded([one], patient=True)


@transaction.atomic
def _discard_guarded(digests: Sequence[str], *, patient: bool) -> None:
    if not patient and connection.vendor == "postgresql":
        # sooner than those who wait crosswise would be told apart by the database
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '200ms'")
    mark = uuid4().hex
    guards = [Blob(sha256=one, size=0, finding=mark) for one in digests]
    Blob.objects.bulk_create(guards, ignore_conflicts=True)
    ours = Blob.objects.filter(sha256__in=digests, finding=mark)
    storage.delete_all(ours.values_list("sha256", flat=True))
    delete_alone(ours)
    delete_alone(BlobRemoval.objects.filter(sha256__in=digests))


def _by(digests: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(digests), size):
        yield digests[start : start + size]


def release_with_row(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Let go of what a row was stored in that was deleted along with something else, an account say.

    A receiver of Django's signal; rows that go set by set send none, and whoever deletes them calls `release_all`.
    """
    if instance.blob_id is not None:
        Blob.release_all([instance.blob_id])
