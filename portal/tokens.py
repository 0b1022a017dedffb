"""The design tokens of the public site: what may be chosen, and the colours that follow from it.

Pure: no database, no request. Colours are `#rrggbb`. Each choice is a short list, so that every pair of colours
can be compared beforehand (WCAG 2.2, 1.4.3 and 1.4.11); the accent colours are free, and are checked when they
are set.
"""

from __future__ import annotations

from dataclasses import dataclass

#: WCAG 2.2, 1.4.3: text of any size.
ENOUGH = 4.5
#: WCAG 2.2, 1.4.11: edges of controls, the mark of the focus.
ENOUGH_FOR_EDGES = 3.0

Colours = dict[str, str]

#: The neutral colours by tone, in the light and in the dark.
TONES: dict[str, tuple[Colours, Colours]] = {
    "cool": (
        {
            "ground": "#f5f7f8",
            "surface": "#ffffff",
            "sunken": "#eaeff1",
            "text": "#1a252d",
            "muted": "#4d5c66",
            "line": "#d5dde1",
            "line-strong": "#6d7d87",
        },
        {
            "ground": "#11181d",
            "surface": "#19232a",
            "sunken": "#212d35",
            "text": "#e7edf0",
            "muted": "#abb9c2",
            "line": "#33424c",
            "line-strong": "#7f929d",
        },
    ),
    "warm": (
        {
            "ground": "#faf7f2",
            "surface": "#fffefb",
            "sunken": "#f1ece3",
            "text": "#2a241d",
            "muted": "#655b4e",
            "line": "#e0d8ca",
            "line-strong": "#857a6a",
        },
        {
            "ground": "#191613",
            "surface": "#231f1b",
            "sunken": "#2d2823",
            "text": "#f0ebe4",
            "muted": "#bfb4a6",
            "line": "#453e36",
            "line-strong": "#968a7b",
        },
    ),
    "plain": (
        {
            "ground": "#f7f7f7",
            "surface": "#ffffff",
            "sunken": "#eeeeee",
            "text": "#1f1f1f",
            "muted": "#575757",
            "line": "#dadada",
            "line-strong": "#767676",
        },
        {
            "ground": "#141414",
            "surface": "#1f1f1f",
            "sunken": "#292929",
            "text": "#ededed",
            "muted": "#b8b8b8",
            "line": "#3f3f3f",
            "line-strong": "#8c8c8c",
        },
    ),
}
TONE, ACCENT, ACCENT_DARK = "cool", "#0b5a69", "#84cbd9"

#: What corners are rounded by: areas, and controls.
CORNERS: dict[str, tuple[str, str]] = {
    "round": ("1rem", "0.625rem"),
    "soft": ("0.625rem", "0.375rem"),
    "square": ("0", "0"),
}
#: What every distance is multiplied with.
DENSITIES: dict[str, str] = {"comfortable": "1", "compact": "0.78"}
_SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif'
_HUMANIST = (
    'Seravek, "Gill Sans Nova", Ubuntu, Calibri, Optima, "DejaVu Sans", source-sans-pro, sans-serif'
)
_SERIF = (
    '"Iowan Old Style", Charter, "Bitstream Charter", "Palatino Linotype", "Sitka Text", Cambria, "Noto Serif", '
    '"Liberation Serif", serif'
)
#: The fonts of text and of headings; all are there already, nothing is fetched.
TYPEFACES: dict[str, tuple[str, str]] = {
    "sans": (_SANS, _SANS),
    "humanist": (_HUMANIST, _HUMANIST),
    "serif_headings": (_SANS, _SERIF),
    "serif": (_SERIF, _SERIF),
}
TEXT_SIZES: dict[str, str] = {"small": "1rem", "medium": "1.0625rem", "large": "1.1875rem"}

