from __future__ import annotations

import pytest
from django.test import override_settings

from helpdesk import conf

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("languages", "main", "asked", "expected"),
    [
        (["de", "en"], "de", "", "de"),
        (["de", "en"], "de", "en", "en"),
        (["de", "en"], "de", "en-gb", "en"),
        (["en-gb"], "en-gb", "en", "en-gb"),
        (["en-gb"], "en-gb", "de", "en-gb"),
        (["de", "en"], "de", "no language", "de"),
    ],
)
def test_language_is_one_of_the_site(languages, main, asked, expected):
    pairs = [(code, code) for code in languages]
    with override_settings(LANGUAGES=pairs, LANGUAGE_CODE=main):
        assert conf.site_language(asked) == expected
        assert conf.language_choices() == pairs


def test_unknown_setting_is_a_fault_of_the_program():
    with pytest.raises(KeyError):
        conf.get("NO_SUCH_SETTING")
