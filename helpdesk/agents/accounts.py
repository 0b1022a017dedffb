"""Mail accounts: django-mailbox's registry with our own facts, and a secret that is never shown."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_mailbox.models import Mailbox
from wagtail.admin import messages
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, ObjectList
from wagtail_modeladmin.helpers import PermissionHelper
from wagtail_modeladmin.options import ModelAdmin
from wagtail_modeladmin.views import CreateView, EditView

from helpdesk import permissions, storage
from helpdesk.mail import health, trial
from helpdesk.mail.transports import InvalidUri, open_transport
from helpdesk.mail.transports.wire import is_loopback
from helpdesk.models import MailAccount, OAuthAccess, Queue
from helpdesk.permissions import Actor

from . import departments, policy
from .mailbox_address import LOCAL, OPEN, PROTOCOLS, Address
from .paging import GuardedIndex, find_row
from .tickets_list import queue_choices
from .trouble import trouble_words

#: Columns of ours that the form shows as they are.
OWN = ("oauth", "move_to", "uses_idle", "authserv_id", "trusted")


def visible_accounts(actor: Actor) -> QuerySet[Mailbox]:
    """Return the mailboxes of the queues that the actor administers; superusers see all."""
    rows = Mailbox.objects.select_related("helpdesk_account__queue")
    if policy.is_superuser(actor):
        return rows
    return rows.filter(helpdesk_account__queue__in=permissions.administered(actor))


class MailboxForm(forms.ModelForm):
    """The account's facts. The secret goes in and never comes out; an empty input keeps it."""

    protocol = forms.ChoiceField(label=gettext_lazy("Protocol"), choices=PROTOCOLS)
    host = forms.CharField(label=gettext_lazy("Server"), required=False, max_length=250)
    port = forms.IntegerField(
        label=gettext_lazy("Port"),
        required=False,
        min_value=1,
        max_value=65535,
        help_text=gettext_lazy("Empty: the usual one."),
    )
    user = forms.CharField(label=gettext_lazy("User"), required=False, max_length=250)
    secret = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Never shown. Empty: the stored one stays."),
    )
    path = forms.CharField(
        label=gettext_lazy("Folder on this machine"), required=False, max_length=250
    )
    folder = forms.CharField(
        label=gettext_lazy("Folder of the mailbox"),
        required=False,
        max_length=250,
        help_text=gettext_lazy("Empty: the inbox."),
    )
    queue = forms.ChoiceField(label=gettext_lazy("Queue"))
    oauth = forms.ModelChoiceField(OAuthAccess.objects.none(), required=False, empty_label="–")
    move_to = forms.CharField(required=False, max_length=250)
    uses_idle = forms.BooleanField(required=False, initial=True)
    authserv_id = forms.CharField(required=False, max_length=250)
    trusted = forms.BooleanField(required=False)

    class Meta:
        model = Mailbox
        fields = ["name", "active"]
        labels = {"name": gettext_lazy("Name"), "active": gettext_lazy("In use")}
        help_texts = {"active": ""}

    def __init__(self, *args: Any, for_user: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = policy.actor_for(for_user)
        self.account = MailAccount.objects.filter(mailbox=self.instance.pk or 0).first()
        self.address = Address.read(self.instance.uri or "") if self.instance.pk else Address()
        fields: Any = self.fields
        for name in OWN:
            column: Any = MailAccount._meta.get_field(name)
            fields[name].label, fields[name].help_text = column.verbose_name, column.help_text
            if self.account is not None:
                fields[name].initial = column.value_from_object(self.account)
        for name in ("protocol", "host", "port", "user", "path", "folder"):
            fields[name].initial = getattr(self.address, name)
        fields["queue"].choices = queue_choices(permissions.administered(self.actor))
        if self.account is not None:
            fields["queue"].initial = self.account.queue_id
        if policy.is_superuser(self.actor):
            fields["oauth"].queryset = OAuthAccess.objects.all()
        else:
            self._limit(fields)

    def _limit(self, fields: Any) -> None:
        """Take from an administrator what reaches beyond their queues: files of this machine, trust, tokens.

        A token of their own department is theirs to use; one of the site stays where a superuser put it.
        """
        held = self.account.oauth_id if self.account is not None else None
        is_the_sites = departments.limit_access(fields["oauth"], self.actor, held)
        locked = ["trusted", "authserv_id", "path"]
        believed = self.account is not None and (self.account.trusted or self.account.authserv_id)
        if is_the_sites or believed:  # another server would be given the token, or be believed
            locked += ["protocol", "host", "port", "user"]
        for name in locked:
            fields[name].disabled = True
        fields["protocol"].choices = [row for row in PROTOCOLS if row[0] not in LOCAL]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        local = data["protocol"] in LOCAL
        for name in ("path",) if local else ("host", "user"):
            if not data.get(name):
                self.add_error(name, _("This is needed for the chosen protocol."))
        if not (self.errors or local):
            self._check_secrets(data)
        if self.errors:
            return data
        data["uri"] = self._address(data).uri()
        again = Mailbox.objects.filter(uri=data["uri"], name=data["name"])
        if self.instance.pk is None and again.exists():
            self.add_error(
                "name", _("This account exists already.")
            )  # a second press of the button
            return data
        try:
            open_transport(data["uri"], self._secret(data) or "-")
        except InvalidUri as error:
            self.add_error(None, str(error))
        return data

    def _check_secrets(self, data: dict[str, Any]) -> None:
        """A stored secret goes to no other server than the one it was entered for, and a token not in the open."""
        stored = bool(self.account is not None and self.account.secret) or bool(self.address.secret)
        moved = any(
            data[name] != getattr(self.address, name) for name in ("protocol", "host", "port")
        )
        if stored and moved and not (data["secret"] or data["oauth"]):
            self.add_error("secret", _("The server is another one: enter the password again."))
        if {"oauth", "queue"} & set(self.changed_data):
            departments.check_lent(self, "oauth", Queue.objects.get(pk=data["queue"]))
        if data["oauth"] and data["protocol"] in OPEN and not is_loopback(data["host"]):
            self.add_error("protocol", _("OAuth2 needs an encrypted connection."))

    def _address(self, data: dict[str, Any]) -> Address:
        local = data["protocol"] in LOCAL
        kept = self.address.options if data["protocol"] == self.address.protocol else ()
        return Address(
            protocol=data["protocol"],
            host="" if local else data["host"],
            port=None if local else data["port"],
            user="" if local else data["user"],
            folder=data["folder"],
            path=data["path"] if local else "",
            options=kept,
        )

    def _secret(self, data: dict[str, Any]) -> str:
        """The new secret, or one that stands in the old URI and moves to where it is encrypted."""
        return data.get("secret") or ("" if data.get("oauth") else self.address.secret)

    @transaction.atomic
    def save(self, commit: bool = True) -> Mailbox:
        data = self.cleaned_data
        self.instance.uri = data["uri"]
        mailbox: Mailbox = super().save(commit=True)
        account = self.account or MailAccount(mailbox=mailbox)
        account.queue = Queue.objects.get(pk=data["queue"])
        for name in OWN:
            setattr(account, name, data[name])
        secret = self._secret(data)
        if secret or account.oauth_id:
            account.secret = storage.encrypt(secret)
        account.save()
        return mailbox


class AccountPermissions(PermissionHelper):
    """Administrators see the accounts of their queues. Nobody deletes one: it is set out of use."""

    def get_all_model_permissions(self) -> QuerySet[Permission]:
        return Permission.objects.none()

    def user_can_list(self, user: Any) -> bool:
        return policy.may_administer(policy.actor_for(user))

    def user_can_create(self, user: Any) -> bool:
        return bool(permissions.administered(policy.actor_for(user)))

    def user_can_edit_obj(self, user: Any, obj: Any) -> bool:
        actor, account = policy.actor_for(user), _account(obj)
        if policy.is_superuser(actor):
            return True
        # the list asks for each row: no query here
        return account is not None and account.queue_id in permissions.administered(actor)

    def user_can_inspect_obj(self, user: Any, obj: Any) -> bool:
        return False

    def user_can_delete_obj(self, user: Any, obj: Any) -> bool:
        return False


class _FormMixin:
    """modeladmin's form views with our form: it has more fields than the model."""

    request: HttpRequest
    url_helper: Any

    def get_form_class(self) -> type[MailboxForm]:
        return MailboxForm

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        if "test" not in self.request.POST:
            return answer
        # tried with what is stored now; the account stays on the screen
        found = trial.try_out(form.instance.helpdesk_account)
        (messages.success if found.good else messages.error)(self.request, found.words)
        return redirect(self.url_helper.get_action_url("edit", form.instance.pk))


class AccountCreate(_FormMixin, CreateView):
    def get_page_subtitle(self) -> Any:
        return _("Mail account")


class AccountEdit(_FormMixin, EditView):
    pass


class AccountAdmin(ModelAdmin):
    """Mail accounts through wagtail-modeladmin: django-mailbox's model is not ours to change."""

    model = Mailbox
    base_url_path = "helpdesk/accounts"
    menu_label = gettext_lazy("Mail accounts")
    menu_icon = "mail"
    add_to_admin_menu = False
    history_view_enabled = False
    permission_helper_class = AccountPermissions
    index_view_class = GuardedIndex
    create_view_class = AccountCreate
    edit_view_class = AccountEdit
    create_template_name = "helpdesk/agents/account_create.html"
    edit_template_name = "helpdesk/agents/account_edit.html"
    list_display = (
        *("name", "kind", "queue", "state"),
        *("today", "last_mail", "last_success"),
    )
    search_fields = ("name",)
    list_per_page = 50
    edit_handler = ObjectList(
        [
            MultiFieldPanel(
                [FieldPanel("name"), FieldPanel("active"), FieldPanel("queue")],
                heading=gettext_lazy("Account"),
            ),
            MultiFieldPanel(
                [
                    FieldPanel(name)
                    for name in ("protocol", "host", "port", "user", "secret", "oauth", "path")
                ],
                heading=gettext_lazy("Server"),
            ),
            MultiFieldPanel(
                [
                    FieldPanel(name)
                    for name in ("folder", "move_to", "uses_idle", "authserv_id", "trusted")
                ],
                heading=gettext_lazy("Mail"),
            ),
        ]
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mailbox]:
        rows = visible_accounts(policy.actor_of(request)).order_by("name")
        return rows.annotate(mails_today=health.mails_today())

    def edit_view(self, request: HttpRequest, instance_pk: str) -> HttpResponse:
        """Show the form; an account that the agent may not see is not there."""
        find_row(self.get_queryset(request), instance_pk)
        return super().edit_view(request, instance_pk)

    def delete_view(self, request: HttpRequest, instance_pk: str) -> HttpResponse:
        """Nobody deletes one, whether there is such an account or not."""
        raise PermissionDenied

    def register_indexing(self) -> None:
        """Nothing refers to an account from a page."""

    def kind(self, mailbox: Mailbox) -> str:
        return Address.read(mailbox.uri or "").shown

    def queue(self, mailbox: Mailbox) -> Any:
        return _account(mailbox).queue if _account(mailbox) else "–"

    def state(self, mailbox: Mailbox) -> str:
        account = _account(mailbox)
        if account is None or not mailbox.active:
            waits = account is not None and account.is_incomplete
            return _("to be completed: the password is missing") if waits else _("not in use")
        return trouble_words(account) or (
            _("works") if account.last_success_at else _("not yet fetched")
        )

    def today(self, mailbox: Any) -> int:
        return mailbox.mails_today

    def last_mail(self, mailbox: Mailbox) -> Any:
        return _account(mailbox).last_mail_at if _account(mailbox) else None

    def last_success(self, mailbox: Mailbox) -> Any:
        return _account(mailbox).last_success_at if _account(mailbox) else None

    kind.short_description = gettext_lazy("Server")  # type: ignore[attr-defined]
    queue.short_description = gettext_lazy("Queue")  # type: ignore[attr-defined]
    last_success.short_description = gettext_lazy("Last success")  # type: ignore[attr-defined]
    state.short_description = gettext_lazy("State")  # type: ignore[attr-defined]
    today.short_description = gettext_lazy("Mails today")  # type: ignore[attr-defined]
    last_mail.short_description = gettext_lazy("Last mail")  # type: ignore[attr-defined]


def _account(mailbox: Mailbox) -> Any:
    return getattr(mailbox, "helpdesk_account", None)
