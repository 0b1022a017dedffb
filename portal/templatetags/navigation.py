"""Menu, footer, breadcrumbs and language switch of the site's frame: a constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.template import Context
from django.urls import NoReverseMatch, reverse, translate_url
from django.utils.http import urlencode
from django.utils.translation import get_language, gettext, override
from wagtail.models import Locale, Page, Site

from portal.models import ServiceIndexPage, SiteSettings

register = template.Library()

#: In an address: the page that is not there in this language.
MISSING = "untranslated"


@dataclass(frozen=True)
class Link:
    url: str
    label: str
    # the value of aria-current: "page", "true" for something above the page, or ""
    current: str = ""


@dataclass(frozen=True)
class LanguageLink:
    code: str
    name: str
    url: str
    # whether it leads to this very page in the other language
    is_translation: bool


@dataclass(frozen=True)
class Menu:
    site_name: str
    home_url: str
    links: tuple[Link, ...]
    footer: tuple[Link, ...]
    settings: SiteSettings | None


@register.simple_tag(takes_context=True)
def main_menu(context: Context) -> Menu:
    """Return the links of header and footer for the active language."""
    request: HttpRequest = context["request"]
    site = Site.find_for_request(request)
    chosen = SiteSettings.for_request(request) if site else None
    links = (
        _link(request, _services_url(request), gettext("Services")),
        _link(request, _url_of("helpdesk_customers:list"), gettext("My requests")),
        _link(request, _url_of("search"), gettext("Search")),
    )
    home = _home_url(get_language() or settings.LANGUAGE_CODE)
    return Menu(
        site_name=(site.site_name if site else "") or settings.WAGTAIL_SITE_NAME,
        home_url=home,
        links=tuple(link for link in links if link.url),
        footer=_footer(request, chosen) if chosen else (),
        settings=chosen,
    )


def _link(request: HttpRequest, url: str, label: str) -> Link:
    if not url:
        return Link("", label)
    current = "page" if request.path == url else "true" if request.path.startswith(url) else ""
    return Link(url, label, current)


def _url_of(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:  # a part of the site that is not installed
        return ""


def _services_url(request: HttpRequest) -> str:
    pages = ServiceIndexPage.objects.live().public().select_related("locale").order_by("path")
    page = pages.filter(locale__language_code=get_language()).first()
    return page.get_url(request) if page else ""


def _home_url(language: str) -> str:
    with override(language):
        return reverse("wagtail_serve", args=[""])


def _footer(request: HttpRequest, chosen: SiteSettings) -> tuple[Link, ...]:
    keys = [page.translation_key for page in chosen.footer_pages()]
    if not keys:
        return ()
    pages = Page.objects.live().public().select_related("locale")
    pages = pages.filter(translation_key__in=keys, locale__language_code=get_language())
    found = {page.translation_key: page for page in pages}
    return tuple(
        Link(found[key].get_url(request), found[key].title) for key in keys if key in found
    )


@register.simple_tag(takes_context=True)
def language_links(context: Context) -> list[LanguageLink]:
    """Return a link for each other language, to the same place in it.

    A page that is not live there leads to the nearest page above that is, which then says so
    (`missing_translation`). Forms, search and what belongs to customers keep their query; an error keeps its
    address.
    """
    request: HttpRequest = context["request"]
    page = context.get("page")
    active = get_language()
    if isinstance(page, Page) and page.pk and page.path:
        found = _translations(request, page)
    else:
        # what has no page is its own translation; an error is none that a search engine should know
        found = {code: (url, not _is_page(request)) for code, url in _same_place(request).items()}
    homes = _home_urls(request)
    links = []
    for code, _name in settings.LANGUAGES:
        url, is_translation = found.get(code) or (homes.get(code, ""), False)
        if code != active and url and code in homes:
            links.append(LanguageLink(code, _own_name(code), url, is_translation))
    return links


def _own_name(code: str) -> str:
    return dict(settings.WAGTAILADMIN_PERMITTED_LANGUAGES).get(code, code)


def _home_urls(request: HttpRequest) -> dict[str, str]:
    site = Site.find_for_request(request)
    if site is None:
        return {}
    homes = Page.objects.live().filter(translation_key=site.root_page.translation_key)
    codes = homes.values_list("locale__language_code", flat=True)
    return {code: _home_url(code) for code in codes}


def _same_place(request: HttpRequest) -> dict[str, str]:
    here = request.get_full_path()
    urls = {code: translate_url(here, code) for code, _name in settings.LANGUAGES}
    return urls if len(set(urls.values())) > 1 else {}


def _translations(request: HttpRequest, page: Page) -> dict[str, tuple[str, bool]]:
    """Return for each language the address of the page, or of the nearest one above it, and which of both it is."""
    keys = [page.translation_key, *(one.translation_key for one in reversed(_above(page)))]
    others = Page.objects.live().public().filter(translation_key__in=keys)
    others = others.exclude(locale=page.locale_id).select_related("locale")
    by_language: dict[str, dict[Any, Page]] = {}
    for other in others:
        by_language.setdefault(other.locale.language_code, {})[other.translation_key] = other
    found = {}
    for code, pages in by_language.items():
        nearest = next(pages[key] for key in keys if key in pages)
        url = nearest.get_url(request) or ""
        if nearest.translation_key == page.translation_key:
            query = request.META.get("QUERY_STRING", "")
            found[code] = (f"{url}?{query}" if query and not _is_preview(request) else url, True)
        elif page.live:
            found[code] = (f"{url}?{urlencode({MISSING: page.pk})}", False)
        else:
            found[code] = (url, False)
    return found


def _above(page: Page) -> list[Page]:
    """Return the pages above, from the home page down; asked for once for each page object."""
    known: list[Page] | None = getattr(page, "_portal_above", None)
    if known is None:
        known = list(page.get_ancestors().filter(depth__gt=1).select_related("locale"))
        page._portal_above = known
    return known


def _is_preview(request: HttpRequest) -> bool:
    return bool(getattr(request, "is_preview", False))


def _is_page(request: HttpRequest) -> bool:
    match = getattr(request, "resolver_match", None)
    return match is None or match.url_name == "wagtail_serve"


@register.simple_tag(takes_context=True)
def missing_translation(context: Context) -> Page | None:
    """Return the page that somebody came from by the language switch, if it is not there in this language."""
    request: HttpRequest = context["request"]
    pk = request.GET.get(MISSING, "")
    if not pk.isascii() or not pk.isdecimal() or len(pk) > 9:
        return None
    pages = Page.objects.live().public().filter(pk=pk).select_related("locale")
    page = pages.exclude(locale__language_code=get_language()).first()
    if page is None or page.get_translations().live().filter(locale=Locale.get_active()).exists():
        return None
    return page


@register.simple_tag(takes_context=True)
def breadcrumbs(context: Context) -> list[Link]:
    """Return the pages above this one, from the home page down; nothing on the home page."""
    request, page = context["request"], context.get("page")
    site = Site.find_for_request(request)
    if site is None or not isinstance(page, Page) or not page.path:
        return []
    above = [one for one in _above(page) if one.live]
    # the home page's title greets; in the trail it is called what it is
    return [
        Link(one.get_url(request) or "", gettext("Home") if one.depth == 2 else one.title)
        for one in above
    ]
