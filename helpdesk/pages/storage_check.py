"""What is to be said of how long a form's requests are kept, before it goes on the site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from helpdesk import actions, conf
from helpdesk.privacy import policy, policy_words
from helpdesk.rules.terms import Terms, in_effect, wrong_days

_STEPS = ("attachment_days", "personal_days")


def wrong(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the days that an editor typed, by field."""
    queue, days = data.get("queue"), data.get("retention_days")
    if days is None and queue is not None:
        days = actions.terms_of(queue, language=conf.site_language()).retention_days
    found = wrong_days({"retention_days": data.get("retention_days")}, None)
    return found | wrong_days({name: data.get(name) for name in _STEPS}, days)


def findings(page: Any) -> Iterator[tuple[str, bool]]:
    """Yield sentences for the editor of a form, each with whether something is wrong. A constant number of queries."""
    if not page.queue_id:  # a draft that has none yet
        return
    inherited = actions.terms_of(page.queue, language=page.locale.language_code)
    terms = page.storage_terms(inherited)
    if not terms.legal_basis:
        yield _("Neither the form nor its queue says on which legal basis the requests are kept."), False  # fmt: skip
    if not terms.purpose:
        yield _("Neither the form nor its queue says what the requests are kept for."), False
    for name in ("storage_purpose", "legal_basis"):
        if not getattr(page, name) and _is_foreign(page, name):
            label = page._meta.get_field(name).verbose_name
            words = _("“%(field)s” is said by the queue in another language only: so it stands in this form and its receipts.")  # fmt: skip
            yield words % {"field": label}, False
    if page.retention_days is None and page.queue.inherited("retention_days") is None:
        words = ngettext(
            "Neither the form nor its queue says how long the requests are kept: it is %(n)d day after closing, as everywhere on this site.",
            "Neither the form nor its queue says how long the requests are kept: it is %(n)d days after closing, as everywhere on this site.",
            terms.retention_days,
        )
        yield words % {"n": terms.retention_days}, False
    for name in _STEPS:
        days = getattr(terms, name)
        if days is not None and days > terms.retention_days:
            label = page._meta.get_field(name).verbose_name
            words = _("“%(field)s” has no effect: everything goes sooner, after %(n)d days.")
            yield words % {"field": label, "n": terms.retention_days}, False
    yield from _touched(page, inherited, terms)


def _is_foreign(page: Any, name: str) -> bool:
    """Tell whether the words that the form inherits are in another language than its own."""
    language = page.locale.language_code
    words = page.queue.inherited_words(name, language)
    other = page.queue.inherited_words(name, "en" if language[:2] == "de" else "de")
    said = [getattr(one, f"{name}_{language[:2]}", "") for one in page.queue.lineage()]
    return bool(words) and words == other and words not in said


def _touched(page: Any, inherited: Terms, terms: Terms) -> Iterator[tuple[str, bool]]:
    """Yield what a changed policy of the form means for the requests that are there."""
    live = type(page).objects.filter(pk=page.pk, live=True).first() if page.pk else None
    if live is None:
        return
    before = inherited
    if live.queue_id != page.queue_id:
        before = actions.terms_of(live.queue, language=page.locale.language_code)
    if in_effect(live.storage_terms(before)) == in_effect(terms):
        return
    key = page.form_key
    target = policy.Promised({page.locale.language_code: terms}, form=key)
    told = policy_words.in_words(policy.figures([target], {key}))
    if told:
        head = _("The requests are kept otherwise than the form on the site says.")
        tail = _("Those that are there keep what they were promised, unless the shorter terms are applied under “Retention”.")  # fmt: skip
        yield " ".join([head, *told, tail]), False
