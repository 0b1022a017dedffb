"""Puts the app into the registry and its tables into the database, and takes them out again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import AppConfig, apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model

LABEL = "inspections"


@contextmanager
def installed() -> Iterator[list[type[Model]]]:
    """While it lasts the site has these tables. Not inside a transaction: SQLite makes none there."""
    config = AppConfig.create("tests.inspections")
    apps.app_configs[LABEL] = config
    config.apps = apps
    config.import_models()
    apps.clear_cache()
    models = list(config.get_models())
    try:
        with connection.schema_editor() as editor:
            for one in models:
                editor.create_model(one)
        yield models
    finally:
        with connection.schema_editor() as editor:
            for one in reversed(models):
                editor.delete_model(one)
        del apps.app_configs[LABEL]
        apps.clear_cache()
        ContentType.objects.clear_cache()
