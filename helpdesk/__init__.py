"""Stelze: a help desk whose queues are pages, as an extension of Wagtail."""
