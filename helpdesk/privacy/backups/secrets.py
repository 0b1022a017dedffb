"""Which stored secrets cannot be read with the keys that are set here."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Model
from django.utils.module_loading import import_string

from helpdesk import conf, storage


def unreadable(columns: Iterable[tuple[type[Model], str]]) -> list[str]:
    """Return where secrets lie that none of our keys reads, as "MailAccount 7"; nothing is changed.

    `columns` are those with secrets; those in tables of other apps (`MORE_SECRETS`) are asked besides.
    """
    lost: list[str] = []

    def look(token: str, place: str) -> str:
        try:
            storage.decrypt(token)
        except storage.SecretLost:
            if place not in lost:
                lost.append(place)
        return token

    for model, column in columns:
        rows = model._base_manager.exclude(**{column: ""}).order_by("pk")
        for pk, token in rows.values_list("pk", column).iterator(chunk_size=200):
            look(token, f"{model.__name__} {pk}")
    for path in conf.get("MORE_SECRETS"):
        import_string(path)(lambda token: look(token, "second factors"))
    return lost
