"""The mails that other projects collected for their tests, through the whole pipeline."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command

from helpdesk.models import InboundMail
from tests import factories as f

SAMPLES = Path(settings.SAMPLE_MAILS)
MAILS = sorted(SAMPLES.rglob("*.eml"))

pytestmark = [
    pytest.mark.mails,
    pytest.mark.django_db,
    pytest.mark.skipif(not MAILS, reason=f"no collected mails at SAMPLE_MAILS ({SAMPLES.name})"),
]


def ingest() -> list[dict]:
    out = io.StringIO()
    call_command("ingest", str(SAMPLES), queue="support", json=True, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def counts() -> dict[str, int]:
    return {model._meta.label: model._base_manager.count() for model in apps.get_models()}


def test_all_collected_mails_are_filed_and_a_second_run_adds_nothing():
    f.QueueFactory(slug="support")
    first = ingest()
    # some files are equal: those are one delivery
    contents = {hashlib.sha256(path.read_bytes()).hexdigest() for path in MAILS}
    assert {Path(line["source"]) for line in first} == set(MAILS)
    assert len(first) == len(MAILS)
    assert set(InboundMail.objects.values_list("key", flat=True)) == contents
    assert [line for line in first if line["outcome"] == "failed"] == []
    assert all(line["article"] or line["outcome"] == "ignored" for line in first)
    assert all(line["reason"] for line in first if line["outcome"] == "ignored")
    before = counts()
    second = ingest()
    assert second == [{**line, "reason": "already filed"} for line in first]
    assert counts() == before
