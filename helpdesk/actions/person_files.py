"""Files and raw mails in which a person stands: they cannot be taken out of these, so the bytes go."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from helpdesk import journal
from helpdesk.models import Attachment, Blob, InboundMail, delete_rows, let_go

from .erasing_rows import drop_raw


def drop_files(article_ids: Collection[int]) -> None:
    """Delete the files of messages, and their bytes where nothing else needs them."""
    rows = Attachment.objects.filter(article__in=article_ids).order_by()
    blobs = set(rows.values_list("blob_id", flat=True))
    delete_rows(rows)
    Blob.release_all(blobs)


def drop_raw_mails(which: Q, *, shells: Q) -> int:
    """Delete raw mails and their rows in the journal of mailboxes; of `shells` nothing stays but that they came."""
    rows = InboundMail.objects.filter(which)
    found = list(rows.select_for_update(of=("self",)).order_by("pk"))
    if not found:
        return 0
    blobs = {row.blob_id for row in found if row.blob_id is not None}
    pks = [row.pk for row in found]
    drop_raw(pks)
    emptied = list(InboundMail.objects.filter(shells, pk__in=pks).values_list("pk", flat=True))
    let_go({InboundMail: emptied})
    InboundMail.objects.filter(pk__in=pks).update(blob=None)
    InboundMail.objects.filter(pk__in=emptied).update(
        state=InboundMail.State.ERASED, sender="", subject="", envelope_to=[], evidence=[], error=""
    )
    if emptied:
        journal.write([{"kind": journal.INBOUND, "pks": sorted(emptied)}])
    Blob.release_all(blobs)
    return len(blobs)
