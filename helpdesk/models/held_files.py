"""Files of a form that came back to its sender: a browser sends them once, and would ask for them again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import conf

from .base import CONTENT, NONE, PERSON
from .blobs import Blob

#: So many are let go of in one transaction.
AT_ONCE = 200


@dataclass(frozen=True)
class ToHold:
    """A file that was found good: the input it was chosen in, its clean name, what its bytes are, and the bytes."""

    field: str
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Holder:
    """For whom files are held: the form, the browser (a digest), the account if any, and the network (a digest)."""

    form_key: UUID
    visitor: str
    user_id: Any = None
    source: str = ""


class HeldFile(models.Model):
    """A file that somebody chose in a form that is not sent yet. It goes with the request, or after some hours."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+"
    )
    # what the form sends along, signed, instead of the file
    key = models.UUIDField(db_index=True, default=uuid4)
    form_key = models.UUIDField(null=True)
    # the input in which the file was chosen
    field = models.CharField(max_length=100)
    # digests: of what only this browser knows, and of the network by which bytes are counted
    visitor = models.CharField(max_length=64, blank=True, default="")
    source = models.CharField(max_length=64, blank=True, default="")
    name = models.CharField(_("name"), max_length=250)
    content_type = models.CharField(max_length=150, blank=True, default="")
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="held")
    at = models.DateTimeField(auto_now_add=True)

    privacy = {
        "field": NONE,
        "visitor": NONE,
        "source": PERSON,
        "name": CONTENT,
        "content_type": NONE,
    }

    class Meta:
        verbose_name = _("held file")
        verbose_name_plural = _("held files")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["at"], name="helpdesk_held_old"),
            models.Index(fields=["source"], name="helpdesk_held_source"),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def since(cls) -> datetime:
        """Return the moment (aware) before which what was held is over."""
        return timezone.now() - timedelta(hours=int(conf.get("HELD_FILE_HOURS")))

    @classmethod
    def fresh(cls, holder: Holder) -> models.QuerySet[HeldFile]:
        """Return what is held for the sender of a form, with its bytes' rows; nothing that is over."""
        rows = cls.objects.filter(
            form_key=holder.form_key,
            visitor=holder.visitor,
            user_id=holder.user_id,
            at__gt=cls.since(),
        )
        return rows.select_related("blob")

    @classmethod
    def bytes_of(cls, source: str) -> int:
        """Return how many bytes are held for one network."""
        rows = cls.objects.filter(source=source).order_by()
        return int(rows.aggregate(n=Sum("blob__size"))["n"] or 0)

    @classmethod
    def hold(cls, holder: Holder, files: Sequence[ToHold]) -> list[HeldFile]:
        """Keep files for the sender of a form, all or none, and return their rows in order."""
        try:
            return cls._hold(holder, files)
        except IntegrityError:  # equal bytes were let go of in this very moment
            return cls._hold(holder, files)

    @classmethod
    @transaction.atomic
    def _hold(cls, holder: Holder, files: Sequence[ToHold]) -> list[HeldFile]:
        blobs = Blob.keep_all(file.content for file in files)
        rows = [
            HeldFile(
                user_id=holder.user_id,
                form_key=holder.form_key,
                visitor=holder.visitor,
                source=holder.source,
                field=file.field[:100],
                name=file.name[:250],
                content_type=file.content_type[:150],
                blob=blob,
            )
            for file, blob in zip(files, blobs, strict=True)
        ]
        return HeldFile.objects.bulk_create(rows)

    @classmethod
    def take(cls, ids: Iterable[int]) -> bool:
        """Let rows go whose files are filed in the transaction at hand; False, and none goes, if one is gone already.

        They are locked: of two that send the same file, one has it. The bytes stay, for the request needs them.
        """
        wanted = set(ids)
        rows = cls.objects.filter(pk__in=wanted)
        found = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
        if len(found) < len(wanted):
            return False
        rows.delete()
        return True

    @classmethod
    def drop_old(cls) -> int:
        """Let go of what was held for too long; return how many files that were, at most `AT_ONCE`."""
        old = cls.objects.filter(at__lte=cls.since()).order_by("pk")
        return cls.drop(cls.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:AT_ONCE])))

    @classmethod
    @transaction.atomic
    def drop(cls, rows: models.QuerySet[HeldFile]) -> int:
        """Let go of some files; their bytes go unless something else needs them. What is just being filed stays."""
        skip = connection.features.has_select_for_update_skip_locked
        locked = rows.select_for_update(of=("self",), skip_locked=skip).order_by("pk")
        found = dict(locked.values_list("pk", "blob_id"))
        cls.objects.filter(pk__in=found).delete()
        Blob.release_all(found.values())
        return len(found)