#: Foreground and ground of text, as the style sheets pair them.
TEXT_PAIRS = (
    *(("text", ground) for ground in ("ground", "surface", "sunken", "accent-soft")),
    *(("muted", ground) for ground in ("ground", "surface", "sunken")),
    *(("accent", ground) for ground in ("ground", "surface", "sunken")),
    *(("accent-strong", ground) for ground in ("ground", "surface", "sunken", "accent-soft")),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
)
#: Edges of controls and the mark of the focus, and what they stand on.
EDGE_PAIRS = tuple(
    (edge, ground)
    for edge in ("line-strong", "focus")
    for ground in ("ground", "surface", "sunken", "accent-soft")
)
#: What stands on the soft accent, and the contrast it needs.
ON_SOFT = tuple(
    (name, enough)
    for pairs, enough in ((TEXT_PAIRS, ENOUGH), (EDGE_PAIRS, ENOUGH_FOR_EDGES))
    for name, ground in pairs
    if ground == "accent-soft"
)


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2), 0 to 1."""
    parts = [part / 255 for part in _parts(colour)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2), 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """Return `one` with a `share` (0 to 1) of `other` in it."""
    pairs = zip(_parts(one), _parts(other), strict=True)
    return "#" + "".join(f"{round(a * (1 - share) + b * share):02x}" for a, b in pairs)


def _parts(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


#: All grounds on which an accent colour is written in the light, and in the dark.
GROUNDS = tuple(
    tuple(tone[mode][name] for tone in TONES.values() for name in ("ground", "surface", "sunken"))
    for mode in (0, 1)
)


def worst(colour: str, *, dark: bool = False) -> float:
    """Return the lowest contrast of an accent colour with the grounds of any tone."""
    return min(contrast(colour, ground) for ground in GROUNDS[dark])


def readable(colour: str, *, dark: bool = False, enough: float = ENOUGH) -> str:
    """Return the colour, or the nearest darker (in the dark: lighter) one that can be read on every ground."""
    end = "#ffffff" if dark else "#000000"
    shades = (mixed(colour, end, step / 50) for step in range(51))
    return next(shade for shade in shades if worst(shade, dark=dark) >= enough)


@dataclass(frozen=True)
class Look:
    """What was chosen; each value is a key of the lists above, or '' for what the site brings."""

    accent: str = ""
    accent_dark: str = ""
    tone: str = ""
    corners: str = ""
    density: str = ""
    typeface: str = ""
    text_size: str = ""

    def over(self, other: Look) -> Look:
        """Return this look; where it says nothing, the `other` holds."""
        mine = {name: value for name, value in vars(self).items() if value}
        if self.accent and not self.accent_dark:
            mine["accent_dark"] = readable(self.accent, dark=True, enough=7)
        return Look(**{**vars(other), **mine})


def palette(look: Look, *, dark: bool = False) -> Colours:
    """Return the colours of a look by the names of their tokens, in the light or in the dark."""
    colours = dict(TONES[look.tone or TONE][dark])
    if dark:
        accent = look.accent_dark or (
            readable(look.accent, dark=True, enough=7) if look.accent else ACCENT_DARK
        )
        strong, focus = mixed(accent, "#ffffff", 0.35), "#f2c14e"
        on_accent = mixed("#000000", accent, 0.16)
    else:
        accent = look.accent or ACCENT
        strong, focus, on_accent = mixed(accent, "#000000", 0.25), accent, "#ffffff"
    colours |= {"accent": accent, "accent-strong": strong, "on-accent": on_accent, "focus": focus}
    return colours | {"accent-soft": _soft(colours, 0.18 if dark else 0.1)}


def _soft(colours: Colours, share: float) -> str:
    """Return the surface with up to a `share` of the accent in it: as much as all that stands on it can bear."""
    for step in range(20, 0, -1):
        soft = mixed(colours["surface"], colours["accent"], share * step / 20)
        if all(contrast(colours[name], soft) >= enough for name, enough in ON_SOFT):
            return soft
    return colours["surface"]


def stylesheet(look: Look) -> str:
    """Return the custom properties of a look as CSS; '' if nothing was chosen."""
    if look == Look():
        return ""
    plain = {}
    if look.corners:
        plain["radius"], plain["radius-small"] = CORNERS[look.corners]
    if look.density:
        plain["density"] = DENSITIES[look.density]
    if look.typeface:
        plain["font"], plain["font-headings"] = TYPEFACES[look.typeface]
    if look.text_size:
        plain["text-size"] = TEXT_SIZES[look.text_size]
    parts = [_rule(plain)] if plain else []
    if look.tone or look.accent or look.accent_dark:
        parts.append(_rule(palette(look)))
        parts.append(f"@media (prefers-color-scheme:dark){{{_rule(palette(look, dark=True))}}}")
    # on paper everything is black on white, whatever was chosen
    return f"@media screen{{{''.join(parts)}}}\n"


def _rule(values: dict[str, str]) -> str:
    return ":root{" + "".join(f"--{name}:{value};" for name, value in values.items()) + "}"
