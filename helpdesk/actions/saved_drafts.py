"""What an agent is writing and has not sent. No change of the ticket: neither an event nor a version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import permissions
from helpdesk.errors import AlreadyDone, Conflict, InvalidInput, NotFound, NotPermitted
from helpdesk.models import Article, Blob, DraftFile, Right, SavedDraft, Ticket
from helpdesk.permissions import Actor

from .base import locked
from .draft_files import GONE
from .drafts import Upload

#: The right that each kind of draft needs: that of the verb it is written for.
MODES: dict[str, Right] = {"reply": Right.ANSWER, "note": Right.NOTE, "forward": Right.ANSWER}
#: The longest draft, in characters of all its fields.
LONGEST = 500_000
#: A draft outlives the closing of its ticket by so many days.
KEPT_AFTER_CLOSING = timedelta(days=30)


def drafts_on(actor: Actor, ticket: Ticket) -> QuerySet[SavedDraft]:
    """Return the drafts on `ticket` that the actor may see: own ones, and those shared with the team.

    Each needs the right of its kind; so customers, and who reads along, see none.
    """
    if actor.kind != "agent":
        return SavedDraft.objects.none()
    modes = [mode for mode, right in MODES.items() if permissions.can(actor, right, ticket)]
    rows = SavedDraft.objects.filter(ticket=ticket, mode__in=modes)
    return rows.filter(Q(user=actor.user) | Q(is_shared=True)).order_by("-saved_at", "-pk")


@transaction.atomic
def save_draft(
    *,
    actor: Actor,
    ticket: Ticket,
    mode: str,
    fields: Mapping[str, str],
    seen: int = 0,
    shared: bool = False,
    version: int | None = None,
    files: Iterable[Upload] = (),
    key: str = "",
) -> SavedDraft:
    """Save what the acting agent has typed into the form `mode` ("reply", "note", "forward").

    `version` is that of the draft as the agent knows it (0: none); without it the draft is overwritten.
    `files` are kept beside those it has. `key` is the form's idempotency key. Raises `Conflict` if the draft was
    changed elsewhere since, or if a colleague's is shared already; `AlreadyDone` if the message was sent;
    `InvalidInput` for an unknown form or one too long.
    """
    if mode not in MODES:
        raise InvalidInput
    if sum(len(name) + len(text) for name, text in fields.items()) > LONGEST:
        raise InvalidInput(_("This text is too long."), field="body")
    # under the ticket's lock, as sending is: a draft saved late must not outlive the message
    ticket = locked(actor, ticket, MODES[mode])
    _not_sent(key)
    row = SavedDraft.objects.filter(ticket=ticket, user=actor.user, mode=mode).first()
    if version is not None and row is not None and row.version != version:
        raise Conflict(_("This draft was changed in another window, or by a colleague."))
    row = row or SavedDraft(ticket=ticket, user=actor.user, mode=mode, version=0)
    if shared and not row.is_shared:
        _nobody_shares(ticket, mode)
    gone = {GONE: row.fields[GONE]} if GONE in row.fields else {}
    row.fields, row.last_article, row.is_shared = {**fields, **gone}, seen, shared
    row.saved_at = timezone.now()
    row.version += 1
    row.save()
    _keep(row, list(files))
    return row


def _not_sent(key: str) -> None:
    sent = Article.objects.filter(idempotency_key=key).first() if key else None
    if sent is not None:
        raise AlreadyDone(sent)


def _nobody_shares(ticket: Ticket, mode: str) -> None:
    other = SavedDraft.objects.filter(ticket=ticket, mode=mode, is_shared=True).first()
    if other is not None:
        raise Conflict(_("A colleague shares a draft already. Take it over, or keep this one."))


def _keep(draft: SavedDraft, files: list[Upload]) -> None:
    if not files:
        return
    blobs = Blob.keep_all(one.content for one in files)
    DraftFile.objects.bulk_create(
        DraftFile(draft=draft, blob=blob, name=one.name[:250], content_type=one.content_type[:150])
        for one, blob in zip(files, blobs, strict=True)
    )


@transaction.atomic
def take_over_draft(*, actor: Actor, ticket: Ticket, draft: SavedDraft, version: int) -> SavedDraft:
    """Make a draft that a colleague shares the acting agent's own, as it was shown; it stays shared.

    Raises `NotFound` if it is gone, `Conflict` if it was changed since, or if the agent has a draft of this
    kind already: two texts do not become one by themselves.
    """
    if draft.mode not in MODES:
        raise NotFound
    ticket = locked(actor, ticket, MODES[draft.mode])
    row = SavedDraft.objects.filter(pk=draft.pk, ticket=ticket, is_shared=True).first()
    if row is None:
        raise NotFound
    if row.user_id == actor.user.pk:
        return row
    if row.version != version:
        raise Conflict(_("The draft was changed in the meantime. Please look again."))
    if SavedDraft.objects.filter(ticket=ticket, user=actor.user, mode=row.mode).exists():
        raise Conflict(_("You have a draft of your own here. Send or discard it first."))
    row.user = actor.user
    row.version += 1
    row.save(update_fields=["user", "version"])
    return row


@transaction.atomic
def discard_draft(*, actor: Actor, ticket: Ticket, mode: str) -> bool:
    """Delete the acting agent's own draft of a kind, with its files; tell whether there was one.

    Needs no right on the ticket: the text is the agent's own.
    """
    if actor.kind != "agent":
        raise NotPermitted
    return _delete(SavedDraft.objects.filter(ticket=ticket, user=actor.user, mode=mode)) > 0


def tidy_drafts(*, now: datetime | None = None) -> int:
    """Delete the drafts on tickets that have been closed for long; return their number. For the worker.

    On an open ticket a draft is kept, however old: somebody meant to write.
    """
    until = (now or timezone.now()) - KEPT_AFTER_CLOSING
    return _delete(SavedDraft.objects.filter(ticket__closed_at__lt=until, saved_at__lt=until))


def _delete(drafts: QuerySet[SavedDraft]) -> int:
    rows = list(drafts)
    if not rows:
        return 0
    blobs = list(Blob.objects.filter(draft_files__draft__in=rows).distinct())
    SavedDraft.objects.filter(pk__in=[row.pk for row in rows]).delete()
    for blob in blobs:
        blob.release()
    return len(rows)
