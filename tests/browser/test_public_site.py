"""The whole public site as visitors meet it: both languages, light and dark, 320 px, by keyboard, and quickly."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from urllib.parse import urlsplit

import PIL.Image
import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone, translation
from playwright.sync_api import CDPSession, Page, expect
from wagtail.admin.userbar import ContentCheckerItem
from wagtail.images import get_image_model
from wagtail.models import Locale

from helpdesk.customers import access
from portal.models import AccessibilityStatementPage, DepartmentLook, PrivacyPage, SiteSettings
from portal.statements import start
from tests import factories as f
from tests import page_factories as pages

from .conftest import Visitor
from .stage import Stage, account, set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

NARROW = {"width": 320, "height": 640}
BODY = [
    {"type": "heading", "value": "Was tun?"},
    {
        "type": "text",
        "value": "<h3>Zuerst</h3><p>Ausschalten, <b>warten</b>.</p><ul><li>Strom</li></ul>",
    },
    {"type": "notice", "value": {"tone": "warning", "text": "<p>Vorsicht.</p>"}},
    {
        "type": "steps",
        "value": {"heading": "Wie", "steps": [{"title": "Eins", "text": "<p>So.</p>"}]},
    },
]
ASIDE = [
    {"type": "audience", "value": {"text": "<p>Alle Studierenden.</p>"}},
    {
        "type": "contact",
        "value": {"name": "IT", "email": "it@uni.example", "phone": "1", "place": "", "hours": ""},
    },
]
#: What a page may weigh without its pictures (bytes as transferred, uncompressed here).
ENOUGH = 150_000


@pytest.fixture
def stage() -> Stage:
    """The site with each type of page, all but one translated."""
    stage = set_up()
    tree, home = stage.tree, stage.tree.home
    tree.services.summary = "Was es gibt."
    tree.services.save()
    service = pages.make_service(
        tree.services,
        "Drucken",
        slug="drucken",
        summary="Papier und Toner.",
        body=json.dumps([*BODY, *ASIDE]),
    )
    article = pages.make_article(service, slug="stau", summary="Was klemmt.", body=json.dumps(BODY))
    queue_page = pages.make_queue_page(
        tree.services, stage.queue, slug="team", summary="Wir drucken."
    )
    form = pages.make_form(service, pages.ALL_FIELDS, queue=stage.queue, slug="melden")
    made = [tree.services, service, article, queue_page, form]
    statements = {}
    for model, name in (
        (AccessibilityStatementPage, "accessibility_page"),
        (PrivacyPage, "privacy_page"),
    ):
        page = model(**start(model.__name__, "de"))
        page.purposes = json.dumps(start(model.__name__, "de").get("purposes", []))
        home.add_child(instance=page)
        statements[name] = page
        made.append(page)
    english = Locale.objects.get(language_code="en")
    for page in made:
        page.copy_for_translation(english).save_revision().publish()
    pages.make_article(service, "Nur deutsch", slug="nur-deutsch")
    SiteSettings.objects.update_or_create(
        site=tree.site,
        defaults={"organisation": "Universität", "contact_email": "it@uni.example", **statements},
    )
    return stage


def places(stage: Stage, language: str) -> dict[str, str]:
    """Return the addresses of each type of page, by name."""
    tree = stage.tree
    home = tree.home if language == "de" else tree.english
    below = {page.slug: page.url for page in home.get_descendants().live()}
    prefix = "" if language == "de" else "/en"
    ticket = f.make_ticket(stage.queue, subject="Stuhl", customer=f.CustomerFactory())
    with translation.override(language):
        status = access.by_link(access.status_token(ticket)).url()
        requests = reverse("helpdesk_customers:list")
    missing = stage.tree.services.get_descendants().get(slug="nur-deutsch").pk
    return {
        "home": home.url,
        **below,
        "untranslated": f"{home.url}?untranslated={missing}",
        "search": f"{prefix}/search/?q=Drucken",
        "nothing found": f"{prefix}/search/?q=Einhorn",
        "log in": f"{prefix}/accounts/login/",
        "sign up": f"{prefix}/accounts/signup/",
        "my requests": requests,
        "request by link": status,
        "dead link": f"{prefix}/requests/status/nothing/",
        "absent": f"{prefix}/gibt-es-nicht/",
    }


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_page_is_accessible_and_fits_320_pixels(
    visit: Callable[..., Visitor], stage: Stage, language: str
) -> None:
    guest = visit(phone=True, language=language)
    guest.page.set_viewport_size(NARROW)
    guest.tour(places(stage, language))
    guest.goto(places(stage, language)["melden"])
    assert guest.page.get_attribute("html", "lang") == language


@pytest.mark.parametrize("scripts", [True, False])
def test_words_wider_than_a_phone_break_everywhere(
    visit: Callable[..., Visitor], stage: Stage, scripts: bool
) -> None:
    tree, word = stage.tree, pages.LONG_WORD
    service = pages.make_service(tree.services, word, slug="wort", summary=word)
    queue_page = tree.services.get_descendants().get(slug="team").specific
    form = pages.make_form(
        service,
        pages.LONG_FIELDS,
        title=f"{word} melden",
        slug="wortform",
        queue=stage.queue,
        thank_you=json.dumps(
            [{"type": "link", "value": {"label": word, "page": queue_page.pk, "url": ""}}]
        ),
    )
    pages.make_form(queue_page, title=word, slug="karte", queue=stage.queue)
    guest = visit(phone=True, scripts=scripts)
    guest.page.set_viewport_size(NARROW)
    guest.tour(
        {
            "service": service.url,
            "queue": queue_page.url,
            "form": form.url,
            "thanks": f"{form.url}?done=nichts",
        }
    )


# Wagtail leaves the temporary file of a rendition to the collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_logo_stands_on_a_light_plate_in_the_dark(
    visit: Callable[..., Visitor], stage: Stage
) -> None:
    raw = BytesIO()
    PIL.Image.new("RGBA", (320, 96), (10, 20, 60, 90)).save(raw, "PNG")
    logo = get_image_model().objects.create(title="Logo", file=ContentFile(raw.getvalue(), "a.png"))
    SiteSettings.objects.update(logo=logo)
    guest = visit()
    guest.goto("/")
    ground = "getComputedStyle(document.querySelector('.site-name img')).backgroundColor"
    assert guest.page.evaluate(ground) == "rgba(0, 0, 0, 0)"
    guest.page.emulate_media(color_scheme="dark")
    assert guest.page.evaluate(ground) == "rgb(255, 255, 255)"


def test_wide_pages_are_accessible_whatever_look_was_chosen(
    visit: Callable[..., Visitor], stage: Stage
) -> None:
    chosen = SiteSettings.objects.get()
    chosen.tone, chosen.accent, chosen.typeface = "warm", "#7a1f3d", "serif_headings"
    chosen.corners, chosen.density, chosen.text_size = "square", "compact", "large"
    chosen.save()
    service = stage.tree.services.get_descendants().get(slug="drucken")
    department = f.make_department("Print", page=service)
    DepartmentLook.objects.create(department=department, accent="#204080", tone="plain")
    guest = visit()
    found = places(stage, "de")
    guest.tour(
        {name: found[name] for name in ("home", "dienste", "drucken", "melden", "datenschutz")}
    )
    guest.goto(found["home"])
    assert style_of(guest.page, "--accent") == "#7a1f3d"
    guest.goto(found["drucken"])
    assert style_of(guest.page, "--accent") == "#204080"


def style_of(page: Page, name: str) -> str:
    value: str = page.evaluate(
        f"getComputedStyle(document.documentElement).getPropertyValue('{name}')"
    )
    return value.strip()


def test_pages_are_light_and_ask_no_other_host(visit: Callable[..., Visitor], stage: Stage) -> None:
    guest = visit()
    session: CDPSession = guest.context.new_cdp_session(guest.page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    kinds: dict[str, str] = {}
    sizes: dict[str, float] = {}
    hosts: set[str] = set()
    blocking: list[str] = []

    def received(event: dict) -> None:
        kinds[event["requestId"]] = event["type"]

    def finished(event: dict) -> None:
        sizes[event["requestId"]] = event["encodedDataLength"]

    session.on("Network.responseReceived", received)
    session.on("Network.loadingFinished", finished)
    guest.page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    heavy = {}
    for name, path in places(stage, "de").items():
        kinds.clear(), sizes.clear()
        guest.goto(path)
        guest.page.wait_for_load_state("networkidle")
        weight = sum(size for key, size in sizes.items() if kinds.get(key) != "Image")
        assert weight > 5_000, name
        if weight > ENOUGH:
            heavy[name] = weight
        blocking += guest.page.evaluate(
            "[...document.querySelectorAll('head script[src]:not([defer],[async],[type=module])')].map(s => s.src)"
        )
    assert heavy == {}
    assert hosts == {urlsplit(guest.base).netloc}
    assert blocking == []


#: Whether the element that has the focus is marked, and can be seen: nothing lies over its middle.
FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  const card = one.closest('.card--link');
  const marked = [style, card && getComputedStyle(card)].some(
    (s) => s && s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2);
  const x = box.left + Math.min(box.width / 2, 20), y = box.top + box.height / 2;
  const top = document.elementFromPoint(x, y);
  const seen = !!top && (one.contains(top) || top.contains(one) || !!(card && card.contains(top)));
  return {tag: one.tagName, name: one.innerText || one.name || '', href: one.getAttribute('href') || '', marked, seen};
}"""


