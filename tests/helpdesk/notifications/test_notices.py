"""Notices as they read."""

from __future__ import annotations

import pytest
from django.utils import translation

from helpdesk.models import Notice, NoticeKind
from helpdesk.notifications import notices
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("language", "name", "line"),
    [
        ("en", "Ada", "Hello Ada Beispiel,"),
        ("en", "", "Hello,"),
        # a whole sentence follows: after a comma German goes on with a small letter
        ("de", "Ada", "Guten Tag Ada Beispiel!"),
        ("de", "", "Guten Tag!"),
    ],
)
def test_a_notice_greets_so_that_a_sentence_can_follow(language, name, line):
    user = f.UserFactory(first_name=name, last_name="Beispiel" if name else "")
    with translation.override(language):
        text = notices._text(Notice(user=user, kind=NoticeKind.ASSIGNED), url="/x")
    assert text.startswith(f"{line}\n\n")
