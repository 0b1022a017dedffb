"""How much the machine writes to one address: the one brake on all automatic mail.

Whatever loop two machines get into, it ends here after a bounded number of mails.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils import timezone

from helpdesk import addressing, conf
from helpdesk.models import AutoMail, insert, known, learn

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
    times = known(AutoMail).get(key)
    if times is None:
        times = _times([key], now)[key]
    times = [at for at in times if at > now - DAY]
    if len(times) >= per_day:
        return Limit.DAY
    if sum(at > now - BURST for at in times) >= burst:
        return Limit.BURST
    insert(AutoMail(address=key, at=now), with_id=False)
    learn(AutoMail, {key: [*times, now]})
    return None


def read_ahead(addresses: Iterable[str]) -> None:
    """Read for the open batch how much the machine wrote to some normalised addresses lately."""
    learn(AutoMail, _times(addresses, timezone.now()))


def _times(addresses: Iterable[str], now: datetime) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {address: [] for address in addresses}
    rows = AutoMail.objects.filter(address__in=found, at__gt=now - DAY)
    for address, at in rows.values_list("address", "at"):
        found[address].append(at)
    return found


def tidy() -> int:
    """Forget what no limit asks for any more; return how many rows went."""
    return AutoMail.objects.filter(at__lte=timezone.now() - DAY).delete()[0]
