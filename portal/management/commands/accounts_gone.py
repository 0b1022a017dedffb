"""manage.py accounts_gone: accounts of people who left the directory."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.doors import config, leaving


class Command(BaseCommand):
    """Lists them, and switches them off if asked to: for cron, once a day."""

    help = "List the accounts whose log-in name the directory (LDAP) knows no more; --switch-off ends them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--switch-off", action="store_true", help="switch these accounts off")

    def handle(self, *args: Any, switch_off: bool, **options: Any) -> None:
        door = config.ldap()
        if door is None:
            raise CommandError("There is no directory: LDAP_URL is not set.")
        try:
            import ldap
        except ImportError:
            raise CommandError("Install requirements/ldap.txt.") from None
        try:
            missing = leaving.gone(door)
        except ldap.LDAPError as error:
            raise CommandError(f"The directory cannot be asked: {type(error).__name__}.") from None
        except leaving.TooMany as error:
            raise CommandError(
                f"{error} are not found: nothing is switched off. Look at LDAP_SEARCH_BASE and LDAP_USER_FILTER."
            ) from None
        for user in missing:
            if switch_off:
                leaving.switch_off(user)
            self.stdout.write(user.get_username())
