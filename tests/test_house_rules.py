"""What the import contracts cannot see: who writes what, and how large a thing may grow."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from helpdesk.models import Privacy

ROOT = Path(__file__).resolve().parent.parent
GRAB_BAGS = {"utils", "helpers", "services", "signals", "tasks", "common", "misc"}
#: Columns of a ticket that only verbs write.
GUARDED = {"state", "queue", "owner", "priority"}
#: A function's lines are counted behind its signature and docstring: contracts may be long.
MODULE_LINES, FUNCTION_LINES = 400, 50
#: Larger for a reason.
LARGE_MODULES: set[str] = set()
LARGE_FUNCTIONS = {
    "helpdesk/actions/opening.py:open_ticket",  # fills every column of a row, each on its line
}
#: What sends mail, and where that may be.
SENDING = {
    "send_mail",
    "send_mass_mail",
    "mail_admins",
    "mail_managers",
    "EmailMultiAlternatives",
    "smtplib",
}
SENDERS = ("helpdesk/notifications/", "helpdesk/mailroom/")
#: Reading the environment, and where that may be.
ENVIRONMENT = {"environ", "getenv", "environb", "putenv"}
ENVIRONMENT_READERS = {"portal/settings/base.py", "portal/wsgi.py", "manage.py"}


def sources(*folders: str) -> list[str]:
    """Return the Python files of ours, without migrations, as paths from the root."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    names = [path.relative_to(ROOT).as_posix() for path in found]
    return sorted(name for name in names if "/migrations/" not in name)


@cache
def tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"), name)


def place(name: str, node: ast.AST) -> str:
    return f"{name}:{getattr(node, 'lineno', 0)}"


def last_name(node: ast.AST) -> str:
    """Return `ticket` for `ticket`, `self.ticket`, `step.ticket`; '' for what has no name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def targets(node: ast.AST) -> Iterator[ast.AST]:
    """Give what a statement assigns to, tuples taken apart."""
    if isinstance(node, ast.Assign):
        found = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        found = [node.target]
    else:
        return
    for one in found:
        yield from one.elts if isinstance(one, ast.Tuple | ast.List) else [one]


def names_of(node: ast.AST) -> set[str]:
    """Return all names that occur in an expression."""
    return {
        one.id if isinstance(one, ast.Name) else one.attr
        for one in ast.walk(node)
        if isinstance(one, ast.Name | ast.Attribute)
    }


def is_ticket(node: ast.AST) -> bool:
    return last_name(node).lower().endswith("ticket")


def writes_ticket(node: ast.AST) -> bool:
    """Tell whether a node sets a guarded column of a ticket, or of a set of them."""
    for target in targets(node):
        if isinstance(target, ast.Attribute) and is_ticket(target.value):
            return target.attr.removesuffix("_id") in GUARDED
    if not isinstance(node, ast.Call):
        return False
    called = last_name(node.func)
    keywords = {(word.arg or "").removesuffix("_id") for word in node.keywords}
    if called == "setattr" and node.args:
        return is_ticket(node.args[0])
    if called in {"update", "create", "bulk_update", "update_or_create"}:
        about = {name.lower() for name in names_of(node.func)}
        tickets = any(name in {"ticket", "tickets", "visible_tickets"} for name in about)
        return tickets and (called.startswith("bulk") or called == "create" or keywords & GUARDED)
    return called == "Ticket" and bool(keywords & GUARDED)


def offenders(folders: list[str], rule, allowed: tuple[str, ...] = ()) -> list[str]:
    return [
        place(name, node)
        for name in folders
        if not name.startswith(allowed)
        for node in ast.walk(tree(name))
        if rule(node)
    ]


HELPDESK = sources("helpdesk")
EVERYTHING = [*sources("helpdesk", "portal"), "manage.py"]


def test_no_module_is_a_grab_bag():
    assert [name for name in EVERYTHING if set(Path(name).with_suffix("").parts) & GRAB_BAGS] == []


def test_every_module_of_code_starts_with_the_future():
    late = [
        name
        for name in HELPDESK
        if any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree(name).body)
        and "from __future__ import annotations" not in (ROOT / name).read_text(encoding="utf-8")
    ]
    assert late == []


def test_only_verbs_write_a_ticket():
    assert offenders(EVERYTHING, writes_ticket, ("helpdesk/actions/", "helpdesk/models/")) == []


@pytest.mark.parametrize(
    ("code", "caught"),
    [
        ("ticket.state = closed", True),
        ("self.ticket.queue_id = 3", True),
        ("a, old_ticket.owner = b, None", True),
        ("Ticket.objects.filter(pk=1).update(state=closed)", True),
        ("visible_tickets(actor).update(queue=queue)", True),
        ("Ticket.objects.create(subject='x')", True),
        ("Ticket(queue=queue)", True),
        ("setattr(ticket, name, value)", True),
        ("inbound.state = 'filed'", False),
        ("ticket.version += 1", False),
        ("rows.update(state='sent')", False),
        ("self.instance.queue = queue", False),
        ("Ticket.objects.filter(state=closed)", False),
    ],
)
def test_the_rule_about_tickets_sees_every_way_of_writing(code, caught):
    assert any(writes_ticket(node) for node in ast.walk(ast.parse(code))) is caught


def test_only_one_function_writes_the_history():
    def writes_event(node: ast.AST) -> bool:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return False
        writing = {"create", "bulk_create", "get_or_create", "update_or_create", "update", "delete"}
        return node.func.attr in writing and "Event" in names_of(node.func.value)

    assert offenders(EVERYTHING, writes_event, ("helpdesk/events.py",)) == []


def test_nobody_else_builds_an_event():
    def imports_event(node: ast.AST) -> bool:
        ours = isinstance(node, ast.ImportFrom) and "models" in (node.module or "").split(".")
        return ours and any(one.name == "Event" for one in node.names)

    def builds_event(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and last_name(node.func) == "Event"

    suspects = [name for name in HELPDESK if any(map(imports_event, ast.walk(tree(name))))]
    assert offenders(suspects, builds_event, ("helpdesk/events.py",)) == []


def test_only_notifications_send_mail():
    def sends(node: ast.AST) -> bool:
        if isinstance(node, ast.Import):
            return any(one.name in SENDING for one in node.names)
        if isinstance(node, ast.ImportFrom):
            django = (node.module or "").startswith("django.core.mail")
            return django or node.module == "smtplib" or any(n.name in SENDING for n in node.names)
        return isinstance(node, ast.Attribute) and node.attr in {"email_user", *SENDING}

    assert offenders(EVERYTHING, sends, SENDERS) == []


def test_the_environment_is_read_in_one_file():
    def reads(node: ast.AST) -> bool:
        return isinstance(node, ast.Attribute | ast.Name) and last_name(node) in ENVIRONMENT

    readers = [name for name in EVERYTHING if name not in ENVIRONMENT_READERS]
    assert offenders(readers, reads) == []


def test_the_entries_only_give_the_environment_a_default():
    for name in ("portal/wsgi.py", "manage.py"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert text.count("environ") == text.count("environ.setdefault(")


def text_columns(model: type[models.Model]) -> set[str]:
    """Return the columns in which people's words or names can stand."""
    kinds = (models.CharField, models.TextField, models.JSONField, models.FileField)
    return {
        field.name
        for field in model._meta.get_fields()
        if isinstance(field, kinds) and not field.auto_created
    }


