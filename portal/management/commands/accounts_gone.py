"""manage.py accounts_gone: accounts of people who left the directory."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.doors import config, leaving, matching


class Command(BaseCommand):
    """Lists them, and switches them off if asked to: for cron, once a day."""

    help = (
        "List the accounts whose log-in name the directory (LDAP) knows no more; --switch-off ends them, "
        "--groups gives and takes the groups of LDAP_GROUPS, as a log-in would."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--switch-off", action="store_true", help="switch these accounts off")
        parser.add_argument(
            "--groups", action="store_true", help="bring the groups up to what the directory says"
        )

    def handle(self, *args: Any, switch_off: bool, groups: bool, **options: Any) -> None:
        door = config.ldap()
        if door is None:
            raise CommandError("There is no directory: LDAP_URL is not set.")
        try:
            import ldap
        except ImportError:
            raise CommandError("Install requirements/ldap.txt.") from None
        try:
            missing = leaving.gone(door)
            changes = leaving.changed(door) if groups else []
        except ldap.LDAPError as error:
            raise CommandError(f"The directory cannot be asked: {type(error).__name__}.") from None
        except leaving.TooMany as error:
            raise CommandError(
                f"{error} are not found, or would lose a group: nothing is changed. Look at LDAP_SEARCH_BASE, "
                "LDAP_USER_FILTER and the settings of groups (check_login NAME)."
            ) from None
        for user in missing:
            if switch_off:
                leaving.switch_off(user)
            self.stdout.write(user.get_username())
        for change in changes:
            matching.mirror_groups(change.user, change.person)
            signs = [
                *(f"+{name}" for name in change.added),
                *(f"-{name}" for name in change.removed),
            ]
            self.stdout.write(f"{change.user.get_username()}: {', '.join(signs)}")
