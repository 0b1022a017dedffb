"""The step between a policy that was typed and one that holds: what it touches, and what becomes of that.

A screen that saves a policy asks `look` what would change, shows `Step` with everything that was typed still in its
form, and saves when it comes back with an answer to just this change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings as site
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from wagtail.models import get_page_models

from helpdesk.actions import terms_of
from helpdesk.models import Queue, RetentionSettings, queue_map
from helpdesk.privacy import policy, policy_words
from helpdesk.rules.terms import Terms

from . import terms_table

#: What of a queue makes its policy: whoever changes one of these is told what it touches.
OF_QUEUE = ("parent", "retention_days", "attachment_days", "personal_days", "at_end")
#: What somebody may answer to the step.
NEW, SHORTER, BACK = "new", "shorter", "back"
#: So many names are listed.
_LISTED = 6


@dataclass(frozen=True)
class Form:
    """A form of the site, whatever type of page it is: what it promises, and where to find it."""

    page: int
    title: str
    queue: int
    says: policy.Form


def site_forms() -> dict[UUID, Form]:
    """Return all forms by key, live or not, named as in the site's first language in which they are.

    A constant number of queries: one for each type of page that is a form.
    """
    pages: dict[UUID, list[Any]] = {}
    for model in get_page_models():
        if hasattr(model, "own_terms"):
            rows = model.objects.select_related("locale", "alias_of").defer_streamfields()
            for page in rows.order_by("locale_id", "pk"):
                pages.setdefault(page.form_key, []).append(page)
    return {key: _form(key, rows) for key, rows in pages.items()}


def _form(key: UUID, pages: list[Any]) -> Form:
    codes = [code for code, _label in site.LANGUAGES]
    pages.sort(key=lambda page: (page.alias_of_id is not None, _rank(codes, page), page.pk))
    first = pages[0]
    own: dict[str, Any] = {}
    for page in pages:
        own.setdefault(page.locale.language_code, page.own_terms())
    return Form(first.pk, first.title, first.queue_id, policy.Form(key, first.queue_id, own))


def _rank(codes: list[str], page: Any) -> int:
    code = page.locale.language_code
    return codes.index(code) if code in codes else len(codes)


@dataclass(frozen=True)
class Step:
    """What a changed policy touches. `token` names just this change: an answer to another one does not count."""

    targets: list[policy.Promised]
    forms: frozenset[UUID]
    figures: policy.Figures
    names: list[str]
    changes: list[terms_table.Table]
    token: str

    @property
    def lines(self) -> list[str]:
        return policy_words.in_words(self.figures)

    @property
    def places(self) -> str:
        """The queues and forms that the change reaches, in a sentence."""
        return _listed(self.names)

    @property
    def tables(self) -> list[terms_table.Table]:
        """What they promised so far and promise from now on; one for all that change in the same way."""
        return self.changes[: terms_table.MOST]

    @property
    def others(self) -> int:
        """How many ways of changing are not shown."""
        return max(len(self.changes) - terms_table.MOST, 0)

    def answer(self, request: HttpRequest) -> str:
        """Return what was answered to this change; '' if nothing was yet."""
        chosen = request.POST.get("existing", "")
        if chosen == BACK:
            return BACK
        known = chosen in (NEW, SHORTER) and request.POST.get("shown") == self.token
        return chosen if known else ""

    def carry_out(self, answer: str, *, user: Any, queue: Queue | None = None) -> bool:
        """Order what was answered, together with the change itself; tell whether there was something to order."""
        if answer != SHORTER or not self.figures.longer:
            return False
        policy.order(user=user, targets=self.targets, forms=self.forms, queue=queue)
        return True


def of_queue(queue: Queue) -> Step | None:
    """Return what saving `queue` as it is now would touch; None if no request is under other terms."""
    changed = queue_map()
    kept = changed.get(queue.pk)
    if kept is None:  # a new one
        return None
    if all(getattr(kept, name) == getattr(queue, name) for name in OF_QUEUE):
        return None
    for name in OF_QUEUE:
        setattr(kept, name, getattr(queue, name))
    if queue.parent_id is not None:
        kept.parent = changed[queue.parent_id]
    return _step(queues=changed)


def of_settings(settings: RetentionSettings) -> Step | None:
    """Return what saving these settings would touch; None if no request is under other terms."""
    return _step(settings=settings)


def _step(**other: Any) -> Step | None:
    found = site_forms()
    says = [form.says for form in found.values()]
    before, after = policy.promises(says), policy.promises(says, **other)
    targets = policy.changed(before, after)
    figures = policy.figures(targets, found.keys())
    if not figures.others:
        return None
    names = _names(targets, found)
    return Step(
        targets=targets,
        forms=frozenset(found),
        figures=figures,
        names=sorted(filter(None, names.values()), key=str.casefold),
        changes=_changes(before, targets, names),
        token=_token(targets),
    )


def _names(targets: Iterable[policy.Promised], forms: dict[UUID, Form]) -> dict[policy.Key, str]:
    """Return what queues and forms are called, by what tells them from each other; one that is new has no name."""
    queues = dict(Queue.objects.values_list("pk", "name"))
    return {
        one.key: _("form “%(name)s”") % {"name": forms[one.form].title}
        if one.form is not None
        else _("queue “%(name)s”") % {"name": queues[one.queue]}
        if one.queue in queues
        else ""
        for one in targets
    }


def _changes(
    before: Iterable[policy.Promised],
    targets: Iterable[policy.Promised],
    names: dict[policy.Key, str],
) -> list[terms_table.Table]:
    """Return what changes and for whom, that of most queues and forms first."""
    were = {one.key: one for one in before}
    found: dict[tuple[terms_table.Row, ...], list[str]] = {}
    for one in targets:
        rows = terms_table.rows(were[one.key].variants(), one.variants())
        found.setdefault(rows, []).append(names[one.key])
    tables = [
        (len(whom), terms_table.Table(_listed(sorted(filter(None, whom), key=str.casefold)), rows))
        for rows, whom in found.items()
    ]
    return [table for _number, table in sorted(tables, key=lambda pair: -pair[0])]


def _listed(names: list[str]) -> str:
    """Return names in a sentence: the first few, and how many more there are."""
    shown, rest = names[:_LISTED], len(names) - _LISTED
    if rest > 0:
        shown.append(ngettext("%(n)d more", "%(n)d more", rest) % {"n": rest})
    return ", ".join(shown)


def _token(targets: Iterable[policy.Promised]) -> str:
    kept = sorted(json.dumps(one.to_json(), sort_keys=True) for one in targets)
    return hashlib.sha256("".join(kept).encode()).hexdigest()[:32]


# --- the sentence --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sentence:
    """What customers read, in one language."""

    language: str
    label: Any
    words: str


_LABELS = {"de": gettext_lazy("German"), "en": gettext_lazy("English")}


def sentences(queue: Queue, settings: RetentionSettings | None = None) -> list[Sentence]:
    """Return what a queue promises in each language, as customers read it."""
    return [
        Sentence(
            code,
            _LABELS.get(code, label),
            terms_of(queue, language=code, settings=settings).retention_sentence,
        )
        for code, label in site.LANGUAGES
    ]


def lacks(terms: Terms) -> list[str]:
    """Return what customers should read and do not."""
    found = []
    if not terms.purpose:
        found.append(_("Nothing says what requests are kept for."))
    if not terms.legal_basis:
        found.append(_("Nothing says on which legal basis requests are kept."))
    return found


def lacks_somewhere(settings: RetentionSettings) -> list[str]:
    """Return the same for all queues in use under these settings: where it is said nowhere, and which they are."""
    promised = [
        (queue.name, terms_of(queue, language="de", settings=settings))
        for queue in queue_map().values()
        if queue.is_active
    ]
    asked = (
        (
            _("Nothing says what requests are kept for in these queues: %(queues)s."),
            [name for name, terms in promised if not terms.purpose],
        ),
        (
            _("Nothing says on which legal basis requests are kept in these queues: %(queues)s."),
            [name for name, terms in promised if not terms.legal_basis],
        ),
    )
    return [
        words % {"queues": _listed(sorted(names, key=str.casefold))}
        for words, names in asked
        if names
    ]
