"""The least and the greatest number, whose refusal names it as the reader writes numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import BaseValidator, MaxValueValidator, MinValueValidator
from django.utils.formats import localize


class _Localized(BaseValidator):
    def __call__(self, value: Any) -> None:
        try:
            super().__call__(value)
        except ValidationError as error:
            # 10.50 is what the database makes of 10.5
            plain = Decimal(format(Decimal(str(self.limit_value)).normalize(), "f"))
            error.params = {**(error.params or {}), "limit_value": localize(plain)}
            raise


class Least(_Localized, MinValueValidator):
    """Refuses numbers below a limit."""


class Most(_Localized, MaxValueValidator):
    """Refuses numbers above a limit."""


def within(least: Decimal | None, most: Decimal | None) -> list[BaseValidator]:
    """Return the validators of a range, both ends included; None: no such end."""
    found: list[BaseValidator] = [] if least is None else [Least(least)]
    return found if most is None else [*found, Most(most)]
