"""Page trees in code: a site with a home page in each language, and what stands below it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from wagtail.models import Locale, Page, Site

from helpdesk.models import Queue
from portal.models import (
    ArticlePage,
    HomePage,
    IntakeFormPage,
    QueuePage,
    ServiceIndexPage,
    ServicePage,
)
from tests.factories import QueueFactory


@dataclass(frozen=True)
class Tree:
    """The pages every site has, in German; `english` is the home page in English."""

    site: Site
    home: HomePage
    services: ServiceIndexPage
    english: HomePage


def make_site() -> Tree:
    """Make the default site with a German home page, a catalogue and an English home page."""
    german, _made = Locale.objects.get_or_create(language_code="de")
    english, _made = Locale.objects.get_or_create(language_code="en")
    root = Page.get_first_root_node()
    home = root.add_child(
        instance=HomePage(title="Ticketdienst", slug="start", locale=german, summary="Hilfe.")
    )
    site, _made = Site.objects.update_or_create(
        is_default_site=True,
        defaults={"hostname": "testserver", "root_page": home, "site_name": "Ticketdienst"},
    )
    services = home.add_child(instance=ServiceIndexPage(title="Dienste", slug="dienste"))
    translated = home.copy_for_translation(english)
    translated.title, translated.slug = "Ticket service", "start-en"
    translated.save_revision().publish()
    return Tree(site, home, services, HomePage.objects.get(pk=translated.pk))


def make_service(parent: Page, title: str = "Drucken", **options: Any) -> ServicePage:
    """Make a live service below `parent`."""
    return parent.add_child(instance=ServicePage(title=title, **options))


def make_article(parent: Page, title: str = "Papierstau", **options: Any) -> ArticlePage:
    """Make a live article below `parent`."""
    return parent.add_child(instance=ArticlePage(title=title, **options))


def make_queue_page(parent: Page, queue: Queue, **options: Any) -> QueuePage:
    """Make a page of `queue` below `parent`."""
    title = options.pop("title", "Team Druck")
    return parent.add_child(instance=QueuePage(title=title, queue=queue, **options))


def question(type_: str, key: str, label: str, **options: Any) -> dict[str, Any]:
    """Return the JSON of one field block with a key of its own."""
    choices = [{"value": one, "label": text} for one, text in options.pop("choices", {}).items()]
    value = {"label": label, "key": key, **options}
    return {"type": type_, "value": {**value, "choices": choices} if choices else value}


#: One field of each type.
ALL_FIELDS = [
    question("text", "room", "Raum", required=True, in_subject=True, help_text="Am Türschild"),
    {"type": "section", "value": {"heading": "Was ist los?", "text": "<p>Kurz genügt.</p>"}},
    question("long_text", "what", "Beschreibung"),
    question("email", "mail", "Zweite Adresse", private=True),
    question("phone", "phone", "Telefon"),
    question("number", "count", "Anzahl", minimum=1, maximum="10.5"),
    question("date", "day", "Seit wann"),
    question("choice", "kind", "Art", choices={"paper": "Papier", "toner": "Toner"}),
    question("choices", "floors", "Stockwerke", choices={"one": "Erster", "two": "Zweiter"}),
    question("yes_no", "urgent", "Eilt es?"),
    question("files", "photo", "Foto", max_files=2, max_megabytes=1, endings="png, txt"),
    question("consent", "agree", "Ich bin einverstanden."),
]


def make_form(parent: Page, fields: Any = None, **options: Any) -> IntakeFormPage:
    """Make a published form (with a revision) below `parent`; by default one required text field."""
    title = options.pop("title", "Störung melden")
    queue = options.pop("queue", None) or QueueFactory()
    form = IntakeFormPage(title=title, queue=queue, **options)
    form.fields = json.dumps(fields or [question("text", "room", "Raum", required=True)])
    parent.add_child(instance=form)
    form.save_revision().publish()
    return IntakeFormPage.objects.get(pk=form.pk)


def sent(client: Any, page: Page, **changes: Any) -> Any:
    """Post a page's form as a visitor would, its hidden key included; `q_room` may be given by hand."""
    shown = client.get(page.url)
    data = {
        "contact_name": "Ada Beispiel",
        "contact_email": "ada@mail.example",
        "submission_key": shown.context["form"]["submission_key"].value(),
        "form_seen": shown.context["form"]["form_seen"].value(),
        "q_room": "12.3",
        **changes,
    }
    return client.post(page.url, {name: value for name, value in data.items() if value is not None})
