"""Departments: subtrees of queues and pages that administer themselves, and the teams that belong to them."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _

from .base import NONE
from .queues import Queue


class Department(models.Model):
    """A faculty or an office with queues, teams and pages of its own.

    Its queues are `queue` and all below it. Who has the right *administer* there looks after them: teams,
    mail accounts, calendars, promises, texts; nothing outside.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    slug = models.SlugField(_("short name"), max_length=60, unique=True)
    queue = models.OneToOneField(
        Queue,
        models.PROTECT,
        verbose_name=_("topmost queue"),
        related_name="department",
        help_text=_("This queue and all below it belong to the department."),
    )
    page = models.ForeignKey(
        "wagtailcore.Page",
        models.SET_NULL,
        verbose_name=_("topmost page"),
        null=True,
        blank=True,
        related_name="+",
        help_text=_("This page and all below it have the department's look."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    privacy = {"name": NONE, "slug": NONE}

    class Meta:
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Team(models.Model):
    """What the help desk knows of a group of users besides its rights."""

    group = models.OneToOneField(
        Group, models.CASCADE, verbose_name=_("group"), related_name="team", primary_key=True
    )
    department = models.ForeignKey(
        Department,
        models.PROTECT,
        verbose_name=_("department"),
        null=True,
        blank=True,
        related_name="teams",
        help_text=_("Who administers the department looks after its teams. Empty: the whole site."),
    )
    requires_second_factor = models.BooleanField(
        _("needs a second factor"),
        default=False,
        help_text=_("Members have to set up an app, a passkey or a security key before they work."),
    )

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")

    def __str__(self) -> str:
        return str(self.group)
