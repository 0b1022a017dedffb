"""A real Chromium on the real site: skipped by name where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

# Playwright's own event loop runs in this thread; Django would take our queries for asynchronous ones
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

DESKTOP = {"width": 1360, "height": 900}
PHONE = {"width": 360, "height": 740}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
#: What may differ between light and dark.
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
#: What Wagtail itself draws and we cannot mend, each with its reason.
NOT_OURS = [
    ".public-DraftEditor-content",  # the rich text editor gives its field no name
    ".c-sf-add-button",  # the stream's plus signs and the panels' arrows are 20 px small
    ".w-panel__toggle",
    "p > a[href$='/new/']",  # “why not add one?” in an empty list: only its colour tells the link
    "p > a[href$='/create/']",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-quic",
                "--disable-sync",
                "--no-first-run",
            ],
        )
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody at a browser: goes to pages, and every page must be accessible and without faults."""

    page: Page
    context: BrowserContext
    base: str
    scripts: bool = True
    faults: list[str] = field(default_factory=list)

    def goto(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.base + path)

    def log_in(self, username: str, password: str = "secret") -> None:
        self.goto("/accounts/login/")
        self.page.fill("[name=login]", username)
        self.page.fill("[name=password]", password)
        self.page.click("main button[type=submit]")
        self.page.wait_for_load_state()

    def check(self) -> None:
        """Fail on a violation of WCAG 2.2 AA, a page too wide, a script's and a server's fault."""
        self.page.wait_for_load_state("networkidle")
        assert self.problems() == []

    def tour(self, places: dict[str, str]) -> None:
        """Go to each of `places` (name: path) and fail with all that is wrong, in light or dark."""
        wrong = {}
        for name, path in places.items():
            self.goto(path)
            found = self.problems()
            self.page.emulate_media(color_scheme="dark")
            self.page.wait_for_timeout(150)  # Wagtail's buttons take 0.1 s to change their colour
            found += [f"dark: {one}" for one in self.violations(runOnly=COLOURS)]
            self.page.emulate_media(color_scheme="light")
            if found:
                wrong[name] = found
        assert wrong == {}

    def problems(self) -> list[str]:
        """Return what is wrong with the page shown, and forget the faults it made."""
        found, self.faults[:] = list(self.faults), []
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        room = self.page.viewport_size
        if room and wide > room["width"]:
            found.append(f"{wide} px wide, where there are {room['width']}")
        return found + self.violations(runOnly={"type": "tag", "values": WCAG})

    def violations(self, **options: object) -> list[str]:
        """Return what axe finds on the page shown; without scripts axe cannot run (and would hang)."""
        if not self.scripts:
            return []
        context = {"exclude": [[one] for one in NOT_OURS]}
        # what was found to be right stays in the browser: it is ten times as much
        options["resultTypes"] = ["violations"]
        results = Axe().run(self.page, context=context, options=options)
        return [
            f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['html'][:160]}"
            for rule in results.response["violations"]
            for node in rule["nodes"]
        ]


@pytest.fixture
def visit(chromium: Browser, live_server: object) -> Iterator[Callable[..., Visitor]]:
    """Return a function that opens a fresh browser profile: `visit(phone=True, language="en", scripts=False)`."""
    contexts: list[BrowserContext] = []

    def start(*, phone: bool = False, language: str = "de", scripts: bool = True) -> Visitor:
        context = chromium.new_context(
            viewport=PHONE if phone else DESKTOP,
            locale=language,
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        visitor = Visitor(page, context, str(live_server), scripts)
        page.on("pageerror", lambda error: visitor.faults.append(str(error)))

        def note(response: Response) -> None:
            if response.status >= 500:
                visitor.faults.append(f"{response.status} {response.url}")

        page.on("response", note)
        return visitor

    yield start
    for context in contexts:
        context.close()
