"""Goes through the site as somebody would: from page to page, by the links that stand there."""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit

from django.conf import settings
from django.test import Client
from django.urls import Resolver404, resolve
from django.utils import translation

#: Of each kind of page so many are looked at, and of each kind of list so many ways to sort or filter it.
OF_A_KIND = 2
HOST = "http://testserver"
LANGUAGE = re.compile(r"^[a-z]{2}/")
#: The admin's menu comes as data.
IN_MENU = re.compile(r'"url": "(/[^"]*)"')
#: Buttons that take what was ticked in a list; without it there is nothing to do.
BULK = "/admin/bulk/"
#: Files, and what only stands for an address in the preview of a text.
SKIPPED = ("/static/", "/media/", BULK, "/%E2%80%A6", "/…")


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.data = ""
        self.is_menu = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {"a": ("href",), "iframe": ("src",), "img": ("src",), "form": ("action",)}
        values = dict(attrs)
        self.is_menu = tag == "script" and values.get("id") == "wagtail-sidebar-props"
        if tag == "form" and (values.get("method") or "get").lower() != "get":
            return
        self.found += [value for name in names.get(tag, ()) if (value := values.get(name))]

    def handle_data(self, data: str) -> None:
        if self.is_menu:
            self.data += data


@dataclass
class Page:
    """What came at one address."""

    status: int
    kind: str
    offered_by: str


@dataclass
class Crawl:
    """Everything that somebody came to."""

    pages: dict[str, Page] = field(default_factory=dict)

    def opened(self) -> dict[str, Page]:
        """The addresses that showed something."""
        return {url: page for url, page in self.pages.items() if page.status == 200}

    def kinds(self) -> set[str]:
        return {page.kind for page in self.opened().values()}


def kind_of(url: str) -> str:
    """Return what sort of page stands at an address of ours: its route, without what names one of many."""
    path = urlsplit(url).path
    language = LANGUAGE.match(path[1:])
    with translation.override(language[0][:2] if language else settings.LANGUAGE_CODE):
        try:
            match = resolve(path)
        except Resolver404:
            return path
    if match.url_name == "wagtail_serve":
        return path
    return LANGUAGE.sub("", match.route)


def crawl(client: Client, *seeds: str) -> Crawl:
    """Open `seeds` and whatever they lead to, a few pages of each kind."""
    found = Crawl()
    seen: Counter[str] = Counter()
    waiting = deque((seed, "the start") for seed in seeds)
    while waiting:
        url, by = waiting.popleft()
        if url in found.pages:
            continue
        query = ",".join(sorted(name for name, _value in parse_qsl(urlsplit(url).query)))
        kind = kind_of(url)
        seen[f"{kind}?{query}"] += 1
        if seen[f"{kind}?{query}"] > OF_A_KIND:
            continue
        response = client.get(url, headers={"referer": HOST + by} if by.startswith("/") else {})
        found.pages[url] = Page(response.status_code, kind, by)
        if 300 <= response.status_code < 400:
            links = [response.headers["Location"]]
        elif response.headers.get("Content-Type", "").startswith("text/html"):
            parser = _Links()
            parser.feed(b"".join(response).decode() if response.streaming else response.text)
            links = parser.found + IN_MENU.findall(parser.data)
        else:
            links = []
            if response.streaming:
                b"".join(response)
        waiting.extend((here, url) for link in links if (here := _here(url, link)))
    return found


def _here(base: str, link: str) -> str:
    """Return the address on this site that a link leads to, or ''."""
    parts = urlsplit(urljoin(HOST + base, urldefrag(link).url))
    if f"{parts.scheme}://{parts.netloc}" != HOST or parts.path.startswith(SKIPPED):
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")
