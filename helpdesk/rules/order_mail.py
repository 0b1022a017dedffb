"""Reads the order of a queue out of a mail: the address wanted, what it is for, and the people.

People write as they like, so this finds what it can and leaves out what it cannot: an agent looks at the result
before anything is made of it. Pure; takes any text and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .ordering import AgentRow

#: Bounds: what is longer is cut, people beyond the last are left out.
MAX_LINES, MAX_LINE, MAX_PEOPLE = 500, 500, 60

_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:|=]{1,64}@[^\s<>()\[\]\"',;:|=@]{1,190}")
_LABEL = re.compile(r"^[\s*•·\-–>#]{0,8}([^:=\t]{2,40}?)\s{0,3}[:=](?:\s+|$)(.*)$")
_SIGNATURE = re.compile(r"^(?:-- ?|_{5,}|-{5,})$")
_GREETING = re.compile(
    r"^(?:mit (?:freundlich|best|herzlich|viel)\w* gr|(?:viele|beste|herzliche|liebe|freundliche|sch[öo]ne) gr"
    r"|gru(?:ß|ss)\b|mfg\b|vg\b|lg\b|(?:kind|best|warm|many) (?:regards|wishes|thanks)|regards\b"
    r"|yours (?:sincerely|faithfully)|sincerely\b|cheers\b)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^\s{0,3}>")
_BULLET = re.compile(r"^[\s*•·\-–]{1,8}|^\s{0,4}\d{1,2}[.)]\s+")
_PARTICLES = frozenset(
    {"von", "van", "de", "der", "den", "zu", "zum", "zur", "da", "di", "le", "la"}
)
#: What stands before names. The second lot only with a dot: without one they may be names.
_TITLES = frozenset(
    {
        *("dr", "prof", "pd", "frau", "herr", "herrn", "mr", "mrs", "ms", "kollege", "kollegin"),
        *("kollegen", "colleague", "bitte", "please"),
    }
)
_OF_TITLES = frozenset(
    {
        *("dipl", "ing", "inf", "med", "phil", "rer", "nat", "jur", "pol", "oec", "theol", "vet"),
        *("dent", "habil", "apl", "mag", "univ"),
    }
)
#: “… Ada Byron (adbyr100, ada@uni.example)”: some words, and what is in brackets behind them.
_BRACKETED = re.compile(
    r"((?:[^\W\d_][\w'’.\-]{0,40}\s{1,3}){1,8}[^\W\d_][\w'’.\-]{0,40})\s{0,3}\(([^()]{3,300})\)"
)
_BETWEEN = re.compile(r"\s*[;,]\s+|\s+(?:und|and|sowie|&)\s+")
_NO_NAMES = frozenset(
    {"adresse", "address", "mail", "e-mail", "email", "mailadresse", "queue", "an", "to"}
)

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
_OF_PERSON: dict[str, tuple[str, ...]] = {
    "first_name": ("vorname", "first name", "given name", "firstname"),
    "last_name": ("nachname", "name", "familienname", "last name", "surname", "lastname"),
    "email": (
        *("e-mail", "email", "mail", "e-mail-adresse", "mailadresse", "mail-adresse"),
        *("emailadresse", "email-adresse", "e-mailadresse"),
        *("e-mail address", "email address", "mail address"),
    ),
    "login_name": (
        *("unikennung", "uni-kennung", "kennung", "benutzername", "login", "log-in", "anmeldename"),
        *("user name", "username", "university login", "login name", "log-in name", "account"),
    ),
}
_KIND = {label: kind for kind, labels in _LABELS.items() for label in labels}
_COLUMN = {label: column for column, labels in _OF_PERSON.items() for label in labels}


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
            self.people.append(_person(**self.person))
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
    people = _people(line, reading.columns)
    if people:
        reading.end_person()
        reading.open = ""
        reading.people += people
        return
    if reading.open == "address":
        reading.facts["address"] = _address_in(line)
        reading.open = "" if reading.facts["address"] else "address"
        return
    if reading.open in ("purpose", "hours", "name", "department"):
        before = reading.facts.get(reading.open, "")
        reading.facts[reading.open] = f"{before} {line.strip()}".strip()[:2000]
        return
    reading.strays += _ADDRESS.findall(line)


def _take_header(reading: _Reading, line: str) -> bool:
    """Take a line that only names columns."""
    cells = [_COLUMN.get(cell.lower().rstrip(":"), "") for cell in _cells(line)]
    if len(cells) < 3 or not all(cells) or len(set(cells)) != len(cells):
        return False
    reading.columns = tuple(cells)
    return True


def _take_label(reading: _Reading, line: str) -> bool:
    """Take a line that begins with one of our labels."""
    match = _LABEL.match(line)
    label = " ".join(match[1].lower().split()) if match else ""
    if match is None or not (label in _KIND or label in _COLUMN):
        return False
    value = match[2].strip()
    column = _COLUMN.get(label)
    if column is not None and label not in _KIND:
        if column in reading.person:
            reading.end_person()
        reading.person[column] = _address_in(value) if column == "email" else value[:150]
        return True
    reading.end_person()
    kind = _KIND[label]
    reading.open = kind
    if kind == "agents":
        reading.people += _people(value, reading.columns) if value else []
    elif kind == "address":
        reading.facts.setdefault(kind, "")
        reading.facts[kind] = reading.facts[kind] or _address_in(value)
        reading.open = "" if reading.facts[kind] else kind
    elif not reading.facts.get(kind):
        reading.facts[kind] = value[:2000]
    return True


def _address_in(text: str) -> str:
    match = _ADDRESS.search(text)
    return match[0].rstrip(".!?") if match else ""


def _stray(reading: _Reading, domains: Sequence[str]) -> str:
    """Return the address in running text that is most likely the one wanted."""
    theirs = {row.email.lower() for row in reading.people}
    found = [one.rstrip(".!?") for one in reading.strays]
    found = [one for one in found if one.lower() not in theirs]
    ours = [one for one in found if one.rpartition("@")[2].lower() in domains]
    return next(iter(ours or ([] if domains else found)), "")


# --- people in one line --------------------------------------------------------------------------


def _people(line: str, columns: Sequence[str] = ()) -> list[AgentRow]:
    """Return the people of a line: one, or several in a sentence; [] unless it names somebody in full."""
    text = _BULLET.sub("", line)
    if not columns:
        several = [_from_brackets(match) for match in _BRACKETED.finditer(text)]
        found = [row for row in several if row is not None]
        if found:
            return found
    row = _row(line, columns)
    if row is not None:
        return [row]
    pieces = [piece for piece in _BETWEEN.split(text.strip().rstrip(".")) if piece]
    rows = [_row(piece, ()) for piece in pieces] if len(pieces) > 1 else []
    found = [row for row in rows if row is not None]
    return found if len(found) == len(rows) else []


def _from_brackets(match: re.Match[str]) -> AgentRow | None:
    """Read “First Last (login, mail)”; what stands before the names is left out."""
    inside = [word.strip(".:") for word in re.split(r"[\s,;/|<>]+", match[2])]
    inside = [word for word in inside if word and word.lower() not in _COLUMN]
    emails = [word for word in inside if _ADDRESS.fullmatch(word)]
    logins = [word for word in inside if "@" not in word]
    names: list[str] = []
    for word in reversed(match[1].split()):
        if not _is_name(word) or word.lower() in _NO_NAMES:
            break
        names.insert(0, word)
    name = _untitled(" ".join(names))
    if len(emails) != 1 or len(logins) != 1 or len(name.split()) < 2:
        return None
    first, last = _split_name(name)
    return _person(first, last, emails[0], logins[0])


def _person(
    first_name: str = "", last_name: str = "", email: str = "", login_name: str = ""
) -> AgentRow:
    """Return a person; titles are no part of the name."""
    return AgentRow(_untitled(first_name)[:150], last_name[:150], email[:254], login_name[:150])


def _untitled(name: str) -> str:
    """Return a name without what stands before it: “Prof. Dr.-Ing. Ada Byron” is Ada Byron."""
    last, comma, first = name.partition(",")
    if comma and first.strip():
        return f"{_untitled(last)}, {_untitled(first)}"
    words = name.split()
    while len(words) > 1 and _is_title(words[0]):
        words = words[1:]
    return " ".join(words)


def _is_title(word: str) -> bool:
    low = word.lower()
    if "." not in low:
        return low in _TITLES
    parts = [part for part in re.split(r"[.\-]", low) if part]
    return low == "h.c." or (bool(parts) and all(part in _TITLES | _OF_TITLES for part in parts))


def _cells(line: str) -> list[str]:
    """Return the cells of a line of a table, however it is divided; [] if it is none."""
    text = line.strip().strip("|")
    for divider in ("\t", ";", "|", ","):
        cells = [cell.strip().strip('"') for cell in text.split(divider)]
        if len([cell for cell in cells if cell]) >= 3:
            return cells
    return []


def _row(line: str, columns: Sequence[str]) -> AgentRow | None:
    """Return the person that a line names, None if it names none."""
    text = _BULLET.sub("", line, count=1).strip()
    if len(_ADDRESS.findall(text)) != 1:
        return None
    cells = _cells(text)
    if cells and columns and len(cells) >= len(columns):
        values = dict(zip(columns, cells, strict=False))
        values["email"] = _address_in(values.get("email", "")) or _address_in(text)
        return _person(**{name: value[:254] for name, value in values.items()})
    return _from_cells(cells) if cells else _from_words(text)


def _from_cells(cells: Sequence[str]) -> AgentRow | None:
    """Read cells without a header: names, address and log-in name, in the usual orders."""
    email = next((_address_in(cell) for cell in cells if _address_in(cell)), "")
    rest = [cell for cell in cells if cell and not _address_in(cell)]
    before = next((cell for cell in cells if "<" in cell and _address_in(cell)), "")
    if before:  # “First Last <mail>; login”
        rest.insert(0, before.partition("<")[0].strip())
    if len(rest) < 2 or len(rest) > 4:
        return None
    with_digit = [cell for cell in rest if re.search(r"\d", cell) and " " not in cell]
    login = with_digit[0] if len(with_digit) == 1 else rest[-1]
    rest.remove(login)
    login = _bare_login(login)
    if " " in login or not rest:
        return None
    if len(rest) == 1:
        first, last = _split_name(rest[0])
    else:
        first, last = rest[0], rest[1]
    return _person(first, last, email, login)


def _from_words(text: str) -> AgentRow | None:
    """Read “First Last <mail> login”, “First Last mail (login)” and the like."""
    match = _ADDRESS.search(text)
    if match is None:
        return None
    name = text[: match.start()].strip(" <([:,;-–")
    behind = text[match.end() :].strip(" >)],;:.-–")
    inside = re.search(r"\(([^()\s]{2,40})\)\s*$", name)
    if inside:  # “First Last (login), mail”
        name, behind = name[: inside.start()].strip(), inside[1]
    login = _bare_login(behind)
    name = _untitled(name)
    words = name.replace(",", " ").split()
    if " " in login or not 2 <= len(words) <= 6 or not all(_is_name(word) for word in words):
        return None
    first, last = _split_name(name)
    return _person(first, last, match[0].rstrip(".!?"), login)


def _bare_login(text: str) -> str:
    """Return a log-in name without the word before it: “Unikennung: abc100”, “(abc100)”."""
    words = text.strip(" ()[]<>,;.").replace(":", " ").split()
    while len(words) > 1 and words[0].lower() in _COLUMN:
        words = words[1:]
    return " ".join(words).strip("()[]")


def _is_name(word: str) -> bool:
    low = word.lower()
    if low in _NO_NAMES:
        return False
    return low in _PARTICLES or word[0].isupper()


def _split_name(name: str) -> tuple[str, str]:
    """Return first and last name: “Ada von Berg”, “Berg, Ada”."""
    last, comma, first = name.partition(",")
    if comma:
        return " ".join(first.split()), " ".join(last.split())
    words = name.split()
    at = len(words) - 1
    while at > 1 and words[at - 1].lower() in _PARTICLES:
        at -= 1
    return " ".join(words[:at]), " ".join(words[at:])