def walk(page: Page, steps: int = 60) -> list[dict]:
    """Press Tab until the page is through; return what had the focus."""
    found = []
    for _step in range(steps):
        page.keyboard.press("Tab")
        one = page.evaluate(FOCUSED)
        if one["tag"] == "BODY":
            break
        found.append(one)
    return found


@pytest.mark.parametrize("width", [320, 1360])
def test_everything_is_reached_by_keyboard_and_is_seen_then(
    visit: Callable[..., Visitor], stage: Stage, width: int
) -> None:
    guest = visit()
    guest.page.set_viewport_size({"width": width, "height": 640})
    found = places(stage, "de")
    for name in ("home", "drucken", "melden"):
        guest.goto(found[name])
        stops = walk(guest.page)
        assert [one["href"] for one in stops[:2]] == ["#content", "/search/"]
        lost = [one for one in stops if not (one["marked"] and one["seen"])]
        assert lost == [], name
        assert len(stops) > 10
    # the shortcut leads into the content, behind the navigation
    guest.goto(found["home"])
    guest.page.keyboard.press("Tab")
    guest.page.keyboard.press("Enter")
    guest.page.keyboard.press("Tab")
    assert guest.page.evaluate("document.activeElement.id") == "search-words"


@pytest.mark.parametrize("scripts", [True, False])
def test_the_menu_of_a_phone_works_by_keyboard_and_without_scripts(
    visit: Callable[..., Visitor], stage: Stage, scripts: bool
) -> None:
    guest = visit(phone=True, scripts=scripts)
    guest.page.set_viewport_size(NARROW)
    guest.goto("/")
    link = guest.page.get_by_role("link", name="Dienste", exact=True)
    expect(link).not_to_be_visible()
    guest.page.locator(".site-menu > summary").focus()
    guest.page.keyboard.press("Enter")
    expect(link).to_be_visible()
    box = guest.page.locator(".site-menu nav").bounding_box()
    main = guest.page.locator("main").bounding_box()
    assert box
    assert main
    assert main["y"] >= box["y"] + box["height"]  # it covers nothing
    guest.page.keyboard.press("Tab")
    guest.page.keyboard.press("Enter")
    guest.page.wait_for_url("**/dienste/")


