"""The register of what is stored where and how long, made from the models (Art. 30 GDPR): docs/privacy.md.

What a column holds stands in the `privacy` of our models; how long a table is kept, why, and by which code its rows
go, is stated in `statements.py` and `statements_others.py`. A site states the same for its own models:

    register.declare({"town.Complaint": Statement("site", "who complained", "answering", "a year", "`town/jobs.py`")})

A table without a statement, or a text column of other people's tables that none mentions, is missing: `missing` says
where to write it, and a test fails on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models

from helpdesk.models import Customer, Privacy, Ticket

#: The parts of the register, in order: what rows are kept for, by their key in statements.
PARTS: Final[dict[str, str]] = {
    "requests": "Requests and what was said on them (Anfragen und Schriftverkehr)",
    "mail": "Mail, in and out (E-Mail)",
    "people": "People who ask (Anfragende)",
    "team": "Agents and their work (Bearbeitung)",
    "accounts": "Accounts and log-in (Konten und Anmeldung)",
    "proof": "Logs and proof (Protokolle und Nachweise)",
    "site": "Pages and pictures (Website)",
    "settings": "Settings (Einstellungen)",
}
#: Columns in which people's words, names or addresses can stand.
TEXTS: Final = (
    models.CharField,
    models.TextField,
    models.JSONField,
    models.FileField,
    models.BinaryField,
    models.GenericIPAddressField,
)
HOW_TO_STATE: Final = (
    "Say how long it is kept, why, and by which code it goes: in helpdesk/privacy/statements.py (ours), "
    "helpdesk/privacy/statements_others.py (apps that the help desk needs) or, for a site's own, "
    "portal/register.py; then run manage.py privacy_register."
)


@dataclass(frozen=True)
class Statement:
    """What is to be said of a table: of whom it holds something, what for, how long, and how its rows go.

    `columns` classifies the text columns of tables that have no `privacy` of their own; `rest` those that it does
    not name (None: it has to name all). `fixed` are the names of columns where they differ from database to database.
    """

    part: str
    whose: str
    why: str
    kept: str
    goes: str
    columns: Mapping[str, str] = field(default_factory=dict)
    rest: str | None = None
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One table of the register, with its columns by what they hold."""

    table: str
    columns: Mapping[Privacy, tuple[str, ...]]
    statement: Statement


_statements: dict[str, Statement] = {}


def declare(statements: Mapping[str, Statement]) -> None:
    """Add statements by the label of the model ("app.Model"); a later one replaces an earlier one.

    Raises `ValueError` for a part that there is not.
    """
    for label, statement in statements.items():
        if statement.part not in PARTS:
            raise ValueError(f"{label}: no part {statement.part!r} in the register")
        _statements[label] = statement


def stated() -> Mapping[str, Statement]:
    """Return all statements by label: ours, those of the apps we need, and what sites declared."""
    from . import statements, statements_others  # they need the class above

    return {**statements.OURS, **statements_others.OTHERS, **_statements}


def tables() -> list[type[models.Model]]:
    """Return the models that belong into the register: all of ours, and all that hold text or point to a person.

    Plain pairs of ids, which Django makes by itself for many-to-many fields, are left out, and so are tables that
    exist on one database only.
    """
    people = {get_user_model(), Customer, Ticket}
    found = []
    for model in apps.get_models():
        meta = model._meta
        if meta.proxy or not meta.managed or meta.label in _ONE_DATABASE or _is_of_tests(model):
            continue
        columns = meta.local_concrete_fields
        points = any(one.related_model in people for one in columns if one.is_relation)
        if meta.app_label == "helpdesk" or points or texts_of(model):
            found.append(model)
    return sorted(found, key=lambda model: model._meta.db_table)


#: Wagtail's second search table on SQLite; what it holds is said of the first.
_ONE_DATABASE: Final = frozenset({"wagtailsearch.SQLiteFTSIndexEntry"})


def _is_of_tests(model: type[models.Model]) -> bool:
    return model.__module__.split(".")[0] == "tests"


