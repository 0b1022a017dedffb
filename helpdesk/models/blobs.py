"""Bytes stored once: attachments and raw mail."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk import storage

from .base import NONE


class Blob(models.Model):
    """A file in the content-addressed storage.

    Its references are counted in the tables that point here (`references`); whoever deletes such a
    row calls `release` afterwards.
    """

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.PositiveBigIntegerField(_("size"))
    stored_at = models.DateTimeField(auto_now_add=True)

    privacy = {"sha256": NONE}

    class Meta:
        verbose_name = _("stored file")
        verbose_name_plural = _("stored files")

    def __str__(self) -> str:
        return self.sha256[:12]

    @classmethod
    def keep(cls, content: bytes) -> Blob:
        """Store `content` (once) and return its row; the bytes lie in the storage before the row."""
        sha256 = storage.put(content)
        blob, _created = cls.objects.get_or_create(sha256=sha256, defaults={"size": len(content)})
        return blob

    def read(self) -> bytes:
        """Return the bytes. Raises `FileNotFoundError` if the storage lost them."""
        return storage.read(self.sha256)

    def references(self) -> int:
        """Count the rows that need these bytes."""
        return sum(
            relation.related_model._default_manager.filter(**{relation.field.name: self}).count()
            for relation in self._meta.related_objects
        )

    def release(self) -> bool:
        """Delete row and bytes if nothing needs them any more; tell whether that was so."""
        if self.references():
            return False
        sha256 = self.sha256
        self.delete()
        storage.delete(sha256)
        return True
