"""The audit log: who came in, who was given what, who read what is confidential."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _

from .base import NONE, PERSON


class AuditKind(models.TextChoices):
    """What is written down, in the form subject.verb."""

    LOGIN = "login.succeeded", _("logged in")
    LOGIN_FAILED = "login.failed", _("failed to log in")
    LOGIN_LOCKED = "login.locked", _("was locked out after too many attempts")
    LOGOUT = "login.ended", _("logged out")
    SESSION_ENDED = "session.ended", _("ended a session")
    PASSWORD_CHANGED = "password.changed", _("changed a password")
    FACTOR_ADDED = "factor.added", _("added a second factor")
    FACTOR_REMOVED = "factor.removed", _("removed a second factor")
    RIGHT_GRANTED = "right.granted", _("gave a right")
    RIGHT_WITHDRAWN = "right.withdrawn", _("took a right away")
    MEMBER_ADDED = "member.added", _("added a member to a group")
    MEMBER_REMOVED = "member.removed", _("removed a member from a group")
    ACCOUNT_CHANGED = "account.changed", _("changed an account")
    SETTING_CHANGED = "setting.changed", _("changed a setting")
    EXPORTED = "data.exported", _("exported data")
    CONFIDENTIAL_READ = "confidential.read", _("read a confidential ticket")
    ERASED = "data.erased", _("erased data")
    HOLD_PLACED = "hold.placed", _("placed a hold")
    HOLD_CHANGED = "hold.changed", _("changed a hold")
    HOLD_LIFTED = "hold.lifted", _("lifted a hold")
    TERMS_SHORTENED = "terms.shortened", _("shortened how long tickets are kept")
    PERSON_LOOKED_UP = "person.looked_up", _("looked up everything about a person")
    PERSON_CORRECTED = "person.corrected", _("corrected what is stored about a person")
    PERSON_ERASED = "person.erased", _("erased a person")
    RESTORED = "data.restored", _("restored a backup")
    TEST_DISCARDED = "test.discarded", _("deleted a test request")
    SECRETS_ROTATED = "secrets.rotated", _("encrypted the secrets anew")
    CUSTOMERS_MERGED = "customers.merged", _("merged two customers")
    ADDRESS_VERIFIED = "address.verified", _("verified an address")
    ORDER_APPROVED = "order.approved", _("approved the order of a queue")
    FILE_QUARANTINED = "file.quarantined", _("put a file into quarantine")


class AppendOnly(models.QuerySet["AuditEntry"]):
    """Rows that come and stay."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("The audit log is only added to.")

    def delete(self) -> NoReturn:
        raise TypeError("The audit log is only added to.")

    bulk_update = update  # type: ignore[assignment]


class AuditEntry(models.Model):
    """One line of the audit log, written by `helpdesk.audit.record` only, and never changed.

    Nothing points away from it: what it tells of may go, the line stays. The database refuses changes too
    (migration 0016). `data` holds ids, codes and names of things; never what people wrote.
    """

    at = models.DateTimeField(_("at"))
    kind = models.CharField(_("what"), max_length=40, choices=AuditKind.choices)
    # who did it: the user's id and name at that time; the system has neither
    user_id = models.BigIntegerField(null=True, blank=True)
    user_name = models.CharField(_("who"), max_length=200, blank=True)
    ip = models.GenericIPAddressField(_("from"), null=True, blank=True)
    # to whom, if it concerns another person
    subject_id = models.BigIntegerField(null=True, blank=True)
    subject_name = models.CharField(_("whom"), max_length=200, blank=True)
    queue_id = models.BigIntegerField(null=True, blank=True)
    ticket_number = models.CharField(_("ticket"), max_length=30, blank=True)
    data = models.JSONField(_("details"), default=dict, blank=True)

    objects = AppendOnly.as_manager()

    privacy = {
        "kind": NONE,
        "user_name": PERSON,
        "ip": PERSON,
        "subject_name": PERSON,
        "ticket_number": NONE,
        "data": NONE,
    }

    class Meta:
        verbose_name = _("line of the audit log")
        verbose_name_plural = _("audit log")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["-at", "-id"], name="helpdesk_audit_at"),
            models.Index(fields=["user_id", "-at"], name="helpdesk_audit_user"),
            models.Index(fields=["kind", "-at"], name="helpdesk_audit_kind"),
            models.Index(fields=["queue_id", "-at"], name="helpdesk_audit_queue"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("The audit log is only added to.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("The audit log is only added to.")
