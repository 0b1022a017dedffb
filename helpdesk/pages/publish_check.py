"""What publishing a form would bring, in words: shown in its editor, and again when it is published.

Nothing here refuses anything: what is wrong in itself is refused where it is entered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Q
from django.utils import translation
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail.models import Locale

from helpdesk.models import Answer, AutoResponse, Queue, QueueAddress
from helpdesk.notifications import responses
from helpdesk.rules.answers import HIDDEN, WITHIN
from helpdesk.states import OPEN_TYPES

from . import alignment, storage_check, untranslated
from .asked import FormField, asked_now
from .inputs import sets
from .uses import uses_of

#: From so many questions on people give up.
MANY = 25
#: Below so many characters a consent hardly says to what.
SHORT_CONSENT = 20
#: Types whose answers are always about a person.
_PERSONAL = frozenset({"email", "phone", "login"})
#: So many names are listed in one sentence.
_LISTED = 5


@dataclass(frozen=True)
class Finding:
    """One sentence for the editor. `is_wrong`: the form would not work; else it is for them to weigh."""

    text: str
    is_wrong: bool = False


def check(page: Any) -> list[Finding]:
    """Return what to know before `page` (as it would be published) goes on the site: what is wrong first.

    A constant number of queries.
    """
    fields = {field.key: field for field in asked_now(page)}
    found = [
        *_lost(page, fields),
        *_languages(page, fields),
        *(Finding(text, is_wrong) for text, is_wrong in storage_check.findings(page)),
        *_queue(page),
        *_fields(page, fields),
    ]
    return sorted(found, key=lambda finding: not finding.is_wrong)


# --- fields that are gone ------------------------------------------------------------------------------


def _lost(page: Any, fields: dict[str, FormField]) -> Iterator[Finding]:
    live = type(page).objects.filter(pk=page.pk, live=True).first() if page.pk else None
    before = {field.key: field for field in asked_now(live)} if live is not None else {}
    gone = {
        key: field
        for key, field in before.items()
        if key not in fields and key.split(WITHIN)[0] not in before.keys() - fields.keys() - {key}
    }
    turned = {
        key: field
        for key, field in before.items()
        if key in fields and fields[key].type != field.type
    }
    counts = _open_tickets(page, list(gone))
    uses = _uses(page, gone.keys() | turned.keys())
    new = {field.label for key, field in fields.items() if key not in before}
    for key, field in gone.items():
        text = _("Field “%(label)s” is no longer asked.") % {"label": field.label}
        if counts.get(key):
            text += " " + ngettext(
                "%(n)d open ticket holds an answer; it stays there.",
                "%(n)d open tickets hold an answer; it stays there.",
                counts[key],
            ) % {"n": counts[key]}
        if field.label in new:
            text += " " + _("The new field of the same name does not take its place: it has a key of its own.")  # fmt: skip
        yield Finding(text + _used_by(uses.get(key)), is_wrong=key in uses)
    for key, field in turned.items():
        text = _("Field “%(label)s” is now of another kind: what compares its answer may no longer fit.") % {
            "label": field.label
        }  # fmt: skip
        yield Finding(text + _used_by(uses.get(key)), is_wrong=key in uses)


def _uses(page: Any, keys: Collection[str]) -> dict[str, list[str]]:
    """Return where fields are used, by key."""
    found: dict[str, list[str]] = {}
    if keys:
        for use in uses_of(page):
            if use.key in keys:
                found.setdefault(use.key, []).append(use.where)
    return found


def _used_by(places: list[str] | None) -> str:
    """Return the sentence on where a field is used, with a blank before it; '' if nowhere."""
    if not places:
        return ""
    more = len(places) - _LISTED
    named = [*places[:_LISTED], *([_("%(n)d more") % {"n": more}] if more > 0 else [])]
    return " " + _("It is still used by %(places)s.") % {"places": get_text_list(named, _("and"))}


def _open_tickets(page: Any, keys: list[str]) -> dict[str, int]:
    """Return how many open tickets of the form hold an answer in each of some fields."""
    if not keys:
        return {}
    asked = reduce(or_, (Q(key=key) | Q(key__startswith=key + WITHIN) for key in keys))
    rows = (
        Answer.objects.filter(
            asked,
            ticket__form_key=page.form_key,
            ticket__is_test=False,
            ticket__state__type__in=OPEN_TYPES,
        )
        .values_list("key")
        .annotate(tickets=Count("ticket", distinct=True))
    )
    counts: dict[str, int] = {}
    for key, tickets in rows:
        for name in (key, key.split(WITHIN)[0]):
            counts[name] = max(counts.get(name, 0), tickets)
    return counts


# --- languages -----------------------------------------------------------------------------------------


def _languages(page: Any, fields: dict[str, FormField]) -> Iterator[Finding]:
    others = type(page).objects.filter(translation_key=page.translation_key).exclude(pk=page.pk)
    by_locale = {other.locale_id: other for other in others}
    for locale in Locale.objects.exclude(pk=page.locale_id).order_by("pk"):
        language = {"language": locale.get_display_name()}
        other = by_locale.get(locale.pk)
        if other is None:
            yield Finding(_("There is no version of this form in %(language)s.") % language)
        elif not other.live:
            yield Finding(_("The version in %(language)s is not published.") % language)
        else:
            yield from _other_version(page, other, fields, language)


def _other_version(
    page: Any, other: Any, fields: dict[str, FormField], language: dict[str, str]
) -> Iterator[Finding]:
    there = {field.key: field for field in asked_now(other)}
    if other.alias_of_id:  # shows what the source shows, in its language
        yield Finding(
            _("The version in %(language)s is a mirror: nothing is translated.") % language
        )
        return
    differs = _("The version in %(language)s differs in %(names)s.")
    for names, is_wrong in (
        (alignment.wrong(page, other), True),
        (alignment.odd(page, other), False),
    ):
        if names:
            listed = {**language, "names": get_text_list(names, _("and"))}
            yield Finding(differs % listed, is_wrong=is_wrong)
    missing = [field.label for key, field in fields.items() if key not in there]
    extra = [field.label for key, field in there.items() if key not in fields]
    same = [
        field.label
        for key, field in fields.items()
        if key in there and there[key].label == field.label and field.type not in _PERSONAL
    ]
    for labels, words in (
        (missing, _("The version in %(language)s does not ask for %(fields)s.")),
        (extra, _("The version in %(language)s still asks for %(fields)s.")),
        (same, _("In %(language)s these are called the same as here, not translated? %(fields)s.")),
    ):
        if labels:
            yield Finding(words % {**language, "fields": _list(labels)})
    left = untranslated.left_as_they_are(page, other)
    if left:
        words = _("In %(language)s these texts are the same as here, not translated? %(texts)s.")
        yield Finding(words % {**language, "texts": _shortened(left)})


def _list(labels: list[str]) -> str:
    return _shortened([_("“%(text)s”") % {"text": label} for label in labels])


def _shortened(names: list[str]) -> str:
    named = names[:_LISTED]
    rest = len(names) - len(named)
    return ", ".join([*named, _("%(n)d more") % {"n": rest}] if rest else named)


# --- queue --------------------------------------------------------------------------------------------


def _queue(page: Any) -> Iterator[Finding]:
    queue = _queue_of(page)
    if queue is None:
        return
    if not queue.is_active:
        yield Finding(_("Its queue is not in use any more."), is_wrong=True)
    lineage = [one.pk for one in queue.lineage()]
    if not QueueAddress.objects.filter(queue__in=lineage).exists():
        yield Finding(_("Its queue has no mail address: what people answer to our mails does not come back to it."))  # fmt: skip
    text = responses.nearest(queue, AutoResponse.Kind.RECEIVED)
    if not queue.sends_receipt or (text is not None and not text.is_active):
        yield Finding(_("No receipt is sent: its queue has that switched off."))


def _queue_of(page: Any) -> Queue | None:
    """Return the queue of a page, None on a draft that has none yet."""
    return page.queue if page.queue_id else None


# --- the fields themselves -----------------------------------------------------------------------------


def _fields(page: Any, fields: dict[str, FormField]) -> Iterator[Finding]:
    asked = [field for field in fields.values() if not field.within]
    if not asked:
        yield Finding(_("The form asks for nothing but name and address."))
    if len(asked) > MANY:
        yield Finding(_("The form has %(n)d fields. Is each of them needed?") % {"n": len(asked)})
    for child, is_always_asked in _with_conditions(page):
        yield from _field(child, is_always_asked)
    with translation.override(page.locale.language_code):
        missing = sets.missing(list(page.fields))
    for one in missing:
        words = _(
            "The field set “%(title)s” is not published: the form does not ask its questions."
        )
        yield Finding(words % {"title": one.title}, is_wrong=True)


def _with_conditions(page: Any) -> Iterator[tuple[Any, bool]]:
    """Yield the blocks that ask, each with whether neither it nor its section or step has a condition."""
    stream = page.fields.stream_block
    around: dict[str, bool] = {}
    for child in stream.expanded(page.fields):
        has_condition = isinstance(child.value, Mapping) and bool(child.value.get("condition"))
        if child.block_type == "step":
            around = {"step": has_condition}
        elif child.block_type == "section":
            around["section"] = has_condition
        elif child.block_type in stream.input_types:
            yield child, not (has_condition or any(around.values()))


def _field(child: Any, is_always_asked: bool) -> Iterator[Finding]:
    value, label = child.value, {"label": child.value["label"]}
    is_personal = bool(value.get("private"))
    if child.block.type in _PERSONAL and not is_personal:
        yield Finding(_("Field “%(label)s” says something about a person, and is not marked “Personal”.") % label)  # fmt: skip
    if is_personal and value.get("in_subject"):
        yield Finding(_("Field “%(label)s” is personal and goes into the subject: it stands in lists and mails.") % label)  # fmt: skip
    if child.block.type == HIDDEN and value.get("in_subject"):
        yield Finding(_("Hidden value “%(label)s” goes into the subject: whoever sent the form reads it there.") % label)  # fmt: skip
    if child.block.type == "files" and value.get("required") and is_always_asked:
        yield Finding(_("Field “%(label)s” must be answered: without a file nobody can send the form.") % label)  # fmt: skip
    if child.block.type == "consent":
        words = f"{value['label']} {value.get('help_text') or ''}".strip()
        if len(words) < SHORT_CONSENT:
            yield Finding(_("Consent “%(label)s” hardly says what is agreed to.") % label)
