"""Downloads of Wagtail's own lists stand in the audit log."""

from __future__ import annotations

import pytest

from helpdesk.models import AuditEntry, AuditKind
from tests import factories as f
from tests.helpdesk.agents.conftest import browser

pytestmark = pytest.mark.django_db
HISTORY = "/admin/reports/site-history/"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_download_of_the_sites_history_is_written_down(kind):
    root = f.UserFactory(username="root", is_superuser=True, is_staff=True)
    client = browser(root)
    assert client.get(HISTORY).status_code == 200
    assert client.get(HISTORY, {"export": "nothing"}).status_code == 200
    assert not AuditEntry.objects.filter(kind=AuditKind.EXPORTED).exists()
    assert client.get(HISTORY, {"export": kind}).status_code == 200
    row = AuditEntry.objects.get(kind=AuditKind.EXPORTED)
    assert (row.user_id, row.data["format"]) == (root.pk, kind)
    assert row.data["list"] == "wagtailadmin_reports:site_history"
    assert "a list of the admin" in client.get("/admin/helpdesk/audit/").text


def test_who_may_not_download_leaves_no_line():
    client = browser(f.make_agent(f.QueueFactory()))
    for url in ("/admin/redirects/", "/admin/reports/locked/"):
        assert client.get(url, {"export": "csv"}).status_code == 302, url
    assert not AuditEntry.objects.filter(kind=AuditKind.EXPORTED).exists()
