"""How a ticket is addressed in mail and links: addresses, numbers, subjects and signed tokens.

Everything here is a function of its arguments. A `key` is one secret or a row of them, newest
first: the first signs, all of them are accepted when reading (Django's SECRET_KEY_FALLBACKS). Each
kind of token is derived with a salt of its own, so that one can never stand in for another.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import idna
from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_10

Key = str | Sequence[str]


class BadAddress(ValueError):
    """The text is no mail address."""


# --- addresses ---------------------------------------------------------------------------------

#: RFC 5321 4.5.3.1: a path has at most 256 octets with its angle brackets. The limit of 64 for the
#: local part is kept when we write; senders in the wild break it (bounce addresses of list hosts).
MAX_ADDRESS = 254
MAX_LOCAL = 64

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_DOT_ATOM = re.compile(rf"[{_ATEXT}\u0080-\U0010ffff]+(?:\.[{_ATEXT}\u0080-\U0010ffff]+)*")
_QUOTED = re.compile(r'"([\x20\x21\x23-\x5b\x5d-\x7e]+)"')
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def _domain(text: str) -> str:
    """Return a domain in ASCII (IDNA 2008, so that ß and ss stay two domains)."""
    domain = text.removesuffix(".")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise BadAddress(text) from error
    domain = domain.lower()
    if not all(_LABEL.fullmatch(label) for label in domain.split(".")):
        raise BadAddress(text)
    return domain


def _local(text: str) -> str:
    """Return a local part in lower case, without quotes it does not need."""
    if quoted := _QUOTED.fullmatch(text):
        if not _DOT_ATOM.fullmatch(quoted[1]):
            return text.lower()
        text = quoted[1]
    if not _DOT_ATOM.fullmatch(text) or any(unicodedata.category(c)[0] in "CZ" for c in text):
        raise BadAddress(text)
    return unicodedata.normalize("NFC", text.lower())


@lru_cache(maxsize=1024)  # of one mail the same few are compared dozens of times
def _parts(address: str) -> tuple[str, str]:
    text = address.strip() if len(address) <= 2 * MAX_ADDRESS else ""
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1].strip()
    # composed before lower case: "U" and a combining dieresis are one letter, whoever typed them
    local, _at, domain = unicodedata.normalize("NFC", text).rpartition("@")
    if not local or not domain:
        raise BadAddress(address)
    local, domain = _local(local), _domain(domain)
    if len(local.encode()) + 1 + len(domain) > MAX_ADDRESS:
        raise BadAddress(address)
    return local, domain


def canonical(address: str) -> str:
    """Return an address in lower case with its plus-part, domain in ASCII, no brackets or blanks.

    The form in which a person's address is compared: whose plus-part is ignored we cannot know.
    Takes an address without display name; raises `BadAddress` for anything else.
    """
    return "@".join(_parts(address))


def split_plus(address: str) -> tuple[str, str | None]:
    """Return the normalised address and its plus-part in lower case (None without one).

    The first `+` divides; one at the beginning belongs to the name. Raises `BadAddress`.
    """
    local, domain = _parts(address)
    base, plus, detail = local.partition("+")
    if not plus or not base or local.startswith('"') or base.endswith("."):
        return f"{local}@{domain}", None
    return f"{base}@{domain}", detail


def normalise(address: str) -> str:
    """Return the canonical address without its plus-part: the form in which our own are compared.

    Never write to a stranger in this form: it may be another person's where a server does not know
    plus-addresses. Raises `BadAddress`.
    """
    return split_plus(address)[0]


def is_address(text: str) -> bool:
    """Tell whether `normalise` takes the text."""
    try:
        normalise(text)
    except BadAddress:
        return False
    return True


# --- ticket numbers ----------------------------------------------------------------------------

#: Day (8), system id (2), counter (5 or, after the 99,999th ticket of a day, more), check digit.
MIN_DIGITS = 16
MAX_DIGITS = 19
#: Bounds of `find_numbers`: characters read, numbers returned.
MAX_TEXT = 200_000
MAX_NUMBERS = 100

_DIGITS = re.compile(r"[0-9]+")
#: What may stand between the digits of a number read out or typed in groups.
_GAP = re.compile(r"[ .\-\u00a0\u202f]{1,2}")


def make_number(day: date, system_id: str, counter: int) -> str:
    """Return the number of the `counter`-th ticket of a day.

    `system_id` is two digits, `counter` counts from 1; raises `ValueError` for others. The last
    digit is the check digit by ISO 7064 MOD 11,10.
    """
    if not re.fullmatch(r"[0-9]{2}", system_id):
        raise ValueError("A system id has two digits.")
    if not 1 <= counter < 10 ** (MAX_DIGITS - 11) or not 2000 <= day.year <= 2199:
        raise ValueError("Counter or day is out of range.")
    body = f"{day:%Y%m%d}{system_id}{counter:05d}"
    return f"{body}{mod_11_10.calc_check_digit(body)}"


def is_number(text: str) -> bool:
    """Tell whether the text is a number `make_number` could have made, of any system."""
    if not MIN_DIGITS <= len(text) <= MAX_DIGITS or not _DIGITS.fullmatch(text):
        return False
    if text[:2] not in ("20", "21") or int(text[10:-1]) == 0:
        return False
    if len(text) > MIN_DIGITS and text[10] == "0":
        return False
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:8]))
        mod_11_10.validate(text)
    except (ValueError, ValidationError):
        return False
    return True


def _number_at(text: str, groups: Sequence[re.Match[str]], first: int) -> tuple[str, int] | None:
    """Return the number that begins with the group `first`, and the group behind it."""
    digits = ""
    for index in range(first, min(first + MAX_DIGITS, len(groups))):
        group = groups[index]
        if index > first and not _GAP.fullmatch(text, groups[index - 1].end(), group.start()):
            return None
        if len(digits) + group.end() - group.start() > MAX_DIGITS:
            return None
        digits += group[0]
        if digits != "2" and not digits.startswith(("20", "21")):
            return None
        if is_number(digits):
            return digits, index + 1
    return None


def find_numbers(text: str) -> tuple[str, ...]:
    """Return all ticket numbers in a text, each once, in the order of their appearance.

    A number may stand in a tag, behind any word, or in groups of digits as it was read out on the
    phone; its day and check digit must be right. Reads the first `MAX_TEXT` characters and returns
    at most `MAX_NUMBERS`; time grows with the length of the text.
    """
    text = text[:MAX_TEXT]
    groups = list(_DIGITS.finditer(text))
    found: dict[str, None] = {}
    index = 0
    while index < len(groups) and len(found) < MAX_NUMBERS:
        hit = _number_at(text, groups, index)
        if hit is None:
            index += 1
        else:
            number, index = hit
            found[number] = None
    return tuple(found)


# --- subjects ----------------------------------------------------------------------------------

_TAG = re.compile(rf"\[Ticket#([0-9]{{{MIN_DIGITS},{MAX_DIGITS}}})\]", re.IGNORECASE)
#: "Re:", "AW:", "Re[2]:", "Re(2):", "RE: [2]"; a colon may be a wide one.
_PREFIX = re.compile(
    r"(?:re|aw|antw|antwort|wg|fw|fwd|sv) ?(?:\[[0-9]{1,3}\]|\([0-9]{1,3}\)|\^[0-9]{1,3})?"
    r" ?[:\uff1a] ?(?:\[[0-9]{1,3}\] ?)?",
    re.IGNORECASE,
)


def clean_subject(subject: str) -> str:
    """Return a subject without our tags and without the prefixes of answers and forwards.

    Only tags with a valid number go. Control characters and runs of blanks become one blank, so
    that the result is one line. Cleaning twice changes nothing.
    """
    printable = "".join(" " if unicodedata.category(c) == "Cc" else c for c in subject)
    untagged = _TAG.sub(lambda tag: " " if is_number(tag[1]) else tag[0], printable)
    text = " ".join(untagged.split())
    start = 0
    while prefix := _PREFIX.match(text, start):
        start = prefix.end()
    return text[start:].strip()


def tag_subject(subject: str, number: str) -> str:
    """Return the cleaned subject behind the tag of a ticket: `[Ticket#2026…] Subject`."""
    return f"[Ticket#{number}] {clean_subject(subject)}".rstrip()


# --- signatures --------------------------------------------------------------------------------


def signing_keys() -> tuple[str, ...]:
    """Return the site's secret keys, the one that signs first."""
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


