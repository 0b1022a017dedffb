"""The demo's queues with their addresses, hours, promises and teams."""

from __future__ import annotations

from dataclasses import dataclass

from django.apps import apps
from django.contrib.auth.models import Group

from helpdesk.models import (
    AgentNames,
    Calendar,
    Department,
    FollowUp,
    MailAccount,
    Priority,
    Promise,
    PromiseOverride,
    Queue,
    QueueAddress,
    QueueRight,
    Right,
    Team,
)

from .people import COUNSEL_LEADS, COUNSEL_TEAM, IT_TEAM, OFFICE_TEAM
from .screening import make_screening

#: What a team may do in its queues. Managing and administering them is not for everybody.
LEADING = {Right.MANAGE, Right.ADMINISTER}
TEAM_RIGHTS = [right for right in Right.values if right not in LEADING]

STORAGE_PURPOSE = "Dokumentation der technischen Betreuung"
STORAGE_PURPOSE_EN = "documentation of technical support"
LEGAL_BASIS = "Betriebsordnung der IT, § 7"
LEGAL_BASIS_EN = "IT rules of operation, section 7"


@dataclass(frozen=True)
class Spec:
    """One queue. The first address is the one that mails are sent from."""

    slug: str
    name: str
    purpose: str
    addresses: tuple[str, ...]
    team: str = ""
    parent: str = ""
    promise: str = ""
    sender_name: str = ""
    signature_de: str = ""
    signature_en: str = ""
    is_junk: bool = False
    department: str = ""
    is_confidential: bool = False
    agent_names: str = ""


_IT_DE = "IT-Service der Universität Lindental\nTelefon 555-1200, Mo–Fr 8–17 Uhr"
_IT_EN = "IT Service, Lindental University\nPhone 555-1200, Mon–Fri 8 am–5 pm"
_OFFICE_DE = "Zentrale Verwaltung der Universität Lindental\nHauptgebäude, Raum 1.07"
_OFFICE_EN = "Central Administration, Lindental University\nMain building, room 1.07"

QUEUES = (
    Spec(
        "faults",
        "Störungen",
        "Etwas geht nicht mehr, was gestern noch ging: Geräte, Programme, Räume, Dienste.",
        ("stoerung@desk.example", "faults@desk.example"),
        team=IT_TEAM,
        promise="Störungen",
        sender_name="IT-Service Störungen",
        signature_de=_IT_DE,
        signature_en=_IT_EN,
    ),
    Spec(
        "network",
        "Netz und WLAN",
        "Störungen am Netz: WLAN, Netzwerkdosen, VPN.",
        ("netz@desk.example", "network@desk.example"),
        parent="faults",
        sender_name="IT-Service Netz",
    ),
    Spec(
        "support",
        "Beratung",
        "Fragen zu Programmen, Zugängen und Geräten, bei denen nichts kaputt ist.",
        ("beratung@desk.example", "support@desk.example"),
        team=IT_TEAM,
        promise="Auskünfte",
        sender_name="IT-Service Beratung",
        signature_de=_IT_DE,
        signature_en=_IT_EN,
    ),
    Spec(
        "enrolment",
        "Anmeldung",
        "Anmeldungen zu Kursen, Prüfungsräumen und Veranstaltungen sowie Fragen dazu.",
        ("anmeldung@desk.example", "enrolment@desk.example"),
        team=OFFICE_TEAM,
        promise="Auskünfte",
        sender_name="Studierendenservice",
        signature_de=_OFFICE_DE,
        signature_en=_OFFICE_EN,
    ),
    Spec(
        "procurement",
        "Beschaffung",
        "Bestellungen für Institute und Einrichtungen: Geräte, Möbel, Lizenzen, Verbrauch.",
        ("beschaffung@desk.example", "procurement@desk.example"),
        team=OFFICE_TEAM,
        promise="Bestellungen",
        sender_name="Beschaffung",
        signature_de=_OFFICE_DE,
        signature_en=_OFFICE_EN,
    ),
    Spec(
        "other",
        "Sonstiges",
        "Was in keine andere Queue passt.",
        ("sonstiges@desk.example", "other@desk.example"),
        team=IT_TEAM,
        promise="Auskünfte",
        sender_name="IT-Service",
        signature_de=_IT_DE,
        signature_en=_IT_EN,
    ),
    Spec(
        "orders",
        "Queue-Anträge",
        "Wer eine eigene Queue möchte: Anträge aus dem Formular und per E-Mail.",
        ("ticketsystem@desk.example",),
        team=IT_TEAM,
        promise="Auskünfte",
        sender_name="Ticketsystem",
        signature_de=_IT_DE,
        signature_en=_IT_EN,
    ),
    Spec(
        "counselling",
        "Psychosoziale Beratung",
        "Gespräche bei Sorgen im Studium und im Leben. Was hier steht, liest nur die Beratungsstelle.",
        ("sprechstunde@desk.example", "counselling@desk.example"),
        team=COUNSEL_TEAM,
        promise="Auskünfte",
        sender_name="Psychosoziale Beratung",
        signature_de="Psychosoziale Beratung der Universität Lindental\nHaus am Park, Sprechzeit nach Vereinbarung",
        signature_en="Counselling, Lindental University\nHouse at the park, by appointment",
        department="Beratungsstelle",
        is_confidential=True,
        agent_names=AgentNames.TEAM,
    ),
    Spec(
        "spam",
        "Spam",
        "Was der Mailserver für Werbung oder Betrug hält. Niemand bekommt darauf eine Antwort.",
        (),
        team=IT_TEAM,
        is_junk=True,
    ),
)

