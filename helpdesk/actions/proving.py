"""What somebody proved without an account."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from helpdesk import audit
from helpdesk.models import AuditKind, CustomerAddress, Proof


@transaction.atomic
def note_code(*, address: str) -> CustomerAddress | None:
    """Note that somebody typed in the code that was mailed to `address` (canonical); return the row.

    It is verified from now on if its customer has no account; an account verifies its addresses itself. None
    if there is no such row to verify.
    """
    rows = CustomerAddress.objects.select_for_update(of=("self",))
    row = rows.filter(normalised=address, customer__user=None, verified_at=None).first()
    if row is None:
        return None
    row.verified_at = timezone.now()
    row.verified_by = Proof.CODE
    row.save(update_fields=["verified_at", "verified_by"])
    audit.record(
        AuditKind.ADDRESS_VERIFIED, data={"customer": row.customer_id, "by": str(Proof.CODE)}
    )
    return row
