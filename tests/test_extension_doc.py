"""docs/extension.md tells the truth: its examples are the second site's code, its table is complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from helpdesk import checks, conf

pytestmark = pytest.mark.pure

ROOT = Path(__file__).resolve().parent.parent
DOC = (ROOT / "docs" / "extension.md").read_text()
EXAMPLES = re.findall(r"<!-- (\S+) -->\n```python\n(.*?)```", DOC, re.DOTALL)
ROWS = dict(re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \|", DOC, re.MULTILINE))


def test_every_python_example_names_its_file():
    assert len(EXAMPLES) == DOC.count("```python")


@pytest.mark.parametrize(("path", "code"), EXAMPLES)
def test_example_is_code_of_the_second_site(path, code):
    assert code in (ROOT / path).read_text()


def test_table_has_every_setting_with_its_default():
    defaults = {name: repr(value).replace("'", '"') for name, value in conf.DEFAULTS.items()}
    assert defaults == ROWS


@pytest.mark.parametrize("name", checks.REQUIRED_APPS)
def test_example_names_every_app_that_is_needed(name):
    apps = next(code for _path, code in EXAMPLES if "INSTALLED_APPS" in code)
    assert f'"{name}"' in apps


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#]+)\)", DOC))
def test_link_leads_somewhere(path):
    assert (ROOT / "docs" / path).exists()