def texts_of(model: type[models.Model]) -> list[str]:
    """Return the names of the text columns of a table, in their order."""
    columns = model._meta.local_concrete_fields
    return [one.name for one in columns if isinstance(one, TEXTS)]


def missing() -> list[str]:
    """Return a sentence for each table, and each column, of which the register would not know what to say."""
    known = stated()
    found = []
    for model in tables():
        label = model._meta.label
        statement = known.get(label)
        if statement is None:
            found.append(f"{label} has no statement. {HOW_TO_STATE}")
            continue
        unsaid = [
            name for name in _names(model, statement) if _kind(model, name, statement) is None
        ]
        if unsaid:
            found.append(
                f"{label}: nobody says what {', '.join(unsaid)} may hold. Say it in the model's `privacy`, or, "
                "if the model is not ours, in `columns` of its statement."
            )
    labels = {model._meta.label for model in apps.get_models()}
    gone = sorted(label for label in known if label not in labels and _is_installed(label))
    return [*found, *(f"{label} is stated, but there is no such model any more." for label in gone)]


def _is_installed(label: str) -> bool:
    return apps.is_installed(label) or label.split(".")[0] in apps.app_configs


def _names(model: type[models.Model], statement: Statement) -> tuple[str, ...]:
    return statement.fixed or tuple(texts_of(model))


def _kind(model: type[models.Model], name: str, statement: Statement) -> Privacy | None:
    """Return what a column may hold, None if nobody says."""
    if name in statement.columns:
        return Privacy(statement.columns[name])
    declared: Mapping[str, str] = getattr(model, "privacy", {})
    if name in declared:
        return Privacy(declared[name])
    return Privacy(statement.rest) if statement.rest is not None else None


def rows() -> list[Row]:
    """Return the register. Raises `LookupError`, with what to do about it, if something is `missing`."""
    if gaps := missing():
        raise LookupError("\n".join(gaps))
    known = stated()
    found = []
    for model in tables():
        statement = known[model._meta.label]
        kinds: dict[Privacy, tuple[str, ...]] = {}
        for name in _names(model, statement):
            kind = _kind(model, name, statement) or Privacy.NONE
            kinds[kind] = (*kinds.get(kind, ()), name)
        found.append(Row(model._meta.db_table, kinds, statement))
    return found


# --- as text ------------------------------------------------------------------------------------------------------

HEAD: Final = (
    "| table (Tabelle) | what its texts are (Art der Daten) | of whom (Betroffene) | what for (Zweck) "
    "| how long (Speicherdauer) | how it goes (Löschung) |\n|---|---|---|---|---|---|"
)


def part_in_words(part: str) -> str:
    """Return one part of the register as a table in Markdown."""
    lines = [HEAD]
    for row in rows():
        said = row.statement
        if said.part == part:
            cells = (f"`{row.table}`", _columns(row), said.whose, said.why, said.kept, said.goes)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _columns(row: Row) -> str:
    words = {Privacy.CONTENT: "content", Privacy.PERSON: "person", Privacy.NONE: "other"}
    parts = [
        f"*{words[kind]}:* {', '.join(row.columns[kind])}"
        for kind in words
        if row.columns.get(kind)
    ]
    return "; ".join(parts) or "ids and times only"


def parts_in(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the generated parts of the document: key, begin and end of what stands between the marks.

    Raises `LookupError` if a mark is missing.
    """
    for part in PARTS:
        start, end = (
            f"<!-- {part}: written by manage.py privacy_register -->\n",
            f"<!-- end of {part} -->",
        )
        begin = text.find(start)
        stop = text.find(end, begin)
        if begin < 0 or stop < 0:
            raise LookupError(f"docs/privacy.md has lost the marks of the part {part!r}")
        yield part, begin + len(start), stop


def renewed(text: str) -> str:
    """Return the document with its generated parts made anew; the frame around them is hand-written and stays."""
    for part, begin, stop in reversed(list(parts_in(text))):
        text = text[:begin] + part_in_words(part) + text[stop:]
    return text