def test_wagtail_s_own_checker_and_bar_work_on_our_pages(
    visit: Callable[..., Visitor], stage: Stage
) -> None:
    account("chefin", "de", is_superuser=True, is_staff=True)
    editor = visit()
    refused: list[str] = []
    editor.page.on(
        "console",
        lambda line: refused.append(line.text) if "Content Security" in line.text else None,
    )
    editor.log_in("chefin")
    found = places(stage, "de")
    custom = {rule["id"] for rule in ContentCheckerItem.axe_custom_rules}
    rules = [rule for rule in ContentCheckerItem.axe_run_only if rule not in custom]
    wrong = {}
    for name in ("home", "dienste", "drucken", "stau", "team", "melden", "datenschutz"):
        editor.goto(found[name])
        bad = editor.violations(runOnly={"type": "rule", "values": rules})
        if name != "melden" and not editor.page.locator('meta[name="description"]').count():
            bad.append("no description")
        if bad:
            wrong[name] = bad
    assert wrong == {}
    editor.goto(found["melden"])
    editor.page.locator("wagtail-userbar .w-userbar-trigger").click()
    item = editor.page.get_by_role("menuitem", name="Submissions of this form").or_(
        editor.page.locator("wagtail-userbar a[href*='/forms/submissions/']")
    )
    item.first.click()
    editor.page.wait_for_url("**/forms/submissions/**")
    assert refused == []


def test_the_report_and_the_warning_of_a_stale_translation_are_accessible(
    visit: Callable[..., Visitor], stage: Stage
) -> None:
    account("chefin", "de", is_superuser=True, is_staff=True)
    german = stage.tree.home.get_descendants().get(slug="stau")
    copy = german.get_translations().get()
    type(german).objects.filter(pk=german.pk).update(last_published_at=timezone.now())
    admin = visit()
    admin.log_in("chefin")
    admin.tour(
        {
            "start": reverse("wagtailadmin_home"),
            "report": reverse("portal_translations"),
            "settings": reverse("wagtailsettings:edit", args=["portal", "sitesettings"]),
        }
    )
    admin.goto(reverse("wagtailadmin_pages:edit", args=[copy.pk]))
    warning = admin.page.locator(".messages .warning")
    expect(warning).to_be_visible()
    assert not [one for one in admin.problems() if ".messages" in one]
    warning.locator("button").click()
    admin.page.wait_for_load_state()
    assert "/current/" not in admin.page.content()
