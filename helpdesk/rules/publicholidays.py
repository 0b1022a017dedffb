"""Public holidays by country and state, from the `holidays` library, with names in the reader's language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import holidays
from babel import Locale, UnknownLocaleError
from django.utils.translation import gettext_lazy as _

from helpdesk.errors import InvalidInput

#: What our readers most likely want, before all others.
NEIGHBOURS = ("DE", "AT", "CH")


@lru_cache(maxsize=1)
def places() -> Mapping[str, tuple[str, ...]]:
    """Return the codes of all known countries (ISO 3166-1), each with those of its states."""
    found = holidays.list_supported_countries(include_aliases=False)
    return MappingProxyType({country: tuple(states) for country, states in found.items()})


def require_place(country: str, subdivision: str) -> None:
    """Raise `InvalidInput` unless a place is known. No country at all is one, without holidays."""
    if not country and not subdivision:
        return
    if country not in places():
        raise InvalidInput(_("No public holidays are known for this country."), field="country")
    if subdivision and subdivision not in places()[country]:
        raise InvalidInput(_("This country has no such state."), field="subdivision")


@lru_cache(maxsize=4096)
def names(country: str, subdivision: str, year: int, language: str) -> Mapping[dt.date, str]:
    """Return the public holidays of a year by date, each with its name.

    Names are in `language` where the library has them, else in the country's own. Days on which a holiday is
    observed instead of its date count too. Raises `InvalidInput` for an unknown place.
    """
    if not country:
        return MappingProxyType({})
    require_place(country, subdivision)
    found = holidays.country_holidays(
        country, subdiv=subdivision or None, years=year, language=_language(country, language)
    )
    # a holiday observed on another day may lie in the year next to its own
    return MappingProxyType({day: found[day] for day in sorted(found) if day.year == year})


def _language(country: str, language: str) -> str | None:
    """Return the library's language for a reader's, else the country's own."""
    entity = getattr(holidays, country)
    wanted = language.split("-")[0]
    found = [one for one in entity.supported_languages if one.split("_")[0] == wanted]
    # never none where there is one: the library would take the language of the server's shell
    return min(found, default=entity.default_language)


def country_name(country: str, language: str) -> str:
    try:
        found = Locale.parse(language.split("-")[0]).territories.get(country)
    except (UnknownLocaleError, ValueError):
        found = None
    return found or country


def subdivision_name(country: str, subdivision: str) -> str:
    """Return the name of a state in its own language, or its code where the library has no name."""
    aliases = getattr(holidays, country).subdivisions_aliases or {}
    # a state may have short names, too: NÖ, Niederösterreich
    return max((name for name, code in aliases.items() if code == subdivision), key=len,
               default=subdivision)  # fmt: skip


def choices(language: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return every country with its places, as `(value, name)`: value "DE" or "DE-NW" (`parse_place`)."""
    ordered = sorted(
        places(),
        key=lambda code: (
            NEIGHBOURS.index(code) if code in NEIGHBOURS else len(NEIGHBOURS),
            country_name(code, language).casefold(),
        ),
    )
    return [(country_name(code, language), _places(code, language)) for code in ordered]


def _places(country: str, language: str) -> list[tuple[str, str]]:
    whole = country_name(country, language)
    states = [
        (f"{country}-{code}", f"{subdivision_name(country, code)} ({whole})")
        for code in places()[country]
    ]
    return [(country, whole), *sorted(states, key=lambda state: state[1].casefold())]


def parse_place(value: str) -> tuple[str, str]:
    """Return country and state of a value of `choices`; both empty for none."""
    country, _dash, subdivision = value.partition("-")
    return country, subdivision
