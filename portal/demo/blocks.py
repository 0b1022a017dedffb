"""Short hands for writing page content and form fields in two languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from helpdesk.pages.keys import key_for

Block = dict[str, Any]


def block_id(*names: str) -> str:
    """Return the id of a block: the same in every language, and in every installation."""
    return str(uuid5(NAMESPACE_URL, "/".join(("stelze-demo", *names))))


def heading(text: str) -> Block:
    return {"type": "heading", "value": text}


def text(html: str) -> Block:
    return {"type": "text", "value": html}


def notice(tone: str, html: str) -> Block:
    return {"type": "notice", "value": {"tone": tone, "text": html}}


def steps(title: str, *pairs: tuple[str, str]) -> Block:
    rows = [{"title": name, "text": how} for name, how in pairs]
    return {"type": "steps", "value": {"heading": title, "steps": rows}}


def audience(html: str) -> Block:
    return {"type": "audience", "value": {"text": html}}


def costs(html: str) -> Block:
    return {"type": "costs", "value": {"text": html}}


def contact(name: str, email: str, phone: str = "", place: str = "", hours: str = "") -> Block:
    value = {"name": name, "email": email, "phone": phone, "place": place, "hours": hours}
    return {"type": "contact", "value": value}


def related(title: str, *keys: str) -> Block:
    """Return links to other pages of the demo, named by their keys (see `linked`)."""
    return {"type": "related", "value": {"heading": title, "pages": list(keys)}}


def linked(blocks: list[Block], ids: dict[str, int], page: str) -> list[Block]:
    """Return `blocks` of a page with their ids, and with page keys replaced by page ids."""
    found = []
    for place, block in enumerate(blocks):
        value = block["value"]
        if block["type"] == "related":
            value = {**value, "pages": [ids[key] for key in value["pages"]]}
        if isinstance(value, dict):
            value = {name: _rows(rows, page, str(place), name) for name, rows in value.items()}
        found.append({**block, "value": value, "id": block_id(page, str(place))})
    return found


def _rows(rows: Any, *names: str) -> Any:
    """Return a list in the form that a list block stores; anything else as it is."""
    if not isinstance(rows, list):
        return rows
    return [
        {"type": "item", "id": block_id(*names, str(place)), "value": row}
        for place, row in enumerate(rows)
    ]


#: What only structures a form, and where its heading stands.
_HEADS = {"section": "heading", "step": "title"}


@dataclass(frozen=True)
class Field:
    """One field of an intake form. `choices` are (name, German, English), `columns` those of a list of rows.

    `condition` and `required_when` name another field, an operator and a value; a choice by its name.
    """

    name: str
    type: str
    de: str
    en: str
    help_de: str = ""
    help_en: str = ""
    required: bool = False
    private: bool = False
    in_subject: bool = False
    choices: tuple[tuple[str, str, str], ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    condition: tuple[str, str, Any] | None = None
    required_when: tuple[str, str, Any] | None = None
    columns: tuple[Field, ...] = ()

    def raw(self, form: str, language: str) -> Block:
        """Return the block of the field on `form`, in one language."""
        is_german = language == "de"
        conditions = {
            "condition": self._tree(form, self.condition),
            "required_when": self._tree(form, self.required_when),
        }
        if self.type in _HEADS:
            title, text = (self.de, self.help_de) if is_german else (self.en, self.help_en)
            value: Any = {_HEADS[self.type]: title, "text": text, **conditions}
            del value["required_when"]
            return {"type": self.type, "id": block_id(form, self.name), "value": value}
        value = {
            "label": self.de if is_german else self.en,
            "help_text": self.help_de if is_german else self.help_en,
            "required": self.required,
            "private": self.private,
            "in_subject": self.in_subject,
            **conditions,
            **dict(self.options),
        }
        if self.choices:
            value["choices"] = [
                {
                    "type": "item",
                    "id": block_id(form, self.name, name),
                    "value": {"label": de if is_german else en},
                }
                for name, de, en in self.choices
            ]
        if self.columns:
            value["columns"] = [
                column.raw(f"{form}/{self.name}", language) for column in self.columns
            ]
        return {"type": self.type, "id": block_id(form, self.name), "value": value}

    @staticmethod
    def _tree(form: str, condition: tuple[str, str, Any] | None) -> Block | None:
        if condition is None:
            return None
        field, op, value = condition
        known = choice_value(form, field, value) if isinstance(value, str) else value
        return {"field": key_for(block_id(form, field)), "op": op, "value": known}


def input_name(form: str, field: str) -> str:
    """Return the name under which a field of a demo form is sent."""
    return f"q_{key_for(block_id(form, field))}"


def choice_value(form: str, field: str, choice: str) -> str:
    """Return what is sent for a choice of a demo form."""
    return key_for(block_id(form, field, choice))


@dataclass(frozen=True)
class Words:
    """What a page says in one language; `more` are fields that only its type has."""

    slug: str
    title: str
    summary: str = ""
    body: tuple[Block, ...] = ()
    more: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Node:
    """A page of the demo in both languages, with the pages below it. `queue` is a short name."""

    key: str
    kind: str
    de: Words
    en: Words
    queue: str = ""
    children: tuple[Node, ...] = ()