@pytest.mark.parametrize(
    "model",
    [
        model
        for model in apps.get_app_config("helpdesk").get_models()
        if not model._meta.proxy and model.__module__.startswith("helpdesk.")
    ],
    ids=lambda model: model.__name__,
)
def test_every_text_column_says_whether_it_holds_content(model):
    privacy = getattr(model, "privacy", {})
    columns = {field.name for field in model._meta.get_fields()}
    assert set(privacy.values()) <= set(Privacy)
    assert text_columns(model) - set(privacy) == set()
    assert set(privacy) - columns == set()


def sets_for_all(node: ast.AST) -> bool:
    """Tell whether a statement changes a constant of a module or class, for every test that comes after."""
    return any(
        isinstance(target, ast.Attribute)
        and isinstance(target.value, ast.Name)
        and target.value.id != "settings"  # pytest-django's fixture puts its own back
        and target.attr.isupper()
        for target in targets(node)
    )


def test_no_test_leaves_a_constant_changed():
    """What one test sets with `monkeypatch` ends with it; an assignment stays for what this process runs next."""
    modules = [
        name for name in sources("tests") if Path(name).name.startswith(("test_", "conftest"))
    ]
    assert offenders(modules, sets_for_all) == []


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("name", HELPDESK)
def test_a_module_and_its_functions_stay_small(name):
    lines = (ROOT / name).read_text(encoding="utf-8").count("\n")
    long = {
        f"{name}:{node.name}"
        for node in ast.walk(tree(name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and body_lines(node) > FUNCTION_LINES
    }
    assert lines <= MODULE_LINES or name in LARGE_MODULES
    assert long - LARGE_FUNCTIONS == set()


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Give every text file of the project that is no sample mail."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and not name.startswith("tests/mails/"):
            data = path.read_bytes()
            if b"\0" not in data:
                yield name, data.decode("utf-8", errors="replace")


def test_no_file_names_a_registry_or_a_place_on_somebodys_machine():
    # put together here, so that this file does not name them itself
    hosts = [
        ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))
    ]
    folders = [f"/{top}/" for top in ("home", "Users", "root", "work")]
    pattern = re.compile(
        "|".join(map(re.escape, hosts)) + r"|(?<![\w./-])(?:" + "|".join(folders) + r")[\w.-]"
    )
    found = [
        f"{name}: {match.group()}"
        for name, text in tracked_texts()
        if (match := pattern.search(text))
    ]
    assert found == []
