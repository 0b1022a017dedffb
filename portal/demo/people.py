"""The demo's people. All have the same pass word; it protects nothing but the demo."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from wagtail.users.models import UserProfile

from helpdesk import actions
from portal.models import User

PASSWORD = "stelze-demo"  # noqa: S105  (printed by `demo --who`)

IT_TEAM = "IT-Service"
OFFICE_TEAM = "Verwaltung"
COUNSEL_TEAM = "Psychosoziale Beratung"
COUNSEL_LEADS = "Psychosoziale Beratung (Leitung)"
WAGTAIL_EDITORS = "Editors"
WAGTAIL_MODERATORS = "Moderators"


@dataclass(frozen=True)
class Person:
    """Somebody with an account. `may` says in a few words what the account is for."""

    username: str
    first_name: str
    last_name: str
    language: str
    may: str
    group: str = ""
    is_admin: bool = False
    is_customer: bool = False

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def address(self) -> str:
        return f"{self.username}@uni.example"


@dataclass(frozen=True)
class Writer:
    """Somebody without an account, who writes mails, calls, or fills in a form."""

    name: str
    address: str
    language: str


PEOPLE = (
    Person("amsel", "Andrea", "Amsel", "de", "everything (administrator)", is_admin=True),
    Person("dohle", "Dominik", "Dohle", "de", "writes pages (editor)", WAGTAIL_EDITORS),
    Person("heron", "Hannah", "Heron", "en", "publishes pages (moderator)", WAGTAIL_MODERATORS),
    Person("fink", "Florian", "Fink", "de", "agent: faults, support, other", IT_TEAM),
    Person("wren", "Wendy", "Wren", "en", "agent: faults, support, other", IT_TEAM),
    Person("meise", "Maike", "Meise", "de", "agent: enrolment, procurement", OFFICE_TEAM),
    Person("lark", "Liam", "Lark", "en", "agent: enrolment, procurement", OFFICE_TEAM),
    Person("star", "Stella", "Star", "de", "leads the counselling, a department", COUNSEL_LEADS),
    Person("pirol", "Paul", "Pirol", "de", "agent: counselling (confidential)", COUNSEL_TEAM),
    Person("kranich", "Klara", "Kranich", "de", "customer (student)", is_customer=True),
    Person("swift", "Samuel", "Swift", "en", "customer (student)", is_customer=True),
    Person("specht", "Sabine", "Specht", "de", "customer (member of staff)", is_customer=True),
    Person("martin", "Mary", "Martin", "en", "customer (guest researcher)", is_customer=True),
)

WRITERS = {
    "zeisig": Writer("Zoe Zeisig", "zoe.zeisig@post.example", "de"),
    "sperling": Writer("Dr. Samir Sperling", "s.sperling@chemie.uni.example", "de"),
    "lerche": Writer("Lena Lerche", "lena.lerche@bib.uni.example", "de"),
    "gull": Writer("George Gull", "george.gull@mail.example", "en"),
    "drossel": Writer("Dana Drossel", "dekanat2@uni.example", "de"),
    "puffin": Writer("Priya Puffin", "priya@puffin.example", "en"),
    "stork": Writer("Sven Storch", "sven.storch@verein.example", "de"),
    "kauz": Writer("Karl Kauz", "karl.kauz@handel.example", "de"),
    "falke": Writer("Haustechnik Falke", "auftrag@falke-technik.example", "de"),
    "watch": Writer("Überwachung", "ueberwachung@rz.uni.example", "de"),
    "lerche-private": Writer("Lena Lerche", "lena.lerche@privat.example", "de"),
    "reiher": Writer("Rolf Reiher", "r.reiher@altes-institut.example", "de"),
    "elster": Writer("Elster Ranking AG", "angebote@elster-ranking.example", "de"),
    "fair": Writer("Messe Büro & Technik", "news@messe.example", "de"),
    "gull-friend": Writer("Grace Gannet", "grace.gannet@mail.example", "en"),
}


def make_people() -> dict[str, User]:
    """Make the accounts, confirmed and ready to log in, and return them by user name."""
    encoded = make_password(PASSWORD)  # once: hashing is slow on purpose
    return {person.username: _make(person, encoded) for person in PEOPLE}


def _make(person: Person, encoded: str) -> User:
    user = User.objects.create(
        username=person.username,
        first_name=person.first_name,
        last_name=person.last_name,
        email=person.address,
        language=person.language,
        password=encoded,
        is_staff=person.is_admin,
        is_superuser=person.is_admin,
    )
    EmailAddress.objects.create(user=user, email=person.address, verified=True, primary=True)
    UserProfile.objects.update_or_create(
        user=user, defaults={"preferred_language": person.language}
    )
    if person.group:
        group, made = Group.objects.get_or_create(name=person.group)
        user.groups.add(group)
        if made:
            group.permissions.add(
                Permission.objects.get(
                    content_type__app_label="wagtailadmin", codename="access_admin"
                )
            )
        if person.group == WAGTAIL_EDITORS:
            group.permissions.add(Permission.objects.get(codename="submit_translation"))
    if person.is_customer:
        # what the log-in page does once the address is confirmed
        actions.verify_address(user=user, address=person.address)
    return user
