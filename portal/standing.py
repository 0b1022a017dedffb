"""What a site has to say about itself and does not yet: the pages that the law asks for."""

from __future__ import annotations

from django.utils.translation import gettext as _
from wagtail.models import Locale, Page, Site

from portal.models import SiteSettings


def lacking(site: Site) -> list[str]:
    """Return in words what is missing of imprint, privacy notice and accessibility statement, by language."""
    chosen = SiteSettings.objects.filter(site=site).select_related(*SiteSettings.select_related)
    found = chosen.first() or SiteSettings(site=site)
    names = {
        "imprint_page": _("imprint"),
        "privacy_page": _("privacy notice"),
        "accessibility_page": _("accessibility statement"),
    }
    lines = []
    homes = Page.objects.live().filter(translation_key=site.root_page.translation_key)
    languages = Locale.objects.filter(pk__in=homes.values("locale"))
    for field, name in names.items():
        page = getattr(found, field)
        if page is None:
            lines.append(_("The footer leads to no %(page)s.") % {"page": name})
            continue
        there = Page.objects.live().public().filter(translation_key=page.translation_key)
        known = set(there.values_list("locale", flat=True))
        lines += [
            _("There is no published %(page)s in %(language)s.")
            % {"page": name, "language": str(language)}
            for language in languages
            if language.pk not in known
        ]
    return lines
