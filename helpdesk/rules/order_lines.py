"""The people that a line of a mail names: one in a row of a table or in words, or several in a sentence.

Pure; takes any text and never raises. What a whole mail says reads `order_mail`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .ordering import AgentRow

ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:|=]{1,64}@[^\s<>()\[\]\"',;:|=@]{1,190}")
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
COLUMN = {label: column for column, labels in _OF_PERSON.items() for label in labels}


def address_in(text: str) -> str:
    match = ADDRESS.search(text)
    return match[0].rstrip(".!?") if match else ""


def people_of(line: str, columns: Sequence[str] = ()) -> list[AgentRow]:
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
    inside = [word for word in inside if word and word.lower() not in COLUMN]
    emails = [word for word in inside if ADDRESS.fullmatch(word)]
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
    return person(first, last, emails[0], logins[0])


def person(
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


def cells_of(line: str) -> list[str]:
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
    if len(ADDRESS.findall(text)) != 1:
        return None
    cells = cells_of(text)
    if cells and columns and len(cells) >= len(columns):
        values = dict(zip(columns, cells, strict=False))
        values["email"] = address_in(values.get("email", "")) or address_in(text)
        return person(**{name: value[:254] for name, value in values.items()})
    return _from_cells(cells) if cells else _from_words(text)


def _from_cells(cells: Sequence[str]) -> AgentRow | None:
    """Read cells without a header: names, address and log-in name, in the usual orders."""
    email = next((address_in(cell) for cell in cells if address_in(cell)), "")
    rest = [cell for cell in cells if cell and not address_in(cell)]
    before = next((cell for cell in cells if "<" in cell and address_in(cell)), "")
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
    return person(first, last, email, login)


def _from_words(text: str) -> AgentRow | None:
    """Read “First Last <mail> login”, “First Last mail (login)” and the like."""
    match = ADDRESS.search(text)
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
    return person(first, last, match[0].rstrip(".!?"), login)


def _bare_login(text: str) -> str:
    """Return a log-in name without the word before it: “Unikennung: abc100”, “(abc100)”."""
    words = text.strip(" ()[]<>,;.").replace(":", " ").split()
    while len(words) > 1 and words[0].lower() in COLUMN:
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
