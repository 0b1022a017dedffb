"""Why a mail came back: a server's code and words as a cause, and the cause in plain words.

Codes are those of RFC 3463 with the registry of RFC 5248 (class.subject.detail) and the replies of SMTP
(RFC 5321 4.2); words are those that servers use, English and German. A wrong *hard* shuts out a
person, a wrong *soft* costs three more mails: so whatever speaks of a passing trouble or of a refusal
of the mail itself wins over a code that blames the address, unless the words blame it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: Characters of a server's words that are looked at.
MAX_WORDS = 2000


class Kind(StrEnum):
    """What a cause says about the address, or does not."""

    HARD = "hard"  # the address itself: mail to it will never arrive
    SOFT = "soft"  # a passing trouble
    POLICY = "policy"  # the mail or its sender was refused, the address may be good
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why a mail did not arrive."""

    NO_ADDRESS = "no_address"
    NO_DOMAIN = "no_domain"
    DISABLED = "disabled"
    FULL = "full"
    TOO_LARGE = "too_large"
    GREYLISTED = "greylisted"
    UNAVAILABLE = "unavailable"
    LOOP = "loop"
    SPAM = "spam"
    BLOCKED = "blocked"
    AUTHENTICATION = "authentication"
    SENDER = "sender"
    RELAY = "relay"
    UNKNOWN = "unknown"


