"""What a town might keep beside its tickets, with each thing a foreign key may say of erasing."""

from __future__ import annotations

import uuid

from django.core.files.storage import FileSystemStorage
from django.db import models

from helpdesk.models import (
    Article,
    Attachment,
    Blob,
    Customer,
    CustomerAddress,
    InboundMail,
    Ticket,
)


class Places(FileSystemStorage):
    """A storage of the site's own; a test makes it fail."""

    is_away = False

    def delete(self, name: str) -> None:
        if self.is_away:
            raise ConnectionError
        super().delete(name)


PLACES = Places()


def nobody() -> None:
    return None


class Row(models.Model):
    """What all have in common."""

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self._meta.model_name} {self.pk}"


class Visit(Row):
    """Goes with the ticket, with its file and with what it needs of our storage."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="+")
    earlier = models.ForeignKey("self", models.CASCADE, null=True, related_name="later")
    words = models.TextField()
    picture = models.FileField(upload_to="visits", storage=PLACES, blank=True)
    scan = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="+")


class Finding(Row):
    """Goes with the visit."""

    visit = models.ForeignKey(Visit, models.CASCADE)
    words = models.TextField()


class BadFinding(Finding):
    """A row in two tables, of which the upper one goes."""

    how_bad = models.TextField()


class Street(Row):
    """Stays; tickets, visits and findings were only noted."""

    name = models.CharField(max_length=20)
    last = models.ForeignKey(Ticket, models.SET_NULL, null=True)
    by_number = models.ForeignKey(
        Ticket, models.SET_NULL, null=True, to_field="number", related_name="+"
    )
    first = models.ForeignKey(Finding, models.SET(nobody), null=True, related_name="+")
    usual = models.ForeignKey(Visit, models.SET_DEFAULT, null=True, default=None, related_name="+")
    tickets = models.ManyToManyField(Ticket, related_name="streets")


class Remark(Row):
    """Points to parts of a ticket."""

    article = models.ForeignKey(Article, models.CASCADE, null=True)
    attachment = models.ForeignKey(Attachment, models.CASCADE, null=True)
    mail = models.ForeignKey(InboundMail, models.CASCADE, null=True)
    words = models.TextField()
    picture = models.FileField(upload_to="remarks", storage=PLACES, blank=True)


class Card(Row):
    """Goes with a customer."""

    customer = models.ForeignKey(Customer, models.CASCADE, null=True)
    address = models.ForeignKey(CustomerAddress, models.CASCADE, null=True)
    picture = models.FileField(upload_to="cards", storage=PLACES)
