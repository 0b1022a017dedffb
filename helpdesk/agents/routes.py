"""Outgoing mail servers: by which server queues send. The password goes in and never comes out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from wagtail.admin import messages
from wagtail.admin.ui.tables import Column
from wagtail.permissions import policy_registry

from helpdesk import storage
from helpdesk.models import MailRoute
from helpdesk.notifications import routes

from .departments import DepartmentColumn, DepartmentForm, limit_access
from .viewsets import DeskViewSet, PolicedEdit, PolicedIndex


class RouteForm(DepartmentForm):
    """The facts of a server. An empty password keeps the stored one; without a user none is needed."""

    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Never shown. Empty: the stored one stays."),
    )
    field_order = (
        *("name", "department", "host", "security", "port", "user", "password", "oauth"),
        "per_minute",
    )
    borrowed = ("oauth",)

    class Meta:
        model = MailRoute
        fields = ["name", "department", "host", "security", "port", "user", "oauth", "per_minute"]
        help_texts = {
            "port": gettext_lazy("Usually 587 with STARTTLS, 465 with TLS, 25 without encryption."),
            "user": gettext_lazy("Empty: the server asks for no log-in."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit: Any = self.fields["per_minute"]
        limit.min_value = 1
        limit.validators = [*limit.validators, forms.IntegerField(min_value=1).validators[0]]
        limit.widget.attrs["min"] = 1
        held = self.instance.oauth_id
        if not self.is_superuser and limit_access(self.fields["oauth"], self.actor, held):
            # another server would be given a token of the site, or of the department above
            for name in ("oauth", "host", "security", "port", "user"):
                self.fields[name].disabled = True

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        host, port = str(data.get("host") or ""), data.get("port")
        if any(character.isspace() or character in "/@:" for character in host):
            self.add_error(
                "host", _("Write the name of the server only, such as mail.example.org.")
            )
        if port is not None and not 0 < port < 2**16:
            self.add_error("port", _("A port is a number from 1 to 65535."))
        moved = self.instance.pk and {"host", "port", "security"} & set(self.changed_data)
        stored = moved and self.instance.secret and not data.get("oauth")
        if stored and not (self.is_superuser or data.get("password")):
            self.add_error("password", _("The server is another one: enter the password again."))
        if data.get("oauth") and data.get("password"):
            self.add_error("password", _("Choose either a password or an OAuth2 access."))
        if (data.get("oauth") or data.get("password")) and not data.get("user"):
            self.add_error("user", _("To log in, a user is needed."))
        return data

    def save(self, commit: bool = True) -> MailRoute:
        data = self.cleaned_data
        if data["oauth"] or not data["user"]:
            self.instance.secret = ""
        elif data["password"]:
            self.instance.secret = storage.encrypt(data["password"])
        row: MailRoute = super().save(commit=commit)
        return row


class RouteIndex(PolicedIndex):
    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("oauth", "department")


class RouteEdit(PolicedEdit):
    template_name = "helpdesk/agents/route_form.html"


def _login(row: MailRoute) -> str:
    if not row.user:
        return "–"
    return f"{row.user} ({row.oauth})" if row.oauth else row.user


def _server(row: MailRoute) -> str:
    return f"{row.host}:{row.port}, {row.get_security_display()}"


class RouteViewSet(DeskViewSet):
    model = MailRoute
    name, url_prefix = "helpdesk_routes", "helpdesk/routes"
    icon = "site"
    form_class = RouteForm
    index_view_class = RouteIndex
    edit_view_class = RouteEdit
    edit_template_name = "helpdesk/agents/route_form.html"
    search_fields = ["name", "host"]
    list_display = [
        "name",
        Column("server", label=gettext_lazy("Server"), accessor=_server),
        Column("login", label=gettext_lazy("User"), accessor=_login),
        Column("per_minute", label=gettext_lazy("Mails a minute")),
        DepartmentColumn(),
        Column("last_success_at", label=gettext_lazy("Last success")),
        Column("last_error", label=gettext_lazy("Last error")),
    ]


class CheckRouteView(View):
    """Test the connection as it is saved: connect, secure, log in, and say what happened."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        found = policy_registry.get_by_type(MailRoute)
        rows = found.instances_user_has_any_permission_for(request.user, ["change"])
        row = get_object_or_404(rows.select_related("oauth"), pk=pk)
        report = routes.check(row)
        if report.works:
            messages.success(request, report.sentence)
        else:
            words = f"{report.sentence} ({report.words})"
            messages.error(request, report.sentence if not report.words else words)
        return redirect(reverse("helpdesk_routes:edit", args=[row.pk]))
