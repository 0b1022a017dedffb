"""What may be ordered: which address a new queue can have, and who can be named as its agents.

Pure: the site's settings and what is taken come in as arguments. Each refusal has a code and a sentence of
its own, for the field or row it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing

from . import patterns

#: Local parts that belong to servers and their keepers: RFC 2142 (without the names of departments such as
#: "support", which queues are made for), RFC 5321 (postmaster), and what programs send from.
RESERVED = frozenset(
    {
        *("abuse", "noc", "security", "postmaster", "hostmaster", "usenet", "news", "webmaster"),
        *("www", "uucp", "ftp", "root", "admin", "administrator", "daemon", "mailerdaemon"),
        *("nobody", "noreply", "donotreply", "bounce", "bounces", "mail", "mailer", "sysadmin"),
        *("system", "majordomo", "listserv", "owner", "request", "spam", "autoconfig", "ssladmin"),
    }
)
#: What lists put before or behind a name (RFC 2142, section 6): such an address belongs to the list.
_OF_LISTS = re.compile(r"owner-.+|.+-(?:request|owner|bounces|subscribe|unsubscribe)")
_LOCAL = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
#: Log-in names of an organisation that sets no pattern of its own.
USUAL_LOGIN = r"[A-Za-z][A-Za-z0-9._-]{1,29}"
#: Agents that one order can name.
MAX_AGENTS = 50


class Fault(StrEnum):
    """Why something cannot be ordered."""

    NO_DOMAINS = "no-domains"
    NOT_ADDRESS = "not-address"
    QUOTED = "quoted"
    PLUS = "plus"
    LOOKALIKE = "lookalike"
    SUBDOMAIN = "subdomain"
    LONGER = "longer"
    DOMAIN = "domain"
    CHARACTERS = "characters"
    RESERVED = "reserved"
    LOGIN = "login"
    EMAIL = "email"
    EMAIL_DOMAIN = "email-domain"
    EMAIL_SELF = "email-self"
    NAME = "name"
    TWICE = "twice"
    NOBODY = "nobody"
    TOO_MANY = "too-many"


WORDS: dict[Fault, Promise] = {
    Fault.NO_DOMAINS: _(
        "No address can be ordered at the moment: no domain is set for new queues. Please tell the administrators."
    ),
    Fault.NOT_ADDRESS: _("This is not a mail address. It looks like this: name@%(domain)s"),
    Fault.QUOTED: _("Please choose a name without quotation marks."),
    Fault.PLUS: _("Please choose a name without “+”: what follows it is not part of an address."),
    Fault.LOOKALIKE: _("Please use only plain letters (a–z), without umlauts or other scripts."),
    Fault.SUBDOMAIN: _(
        "The address must end in exactly @%(domain)s; “%(typed)s” is a domain below it."
    ),
    Fault.LONGER: _(
        "“%(typed)s” only begins like %(domain)s and belongs to somebody else. The address must end in exactly "
        "@%(domain)s."
    ),
    Fault.DOMAIN: _("The address must end in @%(domain)s."),
    Fault.CHARACTERS: _(
        "Before the @ use letters, digits, and single dots, hyphens or underscores between them, "
        "64 characters at most."
    ),
    Fault.RESERVED: _("“%(name)s” is kept for technical purposes. Please choose another name."),
    Fault.LOGIN: _("“%(login)s” is no log-in name of this organisation. Is it spelled right?"),
    Fault.EMAIL: _("“%(email)s” is not a mail address."),
    Fault.EMAIL_DOMAIN: _("The mail address must end in @%(domain)s."),
    Fault.EMAIL_SELF: _("This is the address of the queue: please give the person's own."),
    Fault.NAME: _("Please give first and last name."),
    Fault.TWICE: _("“%(login)s” stands here twice, first in row %(row)s."),
    Fault.NOBODY: _("Please name at least one person who answers the requests."),
    Fault.TOO_MANY: _("Please name at most %(most)s people; more can be added later."),
}


class Refused(ValueError):
    """Something that cannot be ordered; `fault` says why, `message` says it to people."""

    def __init__(self, fault: Fault, **values: object) -> None:
        super().__init__(fault)
        self.fault, self.values = fault, values

    @property
    def message(self) -> str:
        return str(WORDS[self.fault]) % self.values


@dataclass(frozen=True)
class Rules:
    """What a site allows. Domains without “@”; `agent_domains` empty: agents may have any address."""

    domains: tuple[str, ...] = ()
    reserved: frozenset[str] = frozenset()
    login_pattern: str = ""
    agent_domains: tuple[str, ...] = ()


@dataclass(frozen=True)
class AgentRow:
    """A person named as an agent, as typed or as clean; `check` is what the directory said of them."""

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    login_name: str = ""
    check: str = ""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


# --- the address ---------------------------------------------------------------------------------


def check_address(text: str, rules: Rules) -> str:
    """Return the address that is wanted in lower case. Raises `Refused`.

    Its domain is exactly one of `rules.domains`: not one below it, not one that begins like it, not one that only
    looks like it. Whether it is free is another question.
    """
    if not rules.domains:
        raise Refused(Fault.NO_DOMAINS)
    typed = text.strip()
    local, at, domain = typed.rpartition("@")
    example = {"domain": rules.domains[0]}
    if not (at and local and domain) or len(typed) > 2 * addressing.MAX_ADDRESS:
        raise Refused(Fault.NOT_ADDRESS, **example)
    if '"' in local:
        raise Refused(Fault.QUOTED)
    if "@" in local or re.search(r"\s", typed):
        raise Refused(Fault.NOT_ADDRESS, **example)
    _check_domain(domain, rules)
    return f"{_checked_local(local, rules)}@{domain.lower()}"


def _check_domain(typed: str, rules: Rules) -> None:
    # a domain with letters beyond ASCII is written in the settings as it is typed
    domain = typed.lower()
    if domain in rules.domains:
        return
    for allowed in rules.domains:
        if domain.endswith(f".{allowed}"):
            raise Refused(Fault.SUBDOMAIN, domain=allowed, typed=domain)
        if domain.startswith((f"{allowed}.", f"{allowed}-")):
            raise Refused(Fault.LONGER, domain=allowed, typed=domain)
    if not domain.isascii() or "xn--" in domain:
        raise Refused(Fault.LOOKALIKE)
    raise Refused(Fault.DOMAIN, domain=any_of(rules.domains))


def _checked_local(typed: str, rules: Rules) -> str:
    if "+" in typed:
        raise Refused(Fault.PLUS)
    if not typed.isascii():
        raise Refused(Fault.LOOKALIKE)
    local = typed.lower()
    if not _LOCAL.fullmatch(local) or len(local) > addressing.MAX_LOCAL:
        raise Refused(Fault.CHARACTERS)
    if _plain(local) in RESERVED | {_plain(one) for one in rules.reserved} or _OF_LISTS.fullmatch(
        local
    ):
        raise Refused(Fault.RESERVED, name=local)
    return local


def _plain(local: str) -> str:
    """Return a name without what people leave out when they say it: no-reply and noreply are one."""
    return re.sub(r"[._-]", "", local.lower())


def any_of(domains: Sequence[str]) -> str:
    """Return domains as a sentence ends with them: “a.example”, “a.example or @b.example”."""
    return str(_(" or @")).join(domains)


# --- the people ----------------------------------------------------------------------------------


def check_login(text: str, rules: Rules) -> str:
    """Return a log-in name (a university's Unikennung) in lower case. Raises `Refused` (LOGIN)."""
    name = text.strip()
    if not name.isascii() or not matches_login(name, rules.login_pattern):
        raise Refused(Fault.LOGIN, login=name)
    return name.lower()


def matches_login(name: str, pattern: str) -> bool:
    """Tell whether a whole name matches the pattern of the settings ('': the usual one)."""
    try:
        whole = whole_pattern(pattern or USUAL_LOGIN)
    except (
        patterns.BadPattern
    ):  # the settings refuse it; who writes the row by hand gets the usual one
        whole = whole_pattern(USUAL_LOGIN)
    return len(name) <= 150 and re.search(whole, name, re.IGNORECASE) is not None


def whole_pattern(pattern: str) -> str:
    """Return a pattern that only a whole name matches. Raises `patterns.BadPattern`, see there."""
    return patterns.portable(f"^({pattern})$")


def check_email(text: str, rules: Rules, *, queue_address: str = "") -> str:
    """Return an agent's mail address as it was typed, without blanks. Raises `Refused`."""
    typed = text.strip()
    if not addressing.is_address(typed) or "<" in typed:
        raise Refused(Fault.EMAIL, email=typed)
    if queue_address and addressing.normalise(typed) == addressing.normalise(queue_address):
        raise Refused(Fault.EMAIL_SELF)
    domain = addressing.canonical(typed).rpartition("@")[2]
    allowed = {one.lower() for one in rules.agent_domains}
    if allowed and domain not in allowed:
        raise Refused(Fault.EMAIL_DOMAIN, domain=any_of(rules.agent_domains))
    return typed


def check_agents(
    rows: Sequence[AgentRow], rules: Rules, *, queue_address: str = ""
) -> tuple[list[AgentRow], dict[int, dict[str, Refused]]]:
    """Return the rows as they are stored, and what is wrong: by place of the row (from 0), by column.

    A row with a fault comes back as it was typed. Raises `Refused` for no row at all and for too many.
    """
    if not rows:
        raise Refused(Fault.NOBODY)
    if len(rows) > MAX_AGENTS:
        raise Refused(Fault.TOO_MANY, most=MAX_AGENTS)
    clean, faults = [], {}
    seen: dict[str, int] = {}
    for place, row in enumerate(rows):
        found, wrong = _check_row(row, rules, queue_address)
        first = seen.setdefault(found.login_name.lower(), place)
        if first != place and "login_name" not in wrong:
            wrong["login_name"] = Refused(Fault.TWICE, login=found.login_name, row=first + 1)
        clean.append(found)
        if wrong:
            faults[place] = wrong
    return clean, faults


def _check_row(
    row: AgentRow, rules: Rules, queue_address: str
) -> tuple[AgentRow, dict[str, Refused]]:
    wrong: dict[str, Refused] = {}
    first, last = " ".join(row.first_name.split()), " ".join(row.last_name.split())
    for column, value in (("first_name", first), ("last_name", last)):
        if not value:
            wrong[column] = Refused(Fault.NAME)
    checks: Iterable[tuple[str, Callable[[], str]]] = (
        ("login_name", lambda: check_login(row.login_name, rules)),
        ("email", lambda: check_email(row.email, rules, queue_address=queue_address)),
    )
    values = {"login_name": row.login_name.strip(), "email": row.email.strip()}
    for column, check in checks:
        try:
            values[column] = check()
        except Refused as refusal:
            wrong[column] = refusal
    return AgentRow(first[:150], last[:150], check=row.check, **values), wrong


# --- what a setting may say ----------------------------------------------------------------------


def read_lines(text: str) -> tuple[str, ...]:
    """Return the entries of a setting with one entry a line (or between commas), without “@” before them."""
    found = (one.strip().removeprefix("@").lower() for one in re.split(r"[\s,;]+", text))
    return tuple(dict.fromkeys(one for one in found if one))


def bad_domains(domains: Iterable[str]) -> list[str]:
    """Return the entries that are no domains."""
    return [one for one in domains if "." not in one or not addressing.is_address(f"a@{one}")]
