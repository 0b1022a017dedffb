"""What is written down or ended when passwords, factors and accounts change: the wiring."""

from __future__ import annotations

from allauth.account import signals as account_signals
from allauth.mfa import signals as factor_signals
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import m2m_changed, post_save

from . import accounts, second_factor, sessions
from .models import User


def connect() -> None:
    """Connect everything, once, at start."""
    for changed in (
        account_signals.password_changed,
        account_signals.password_set,
        account_signals.password_reset,
    ):
        changed.connect(accounts.note_password, dispatch_uid="portal.note_password")
    factor_signals.authenticator_added.connect(
        second_factor.note_added, dispatch_uid="portal.added"
    )
    factor_signals.authenticator_removed.connect(
        second_factor.note_removed, dispatch_uid="portal.removed"
    )
    factor_signals.authenticator_reset.connect(
        second_factor.note_renewed, dispatch_uid="portal.renewed"
    )
    factor_signals.authentication_failed.connect(
        second_factor.note_failed, dispatch_uid="portal.failed"
    )
    user_logged_in.connect(sessions.begin, dispatch_uid="portal.begin")
    post_save.connect(sessions.follow_account, sender=User, dispatch_uid="portal.follow_account")
    m2m_changed.connect(
        sessions.follow_groups, sender=User.groups.through, dispatch_uid="portal.follow_groups"
    )
