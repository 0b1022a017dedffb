"""docs/privacy.md tells the truth: of every table that there is, and of nothing that there is not.

`manage.py privacy_register` writes its tables anew after a change of the models.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import models
from django.utils import timezone

from helpdesk import conf, worker
from helpdesk.actions import addresses
from helpdesk.models import Article, Notice, OutboundMail, Privacy, Ticket
from helpdesk.notifications.letting_go import tidy_outbox
from helpdesk.privacy import register
from helpdesk.privacy.register import PARTS, Statement
from tests import factories as f

ROOT = Path(__file__).resolve().parents[3]
DOC = ROOT / "docs" / "privacy.md"


def text() -> str:
    return DOC.read_text(encoding="utf-8")


def test_nothing_is_missing():
    assert register.missing() == []


def test_document_is_as_the_models_are():
    assert register.renewed(text()) == text(), "run manage.py privacy_register"


@pytest.mark.parametrize(
    "model",
    [
        *apps.get_app_config("helpdesk").get_models(),
        *apps.get_app_config("portal").get_models(),
        get_user_model(),
    ],
    ids=lambda model: model.__name__,
)
def test_each_of_our_tables_stands_there_once(model):
    if model._meta.proxy or not model._meta.managed:
        return
    assert text().count(f"\n| `{model._meta.db_table}` |") == 1


def test_columns_are_told_by_what_they_hold():
    [row] = [row for row in register.rows() if row.table == Ticket._meta.db_table]
    assert "subject" in row.columns[Privacy.CONTENT]
    assert "contact" in row.columns[Privacy.PERSON]
    assert "number" in row.columns[Privacy.NONE]
    told = {name for names in row.columns.values() for name in names}
    assert told == set(register.texts_of(Ticket))


@pytest.fixture
def new_model():
    """A model that somebody adds and says nothing of."""

    class Complaint(models.Model):
        words = models.TextField()
        privacy = {"words": Privacy.CONTENT}

        class Meta:
            app_label = "helpdesk"

        def __str__(self) -> str:
            return self.words

        __module__ = "helpdesk.models.complaints"

    yield Complaint
    del apps.all_models["helpdesk"]["complaint"]
    apps.clear_cache()


def test_new_model_fails_with_where_to_write(new_model):
    [said] = register.missing()
    assert said.startswith("helpdesk.Complaint has no statement.")
    assert "helpdesk/privacy/statements.py" in said
    with pytest.raises(LookupError, match="Complaint"):
        register.rows()


def test_site_states_its_own(new_model, monkeypatch):
    monkeypatch.setattr(register, "_statements", dict(register._statements))
    said = Statement("requests", "who complains", "answering", "a year", "by hand")
    register.declare({"helpdesk.Complaint": said})
    assert register.missing() == []
    assert "| `helpdesk_complaint` | *content:* words | who complains |" in register.part_in_words(
        "requests"
    )
    with pytest.raises(ValueError, match="no part"):
        register.declare({"helpdesk.Complaint": Statement("nowhere", "", "", "", "")})


def test_new_column_of_others_fails(monkeypatch):
    monkeypatch.setattr(register, "_statements", dict(register._statements))
    said = Statement("accounts", "all", "log-in", "long", "by hand", {"username": "person"})
    register.declare({"portal.User": said})
    [message] = register.missing()
    assert "portal.User" in message
    assert "email" in message


def test_statement_without_a_model_fails(monkeypatch):
    monkeypatch.setattr(register, "_statements", dict(register._statements))
    register.declare({"helpdesk.Gone": Statement("mail", "", "", "", "")})
    assert register.missing() == ["helpdesk.Gone is stated, but there is no such model any more."]


def test_every_cell_says_something():
    for row in register.rows():
        said = row.statement
        assert all([said.whose, said.why, said.kept, said.goes]), row.table
        assert "|" not in "".join([said.whose, said.why, said.kept, said.goes])


def test_command_writes_and_checks(tmp_path):
    copy = tmp_path / "privacy.md"
    copy.write_text(text().replace("`helpdesk_article`", "`helpdesk_letter`"), encoding="utf-8")
    with pytest.raises(CommandError, match="older than the models"):
        call_command("privacy_register", "--check", file=copy)
    assert "`helpdesk_letter`" in copy.read_text(encoding="utf-8")
    call_command("privacy_register", file=copy, verbosity=0)
    assert copy.read_text(encoding="utf-8") == text()
    call_command("privacy_register", "--check", file=copy)
    copy.write_text("# Privacy", encoding="utf-8")
    with pytest.raises(CommandError, match="lost the marks"):
        call_command("privacy_register", file=copy)


# --- the times are true ----------------------------------------------------------------------------------------------


def test_settings_named_exist_and_have_the_default_that_is_told():
    told = re.findall(r"(\d+) days[^|(`]*\(`([A-Z_]+)`\)", text())
    told = [(number, name) for number, name in told if not name.startswith("SESSION_")]  # portal's
    named = {name for _number, name in told}
    assert {"RETENTION_DAYS", "OBJECTION_DAYS", "ARCHIVE_DAYS", "IGNORED_MAIL_DAYS"} <= named
    assert named <= set(conf.DEFAULTS)
    for number, name in told:
        assert int(number) == conf.DEFAULTS[name], name
    for name in ("OPEN_DAYS", "ERASE_HOUR", "STORAGE_WARNING_DAYS"):
        assert re.search(rf"\b{conf.DEFAULTS[name]}\b[^|]*\(`{name}`\)", text()), name


def test_times_that_are_constants_elsewhere():
    kept = {label: said.kept for label, said in register.stated().items()}
    assert kept["helpdesk.AutoMail"] == f"{worker.AUTO_MAIL_MEMORY.days} days"
    claim = register.stated()["helpdesk.AddressClaim"].why
    assert f"{addresses.CLAIM_HOLDS // 86400} days" in claim


def mail(**options) -> OutboundMail:
    made = options.pop("made", timedelta(days=91))
    number = OutboundMail.objects.count()
    row = OutboundMail.objects.create(
        **{
            "kind": OutboundMail.Kind.CODE,
            "state": OutboundMail.State.SENT,
            "message_id": f"<{number}@desk.example>",
            "from_address": "desk@desk.example",
            "subject": "Your code",
            "body": "123456",
            "due_at": timezone.now(),
            **options,
        }
    )
    OutboundMail.objects.filter(pk=row.pk).update(created_at=timezone.now() - made)
    return row


@pytest.mark.django_db
def test_mails_of_no_ticket_go():
    ticket = f.make_ticket(contact="")
    old = mail()
    notice = Notice.objects.create(
        user=f.UserFactory(), kind="reply", at=timezone.now(), ticket=ticket, mail=old
    )
    stay = {
        mail(made=timedelta(days=89)).pk,
        mail(ticket=ticket).pk,
        mail(state=OutboundMail.State.QUEUED).pk,
    }
    worker.tidy()
    assert set(OutboundMail.objects.values_list("pk", flat=True)) == stay
    notice.refresh_from_db()
    assert notice.mail is None
    assert tidy_outbox(now=timezone.now()) == 0


def test_every_part_of_the_document_has_rows():
    said = {row.statement.part for row in register.rows()}
    assert said == set(PARTS)


def test_what_goes_with_the_ticket_points_to_it():
    """Who says so of a table from which no way leads to a ticket says something wrong."""
    for model in register.tables():
        statement = register.stated()[model._meta.label]
        if model._meta.app_label == "helpdesk" and statement.kept == "with the ticket":
            columns = model._meta.concrete_fields
            to = {one.related_model for one in columns if one.is_relation}
            assert to & {Ticket, Article}, model


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#]+)\)", text()))
def test_link_leads_somewhere(path):
    assert (DOC.parent / path).exists()
