"""Files of a form that waits for an answer of its sender, and is sent again without them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .base import CONTENT, NONE
from .blobs import Blob

#: So long a file is held; later it has to be chosen again.
HELD_FOR = timedelta(hours=12)


class HeldFile(models.Model):
    """A file that somebody chose in a form: a browser sends it once, and asks for it again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    # what the form sends along instead of the files, and the input in which the file was chosen
    key = models.UUIDField(db_index=True)
    field = models.CharField(max_length=100)
    name = models.CharField(_("name"), max_length=250)
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="held")
    at = models.DateTimeField(auto_now_add=True)

    privacy = {"field": NONE, "name": CONTENT}

    class Meta:
        verbose_name = _("held file")
        verbose_name_plural = _("held files")
        ordering = ["id"]
        indexes = [models.Index(fields=["at"], name="helpdesk_held_old")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def hold(cls, user: Any, files: Iterable[tuple[str, str, bytes]]) -> str:
        """Keep files (input, name, bytes) for `user`; return the key, '' if there are none."""
        chosen = list(files)
        if not chosen:
            return ""
        key = uuid4()
        blobs = Blob.keep_all(content for _field, _name, content in chosen)
        HeldFile.objects.bulk_create(
            HeldFile(user=user, key=key, field=field[:100], name=name[:250], blob=blob)
            for (field, name, _content), blob in zip(chosen, blobs, strict=True)
        )
        return str(key)

    @classmethod
    def drop_old(cls) -> int:
        """Let go of what was held for too long; return how many files that were."""
        return cls.drop(cls.objects.filter(at__lt=timezone.now() - HELD_FOR))

    @classmethod
    def drop(cls, rows: models.QuerySet[HeldFile]) -> int:
        """Let go of some files; their bytes go unless something else needs them."""
        blobs = {row.blob_id: row.blob for row in rows.select_related("blob")}
        gone, _by_model = rows.delete()
        for blob in blobs.values():
            blob.release()
        return gone
