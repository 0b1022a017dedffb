"""How much the machine writes to one address: the one brake on all automatic mail.

Whatever loop two machines get into, it ends here after a bounded number of mails.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from django.utils import timezone

from helpdesk import addressing, conf
from helpdesk.models import AutoMail

DAY = timedelta(days=1)
BURST = timedelta(minutes=10)


class Limit(StrEnum):
    """Which limit an address has reached."""

    DAY = "limit_day"
    BURST = "limit_burst"


def take(address: str, *, colleague: bool = False) -> Limit | None:
    """Count one automatic mail to `address`, or return the limit that forbids it.

    A `colleague` may get more: what the settings say of notices.

    Plus-parts are one address: whoever makes them up gets no more mail for it. Workers that ask in
    the same moment do not see each other, so the limit may be passed by their number. Raises
    `BadAddress`.
    """
    key = addressing.normalise(address)
    prefix = "NOTICE" if colleague else "AUTO"
    per_day, burst = (int(conf.get(f"{prefix}_MAIL_{name}")) for name in ("PER_DAY", "BURST"))
    now = timezone.now()
    times = list(
        AutoMail.objects.filter(address=key, at__gt=now - DAY)
        .order_by("-at")
        .values_list("at", flat=True)[:per_day]
    )
    if len(times) >= per_day:
        return Limit.DAY
    if sum(at > now - BURST for at in times) >= burst:
        return Limit.BURST
    AutoMail.objects.create(address=key, at=now)
    return None


def tidy() -> int:
    """Forget what no limit asks for any more; return how many rows went."""
    return AutoMail.objects.filter(at__lte=timezone.now() - DAY).delete()[0]