_HARD: Final = frozenset({Cause.NO_ADDRESS, Cause.NO_DOMAIN, Cause.DISABLED})
_SOFT: Final = frozenset(
    {Cause.FULL, Cause.TOO_LARGE, Cause.GREYLISTED, Cause.UNAVAILABLE, Cause.LOOP}
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A cause, and whether the server meant it for good (a code of class 5, or none at all)."""

    cause: Cause
    permanent: bool

    @property
    def kind(self) -> Kind:
        if self.cause in _HARD:
            return Kind.HARD if self.permanent else Kind.SOFT
        if self.cause in _SOFT:
            return Kind.SOFT
        return Kind.UNKNOWN if self.cause == Cause.UNKNOWN else Kind.POLICY

    @property
    def counts(self) -> bool:
        """Tell whether it counts towards the suspension of the address."""
        return self.kind == Kind.HARD


# subject.detail of the codes that say something by themselves; the others leave it to the words
_CODES: Final = {
    "1.1": Cause.NO_ADDRESS,
    "1.2": Cause.NO_DOMAIN,
    "1.3": Cause.NO_ADDRESS,
    "1.4": Cause.NO_ADDRESS,
    "1.6": Cause.DISABLED,
    "1.7": Cause.SENDER,
    "1.8": Cause.SENDER,
    "1.10": Cause.NO_DOMAIN,  # null MX (RFC 7505); Exchange says by words that it means the person
    "2.1": Cause.DISABLED,
    "2.2": Cause.FULL,
    "2.3": Cause.TOO_LARGE,
    "2.4": Cause.UNAVAILABLE,
    "3.1": Cause.UNAVAILABLE,
    "3.2": Cause.UNAVAILABLE,
    "3.4": Cause.TOO_LARGE,
    "4.1": Cause.UNAVAILABLE,
    "4.2": Cause.UNAVAILABLE,
    "4.3": Cause.UNAVAILABLE,
    "4.4": Cause.NO_DOMAIN,
    "4.5": Cause.UNAVAILABLE,
    "4.6": Cause.LOOP,
    "4.7": Cause.UNAVAILABLE,
    "6.1": Cause.BLOCKED,
    "6.2": Cause.BLOCKED,
    "7.1": Cause.BLOCKED,
    "7.2": Cause.BLOCKED,
    "7.8": Cause.AUTHENTICATION,
    "7.9": Cause.AUTHENTICATION,
    "7.13": Cause.DISABLED,
    "7.17": Cause.DISABLED,  # the mailbox has changed hands (RFC 7293)
    "7.18": Cause.NO_DOMAIN,  # the domain has
    **{f"7.{detail}": Cause.AUTHENTICATION for detail in range(20, 27)},  # DKIM, SPF, reverse DNS
    "7.27": Cause.SENDER,
    "7.28": Cause.BLOCKED,
    "7.29": Cause.AUTHENTICATION,
}
#: SMTP replies without such a code.
_REPLIES: Final = {
    "421": Cause.UNAVAILABLE,
    "450": Cause.UNAVAILABLE,
    "451": Cause.UNAVAILABLE,
    "452": Cause.UNAVAILABLE,
    "551": Cause.NO_ADDRESS,
    "552": Cause.FULL,
}

_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\.?\d)")
_REPLY = re.compile(r"(?<![\d.])([45][0-5]\d)(?=[ \-]|$)")

_WHO = r"(?:user|recipient|mailbox|address|account|person|empfänger|benutzer|postfach|adresse|konto|mailkonto)"

#: What blames neither address nor domain, the most telling first.
_EXCUSES: Final = (
    (Cause.GREYLISTED, r"gr[ea]y-?list"),
    (
        Cause.FULL,
        r"over ?quota|quota (?:exceeded|full|is full|überschritten)|(?:exceed|surpass)\w* .{0,30}(?:quota|storage)"
        r"|(?:mailbox|inbox|postfach|konto|speicher\w*|quota).{0,40}(?:\bfull\b|\bvoll\b|überschritten|erschöpft|überfüllt)"
        r"|insufficient (?:system )?storage|out of (?:storage|disk) space|mailbox full|volles postfach",
    ),
    (
        Cause.TOO_LARGE,
        r"too (?:large|big)|size limit|maximum (?:message|mail) size|message size exceeds|zu gro(?:ß|ss)"
        r"|(?:maximale|zulässige) (?:nachrichten|mail)?-?größe",
    ),
    (Cause.LOOP, r"mail loop|routing loop|too many hops|loops? back to myself|mailschleife"),
    (
        Cause.BLOCKED,
        r"black ?list|block ?list|\b(?:dns|uri)?[rd]?bl\b|spamhaus|spamcop|sorbs|barracuda|blocked using"
        r"|bad reputation|poor reputation|low reputation|(?:sender|host|ip|address) [^.]{0,60}(?:is |has been )?(?:blocked|banned)"
        r"|blockiert|schwarze liste|sperrliste",
    ),
    (
        Cause.SPAM,
        r"\bspam\b|spam-|junk mail|unsolicited|bulk mail|\bvirus\b|malware|phishing|suspicious",
    ),
    (
        Cause.AUTHENTICATION,
        r"\bspf\b|\bdkim\b|\bdmarc\b|\bptr\b|reverse dns|unauthenticated|authentication (?:required|failed|check)"
        r"|must issue a starttls|sender policy",
    ),
    (
        Cause.RELAY,
        r"relay(?:ing)? (?:access )?(?:is )?(?:denied|not (?:allowed|permitted))|unable to relay"
        r"|(?:not permitted|cannot) (?:to )?relay|we do not relay|relaying prohibited",
    ),
    (
        Cause.SENDER,
        r"sender (?:address )?(?:rejected|verify failed)|absender(?:adresse)? .{0,30}(?:abgelehnt|ungültig)",
    ),
    (
        Cause.UNAVAILABLE,
        r"temporar|try again|rate limit|too many (?:connections|messages|recipients)|throttl|deferred|timed? ?out"
        r"|connection (?:refused|reset|lost)|lost connection|unreachable|no answer from|failed \d+ attempts"
        r"|(?:delivery time|retry).{0,20}(?:expired|exceeded)|too old|vorübergehend|zeitweilig|zeitüberschreitung"
        r"|später (?:erneut|noch ?mal|noch einmal)|(?:server|rechner) .{0,40}nicht erreichbar",
    ),
)  # fmt: skip
#: What blames the address or its domain.
_BLAMES: Final = (
    (
        Cause.NO_DOMAIN,
        r"(?:domain|host)(?: or domain)?(?: name)? (?:\S+ )?(?:was )?(?:not found|does ?n[o']t exist|unknown|is unknown)"
        r"|(?:unknown|no such|bad|bad destination|invalid|unroutable|unrouteable) (?:mail )?(?:host|domain)"
        r"|no mx\b|null ?mx|nxdomain|name or service not known|host unknown|domain .{0,60}(?:existiert nicht|nicht gefunden|unbekannt)"
        r"|unbekannte domain|does not accept mail|accepts no mail",
    ),
    (
        Cause.DISABLED,
        rf"{_WHO}.{{0,60}}(?:disabled|inactive|deactivated|suspended|terminated|discontinued|expired"
        r"|no longer (?:active|valid|available|in use|exists?)|gesperrt|deaktiviert|stillgelegt|abgemeldet|gekündigt"
        r"|nicht mehr (?:aktiv|gültig|verfügbar|in gebrauch|vergeben))|disabled (?:account|mailbox|user|recipient)"
        rf"|{_WHO} has (?:moved|left)",
    ),
    (
        Cause.NO_ADDRESS,
        rf"(?:unknown|no such|invalid|bad|nonexistent|non-existent|undeliverable|unrouteable|unroutable) (?:local )?(?:e-?mail )?{_WHO}"
        rf"|{_WHO}(?: address)?(?: \S+)? (?:was |is |could )?(?:not (?:be )?(?:found|known|exist\w*|listed)|unknown|invalid|nonexistent)"
        rf"|{_WHO} .{{0,80}}(?:does ?n[o']t (?:exist|have)|doesnt exist|not found)|does ?n[o']t exist|recipientnotfound|nosuchuser"
        r"|unknown local.?part|no mailbox here|mailbox unavailable|no account by that name|unknown e-?mail address"
        r"|recipient rejected|not our customer|user unkn?own|user not known|no such person"
        rf"|{_WHO}.{{0,60}}(?:unbekannt|existiert nicht|nicht gefunden|nicht vorhanden|ungültig|nicht bekannt|gibt es nicht)"
        rf"|unbekannte[rs]? {_WHO}|kein(?:en?)? (?:solche[rsn]? |gültige[rsn]? )?{_WHO}|existiert (?:hier )?nicht",
    ),
)  # fmt: skip


def _compiled(
    rows: tuple[tuple[Cause, str], ...],
) -> tuple[tuple[Cause, re.Pattern[str]], ...]:
    return tuple((cause, re.compile(pattern, re.IGNORECASE)) for cause, pattern in rows)


_EXCUSING, _BLAMING = _compiled(_EXCUSES), _compiled(_BLAMES)


def judge(status: str, words: str) -> Verdict:
    """Return why a mail came back, by its status (RFC 3463, may be '') and the server's words.

    Takes any text; reads `MAX_WORDS` characters of it, in linear time.
    """
    said = " ".join(words[:MAX_WORDS].split())
    codes = list(_codes(status, said))
    permanent = _is_permanent(codes, said)
    if ("5", "4.1") in codes and re.search("access denied", said, re.IGNORECASE):
        return Verdict(Cause.NO_ADDRESS, permanent)  # Exchange Online knows no such recipient
    by_code = next((_CODES[detail] for _class, detail in codes if detail in _CODES), None)
    excuse, blame = _first(_EXCUSING, said), _first(_BLAMING, said)
    cause: Cause | None
    if by_code in _HARD:
        cause = blame or excuse or by_code
    elif by_code == Cause.BLOCKED:  # the code for all kinds of refusal: the words know better
        cause = excuse or blame or by_code
    else:
        cause = by_code or excuse or blame or _by_reply(said)
    return Verdict(cause or Cause.UNKNOWN, permanent)


def code(status: str) -> str:
    """Return the code (RFC 3463) in a status field, or '' for whatever else stands there."""
    found = _ENHANCED.search(status[:40])
    return found[0] if found else ""


def _codes(status: str, said: str) -> Iterator[tuple[str, str]]:
    """Give class and subject.detail of every code, that of the words first: they know more."""
    for found in (*_ENHANCED.finditer(said), *_ENHANCED.finditer(status)):
        yield found[1], f"{int(found[2])}.{int(found[3])}"


def _is_permanent(codes: list[tuple[str, str]], said: str) -> bool:
    if codes:
        return all(number != "4" for number, _detail in codes)
    reply = _REPLY.search(said)
    return reply is None or reply[1].startswith("5")


def _by_reply(said: str) -> Cause | None:
    return next((_REPLIES[one[1]] for one in _REPLY.finditer(said) if one[1] in _REPLIES), None)


def _first(rows: tuple[tuple[Cause, re.Pattern[str]], ...], said: str) -> Cause | None:
    return next((cause for cause, pattern in rows if pattern.search(said)), None)


# --- in plain words ------------------------------------------------------------------------------

_SENTENCES: Final[dict[Cause, Promise]] = {
    Cause.NO_ADDRESS: _("The address %(address)s does not exist at %(domain)s."),
    Cause.NO_DOMAIN: _("No mail arrives at %(domain)s: this part of the address does not exist."),
    Cause.DISABLED: _("The mailbox %(address)s is closed or no longer in use."),
    Cause.FULL: _("The mailbox %(address)s is full."),
    Cause.TOO_LARGE: _("The mail was too large for the mailbox %(address)s."),
    Cause.GREYLISTED: _("The mail server of %(domain)s put the mail off until it was too late."),
    Cause.UNAVAILABLE: _("The mail server of %(domain)s could not take the mail for %(address)s."),
    Cause.LOOP: _("The mail for %(address)s went round in circles between mail servers."),
    Cause.SPAM: _("The mail server of %(domain)s took the mail for spam."),
    Cause.BLOCKED: _("The mail server of %(domain)s refuses mail from us to %(address)s."),
    Cause.AUTHENTICATION: _("The mail server of %(domain)s could not make sure the mail is ours."),
    Cause.SENDER: _("The mail server of %(domain)s does not accept our sender address."),
    Cause.RELAY: _("The mail server that was asked takes no mail for %(domain)s."),
    Cause.UNKNOWN: _("The mail to %(address)s came back. The mail server names no clear reason."),
}
_CHECK = _("Check the address for a typing error, or reach the person in another way.")
_LATER = _("Write again later, or reach the person in another way.")
_ADMIN = _("Tell your administrator: mail to other people there will come back as well.")
_ADVICE: Final[dict[Cause, Promise]] = {
    Cause.NO_ADDRESS: _CHECK,
    Cause.NO_DOMAIN: _CHECK,
    Cause.DISABLED: _("Reach the person in another way, and ask for a new address."),
    Cause.FULL: _LATER,
    Cause.TOO_LARGE: _("Write again with smaller files, or without."),
    Cause.GREYLISTED: _LATER,
    Cause.UNAVAILABLE: _LATER,
    Cause.LOOP: _CHECK,
    Cause.SPAM: _(
        "Write again in other words, without links and files. If it goes on, tell your administrator."
    ),
    Cause.BLOCKED: _ADMIN,
    Cause.AUTHENTICATION: _ADMIN,
    Cause.SENDER: _ADMIN,
    Cause.RELAY: _CHECK,
    Cause.UNKNOWN: _("Read the server's own words, or reach the person in another way."),
}  # fmt: skip


def sentence(cause: Cause, address: str) -> str:
    """Return why mail to `address` came back, in plain words in the active language."""
    domain = address.rpartition("@")[2] or address
    return str(_SENTENCES[cause]) % {"address": address, "domain": domain}


def advice(cause: Cause) -> str:
    """Return what an agent can do about it, in the active language."""
    return str(_ADVICE[cause])
