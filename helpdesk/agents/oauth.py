"""OAuth2 accesses in the admin: who may log in at mail servers without a password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from wagtail.admin import messages
from wagtail.admin.ui.tables import Column
from wagtail.permissions import policy_registry

from helpdesk import oauth, storage
from helpdesk.errors import InvalidInput
from helpdesk.models import OAuthAccess

from .departments import DepartmentColumn, DepartmentForm, with_department
from .viewsets import DeskViewSet, PolicedCreate, PolicedEdit, PolicedIndex

#: Where the sign-in that is under way is kept in the session.
SESSION = "helpdesk_oauth"
_WITHOUT_A_PERSON = (OAuthAccess.Provider.MICROSOFT, OAuthAccess.Provider.OTHER)
#: A change of one of these makes the tokens worthless.
_IDENTITY = ("provider", "flow", "tenant", "client_id", "authorize_url", "token_url", "scope")


def _url(name: str) -> forms.URLField:
    column: Any = OAuthAccess._meta.get_field(name)
    return forms.URLField(
        label=column.verbose_name,
        max_length=column.max_length,
        required=False,
        assume_scheme="https",
        help_text=gettext_lazy("Only for another server."),
    )


class OAuthForm(DepartmentForm):
    """The facts of an access. The secret goes in and never comes out; an empty input keeps it."""

    secret = forms.CharField(
        label=gettext_lazy("Client secret"),
        required=False,
        strip=True,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Never shown. Empty: the stored one stays."),
    )

    authorize_url = _url("authorize_url")
    token_url = _url("token_url")

    class Meta:
        model = OAuthAccess
        fields = [
            *("name", "department", "provider", "flow", "tenant", "client_id", "secret"),
            *("authorize_url", "token_url", "scope"),
        ]
        help_texts = {"scope": gettext_lazy("Empty: what Microsoft 365 and Google want for mail.")}

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.errors:
            return data
        provider, flow = data["provider"], data["flow"]
        moved = self.instance.client_secret and set(self.changed_data) & set(_IDENTITY)
        if moved and not (self.is_superuser or data["secret"]):
            # it may have been entered by somebody else, for another server
            self.add_error("secret", _("The server is another one: enter the secret again."))
        by_itself = flow == OAuthAccess.Flow.CLIENT
        if by_itself and provider not in _WITHOUT_A_PERSON:
            self.add_error("flow", _("With this provider somebody has to sign in."))
        if by_itself and provider == OAuthAccess.Provider.MICROSOFT and not data["tenant"]:
            self.add_error("tenant", _("This is needed when the application signs in by itself."))
        if by_itself and not (data["secret"] or self.instance.client_secret):
            self.add_error("secret", _("This is needed when the application signs in by itself."))
        if provider == OAuthAccess.Provider.OTHER:
            for name in ("token_url",) if by_itself else ("authorize_url", "token_url"):
                try:
                    oauth.check_address(data[name], field=name)
                except InvalidInput as error:
                    self.add_error(name, str(error))
        return data

    def save(self, commit: bool = True) -> OAuthAccess:
        access: OAuthAccess = self.instance
        if self.cleaned_data["secret"]:
            access.client_secret = storage.encrypt(self.cleaned_data["secret"])
        if access.pk and set(self.changed_data) & set(_IDENTITY):
            # tokens of another provider or application are worth nothing, and are shown to nobody else
            access.access_token = access.refresh_token = access.last_error = ""
            access.access_expires_at = access.connected_at = None
        elif "secret" in self.changed_data:
            access.last_error = ""
        return super().save(commit)


def state_words(access: OAuthAccess) -> str:
    """Return in words whether an access can be used."""
    if access.last_error:
        return _("Does not work: %(error)s") % {"error": access.last_error}
    if access.connected_at is None:
        return _("Not connected")
    since = {"date": _when(access.connected_at)}
    words = _("Connected since %(date)s") % since
    until = access.access_expires_at
    if until is not None and until > timezone.now():
        return f"{words}; {_('the next token is due at %(date)s') % {'date': _when(until)}}"
    return words


def _when(moment: Any) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT")


class _OAuthFormMixin:
    template_name = "helpdesk/agents/oauth_form.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)  # type: ignore[misc]
        access = context["form"].instance
        context["redirect_uri"] = redirect_uri(self.request)
        context["access_state"] = state_words(access) if access.pk else ""
        context["signs_in_person"] = access.flow == OAuthAccess.Flow.CODE
        return context


class OAuthCreate(_OAuthFormMixin, PolicedCreate):
    def get_success_url(self) -> Any:
        # connecting is the next step
        return reverse("helpdesk_oauth:edit", args=[self.object.pk])


class OAuthEdit(_OAuthFormMixin, PolicedEdit):
    pass


class OAuthIndex(PolicedIndex):
    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        found: QuerySet[Any] = with_department(rows)
        return found


class OAuthViewSet(DeskViewSet):
    model = OAuthAccess
    name, url_prefix = "helpdesk_oauth", "helpdesk/oauth"
    icon = "key"
    form_class = OAuthForm
    index_view_class = OAuthIndex
    add_view_class = OAuthCreate
    edit_view_class = OAuthEdit
    create_template_name = edit_template_name = "helpdesk/agents/oauth_form.html"
    search_fields = ["name"]
    list_display = [
        "name",
        "provider",
        DepartmentColumn(),
        Column("state", label=gettext_lazy("State"), accessor=state_words),
    ]


# Connecting


def redirect_uri(request: HttpRequest) -> str:
    """Return the address the provider sends people back to; it must be known there."""
    return request.build_absolute_uri(reverse("helpdesk_agents:oauth_callback"))


def _accesses(request: HttpRequest) -> QuerySet[OAuthAccess]:
    found = policy_registry.get_by_type(OAuthAccess)
    rows: QuerySet[OAuthAccess] = found.instances_user_has_any_permission_for(
        request.user, ["change"]
    )
    return rows


@require_POST
def connect(request: HttpRequest, pk: int) -> HttpResponse:
    """Send somebody to the provider to sign in, or let the application sign in by itself."""
    access = get_object_or_404(_accesses(request), pk=pk)
    try:
        if access.flow == OAuthAccess.Flow.CLIENT:
            oauth.connect(access)
            messages.success(request, _("“%s” is connected.") % access)
            return redirect("helpdesk_oauth:edit", access.pk)
        attempt = oauth.start(access, redirect_uri(request))
    except oauth.OAuthError as error:
        messages.error(request, str(error))
        return redirect("helpdesk_oauth:edit", access.pk)
    request.session[SESSION] = {
        "access": access.pk,
        "state": attempt.state,
        "verifier": attempt.verifier,
    }
    return HttpResponseRedirect(attempt.url)


@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Take back who has signed in at the provider. Only the browser that was sent there may come back, once."""
    accesses = _accesses(request)
    begun = request.session.pop(SESSION, None) or {}
    state = request.GET.get("state", "")
    if not begun or not constant_time_compare(state, begun["state"]):
        raise Http404
    access = get_object_or_404(accesses, pk=begun["access"])
    answer = redirect("helpdesk_oauth:edit", access.pk)
    code = request.GET.get("code", "")
    if not code:
        words = request.GET.get("error_description") or request.GET.get("error") or "?"
        said = {"words": words[:300]}
        messages.error(request, _("Nobody was signed in. The provider says: %(words)s") % said)
        return answer
    try:
        oauth.finish(
            access, code=code, verifier=begun["verifier"], redirect_uri=redirect_uri(request)
        )
    except oauth.OAuthError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("“%s” is connected.") % access)
    return answer
