"""The pages of one-time codes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.http import require_POST

from helpdesk import addressing

from . import access, codes


class AskForm(forms.Form):
    """The address to send a code to."""

    address = forms.CharField(
        label=gettext_lazy("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def clean_address(self) -> str:
        address = self.cleaned_data["address"].strip()
        if not addressing.is_address(address):
            raise ValidationError(_("This is no e-mail address."))
        return address


class EnterForm(forms.Form):
    """The code from the mail."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )


class CodeView(View):
    """A page of this flow; nothing of it for who is logged in."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return redirect("helpdesk_customers:list")
        return access.discreet(super().dispatch(request, *args, **kwargs))


class AskView(CodeView):
    """Ask for a code."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(AskForm(label_suffix=""))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AskForm(request.POST, label_suffix="")
        if not form.is_valid():
            return self.show(form, status=422)
        try:
            codes.ask(request, form.cleaned_data["address"])
        except codes.TooMany:
            form.add_error(None, _("There were too many attempts. Please wait an hour."))
            return self.show(form, status=429)
        return redirect("helpdesk_customers:code_enter")

    def show(self, form: AskForm, status: int = 200) -> HttpResponse:
        return render(
            self.request, "helpdesk/customers/code_ask.html", {"form": form}, status=status
        )


class EnterView(CodeView):
    """Type in the code."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if codes.pending(request) is None:
            return redirect("helpdesk_customers:code")
        return self.show(EnterForm(label_suffix=""))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = EnterForm(request.POST, label_suffix="")
        if codes.pending(request) is None:
            return self.again()
        if not form.is_valid():
            return self.show(form, status=422)
        try:
            is_right = codes.enter(request, form.cleaned_data["code"])
        except codes.TooMany:
            return self.again()
        if is_right:
            return redirect("helpdesk_customers:list")
        if codes.pending(request) is None:
            return self.again()
        form.add_error("code", _("This code is not right. Please look again into the newest mail."))
        return self.show(form, status=422)

    def again(self) -> HttpResponse:
        messages.warning(self.request, _("This code no longer holds. Please ask for a new one."))
        return redirect("helpdesk_customers:code")

    def show(self, form: EnterForm, status: int = 200) -> HttpResponse:
        found = codes.pending(self.request)
        context = {"form": form, "address": found.address if found else ""}
        return render(self.request, "helpdesk/customers/code_enter.html", context, status=status)


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """End being a guest."""
    codes.leave(request)
    messages.success(request, _("You no longer see your requests here."))
    return HttpResponseRedirect("/")
