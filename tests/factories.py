"""One factory per model, minimal by default; traits for states."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from helpdesk import models, permissions
from helpdesk.actions import Draft, open_ticket
from helpdesk.models import Channel, Right
from helpdesk.states import StateType


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    first_name = "Uta"
    last_name = factory.Sequence(lambda n: f"Example{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@staff.example")
    password = factory.django.Password("secret")


class GroupFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Group

    name = factory.Sequence(lambda n: f"Team {n}")


class QueueFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Queue

    name = factory.Sequence(lambda n: f"Queue {n}")
    slug = factory.Sequence(lambda n: f"queue-{n}")
    purpose = "Everything about it."


class QueueAddressFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.QueueAddress

    queue = factory.SubFactory(QueueFactory)
    address = factory.LazyAttribute(lambda row: f"{row.queue.slug}@desk.example")


class MailRouteFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.MailRoute

    name = factory.Sequence(lambda n: f"Server {n}")
    host = "127.0.0.1"
    security = models.MailRoute.Security.NONE


class OAuthAccessFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.OAuthAccess

    name = factory.Sequence(lambda n: f"Access {n}")
    provider = models.OAuthAccess.Provider.OTHER
    client_id = "desk"


class CustomerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Customer

    name = factory.Sequence(lambda n: f"Customer {n}")


class CustomerAddressFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.CustomerAddress

    customer = factory.SubFactory(CustomerFactory)
    address = factory.Sequence(lambda n: f"customer{n}@mail.example")

    class Params:
        verified = factory.Trait(verified_at=factory.LazyFunction(timezone.now))


def make_team(*queues: models.Queue, rights: Any = Right.values, name: str | None = None) -> Group:
    """Make a group with `rights` in each of `queues`; its members may enter the admin."""
    group = GroupFactory(**({"name": name} if name else {}))
    models.QueueRight.objects.bulk_create(
        models.QueueRight(group=group, queue=queue, right=right)
        for queue in queues
        for right in rights
    )
    group.permissions.add(Permission.objects.get(codename="access_admin"))
    return group


def make_agent(*queues: models.Queue, rights: Any = Right.values, **user: Any) -> Any:
    """Make a user with `rights` in `queues`."""
    agent = UserFactory(**user)
    agent.groups.add(make_team(*queues, rights=rights))
    return agent


def make_ticket(
    queue: models.Queue | None = None,
    *,
    subject: str = "The printer is silent",
    body: str = "It prints nothing.",
    customer: models.Customer | None = None,
    contact: str | None = None,
    channel: Channel = Channel.WEB,
    **options: Any,
) -> models.Ticket:
    """Open a ticket through the verb, as a customer's form would."""
    if customer is None:
        customer = CustomerAddressFactory(verified_at=timezone.now()).customer
    opened = open_ticket(
        actor=permissions.SYSTEM,
        queue=queue or QueueFactory(),
        subject=subject,
        draft=Draft(body=body, channel=channel, subject=subject),
        customer=customer,
        contact=customer.main_address() if contact is None else contact,
        receipt=options.pop("receipt", False),
        **options,
    )
    return opened.ticket


def state(type_: StateType) -> models.State:
    """Return the first state of a type."""
    return models.State.objects.filter(type=type_).order_by("position").first()


def make_absence(
    user: Any,
    *,
    start: timedelta = -timedelta(hours=1),
    end: timedelta = timedelta(days=7),
    deputy: Any = None,
    **options: Any,
) -> models.Absence:
    """Make a row of an absence, from now on unless said otherwise, as it is after its start."""
    now = timezone.now()
    return models.Absence.objects.create(
        user=user,
        starts_at=now + start,
        ends_at=now + end,
        deputy=deputy,
        entered_by=options.pop("entered_by", user),
        **{"handed_over_at": now, **options},
    )


def make_department(name: str, queue: models.Queue | None = None, **options: Any) -> Any:
    """Make a department with a topmost queue of its name."""
    slug = name.lower().replace(" ", "-")
    queue = queue or QueueFactory(name=name, slug=slug)
    return models.Department.objects.create(name=name, slug=slug, queue=queue, **options)


def join(group: Group, department: Any, **options: Any) -> Group:
    """Let a group be a team of a department."""
    models.Team.objects.create(group=group, department=department, **options)
    return group
