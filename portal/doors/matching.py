"""Which account is a person's who comes in by a door, and what the door tells about them.

The rule in one sentence: **the log-in name decides, and never a mail address alone.** In detail:

- no account has the name: one is made, without a password here;
- an account that an administrator made ahead, without a password: it is theirs;
- an account with a password of its own, or made at sign-up: neither may take over the other. They are joined once
  somebody who has just come by the door also logs in with that password (`join_pending`), or by
  `manage.py link_account`;
- a provider's own name of the person (OpenID's `sub`), once seen, holds the account: a log-in name that the
  provider gives to somebody else later does not open it.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model, update_session_auth_hash
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from helpdesk import actions, audit
from helpdesk.errors import AddressTaken, InvalidInput
from helpdesk.models import AuditKind, Proof
from portal.models import NameFrom

from .config import SLUG
from .person import Proven, Refused

logger = logging.getLogger(__name__)

#: In the session: the name that was proved for an account which has a password of its own.
PENDING = "door_pending"
PENDING_SECONDS = 600


def admit(person: Proven) -> Any:
    """Return the account of a person whom a door has proved, brought up to what the door says.

    Raises `Refused`: name-unusable, name-ambiguous, account-inactive, own-password, other-subject.
    """
    with transaction.atomic():
        user = _by_subject(person) or _by_name(person.login_name) or _make(person)
        if not user.is_active:
            raise Refused("account-inactive")
        if user.name_from != NameFrom.DOOR:
            if user.name_from == NameFrom.SELF or user.has_usable_password():
                raise Refused("own-password", user=user.pk)
            _join(user, person.door)
        _check_subject(user, person)
        _take_names(user, person)
        mirror_groups(user, person)
    _take_addresses(user, person)
    return user


def _by_subject(person: Proven) -> Any:
    if not person.subject:
        return None
    held = SocialAccount.objects.filter(provider=SLUG, uid=person.subject).select_related("user")
    row = held.first()
    return row.user if row else None


def _by_name(name: str) -> Any:
    found = list(get_user_model().objects.select_for_update().filter(username__iexact=name)[:2])
    if len(found) > 1:
        raise Refused("name-ambiguous")
    return found[0] if found else None


def _make(person: Proven) -> Any:
    model = get_user_model()
    user = model(username=person.login_name, name_from=NameFrom.DOOR)
    user.set_unusable_password()
    _take_names(user, person, save=False)
    try:
        user.clean_fields(exclude=["password", "email", "first_name", "last_name"])
    except ValidationError:
        raise Refused("name-unusable") from None
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:  # the same person's other request, at the same moment
        return model.objects.get(username=person.login_name)
    return user


def _check_subject(user: Any, person: Proven) -> None:
    """Hold the account for the provider's own name of the person."""
    if not person.subject:
        return
    rows = SocialAccount.objects.filter(provider=SLUG, user=user)
    if rows.exclude(uid=person.subject).exists():
        raise Refused("other-subject", user=user.pk)
    rows.get_or_create(provider=SLUG, uid=person.subject, defaults={"user": user})


def _take_names(user: Any, person: Proven, *, save: bool = True) -> None:
    told = {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": next(iter(person.addresses), ""),
    }
    changed = [name for name, value in told.items() if value and getattr(user, name) != value]
    for name in changed:
        setattr(user, name, told[name])
    if changed and save:
        user.save(update_fields=changed)


def group_changes(user: Any, person: Proven) -> tuple[list[str], list[str]]:
    """Return the names of the groups that the door's map gives to and takes from an account; all others stay."""
    here = set(Group.objects.filter(name__in=person.managed).values_list("name", flat=True))
    held = set(user.groups.values_list("name", flat=True)) & here
    wanted = person.groups & here
    return sorted(wanted - held), sorted(held - wanted)


def mirror_groups(user: Any, person: Proven) -> None:
    """Give and take these groups; the audit log says by which door."""
    missing = len(person.managed) - Group.objects.filter(name__in=person.managed).count()
    if missing:
        logger.warning("%s: %d groups of its map do not exist here", person.door, missing)
    added, removed = group_changes(user, person)
    with audit.caused_by(person.door):
        user.groups.add(*Group.objects.filter(name__in=added))
        user.groups.remove(*Group.objects.filter(name__in=removed))


def _take_addresses(user: Any, person: Proven) -> None:
    """Note the addresses that the door proves, and join the requests that came from them.

    An address that another account has proved stays there: the person may be both, or have left it to them.
    """
    same = user.get_username().lower() == person.login_name
    actions.customer_for_user(user, proven=same)
    for address in person.addresses:
        with suppress(InvalidInput):
            try:
                actions.verify_address(user=user, address=address, by=Proof.DIRECTORY)
            except AddressTaken:
                logger.warning("%s: an address of user %d is another's", person.door, user.pk)
                continue
            _confirm(user, address)
    main = EmailAddress.objects.filter(
        user=user, email__iexact=next(iter(person.addresses), ""), verified=True, primary=False
    ).first()
    if main is not None:
        main.set_as_primary()


def _confirm(user: Any, address: str) -> None:
    """Make an address one of the account's own, confirmed."""
    rows = EmailAddress.objects.filter(user=user)
    row = rows.filter(email__iexact=address).first()
    if row is not None and row.verified:
        return
    if EmailAddress.objects.filter(email__iexact=address, verified=True).exists():
        return
    row = row or EmailAddress(user=user, email=address.lower())
    row.verified = True
    row.primary = row.primary or not rows.filter(primary=True).exists()
    with suppress(IntegrityError), transaction.atomic():
        row.save()


# --- an account with a password of its own -------------------------------------------------------


def _join(user: Any, door: str) -> None:
    """Make an account the one of its log-in name: its password here goes, but a superuser's for emergencies."""
    user.name_from = NameFrom.DOOR
    fields = ["name_from"]
    if not user.is_superuser and user.has_usable_password():
        user.set_unusable_password()
        fields.append("password")
    user.save(update_fields=fields)
    audit.record(AuditKind.ACCOUNT_CHANGED, subject=user, data={"joined": door})


def join(user: Any, door: str = "command") -> None:
    """Join an account with whoever comes in by a door under its log-in name: an administrator says so."""
    with transaction.atomic():
        _join(user, door)


def note_pending(request: HttpRequest | None, person: Proven) -> None:
    """Remember in the session that the name of an account with its own password has been proved here."""
    if request is not None:
        request.session[PENDING] = [person.login_name, person.door, time.time()]


def pending_name(request: HttpRequest) -> str:
    """Return the log-in name that was proved in this session a short time ago, ''."""
    name, _door, at = request.session.get(PENDING) or ["", "", 0]
    return name if time.time() - at < PENDING_SECONDS else ""


def join_pending(sender: object, request: HttpRequest, user: Any, **_signal: object) -> None:
    """Join the account somebody logs in to with its own password, if its name was just proved by a door, too."""
    name = pending_name(request)
    door = (request.session.pop(PENDING, None) or ["", ""])[1]
    if not name or name != user.get_username().lower() or user.name_from == NameFrom.DOOR:
        return
    with transaction.atomic():
        _join(user, door)
    update_session_auth_hash(request, user)


def note_sign_up(sender: object, user: Any, **_signal: object) -> None:
    """Remember that somebody made this account alone."""
    user.name_from = NameFrom.SELF
    user.save(update_fields=["name_from"])
