"""What the forms of the composer know of their author: what was seen, and what was saved of the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk import conf
from helpdesk.actions import Upload, saved_drafts
from helpdesk.actions.unseen import Sight
from helpdesk.errors import HelpdeskError, InvalidInput, StaleView
from helpdesk.models import DraftFile, SavedDraft

from .change_form import ChangeForm
from .desk import Desk
from .thread import Entry, EventLine, bare_entry, lines_of

#: The fields that a draft keeps as they were typed.
KEPT_FIELDS = ("body", "to", "cc", "state", "pending_until", "original", "again")


@dataclass(frozen=True)
class News:
    """What happened while somebody was writing, oldest first."""

    entries: list[Entry]
    lines: list[EventLine]


class DraftedForm(ChangeForm):
    """A form whose text is saved while it is written, and is held back if its author was overtaken."""

    last_article = forms.IntegerField(required=False, widget=forms.HiddenInput)
    last_event = forms.IntegerField(required=False, widget=forms.HiddenInput)
    draft_version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    drafted = forms.MultipleChoiceField(
        label=gettext_lazy("Files of the draft"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    shared = forms.BooleanField(label=gettext_lazy("Share the draft with the team"), required=False)

    saved: SavedDraft | None = None
    news: News | None = None

    @classmethod
    def fresh(cls, desk: Desk, before: dict[str, Any]) -> Self:
        """Return the form as it is shown first: with `before` in it, else with the agent's draft."""
        saved = None if before else desk.own_draft(cls.name)
        again = saved.fields.get("again") if saved is not None else None
        form = cls(desk=desk, initial=before or ({"again": again} if again else {}))
        if saved is not None:
            form.restore(saved)
        return form

    def offer(self) -> None:
        # a message that was taken back is written again beside an older draft, not in its place
        self.saved = None if "body" in self.initial else self.desk.own_draft(self.name)
        fields: Any = self.fields
        fields["last_article"].initial = lambda: self.desk.sight.article
        fields["last_event"].initial = lambda: self.desk.sight.event
        fields["draft_version"].initial = self.saved.version if self.saved else 0
        fields["shared"].initial = bool(self.saved and self.saved.is_shared)
        choices = [(str(one.pk), one.name) for one in self.files_of_draft]
        if choices:
            self.choose("drafted", list(choices), [pk for pk, _name in choices])
        else:
            del self.fields["drafted"]

    @property
    def files_of_draft(self) -> list[DraftFile]:
        return list(self.saved.files.all()) if self.saved is not None else []

    def restore(self, draft: SavedDraft) -> None:
        """Put what a draft keeps into the fields of a form that nobody has sent."""
        for name in KEPT_FIELDS:
            if name in self.fields and name in draft.fields:
                self.fields[name].initial = draft.fields[name]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        limit = int(conf.get("UPLOAD_MAX_FILES"))
        if len(data.get("files") or ()) + len(data.get("drafted") or ()) > limit:
            self.add_error("files", _("At most %(n)d files.") % {"n": limit})
        return data

    def texts(self) -> dict[str, str]:
        """Return what a draft keeps of a form that was sent, valid or not."""
        names = [name for name in KEPT_FIELDS if name in self.fields and name in self.data]
        return {name: str(self.data.get(name, "")).replace("\r\n", "\n") for name in names}

    def seen(self) -> Sight:
        """Return up to where its author had seen the ticket."""
        return Sight(
            self.cleaned_data.get("last_article") or 0, self.cleaned_data.get("last_event")
        )

    def saved_uploads(self) -> tuple[Upload, ...]:
        """Return the files of the draft that are to be sent. Raises `InvalidInput` if one is lost."""
        chosen = self.cleaned_data.get("drafted") or ()
        rows = [one for one in self.files_of_draft if str(one.pk) in chosen]
        for one in rows:
            if one.blob.is_quarantined:
                words = _("A virus was found in “%(name)s”. Please take it out of the draft.")
                raise InvalidInput(words % {"name": one.name}, field="files")
        try:
            return tuple(Upload(one.name, one.blob.read(), one.content_type) for one in rows)
        except FileNotFoundError:
            raise InvalidInput(
                _("A file of the draft is gone. Please choose it again."), field="files"
            ) from None

    def forget_draft(self) -> None:
        saved_drafts.discard_draft(mode=self.name, **self.who)


def held_back(form: DraftedForm, desk: Desk, error: StaleView) -> DraftedForm:
    """Return a form that was stopped: with all that was typed, its files kept, and what is new above it.

    `desk` has the ticket as it is now. The form is sent as it stands when it is sent again.
    """
    data: Any = form.data.copy()  # type: ignore[attr-defined]
    sight: Any = error.sight
    data["last_article"], data["last_event"] = str(sight.article), str(sight.event)
    shared = bool(form.saved and form.saved.is_shared)
    before = {one.pk for one in form.files_of_draft}
    try:
        row = saved_drafts.save_draft(
            mode=form.name,
            fields=form.texts(),
            seen=sight.article,
            shared=shared,
            files=form.cleaned_data["files"],
            **form.who,
        )
    except HelpdeskError:  # too long for a draft: it stays in the page
        pass
    else:
        new = set(row.files.values_list("pk", flat=True)) - before
        kept = [*form.cleaned_data.get("drafted", ()), *map(str, sorted(new))]
        data["draft_version"] = str(row.version)
        data.setlist("drafted", kept)
    held = type(form)(data, desk=desk)
    held.news = News(
        [bare_entry(article) for article in error.articles], lines_of(desk, list(error.changes))
    )
    return held
