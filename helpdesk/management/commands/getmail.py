"""django-mailbox's command, run by the fetch that loses nothing."""

from .fetch_mail import Command

__all__ = ["Command"]
