"""Reads the order of a queue out of a mail: the address wanted, what it is for, and the people.

People write as they like, so this finds what it can and leaves out what it cannot: an agent looks at the result
before anything is made of it. Pure; takes any text and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .order_lines import ADDRESS, COLUMN, address_in, cells_of, people_of, person
from .ordering import AgentRow

#: Bounds: what is longer is cut, people beyond the last are left out.
MAX_LINES, MAX_LINE, MAX_PEOPLE = 500, 500, 60

_LABEL = re.compile(r"^[\s*•·\-–>#]{0,8}([^:=\t]{2,40}?)\s{0,3}[:=](?:\s+|$)(.*)$")
_SIGNATURE = re.compile(r"^(?:-- ?|_{5,}|-{5,})$")
_GREETING = re.compile(
    r"^(?:mit (?:freundlich|best|herzlich|viel)\w* gr|(?:viele|beste|herzliche|liebe|freundliche|sch[öo]ne) gr"
    r"|gru(?:ß|ss)\b|mfg\b|vg\b|lg\b|(?:kind|best|warm|many) (?:regards|wishes|thanks)|regards\b"
    r"|yours (?:sincerely|faithfully)|sincerely\b|cheers\b)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^\s{0,3}>")

_LABELS: dict[str, tuple[str, ...]] = {
    "address": (
        *("gewünschte adresse", "gewuenschte adresse", "gewünschte mailadresse", "wunschadresse"),
        *(
            "gewünschte e-mail-adresse",
            "gewünschte mail-adresse",
            "gewünschte emailadresse",
            "neue adresse",
            "neue mailadresse",
            "neue mail-adresse",
            "neue e-mail-adresse",
            "mailadresse der queue",
            "mail-adresse der queue",
            "e-mail-adresse der queue",
            "adresse der queue",
            "queue-adresse",
            "adresse",
        ),
        *("desired address", "requested address", "wanted address", "new address", "queue address"),
        *("desired mail address", "desired e-mail address", "desired email address", "address"),
    ),
    "name": (
        *("name der queue", "queue-name", "queuename", "bezeichnung", "titel", "queue"),
        *("name of the queue", "queue name", "title"),
    ),
    "purpose": (
        *("zweck", "zweck der queue", "wofür", "wozu", "beschreibung", "thema", "aufgabe"),
        *("purpose", "purpose of the queue", "what for", "description", "topic"),
    ),
    "department": (
        *("einrichtung", "institut", "abteilung", "fakultät", "dezernat", "bereich", "lehrstuhl"),
        *("department", "faculty", "institute", "unit", "office", "chair"),
    ),
    "hours": (
        *(
            "zeiten",
            "servicezeiten",
            "sprechzeiten",
            "öffnungszeiten",
            "arbeitszeiten",
            "erreichbarkeit",
        ),
        *("hours", "office hours", "opening hours", "service hours", "working hours"),
    ),
    "agents": (
        *("personen", "agenten", "agentinnen und agenten", "bearbeiter", "bearbeitende", "team"),
        *("mitarbeitende", "mitarbeiter", "mitglieder", "people", "agents", "members", "staff"),
    ),
}
_KIND = {label: kind for kind, labels in _LABELS.items() for label in labels}


@dataclass(frozen=True)
class Found:
    """What a mail says of an order; '' and () for what it does not."""

    address: str = ""
    name: str = ""
    purpose: str = ""
    department: str = ""
    hours: str = ""
    agents: tuple[AgentRow, ...] = ()

    def missing(self) -> tuple[str, ...]:
        """Return the names of what was not found, in the order of the form."""
        names = ("address", "name", "purpose", "department", "hours", "agents")
        return tuple(name for name in names if not getattr(self, name))


@dataclass
class _Reading:
    """What is known up to a line."""

    facts: dict[str, str] = field(default_factory=dict)
    people: list[AgentRow] = field(default_factory=list)
    person: dict[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    open: str = ""  # the label whose text goes on in the next line
    strays: list[str] = field(default_factory=list)  # addresses in running text
    lone: list[str] = field(default_factory=list)  # labelled like somebody's, with nobody around

    def end_person(self) -> None:
        if self.person.keys() == {"email"}:
            self.lone += [self.person["email"]] if self.person["email"] else []
        elif self.person.get("email") or self.person.get("login_name"):
            self.people.append(person(**self.person))
        self.person = {}


def read(text: str, domains: Sequence[str] = ()) -> Found:
    """Return what a mail says of an order. Of several addresses that no label names, the first in `domains` counts."""
    reading = _Reading()
    for line in _lines(text):
        _read_line(reading, line)
    reading.end_person()
    # “Mail-Adresse: …” with nobody around is the one wanted, unless that is named
    first = reading.lone.pop(0) if reading.lone and not reading.facts.get("address") else ""
    people = [*reading.people, *(AgentRow(email=email) for email in reading.lone)]
    found: dict[str, AgentRow] = {}
    for row in people:
        found.setdefault((row.login_name or row.email).lower(), row)
    address = reading.facts.get("address", "") or first or _stray(reading, domains)
    facts = {
        kind: text for kind, text in reading.facts.items() if kind not in ("address", "agents")
    }
    return Found(address=address, agents=tuple(found.values())[:MAX_PEOPLE], **facts)


def _lines(text: str) -> Iterator[str]:
    """Yield the lines up to the signature or the greeting, without what is quoted."""
    for line in text.replace("\xa0", " ").splitlines()[:MAX_LINES]:
        bare = line.rstrip()[:MAX_LINE]
        if _SIGNATURE.match(bare) or _GREETING.match(bare.strip()):
            return
        if not _QUOTED.match(bare):
            yield bare


def _read_line(reading: _Reading, line: str) -> None:
    if not line.strip():
        reading.end_person()
        reading.open = ""
        return
    if _take_header(reading, line) or _take_label(reading, line):
        return
    people = people_of(line, reading.columns)
    if people:
        reading.end_person()
        reading.open = ""
        reading.people += people
        return
    if reading.open == "address":
        reading.facts["address"] = address_in(line)
        reading.open = "" if reading.facts["address"] else "address"
        return
    if reading.open in ("purpose", "hours", "name", "department"):
        before = reading.facts.get(reading.open, "")
        reading.facts[reading.open] = f"{before} {line.strip()}".strip()[:2000]
        return
    reading.strays += ADDRESS.findall(line)


def _take_header(reading: _Reading, line: str) -> bool:
    """Take a line that only names columns."""
    cells = [COLUMN.get(cell.lower().rstrip(":"), "") for cell in cells_of(line)]
    if len(cells) < 3 or not all(cells) or len(set(cells)) != len(cells):
        return False
    reading.columns = tuple(cells)
    return True


def _take_label(reading: _Reading, line: str) -> bool:
    """Take a line that begins with one of our labels."""
    match = _LABEL.match(line)
    label = " ".join(match[1].lower().split()) if match else ""
    if match is None or not (label in _KIND or label in COLUMN):
        return False
    value = match[2].strip()
    column = COLUMN.get(label)
    if column is not None and label not in _KIND:
        if column in reading.person:
            reading.end_person()
        reading.person[column] = address_in(value) if column == "email" else value[:150]
        return True
    reading.end_person()
    kind = _KIND[label]
    reading.open = kind
    if kind == "agents":
        reading.people += people_of(value, reading.columns) if value else []
    elif kind == "address":
        reading.facts.setdefault(kind, "")
        reading.facts[kind] = reading.facts[kind] or address_in(value)
        reading.open = "" if reading.facts[kind] else kind
    elif not reading.facts.get(kind):
        reading.facts[kind] = value[:2000]
    return True


def _stray(reading: _Reading, domains: Sequence[str]) -> str:
    """Return the address in running text that is most likely the one wanted."""
    theirs = {row.email.lower() for row in reading.people}
    found = [one.rstrip(".!?") for one in reading.strays]
    found = [one for one in found if one.lower() not in theirs]
    ours = [one for one in found if one.rpartition("@")[2].lower() in domains]
    return next(iter(ours or ([] if domains else found)), "")