#: An owner who does nothing for three working days loses a ticket to the queue.
IDLE_MINUTES = 3 * 9 * 60
#: name → first response, next answer, solution, in minutes of working time
PROMISES = {
    "Störungen": (120, 480, 1440),
    "Auskünfte": (480, 960, None),
    "Bestellungen": (960, 2400, 7200),
    "Dringendes": (60, 240, 960),
}


def make_queues() -> dict[str, Queue]:
    """Make calendar, promises, queues, addresses and rights; return the queues by short name."""
    calendar = Calendar.objects.create(
        name="Servicezeiten",
        opening_hours="Montag bis Freitag, 8 bis 17 Uhr",
        hours={day: [["08:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        own_days=[
            {"first": "12-24", "last": "12-24", "name": "Heiligabend", "hours": []},
            {"first": "12-31", "last": "12-31", "name": "Silvester", "hours": []},
        ],
    )
    promises = {
        name: Promise.objects.create(
            name=name, calendar=calendar, first_response=first, update=update, solution=solution
        )
        for name, (first, update, solution) in PROMISES.items()
    }
    PromiseOverride.objects.create(
        priority=Priority.objects.get(slug="urgent"), promise=promises["Dringendes"]
    )
    queues: dict[str, Queue] = {}
    for spec in QUEUES:
        queue = Queue.objects.create(
            slug=spec.slug,
            name=spec.name,
            purpose=spec.purpose,
            parent=queues.get(spec.parent),
            calendar=None if spec.parent else calendar,
            promise=promises.get(spec.promise),
            follow_up="" if spec.parent else FollowUp.REOPEN,
            reopen_days=None if spec.parent else 30,
            retention_days=None if spec.parent else 730,
            storage_purpose_de="" if spec.parent else STORAGE_PURPOSE,
            storage_purpose_en="" if spec.parent else STORAGE_PURPOSE_EN,
            legal_basis_de="" if spec.parent else LEGAL_BASIS,
            legal_basis_en="" if spec.parent else LEGAL_BASIS_EN,
            sender_name=spec.sender_name,
            signature_de=spec.signature_de,
            signature_en=spec.signature_en,
            is_junk=spec.is_junk,
            is_confidential=spec.is_confidential,
            agent_names=spec.agent_names,
            hand_back_minutes=None if spec.parent else IDLE_MINUTES,
        )
        for place, address in enumerate(spec.addresses):
            QueueAddress.objects.create(queue=queue, address=address, is_sender=place == 0)
        if spec.team:
            team, _made = Group.objects.get_or_create(name=spec.team)
            QueueRight.objects.bulk_create(
                QueueRight(group=team, queue=queue, right=right) for right in TEAM_RIGHTS
            )
        if spec.department:
            _make_department(spec.department, queue)
        queues[spec.slug] = queue
    _make_account(queues["faults"])
    make_screening(queues)
    return queues


def _make_department(name: str, queue: Queue) -> None:
    """Make a department of one queue, with the team that answers there and the one that leads it."""
    department = Department.objects.create(name=name, slug=queue.slug, queue=queue)
    leads, _made = Group.objects.get_or_create(name=COUNSEL_LEADS)
    QueueRight.objects.bulk_create(
        QueueRight(group=leads, queue=queue, right=right) for right in Right.values
    )
    for group in (leads, Group.objects.get(name=COUNSEL_TEAM)):
        Team.objects.create(group=group, department=department)


def _make_account(queue: Queue) -> None:
    """Make one mail account as an example, switched off: the demo's mail comes from the mail room."""
    # django-mailbox's model by its name: the site knows that app only through the extension
    mailbox = apps.get_model("django_mailbox", "Mailbox").objects.create(
        name="Störungen (Beispiel, ausgeschaltet)",
        uri="imap+ssl://stoerung%40desk.example@imap.desk.example?folder=INBOX",
        from_email="stoerung@desk.example",
        active=False,
    )
    MailAccount.objects.create(mailbox=mailbox, queue=queue)
