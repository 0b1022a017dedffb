"""Stelze: a help desk whose queues are pages, as an extension of Wagtail."""

__version__ = "0.1.0"
