"""`manage.py rotate_secrets`: encrypt all stored secrets with the first of ENCRYPTION_KEYS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Model
from django.utils.module_loading import import_string

from helpdesk import audit, conf, storage
from helpdesk.models import AuditKind

BATCH = 200


def encrypted_columns() -> Iterator[tuple[type[Model], str]]:
    """Give every column that holds secrets: models of all apps name theirs in `encrypted`."""
    for model in apps.get_models():
        for column in getattr(model, "encrypted", ()):
            yield model, column


class Command(BaseCommand):
    help = (
        "Encrypts all stored secrets with the first of ENCRYPTION_KEYS. May be stopped and started again at any "
        "time. Afterwards the older keys can be taken away."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.lost: list[str] = []
        changed = {
            f"{model._meta.label}.{column}": self.rotate(model, column)
            for model, column in encrypted_columns()
        }
        for path in conf.get("MORE_SECRETS"):
            changed[path] = import_string(path)(self.renewed)
        audit.record(AuditKind.SECRETS_ROTATED, data={"changed": changed, "lost": self.lost})
        for name, count in changed.items():
            self.stdout.write(f"{name}: {count} encrypted anew")
        if self.lost:
            raise CommandError(
                "These were encrypted with a key that is gone and must be entered anew: "
                + ", ".join(self.lost)
            )

    def rotate(self, model: type[Model], column: str) -> int:
        """Encrypt one column anew, in batches; return how many rows were changed."""
        last, count = 0, 0
        while True:
            rows = model._base_manager.filter(pk__gt=last).order_by("pk")
            batch = list(rows.values_list("pk", column)[:BATCH])
            if not batch:
                return count
            for pk, token in batch:
                new = self.renewed(token, f"{model._meta.label} {pk} {column}")
                if new != token:
                    # unless somebody entered another one meanwhile
                    same = model._base_manager.filter(pk=pk, **{column: token})
                    count += same.update(**{column: new})
            last = batch[-1][0]

    def renewed(self, token: str, place: str = "second factor") -> str:
        try:
            return storage.renew(token)
        except storage.SecretLost:
            self.lost.append(place)
            return token
