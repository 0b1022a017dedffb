"""Every column that may hold words is classified, so that erasure forgets none."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import models

from helpdesk.models import Privacy

MODELS = [model for model in apps.get_app_config("helpdesk").get_models() if not model._meta.proxy]
WORDS = (models.CharField, models.TextField, models.JSONField, models.FileField)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_each_column_of_words_says_whether_it_is_content(model):
    columns = {field.name for field in model._meta.local_fields if isinstance(field, WORDS)}
    assert set(model.privacy) == columns
    assert set(model.privacy.values()) <= set(Privacy)
