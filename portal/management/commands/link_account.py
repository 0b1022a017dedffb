"""manage.py link_account: whose account it is, where the doors will not decide alone."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from helpdesk import audit
from helpdesk.models import AuditKind, Customer
from portal.doors import matching
from portal.doors.config import SLUG
from portal.models import NameFrom


class Command(BaseCommand):
    """Joins an account with the organisation's, or makes way for it."""

    help = (
        "NAME: the account of this log-in name belongs to whoever the organisation calls so (its password here "
        "goes, unless it is a superuser's). With --rename: it is somebody else's; it gets another name, so that the "
        "person of the organisation comes in with a new one. With --forget: the OpenID provider may name this "
        "person anew (after a move of the provider). With --release: the account has a local password again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="log-in name")
        way = parser.add_mutually_exclusive_group()
        way.add_argument("--rename", metavar="NEW", help="give the account another log-in name")
        way.add_argument("--forget", action="store_true", help="forget the provider's name of it")
        way.add_argument("--release", action="store_true", help="make it a local account again")

    @transaction.atomic
    def handle(self, *args: Any, name: str, **options: Any) -> None:
        model = get_user_model()
        user = model.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no account {name}.")
        if options["rename"]:
            self._rename(user, options["rename"])
        elif options["forget"]:
            SocialAccount.objects.filter(provider=SLUG, user=user).delete()
        elif options["release"]:
            user.name_from = ""
            user.save(update_fields=["name_from"])
        else:
            matching.join(user)
        audit.record(AuditKind.ACCOUNT_CHANGED, subject=user, data={"link": self._way(options)})
        self.stdout.write(f"Done: {user.get_username()}.")

    def _way(self, options: dict[str, Any]) -> str:
        return next((way for way in ("rename", "forget", "release") if options[way]), "join")

    def _rename(self, user: Any, new: str) -> None:
        if user.name_from == NameFrom.DOOR:
            raise CommandError("This account is the organisation's: rename it there.")
        if type(user).objects.filter(username__iexact=new).exists():
            raise CommandError(f"There is an account {new} already.")
        try:
            user._meta.get_field("username").clean(new, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        Customer.objects.filter(user=user, login_name=user.username).update(login_name=new)
        user.username = new
        user.save(update_fields=["username"])
