"""Loads the whole demo in one transaction."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import transaction
from wagtail.models import Page, Site

from helpdesk import permissions
from helpdesk.actions.absence import AbsencePlan, enter_absence
from helpdesk.models import Queue, QueueAddress
from portal.models import User

from . import clock
from .acts import Stage
from .ordering import allow_orders
from .pages import make_pages
from .people import COUNSEL_LEADS, COUNSEL_TEAM, IT_TEAM, OFFICE_TEAM, PEOPLE, make_people
from .play import play
from .queues import QUEUES, make_queues
from .stories import STORIES

#: Everything but the stories has been there since then.
BEGINNING = "34 08:00"
TEAMS = (IT_TEAM, OFFICE_TEAM, COUNSEL_TEAM, COUNSEL_LEADS)


def is_loaded() -> bool:
    """Tell whether the demo is here: it comes whole or not at all."""
    return (
        Queue.objects.filter(
            slug=QUEUES[0].slug, addresses__address=QUEUES[0].addresses[0]
        ).exists()
        and User.objects.filter(username=PEOPLE[0].username, email=PEOPLE[0].address).exists()
    )


def in_the_way() -> str:
    """Return in a few words what of this site the demo would have to change, or ''."""
    names = [person.username for person in PEOPLE]
    slugs = [spec.slug for spec in QUEUES]
    addresses = [address for spec in QUEUES for address in spec.addresses]
    taken = [
        *User.objects.filter(username__in=names).values_list("username", flat=True),
        *Group.objects.filter(name__in=TEAMS).values_list("name", flat=True),
        *Queue.objects.filter(slug__in=slugs).values_list("slug", flat=True),
        *QueueAddress.objects.filter(normalised__in=addresses).values_list("address", flat=True),
    ]
    site = Site.objects.filter(is_default_site=True).select_related("root_page").first()
    # Wagtail's own welcome page is a bare Page without anything below it
    if site is not None and (site.root_page.specific_class is not Page or site.root_page.numchild):
        taken.append(f"/ ({site.root_page.title})")
    return ", ".join(taken)


def _go_away(users: dict[str, User]) -> None:
    """Let one agent be on leave, whose tickets fall to a colleague, and one go next week."""
    for name, deputy, begun, start, end in (
        ("wren", "fink", "2 08:00", clock.due(-2), clock.due(6)),
        ("lark", "meise", "1 09:00", clock.due(4), clock.due(9)),
    ):
        first, last = (day.replace(hour=0) for day in (start, end))  # whole days
        plan = AbsencePlan(starts_at=first, ends_at=last, deputy=users[deputy])
        with clock.at(clock.moment(begun)):
            enter_absence(actor=permissions.agent(users[name]), user=users[name], plan=plan)


@transaction.atomic
def load() -> dict[str, int]:
    """Load the demo; return how many there are of what. All or nothing."""
    with clock.at(clock.moment(BEGINNING)):
        users = make_people()
        queues = make_queues()
        pages = make_pages(queues)
        allow_orders(queues, pages["services", "de"])
    forms = {
        (key.removesuffix("-form"), language): page
        for (key, language), page in pages.items()
        if key.endswith("-form")
    }
    stage = Stage(users, queues, forms)
    play(stage, STORIES)
    _go_away(users)
    return {
        "people": len(users),
        "queues": len(queues),
        "pages": len(pages),
        "tickets": len(stage.tickets),
    }
