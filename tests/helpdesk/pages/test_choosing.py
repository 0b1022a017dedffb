"""Which pages Wagtail's chooser shows to whom."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from wagtail.models import GroupPagePermission

from tests import factories as f
from tests import page_factories as p
from tests.helpdesk.agents.conftest import browser

pytestmark = pytest.mark.django_db
SEARCH = "/admin/choose-page/search/"


def test_drafts_are_for_those_who_may_edit_them():
    tree = p.make_site()
    draft = p.make_service(tree.services, "Geheimer Entwurf", live=False)
    p.make_service(tree.services, "Geheime Beratung")
    agent = f.make_agent(f.QueueFactory())
    for url in (f"{SEARCH}?q=Geheim", f"/admin/choose-page/{tree.services.pk}/"):
        text = browser(agent).get(url).text
        assert "Geheime Beratung" in text
        assert draft.title not in text
    group = Group.objects.create(name="Editors of services")
    GroupPagePermission.objects.create(group=group, page=tree.services, permission_type="change")
    agent.groups.add(group)
    assert draft.title in browser(agent).get(SEARCH, {"q": "Geheim"}).text
