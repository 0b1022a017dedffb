"""The form a visitor fills in, built from the blocks of a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.forms.utils import ErrorDict
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from helpdesk import addressing, conf, limits, uploads
from helpdesk.actions import Upload

from . import holding, seen, steps
from .conditional import PREFIX, ConditionalForm, only_if
from .conditions import leaves
from .giving_back import Version
from .inputs.hidden import HiddenField
from .logins import LoginField
from .rows import RowsBoundField, anchor
from .uploads import Chosen


@dataclass(frozen=True)
class Part:
    """One thing on the page, in order: a heading with text, a text, or a field.

    `place` is that of its block in the form, `when` its condition in words, if it is no field: a field's help
    says it.
    """

    kind: str  # "step", "section", "text", "field"
    place: int
    is_asked: bool
    when: str = ""
    is_demanded: bool = False
    heading: str = ""
    text: Any = ""
    field: BoundField | None = None
    #: the language of its words, where it is not that of the page
    lang: str = ""


@dataclass(frozen=True)
class FormProblem:
    """One error for the list at the top: where it is, what the field is called, what is wrong."""

    anchor: str
    label: str
    message: str


class IntakeForm(ConditionalForm):
    """Contact, the page's fields, and the objection to storage.

    `stream` holds the blocks, `user` the visitor; who is logged in is asked for neither name, address nor
    log-in name if the account has them. `parameters` are those of the page's address; `holding` has the
    files that were sent with the form before, `version` says which form that was. Clean values: see `answer_of`, `uploads`, `contact_name`,
    `contact_email`, `objects`.
    """

    use_required_attribute = False
    error_css_class = "field--invalid"
    is_left_unchecked = False

    contact_name = forms.CharField(
        label=_("Your name"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    contact_email = forms.EmailField(
        label=_("Your e-mail address"),
        max_length=254,
        help_text=_("The confirmation and our answers go there."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    objects_to_storage = forms.BooleanField(required=False)
    # out of sight: only a program fills this in
    remarks_check = forms.CharField(
        label=_("Please leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )
    # when the form was shown, signed: a program sends it at once, or much later
    shown_at = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput())
    submission_key = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput())
    # which questions were seen, signed
    form_seen = forms.CharField(required=False, widget=forms.HiddenInput())

    def __init__(
        self,
        *args: Any,
        stream: Any,
        user: Any = None,
        objection: str = "",
        parameters: Mapping[str, Any] | None = None,
        holding: holding.Holding | None = None,
        version: Version | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.stream = stream
        #: all blocks in the order of the page, those of field sets in their place
        self.children = stream.stream_block.expanded(stream)
        self.inputs = {
            PREFIX + child.value["key"]: child
            for child in self.children
            if child.block_type in stream.stream_block.input_types
        }
        for name, child in self.inputs.items():
            field = self.fields[name] = child.block.build(child.value)
            if isinstance(field, HiddenField):
                field.take(parameters or {})
                if child.value["key"] not in self._asked_about:
                    field.withhold()
        self.fields["objects_to_storage"].label = objection
        if not objection:  # it would change nothing
            del self.fields["objects_to_storage"]
        self.fields["submission_key"].initial = uuid4().hex
        self.fields["shown_at"].initial = limits.stamp
        self.digest = seen.digest(self.children)
        self.version = version
        self.fields[seen.NOTE].initial = self._note()
        self._is_known = user is not None and user.is_authenticated
        self._known = self._know(user)
        self.say_conditions()
        self.holding = holding
        #: names of files that have to be chosen again
        self.lost_names: list[str] = []
        if holding is not None and self.is_bound:
            holding.find(self)

    @cached_property
    def _asked_about(self) -> set[str]:
        """The keys that conditions of the form ask about: these the browser has to know."""
        trees = (
            child.value.get(name)
            for child in self.children
            for name in ("condition", "required_when")
        )
        return {str(leaf["field"]) for tree in trees for leaf in leaves(tree)}

    def _know(self, user: Any) -> dict[str, str]:
        """Fill in what the account tells, and let nobody change it."""
        if user is None or not user.is_authenticated:
            return {}
        told = {"contact_name": user.get_full_name(), "contact_email": user.email}
        known = {name: value for name, value in told.items() if value}
        for field in self.fields.values():
            if isinstance(field, LoginField):
                field.know(user.get_username())
        for name, value in known.items():
            self.fields[name].widget.attrs["readonly"] = True
            self.fields[name].required = False
            self.initial[name] = value
        return known

    def clean_contact_name(self) -> str:
        return self._known.get("contact_name", self.cleaned_data["contact_name"])

    def clean_contact_email(self) -> str:
        address = self._known.get("contact_email", self.cleaned_data["contact_email"])
        if not addressing.is_address(address):
            raise ValidationError(_("We cannot write to this address. Is it spelled right?"))
        return address

    def clean_remarks_check(self) -> str:
        if self.cleaned_data["remarks_check"]:
            raise ValidationError(_("Please leave this empty. It is here to stop programs."))
        return ""

    def clean_shown_at(self) -> str:
        """Ask a visitor whom we do not know to send once more what came too fast, or too late."""
        stamped = self.cleaned_data["shown_at"]
        if self._is_known or limits.in_good_time(stamped):
            return stamped
        if not limits.is_fresh(stamped):
            self.data = seen.refreshed(self.data, shown_at=limits.stamp())
        self.add_error(None, _("Please look through the form and send it once more. This keeps programs out."))  # fmt: skip
        return ""

    def clean(self) -> dict[str, Any]:
        most = int(conf.get("UPLOAD_MAX_FILES"))
        if len(self.chosen()) > most:
            message = ngettext(
                "Please send no more than %(n)d file at once.",
                "Please send no more than %(n)d files at once.",
                most,
            )
            raise ValidationError(message % {"n": most})
        uploads.check_total(sum(one.size for one in self.chosen()))
        return self.cleaned_data

    # --- lists of rows ---

    @cached_property
    def only_changes_rows(self) -> bool:
        """Whether a button of a list was pressed: it is changed, and the form not checked yet."""
        return self.is_bound and any(
            isinstance(self[name], RowsBoundField) and self[name].data.asked for name in self.inputs
        )

    def is_valid(self) -> bool:
        return not self.only_changes_rows and super().is_valid()

    def full_clean(self) -> None:
        if self.only_changes_rows or self.is_left_unchecked:
            self._errors, self.cleaned_data = ErrorDict(), {}
        else:
            super().full_clean()

    def leave_unchecked(self, words: str) -> None:
        """Say why nobody looks at what was sent; all of it is shown again."""
        self.is_left_unchecked = True
        self.add_error(None, words)

    @cached_property
    def is_outdated(self) -> bool:
        """Whether the form was opened with other questions than it has now."""
        return self.is_bound and seen.differs(str(self.data.get(seen.NOTE, "")), self.digest)

    @cached_property
    def given_back(self) -> str:
        """What was written where there is no question any more: shown until the form is sent."""
        if not self.is_bound:
            return ""
        lost = seen.lost(self) if self.is_outdated else ""
        return "\n\n".join(filter(None, [str(self.data.get(seen.GIVEN_BACK, "")).strip(), lost]))

    def _note(self) -> str:
        return seen.note(self.digest, self.version.revision if self.version else None)

    def show_anew(self) -> None:
        """Take nothing of a form that is outdated; say so, and show its questions as they are now."""
        renewed = {seen.NOTE: self._note()}
        stamped = str(self.data.get("shown_at", ""))
        if stamped and not limits.is_fresh(stamped):
            renewed["shown_at"] = limits.stamp()
        _kept = self.given_back  # read while the note still says what was seen
        self.data = seen.refreshed(self.data, **renewed)
        self.leave_unchecked(str(seen.CHANGED))

    # --- what was answered ---

    def answer_of(self, child: Any) -> Any:
        """Return the clean value of a block's field."""
        return self.cleaned_data.get(PREFIX + child.value["key"])

    def chosen(self) -> list[Chosen]:
        """Return the files of a checked form: those sent now and those that are held."""
        names = (name for name, _field in holding.files_fields(self))
        return [one for name in names for one in self.cleaned_data.get(name) or ()]

    def uploads(self) -> tuple[Upload, ...]:
        """Return the same with their bytes, each with the key of its field. Raises `holding.Gone` if some are lost."""
        return self._uploads

    @cached_property
    def _uploads(self) -> tuple[Upload, ...]:
        found = []
        for name, field in holding.files_fields(self):
            for one in self.cleaned_data.get(name) or ():
                content = holding.bytes_of(one)
                found.append(Upload(one.name, content, one.content_type, answer_key=field.key))
        return tuple(found)

    def digests(self) -> list[str]:
        """Return the digests of the files of what is asked, also of those that were held and are filed by now."""
        asked = self.asked_inputs()
        fields = [(name, field) for name, field in holding.files_fields(self) if name in asked]
        return [one for name, field in fields for one in field.digests(self[name].data)]

    @property
    def is_by_program(self) -> bool:
        """Whether what was sent looks like the work of a program, or may be an old copy of one."""
        if self.data.get("remarks_check"):
            return True
        return not self._is_known and not limits.in_good_time(str(self.data.get("shown_at", "")))

    # --- what is shown ---

    def parts(self) -> Iterator[Part]:
        """Yield the page's blocks in order, ready to be shown."""
        for place, (child, row) in enumerate(zip(self.children, self.rows, strict=True)):
            is_asked, lang = place in self.asked.places, getattr(child, "language", "")
            if row.kind == "field":
                demanded = row.required is not None
                bound = self[PREFIX + row.key]
                yield Part("field", place, is_asked, is_demanded=demanded, field=bound, lang=lang)
            else:
                heading = child.value.get("title") or child.value.get("heading") or ""
                when = only_if(row.shown)
                text = child.value["text"]
                yield Part(row.kind, place, is_asked, when, False, heading, text, lang=lang)

    def steps(self) -> list[steps.Step]:
        """Return the parts by step, ready to be shown."""
        return steps.steps_of(self)

    def script_data(self) -> dict[str, Any]:
        """Return what the script of the form has to know."""
        return steps.script_data(self)

    def problems(self) -> list[FormProblem]:
        """Return the errors in the order of the page."""
        named = ["contact_name", "contact_email", *self.inputs, "objects_to_storage"]
        order = [name for name in named if name in self.fields]
        order += [name for name in self.errors if name not in order and name != "__all__"]
        found = [FormProblem("", "", str(message)) for message in self.non_field_errors()]
        for name in order:
            bound = self[name]
            if isinstance(bound, RowsBoundField):
                found += [FormProblem(*one) for one in bound.problems()]
                continue
            found += [
                FormProblem(anchor(bound), str(bound.label), str(one)) for one in bound.errors
            ]
        return found

    def wrong_answers(self) -> int:
        """Return how many of the problems are answers; a check on programs is none."""
        return sum(bool(one.anchor) for one in self.problems())

    def held_names(self) -> list[str]:
        """Return the names of the files that are held until the form is sent."""
        fields = holding.files_fields(self)
        return [one.name for _name, field in fields for one in field.held]
