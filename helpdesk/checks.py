"""System checks of the extension: a bad setting stops the start and says what to set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.files.storage import FileSystemStorage
from django.urls import NoReverseMatch, reverse

from . import conf, journal

#: What must stand in INSTALLED_APPS beside Django's own; docs/extension.md names them in order.
REQUIRED_APPS = (
    "django_mailbox",
    "django_tasks",
    "django_tasks_db",
    "taggit",
    "wagtail",
    "wagtail.admin",
    "wagtail.contrib.forms",
    "wagtail.search",
    "wagtail_modeladmin",
    "django.contrib.messages",
    "django.contrib.sessions",
)
#: The fewest characters of a key that encrypts.
SHORTEST_KEY = 32
#: Task engines that do the work inside the request, or never.
NOT_FOR_PRODUCTION = ("immediate", "dummy")


@register()
def check_apps(**kwargs: Any) -> list[CheckMessage]:
    """Report apps that are missing, one too many, or in an order that hides our commands."""
    names = [config.name for config in apps.get_app_configs()]
    errors: list[CheckMessage] = [
        Error(
            f"helpdesk needs the app {name}.",
            hint=f'Add "{name}" to INSTALLED_APPS.',
            id="helpdesk.E001",
        )
        for name in REQUIRED_APPS
        if name not in names
    ]
    if "modelsearch" in names and "wagtail.search" in names:
        errors.append(
            Error(
                "modelsearch and wagtail.search are one app twice: every search would fail.",
                hint='Take "modelsearch" out of INSTALLED_APPS and keep "wagtail.search".',
                id="helpdesk.E002",
            )
        )
    if "django_mailbox" in names and names.index("django_mailbox") < names.index("helpdesk"):
        errors.append(
            Error(
                "django_mailbox stands before helpdesk: its commands getmail and "
                "processincomingmessage would lose mail.",
                hint='Put "helpdesk" before "django_mailbox" in INSTALLED_APPS.',
                id="helpdesk.E003",
            )
        )
    return errors


@register()
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Report keys of `HELPDESK` that we do not know, and values that cannot work."""
    given = getattr(settings, "HELPDESK", {})
    if not isinstance(given, dict):
        return [Error("HELPDESK is not a dictionary.", hint="Write it as HELPDESK = {…}.",
                      id="helpdesk.E010")]  # fmt: skip
    return [*_unknown(given), *_values()]


def _unknown(given: dict[str, Any]) -> Iterator[CheckMessage]:
    for key in given.keys() - conf.DEFAULTS.keys():
        near = get_close_matches(str(key), conf.DEFAULTS, n=1)
        known = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(conf.DEFAULTS)}."
        yield Error(f"HELPDESK has no setting {key}.", hint=known, id="helpdesk.E011")


def _values() -> Iterator[CheckMessage]:
    url, system_id = str(conf.get("SITE_URL")), str(conf.get("SYSTEM_ID"))
    if not url.startswith(("http://", "https://")) or url.endswith("/"):
        yield Error(
            "HELPDESK['SITE_URL'] is no address that links in mails can start with.",
            hint="Write scheme and host without a slash at the end: https://help.example.org.",
            id="helpdesk.E012",
        )
    if not (len(system_id) == 2 and system_id.isascii() and system_id.isdigit()):
        yield Error(
            "HELPDESK['SYSTEM_ID'] does not have two digits.",
            hint='Set it to two digits that no other installation of yours has, for example "10".',
            id="helpdesk.E013",
        )
    try:
        is_too_short = int(conf.get("AUDIT_DAYS")) < conf.AUDIT_AT_LEAST
    except (TypeError, ValueError):
        is_too_short = True
    if is_too_short:
        yield Warning(
            f"HELPDESK['AUDIT_DAYS'] is not {conf.AUDIT_AT_LEAST} or more, and has no effect: the database itself "
            "refuses to let younger lines of the audit log go.",
            hint=f"Set it to {conf.AUDIT_AT_LEAST} days or more.",
            id="helpdesk.W014",
        )


@register(Tags.urls)
def check_urls(**kwargs: Any) -> list[CheckMessage]:
    """Report that the page a status link leads to does not exist."""
    view = conf.get("STATUS_VIEW")
    try:
        reverse(view, kwargs={"token": "token"})
    except NoReverseMatch:
        return [
            Error(
                f"Links in mails lead nowhere: there is no view {view}.",
                hint='Add path("", include("helpdesk.urls")) to your URLs, before Wagtail\'s.',
                id="helpdesk.E020",
            )
        ]
    return []