def _secrets(key: Key) -> Sequence[str]:
    return (key,) if isinstance(key, str) else key


def _sign(purpose: str, value: str, secret: str, octets: int) -> str:
    """Return `octets` (a multiple of 5) of an HMAC-SHA256 as base32 in lower case."""
    salt = f"helpdesk.addressing.{purpose}"
    digest = salted_hmac(salt, value, secret=secret, algorithm="sha256").digest()
    return base64.b32encode(digest[:octets]).decode("ascii").lower()


def _verify(purpose: str, value: str, token: str, key: Key, octets: int) -> bool:
    """Compare with every key in constant time, also after a hit."""
    hits = [
        constant_time_compare(token, _sign(purpose, value, secret, octets))
        for secret in _secrets(key)
    ]
    return any(hits)


# --- reply addresses ---------------------------------------------------------------------------

_REPLY_OCTETS = 10  # 80 bits, 16 characters: mail servers let nobody try 2^79 addresses
_REPLY = re.compile(r"t([1-9][0-9]{0,17})-([a-z2-7]{16})")


def reply_token(ticket_key: str, secret: str) -> str:
    """Return the 16 letters and digits that prove a reply address of a ticket was given out."""
    return _sign("reply", ticket_key, secret, _REPLY_OCTETS)


def reply_address(queue_address: str, ticket_id: int, key: Key) -> str:
    """Return the queue's address with `+t<id>-<token>` as its plus-part.

    The token binds the ticket only, so it outlives a move to another queue. Where the local part
    would grow beyond 64 octets (RFC 5321 4.5.3.1.1), or is a quoted one, the plain address comes
    back: threading then rests on the Message-ID. Raises `BadAddress` for a bad queue address.
    """
    base = normalise(queue_address)
    local, _at, domain = base.rpartition("@")
    plus = f"t{ticket_id}-{reply_token(str(ticket_id), _secrets(key)[0])}"
    if local.startswith('"') or len(f"{local}+{plus}".encode()) > MAX_LOCAL:
        return base
    return f"{local}+{plus}@{domain}"


