"""Whatever is chosen, people can read it: every pair of colours of every tone, light and dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal import tokens
from portal.models import look as models
from portal.tokens import Look, contrast, palette, readable, worst

pytestmark = pytest.mark.pure

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)
SHEET = Path(tokens.__file__).parent.parent / "helpdesk/static/helpdesk/public.css"


def unreadable(look: Look) -> list[str]:
    """Return the pairs of a look that have too little contrast."""
    found = []
    for dark in (False, True):
        colours = palette(look, dark=dark)
        for pairs, enough in (
            (tokens.TEXT_PAIRS, tokens.ENOUGH),
            (tokens.EDGE_PAIRS, tokens.ENOUGH_FOR_EDGES),
        ):
            found += [
                f"{look} dark={dark}: {one} on {ground}"
                for one, ground in pairs
                if contrast(colours[one], colours[ground]) < enough
            ]
    return found


@pytest.mark.parametrize("tone", tokens.TONES)
def test_every_tone_can_be_read(tone):
    assert unreadable(Look(tone=tone)) == []


@example("#000000", "#3fffdf", "cool")
@example("#ffffff", "#ffffff", "cool")
@example("#ffffff", "#ffff00", "plain")
@given(COLOURS, COLOURS, st.sampled_from(sorted(tokens.TONES)))
def test_every_accent_that_is_let_through_can_be_read_with_every_tone(light, dark, tone):
    look = Look(accent=readable(light), accent_dark=readable(dark, dark=True), tone=tone)
    models.check_accent(look.accent)
    models.check_accent_dark(look.accent_dark)
    assert unreadable(look) == []


@given(COLOURS)
def test_an_accent_for_the_light_alone_can_be_read_in_the_dark(light):
    accent = readable(light)
    assert unreadable(Look(accent=accent)) == []
    assert worst(Look(accent=accent).over(Look()).accent_dark, dark=True) >= 7


def test_contrast_is_that_of_wcag():
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54
    assert readable("#0b5a69") == "#0b5a69"


@pytest.mark.parametrize(
    ("tones", "corners", "densities", "typefaces", "sizes"),
    [(tokens.TONES, tokens.CORNERS, tokens.DENSITIES, tokens.TYPEFACES, tokens.TEXT_SIZES)],
)
def test_the_admin_offers_what_there_is(tones, corners, densities, typefaces, sizes):
    offered = {
        models.Tone: tones,
        models.Corners: corners,
        models.Density: densities,
        models.Typeface: typefaces,
        models.TextSize: sizes,
    }
    for choices, known in offered.items():
        assert set(choices.values) == set(known)


@pytest.mark.parametrize("dark", [False, True])
def test_the_style_sheet_that_is_shipped_holds_the_same_colours(dark):
    text = SHEET.read_text()
    first, second = re.findall(r":root \{(.*?)\n *\}", text, re.DOTALL)[:2]
    found = dict(re.findall(r"--([a-z-]+): ([^;]+);", second if dark else first))
    assert palette(Look(), dark=dark).items() <= found.items()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("tone", tokens.TONES)
def test_messages_can_be_read_on_their_own_ground_and_on_every_tone(dark, tone):
    text = SHEET.read_text()
    first, second = re.findall(r":root \{(.*?)\n *\}", text, re.DOTALL)[:2]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", second if dark else first))
    neutral = palette(Look(tone=tone), dark=dark)
    for name in ("info", "success", "warning", "error"):
        assert contrast(neutral["text"], colours[f"{name}-soft"]) >= 4.5
        assert contrast(colours[name], colours[f"{name}-soft"]) >= 4.5
        for ground in ("ground", "surface", "sunken"):
            assert contrast(colours[name], neutral[ground]) >= 4.5, (name, ground)


def test_what_is_chosen_is_in_the_style_sheet_and_the_nearer_choice_holds():
    assert tokens.stylesheet(Look()) == ""
    site = Look(accent="#7a1f3d", corners="square", density="compact", text_size="large")
    department = Look(accent="#204080", typeface="serif_headings")
    text = tokens.stylesheet(department.over(site))
    assert "--accent:#204080;" in text
    assert "--radius:0;" in text
    assert "--density:0.78;" in text
    assert "--text-size:1.1875rem;" in text
    assert "Charter" in text
    assert "#7a1f3d" not in text
    light, dark = text.split("prefers-color-scheme:dark")
    assert "--ground:#f5f7f8" in light
    assert "--ground:#11181d" in dark


def test_fonts_come_from_the_device_only():
    for fonts in tokens.TYPEFACES.values():
        assert not any("url" in one or "http" in one for one in fonts)
        assert all(one.endswith("serif") for one in fonts)
