"""Addresses behind which nobody reads, by their names. Pure."""

from __future__ import annotations

import re

_NOBODY = re.compile(
    r"(?:.*[._+-])?(?:no[._-]?reply|not-?reply|do[._-]?not[._-]?reply|nicht[._-]?antworten|keine[._-]?antwort"
    r"|bounces?|mailer[._-]?daemon|mail-?daemon|postmaster|daemon|root|cron|www-data|nobody"
    r"|auto[._-]?reply|autoresponder)(?:[._+-].*)?@.*",
    re.IGNORECASE,
)
#: People may write from these, but what is sent there reaches a program or the wrong ones.
_NO_DESTINATION = re.compile(
    r"(?:.*[._-])?(?:abuse|hostmaster|listserv|majordomo)(?:[._+-].*)?@.*", re.IGNORECASE
)


def nobody_writes(address: str) -> bool:
    """Tell whether a mail from the address is a program's, by the name alone."""
    return _NOBODY.fullmatch(address) is not None


def nobody_reads(address: str) -> bool:
    """Tell whether an automatic mail to the address would reach nobody it is meant for."""
    return nobody_writes(address) or _NO_DESTINATION.fullmatch(address) is not None