@register()
def check_tasks(**kwargs: Any) -> list[CheckMessage]:
    """Report that there is no engine for tasks."""
    if "BACKEND" in getattr(settings, "TASKS", {}).get("default", {}):
        return []
    return [
        Error(
            "TASKS has no default engine.",
            hint='Set TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}.',
            id="helpdesk.E030",
        )
    ]


@register(Tags.models)
def check_tables(**kwargs: Any) -> list[CheckMessage]:
    """Report foreign keys of a site's tables that would keep tickets, or people, from being erased."""
    from .actions.erasing_rows import ERASED  # models may be missing where apps are (`check_apps`)
    from .models import refusals

    return [_refusal(link, why) for link, why in refusals(ERASED)]


def _refusal(link: Any, why: str) -> CheckMessage:
    name = f"{link.model._meta.label}.{link.field.name}"
    target = link.field.related_model._meta.label
    if why == "parents":
        return Error(
            f"{name} lets rows go with their {target}, but of each only the lower half: the table has a parent.",
            hint="Use SET_NULL, or put the foreign key into the parent's table. A page cannot go with a ticket.",
            obj=link.field,
            id="helpdesk.E051",
        )
    return Error(
        f"{name} keeps a row of {target} from being erased: on_delete is none of those that an erasure can follow.",
        hint="Use CASCADE (the row goes, too), SET_NULL or SET_DEFAULT (it stays). To do nothing, keep the id in a "
        "column without a foreign key, or set db_constraint=False with DO_NOTHING.",
        obj=link.field,
        id="helpdesk.E050",
    )


@register(deploy=True)
def check_deployment(**kwargs: Any) -> list[CheckMessage]:
    """Report what is right on a machine of one's own and wrong in production."""
    problems: list[CheckMessage] = []
    if conf.get("SITE_URL") == conf.DEFAULTS["SITE_URL"]:
        problems.append(
            Error(
                "HELPDESK['SITE_URL'] is not set: links in mails lead to the reader's own machine.",
                hint="Set it to the public address of the site.",
                id="helpdesk.E040",
            )
        )
    if conf.get("MAILROOM"):
        problems.append(
            Error(
                "The mail room is open: it shows every mail to everybody.",
                hint="Take MAILROOM out of HELPDESK.",
                id="helpdesk.E041",
            )
        )
    if any(len(str(key)) < SHORTEST_KEY for key in conf.get("ENCRYPTION_KEYS")):
        problems.append(
            Error(
                "A key in HELPDESK['ENCRYPTION_KEYS'] is too short to protect anything.",
                hint=f"Take at least {SHORTEST_KEY} random characters for each.",
                id="helpdesk.E044",
            )
        )
    engine = getattr(settings, "TASKS", {}).get("default", {}).get("BACKEND", "")
    if any(word in engine.lower() for word in NOT_FOR_PRODUCTION):
        problems.append(
            Warning(
                "Tasks run inside the request, or not at all.",
                hint='Set TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}.',
                id="helpdesk.W042",
            )
        )
    if conf.get("DEFAULT_FROM") == conf.DEFAULTS["DEFAULT_FROM"]:
        problems.append(
            Warning(
                "HELPDESK['DEFAULT_FROM'] is not set: mails of queues without an address of their "
                "own will be refused.",
                hint="Set it to an address of yours (in Stelze's own site: DEFAULT_FROM_EMAIL in the environment).",
                id="helpdesk.W043",
            )
        )
    return problems


@register(deploy=True)
def check_journal(**kwargs: Any) -> list[CheckMessage]:
    """Report a journal of erasures that lies among the files, or where it cannot be written."""
    storage = journal.journal_storage()
    if not isinstance(storage, FileSystemStorage):
        return []
    folder = Path(storage.location).resolve()
    problems: list[CheckMessage] = []
    if folder.is_relative_to(Path(settings.MEDIA_ROOT).resolve()):
        problems.append(
            Warning(
                "The journal of erasures lies inside MEDIA_ROOT: who puts an older copy of the files back, puts an "
                "older journal back, too, and what was erased since comes back.",
                hint="Set ERASURE_JOURNAL to a folder elsewhere, best on another disk.",
                id="helpdesk.W045",
            )
        )
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        problems.append(
            Error(
                f"The journal of erasures cannot be written ({folder}): nothing can be erased.",
                hint="Let the user of the web and worker processes write there, or set ERASURE_JOURNAL.",
                id="helpdesk.E046",
            )
        )
    return problems