def read_reply_token(address: str, key: Key) -> int | None:
    """Return the ticket id of a genuine reply address, None for any other text."""
    try:
        plus = split_plus(address)[1] or ""
    except BadAddress:
        return None
    parts = _REPLY.fullmatch(plus.rpartition("+")[2])
    if parts and _verify("reply", parts[1], parts[2], key, _REPLY_OCTETS):
        return int(parts[1])
    return None


# --- Message-IDs -------------------------------------------------------------------------------

#: The width of the columns that hold a Message-ID.
MAX_KEY = 255

_MESSAGE_ID = re.compile(
    r"<?t([1-9][0-9]{0,17})\.([a-z0-9-]{1,64})\.([a-z2-7]{16})@[^@<>\s]{1,255}>?"
)


def make_message_id(ticket_id: int, unique: int | str, domain: str, key: Key) -> str:
    """Return `<t<id>.<unique>.<token>@<domain>`, the id of one outgoing mail.

    `unique` (an article's id, or up to 64 of a-z, 0-9 and -) tells the mails of a ticket apart; the
    same arguments give the same id, so a mail sent again keeps its own. Raises `ValueError`.
    """
    name = f"t{ticket_id}.{unique}"
    message_id = f"<{name}.{_sign('message-id', name, _secrets(key)[0], _REPLY_OCTETS)}@{domain}>"
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError("This makes no Message-ID.")
    return message_id


def read_message_id(message_id: str, key: Key) -> int | None:
    """Return the ticket id of a Message-ID of ours, None for any other.

    The domain is not compared: it may have changed since.
    """
    parts = _MESSAGE_ID.fullmatch(message_id.strip().lower()) if len(message_id) <= 1000 else None
    if parts and _verify("message-id", f"t{parts[1]}.{parts[2]}", parts[3], key, _REPLY_OCTETS):
        return int(parts[1])
    return None


_NOTICE_ID = re.compile(r"<?n\.([a-z0-9-]{1,64})\.([a-z2-7]{16})@[^@<>\s]{1,255}>?")


def make_notice_id(unique: str, domain: str, key: Key) -> str:
    """Return `<n.<unique>.<token>@domain>`, the id of one outgoing mail that belongs to no ticket.

    `unique` is up to 64 of a-z, 0-9 and -. Raises `ValueError` for others.
    """
    token = _sign("notice-id", unique, _secrets(key)[0], _REPLY_OCTETS)
    message_id = f"<n.{unique}.{token}@{domain}>"
    if not _NOTICE_ID.fullmatch(message_id):
        raise ValueError("This makes no Message-ID.")
    return message_id


def is_our_message_id(message_id: str, key: Key) -> bool:
    """Tell whether we gave out this Message-ID, for a mail of a ticket or for one without.

    A mail that arrives with it is our own, come back. Its domain is not compared.
    """
    if read_message_id(message_id, key) is not None:
        return True
    parts = _NOTICE_ID.fullmatch(message_id.strip().lower()) if len(message_id) <= 1000 else None
    return bool(parts and _verify("notice-id", parts[1], parts[2], key, _REPLY_OCTETS))


def message_id_key(message_id: str) -> str:
    """Return what a column of `MAX_KEY` characters stores for a Message-ID.

    The id without blanks around; if that is too long, holds control characters or half a
    character, or looks like a digest itself: `sha256:` and the digest in hex.
    """
    text = message_id.strip()
    plain = len(text) <= MAX_KEY and not text.startswith("sha256:")
    if plain and not any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        return text
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# --- status links ------------------------------------------------------------------------------

_STATUS_OCTETS = 20  # 160 bits, 32 characters: whoever holds the link reads the request
_STATUS = re.compile(r"([1-9][0-9]{0,17})\.([A-Za-z0-9_-]{1,64})\.([a-z2-7]{32})")


def status_token(ticket_id: int, nonce: str, key: Key, *, purpose: str = "status") -> str:
    """Return the secret part of a ticket's (for "participant": a participant's) link, safe in a URL path.

    Who wants to withdraw it changes the row's nonce (up to 64 of A-Z, a-z, 0-9, - and _). Raises
    `ValueError` for other nonces.
    """
    value = f"{ticket_id}.{nonce}"
    token = f"{value}.{_sign(purpose, value, _secrets(key)[0], _STATUS_OCTETS)}"
    if not _STATUS.fullmatch(token):
        raise ValueError("This nonce cannot stand in a link.")
    return token


def read_status_token(token: str, key: Key, purpose: str = "status") -> tuple[int, str] | None:
    """Return id and nonce of a genuine token, else None; compare the nonce yourself."""
    parts = _STATUS.fullmatch(token)
    if parts and _verify(purpose, f"{parts[1]}.{parts[2]}", parts[3], key, _STATUS_OCTETS):
        return int(parts[1]), parts[2]
    return None
